"""The gradient of a batch: what a recording may and may not change, and what a GPU must not wait for."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
import tiny_runs
import torch
from irkd import epochs, gradients, optimization, recording
from irkd.errors import UserError
from irkd.recording import Recording
from irkd.spec import CrossEntropy, Distillation, Losses, Saliency, Stage
from tiny_runs import CPU, RUNS, results, start_of, taught, teacher_run, train
from torch.utils._python_dispatch import TorchDispatchMode

# Operations that copy a value to the host, or have a result whose shape depends on values; the last one is
# how a tensor made from Python's numbers begins, which a GPU would have to be sent.
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "bincount", "equal", "lift_fresh")


class Tape:
    """Stands in for a recording where there is no GPU: as many calls, then calls with the same tensors."""

    made = 0

    def __init__(self, function, arguments):
        type(self).made += 1
        self._function, self._places = function, [argument.clone() for argument in arguments]
        for _ in range(4):
            function(*self._places)

    def __call__(self, *arguments):
        for place, argument in zip(self._places, arguments, strict=True):
            assert place.shape == argument.shape
            place.copy_(argument)
        self._function(*self._places)


@pytest.mark.parametrize("name", RUNS)
def test_recording_steps_changes_no_byte_of_a_training(tmp_path, monkeypatch, teacher, unbroken, name):
    monkeypatch.setattr(gradients, "Recording", Tape)
    monkeypatch.setattr(Tape, "made", 0)
    found = train(RUNS[name], tmp_path, taught(name, teacher), cuda_graphs=True)
    assert results(found) == unbroken(name)[1]
    assert Tape.made == len({stage.resolution for stage in RUNS[name].stages})


def test_an_epoch_of_less_than_an_update_is_not_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(gradients, "Recording", None)
    few = tiny_runs.arrays(train=15)
    direct = train(tiny_runs.run(), tmp_path / "direct", data=few)
    asked = train(tiny_runs.run(), tmp_path / "asked", data=few, cuda_graphs=True)
    assert results(direct) == results(asked)


ATTENTION = tiny_runs.student_run(
    losses=Losses(
        CrossEntropy(1.0), Distillation(0.5, 4.0), Saliency(0.8, "cls-attention", (0, 2), (0, 2), "mean")
    )
)
WATCHED = RUNS | {"attention": ATTENTION}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("run", WATCHED.values(), ids=WATCHED)
def test_a_step_sends_the_host_no_value_and_gets_none(run, precision):
    run = replace(run, precision=precision)
    teacher = start_of(teacher_run()).eval().requires_grad_(False) if run.teacher else None
    model = start_of(run)
    added = gradients.Gradients(run, model, teacher, CPU)
    batch = torch.randn(16, 3, 12, 12), torch.arange(16) % 10, torch.tensor([0.75, 0.25]), 2
    # What is kept from then on, such as the matrix that resizes positions, is made in the first call.
    added(*batch)
    with _Watch() as watch:
        added(*batch)
    assert watch.seen.total() > 100
    assert not watch.waits()


@pytest.mark.parametrize("run", WATCHED.values(), ids=WATCHED)
def test_an_epoch_waits_as_often_whatever_its_number_of_steps(run):
    # AutoAugment and erasing look up more draws for more images, on the host alone.
    run = replace(run, augmentation=tiny_runs.CROP)
    seen = []
    for images in (48, 96):
        data, model = tiny_runs.arrays(train=images), start_of(run)
        teacher = start_of(teacher_run()).eval().requires_grad_(False) if run.teacher else None
        optimizer = optimization.build_optimizer(model, run.optimizer)
        schedule = optimization.build_schedule(optimizer, 0.01, None, 100)
        learner = epochs.Learner(run, model, teacher, CPU)
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

    monkeypatch.setattr(recording.torch.cuda, "Stream", Stream)
    monkeypatch.setattr(recording.torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(recording.torch.cuda, "stream", stream)
    monkeypatch.setattr(recording.torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(recording.torch.cuda, "graph", graph)
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


def test_what_cannot_be_recorded_is_refused_with_what_to_do(cuda):
    def function(tensor):
        if "record" in cuda:
            raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(UserError) as refusal:
        Recording(function, [torch.ones(2)])
    assert str(refusal.value) == (
        "a training step cannot be recorded as a CUDA graph on this GPU (operation not permitted when stream"
        " is capturing); set `execution: {cuda_graphs: false}` in the configuration."
    )
