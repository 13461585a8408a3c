"""The gradient of a batch: what a recording may and may not change, and what a GPU must not wait for."""

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.saliency import Saliency
from distillation.networks.output import Output
from distillation.networks.terms import Losses
from distillation.study.spec import Stage
from distillation.training import averaging, gradients, graph_recording, optimizers
from distillation.training import learner as learners
from distillation.training.graph_recording import Recording, RecordingError
from distillation.training.learner import Learner
from tape import Tape
from tiny_runs import CPU, RUNS, python, results, start_of, taught, teacher_run, train
from torch.utils._python_dispatch import TorchDispatchMode

# Operations that copy a value to the host, or have a result whose shape depends on values; the last one is
# how a tensor made from Python's numbers begins, which a GPU would have to be sent.
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "bincount", "equal", "lift_fresh")


@pytest.fixture
def tape(monkeypatch):
    """Graphs on a CPU."""
    monkeypatch.setattr(gradients, "Recording", Tape)
    monkeypatch.setattr(graph_recording, "possible", lambda device: True)
    monkeypatch.setattr(Tape, "made", 0)
    return Tape


@pytest.mark.parametrize("cuda_graphs", [True, "auto"])
@pytest.mark.parametrize("name", RUNS)
def test_recording_steps_changes_no_byte_of_a_training(tmp_path, tape, teacher, unbroken, name, cuda_graphs):
    found = train(RUNS[name], tmp_path, taught(name, teacher), cuda_graphs=cuda_graphs)
    assert results(found) == unbroken(name)[1]
    assert tape.made == len({stage.resolution for stage in RUNS[name].stages})


@pytest.mark.parametrize("name", ["curriculum", "fine-tuning"])
def test_a_partial_batch_is_launched_among_replayed_ones_without_a_trace(tmp_path, tape, name):
    # Epochs of five batches, the last of half the size; "fine-tuning" makes an update of three of them.
    data = tiny_runs.arrays(train=72)
    launched = train(RUNS[name], tmp_path / "launched", data=data)
    assert tape.made == 0
    replayed = train(RUNS[name], tmp_path / "replayed", data=data, cuda_graphs=True)
    assert tape.made > 0
    assert results(replayed) == results(launched)


def test_an_update_of_one_replayed_batch_needs_no_gradients_zeroed(tape):
    model = start_of(tiny_runs.run())
    added = gradients.Gradients(tiny_runs.run(), model, None, CPU, cuda_graphs=True)
    batch = torch.randn(16, 3, 12, 12), torch.arange(16) % 10, torch.tensor([0.75, 0.25])
    added.prepare(*batch, 1)
    optimizer = optimizers.build_optimizer(model, tiny_runs.run().optimizer)
    own = [parameter.grad for parameter in model.parameters()]
    added.clear(optimizer, batch[0], 1)
    assert any(gradient.any() for gradient in own)
    # What is launched adds to the tensors that the next replay writes to.
    added.clear(optimizer, batch[0][:8], 1)
    assert not any(gradient.any() for gradient in own)
    assert all(
        parameter.grad is gradient for parameter, gradient in zip(model.parameters(), own, strict=True)
    )


@pytest.mark.parametrize("cuda_graphs", [True, "auto"])
def test_a_recording_leaves_the_running_statistics_of_a_network_as_they_were(tape, cuda_graphs):
    class Normalised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.head = torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 10)

        def forward(self, images, capture=()):
            return Output(self.head(self.norm(images).mean((2, 3))))

    model, replayed = Normalised(), Normalised()
    replayed.load_state_dict(model.state_dict())
    batch = torch.randn(16, 3, 12, 12), torch.arange(16) % 10, torch.tensor([1.0, 0.0])
    gradients.Gradients(tiny_runs.run(), model, None, CPU)(*batch, 1)
    added = gradients.Gradients(tiny_runs.run(), replayed, None, CPU, cuda_graphs)
    added.prepare(*batch, 1)
    assert tape.made == 1
    assert replayed.norm.num_batches_tracked == 0
    added(*batch, 1)
    assert replayed.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in replayed.state_dict().items())


def sessions(files):
    return json.loads(files.record.read_text())["sessions"]


def test_the_choice_of_each_stage_stands_in_the_record_with_what_was_measured(tmp_path, tape):
    [session] = sessions(train(RUNS["curriculum"], tmp_path, cuda_graphs="auto"))
    assert session["cuda_graphs"] == "auto"
    assert [(step["stage_px"], step["batch"], step["replayed"]) for step in session["steps"]] == [
        (8, 16, True),
        (12, 16, True),
    ]
    assert all(step["launched_ms"] > 0 < step["replayed_ms"] for step in session["steps"])


def test_steps_are_launched_where_a_replay_has_other_bits_with_a_line_a_stage(
    tmp_path, tape, monkeypatch, unbroken, caplog
):
    monkeypatch.setattr(tape, "wrong", True)
    files = train(RUNS["curriculum"], tmp_path, cuda_graphs="auto")
    assert results(files) == unbroken("curriculum")[1]
    assert [step["replayed"] for step in sessions(files)[0]["steps"]] == [False, False]
    assert [line for line in caplog.messages if "replayed" in line] == [
        f"{pixels} px: a replayed step differs from a launched one in some bits; no step is replayed"
        for pixels in (8, 12)
    ]


def test_on_a_cpu_nothing_is_compared_or_replayed(tmp_path, unbroken):
    files = train(RUNS["curriculum"], tmp_path, cuda_graphs="auto")
    assert results(files) == unbroken("curriculum")[1]
    assert sessions(files)[0]["steps"] == []


# In a process of its own: a recording that fails in the second stage.
REFUSED = """
import pathlib
import torch
import tiny_runs
from distillation.core import logs
from distillation.training import gradients, graph_recording
logs.to_file_and_stderr(sys.argv[1] + "/train.log")
graph_recording.possible = lambda device: True
class Refusing:
    def __init__(self, function, arguments):
        if arguments[0].shape[-1] == 12:
            try:
                raise torch.OutOfMemoryError("no memory left")
            except RuntimeError as error:
                raise graph_recording.RecordingError("cannot be recorded") from error
        self._function = function
        function(*arguments)
    def __call__(self, *arguments):
        self._function(*arguments)
gradients.Recording = Refusing
torch.use_deterministic_algorithms(True)
tiny_runs.train(tiny_runs.run(), pathlib.Path(sys.argv[1]), cuda_graphs="auto")
"""


def test_a_recording_that_fails_starts_the_process_again_without_from_the_last_save(tmp_path, unbroken):
    process = python(REFUSED, tmp_path)
    assert process.wait(120) == 0, process.stderr.read()
    said = (tmp_path / "train.log").read_text(encoding="utf-8")
    line = "tiny: a step cannot be recorded (no memory left); this process restarts without CUDA graphs"
    assert said.count(line) == 1
    assert said.index("cannot be recorded") < said.index("tiny: continuing after epoch 2 of 4")
    files = tiny_runs.outputs(tmp_path)
    assert results(files) == unbroken("curriculum")[1]
    first, second = sessions(files)
    assert (first["from_epoch"], second["from_epoch"]) == (1, 3)
    assert "recording_failed" not in first
    assert second["recording_failed"] == "no memory left"


def test_an_epoch_of_less_than_an_update_is_not_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(gradients, "Recording", None)
    few = tiny_runs.arrays(train=15)
    direct = train(tiny_runs.run(), tmp_path / "direct", data=few)
    asked = train(tiny_runs.run(), tmp_path / "asked", data=few, cuda_graphs=True)
    assert results(direct) == results(asked)


ATTENTION = tiny_runs.student_run(
    losses=Losses(
        ce=CrossEntropy(1.0),
        kd=Distillation(0.5, 4.0),
        saliency=Saliency(0.8, "cls-attention", (0, 2), (0, 2), "mean"),
    )
)
WATCHED = RUNS | {"attention": ATTENTION}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("run", WATCHED.values(), ids=WATCHED)
def test_a_step_sends_the_host_no_value_and_gets_none(run, precision):
    run = replace(run, precision=precision)
    teacher = start_of(teacher_run()).eval().requires_grad_(False) if run.teacher else None
    model = start_of(run)
    added = gradients.Gradients(run, model, teacher, CPU, untrained=teacher)
    batch = torch.randn(16, 3, 12, 12), torch.arange(16) % 10, torch.tensor([0.75, 0.25]), 2
    # What is kept from then on, such as the matrix that resizes positions, is made in the first call.
    added(*batch)
    with _Watch() as watch:
        added(*batch)
    assert watch.seen.total() > 100
    assert not watch.waits()


@pytest.mark.parametrize("run", WATCHED.values(), ids=WATCHED)
def test_an_epoch_waits_as_often_for_few_steps_as_for_twice_as_many(run, monkeypatch):
    # A CPU, which need not wait, reads the loss after every step.
    monkeypatch.setitem(learners._READ_EVERY, "cpu", learners._READ_EVERY["cuda"])
    # AutoAugment and erasing look up more draws for more images, on the host alone.
    run = replace(run, augmentation=tiny_runs.CROP)
    seen = []
    for images in (48, 96):
        data, model = tiny_runs.arrays(train=images), start_of(run)
        teacher = start_of(teacher_run()).eval().requires_grad_(False) if run.teacher else None
        optimizer = optimizers.build_optimizer(model, run.optimizer)
        schedule = optimizers.build_schedule(optimizer, 0.01, None, 100)
        if run.weight_average:
            averaging.follow(averaging.start(model), model, optimizer, run.weight_average.decay)
        learner = Learner(run, model, teacher, CPU, untrained=teacher)
        for number in (1, 2):
            with _Watch() as watch:
                learner.epoch(data.train_images, data.train_labels, Stage(12, 2), number, optimizer, schedule)
        seen.append(watch.waits())
    assert seen[0] == seen[1]


def test_what_a_gpu_waits_for_is_seen():
    value = torch.tensor(2.0)
    for waits in (value.item, lambda: torch.tensor([1.0]), lambda: value[value > 1], lambda: bool(value > 1)):
        with _Watch() as watch:
            waits()
        assert watch.waits()


class _Watch(TorchDispatchMode):
    """Counts the operations that reach a device, by name."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.seen[str(operation)] += 1
        if "index" in str(operation) and _has_mask(args):
            self.seen["nonzero, for a mask"] += 1
        return operation(*args, **(kwargs or {}))

    def waits(self):
        return {name: n for name, n in self.seen.items() if any(part in name for part in WAITING)}


def _has_mask(args):
    lists = (arg for arg in args if isinstance(arg, list | tuple))
    return any(isinstance(item, torch.Tensor) and item.dtype == torch.bool for part in lists for item in part)


# The order of a recording


@pytest.fixture
def cuda(monkeypatch):
    """A torch.cuda that keeps a list of what it is asked for."""
    log = []

    class Stream:
        def __init__(self, *_):
            pass

        def wait_stream(self, other):
            log.append("wait")

    class Graph:
        def replay(self):
            log.append("replay")

    @contextmanager
    def stream(_):
        log.append("aside")
        yield

    @contextmanager
    def graph(_):
        log.append("record")
        yield

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    return log


def test_a_function_is_warmed_up_aside_recorded_and_replayed_with_new_values(cuda):
    given = []

    def function(tensor):
        cuda.append("call")
        given.append(tensor)

    recorded = Recording(function, [torch.ones(2)])
    assert cuda == ["wait", "aside", "call", "call", "call", "wait", "record", "call"]
    recorded(torch.full((2,), 5.0))
    assert cuda[8:] == ["replay"]
    assert all(tensor is given[0] and tensor.tolist() == [5.0, 5.0] for tensor in given)


@pytest.mark.parametrize("signalled", [SystemExit(143), KeyboardInterrupt()], ids=["sigterm", "ctrl-c"])
def test_a_signal_while_a_step_is_recorded_is_no_failure_of_the_recording(cuda, monkeypatch, signalled):
    @contextmanager
    def graph(_):
        cuda.append("record")
        try:
            yield
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    def function(tensor):
        if "record" in cuda:
            raise signalled

    monkeypatch.setattr(torch.cuda, "graph", graph)
    with pytest.raises(type(signalled)):
        Recording(function, [torch.ones(2)])


def test_a_recording_that_fails_is_told_by_what_went_wrong_first(cuda, monkeypatch):
    @contextmanager
    def graph(_):
        try:
            yield
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    calls = []

    def function(tensor):
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("this operation is not permitted")

    monkeypatch.setattr(torch.cuda, "graph", graph)
    with pytest.raises(RecordingError) as refusal:
        Recording(function, [torch.ones(2)])
    assert "(this operation is not permitted)" in str(refusal.value)


@pytest.mark.parametrize("moment", ["aside", "record"])
def test_what_cannot_be_recorded_is_refused_with_what_to_do(cuda, moment):
    def function(tensor):
        if moment in cuda:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(RecordingError) as refusal:
        Recording(function, [torch.ones(2)])
    assert str(refusal.value) == (
        "a training step cannot be recorded as a CUDA graph on this GPU (CUDA out of memory); set"
        " `execution: {cuda_graphs: false}` in the configuration."
    )
