"""Train a run: stages, epochs, checkpoints and the files of the run."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from distillation.core import checksums, components, devices, precision, streams, termination
from distillation.core.termination import Termination
from distillation.data.datasets import Arrays
from distillation.evaluation import answers as stored
from distillation.evaluation import trained, whole_images
from distillation.evaluation.answers import AnswerFiles, Answers
from distillation.evaluation.trained import TeacherFiles
from distillation.networks import models
from distillation.study import spec
from distillation.study.spec import Run, Stage
from distillation.training import (
    averaging,
    background_flops,
    curriculum,
    graph_recording,
    history,
    learner,
    optimizers,
    run_files,
    sessions,
)
from distillation.training.checkpoint import Checkpoint, exclusive, key_of
from distillation.training.flops import inference_flops
from distillation.training.graph_recording import CudaGraphs, RecordingError
from distillation.training.run_files import Outputs

_LOG = logging.getLogger(__name__)

# Schedulers usually kill a process half a minute after SIGTERM.
_FINISHED_WITHIN = 25.0


def train(
    run: Run,
    identity: Mapping[str, str],
    arrays: Arrays,
    teacher: TeacherFiles | None,
    outputs: Outputs,
    code: str,
    device: torch.device,
    pretrained: Path | None = None,
    cuda_graphs: CudaGraphs = False,
    slow_bf16: bool = False,
    answers: AnswerFiles | None = None,
    events: bool = False,
) -> None:
    """Train a run, or resume it if an earlier process was stopped, and write its files.

    Checkpoints are saved in the folder "resume" beside `outputs.record`: at the end of each stage, and after
    other epochs if the last save is long enough ago; see `Checkpoint.save_if_due`. A run with a stored
    result there is not trained again; its files are written from that result.

    Args:
        run: settings of the training.
        identity: study, protocol, run, role and seed, for the record and the log.
        arrays: the data set.
        teacher: required if and only if the run has one.
        outputs: the files to write.
        code: digest of the code.
        device: where to train; see `devices.setup`.
        pretrained: file of the pretrained weights; required if and only if the run starts from them.
        cuda_graphs: whether each step is replayed as one CUDA graph; see `gradients.Gradients`. If it is
            "auto" and a step cannot be recorded, this process restarts and trains without graphs.
        slow_bf16: whether bf16 is allowed on a CPU that emulates it.
        answers: stored answers of the teacher, which replace its network; required if and only if the run
            stores them, see `Run.stores_answers`.
        events: whether the history is written for TensorBoard too, in the folder "events" beside the record.

    Raises:
        ValueError: if answers are missing, or given to a run that does not store them.
        UserError: if the CPU emulates the run's precision, a fused run cannot be compiled here, the files of
            the teacher or its answers do not belong together, the pretrained weights are not those of the
            run, the checkpoint cannot be read, a step cannot be recorded as a graph, the memory of the device
            does not suffice, or the loss or a weight is no longer finite.
        SystemExit: at SIGTERM, with status 143. An epoch that is expected to end before the scheduler kills
            the process is finished and saved first; otherwise the last save remains.
    """
    precision.require_precision(run.precision, device, slow_bf16)
    precision.require_compiler(run.fused, device)
    parts = {
        "spec": spec.digest(run),
        "code": code,
        "data": arrays.sha256,
        "teacher": checksums.sha256(teacher.weights) if teacher else None,
    }
    if run.start:
        parts["pretrained"] = checksums.sha256(pretrained)
    answered = None
    if answers:
        answered = stored.load(answers, arrays, parts["teacher"])
        parts["answers"] = answered.record["sha256"]
    folder = outputs.record.parent / "resume"
    stopped = f"{identity['run']}: stopped by SIGTERM; the next start continues after the last saved epoch"
    with termination.at_sigterm(stopped) as ending, exclusive(folder):
        checkpoint = Checkpoint(folder, key_of(parts))
        if checkpoint.write_stored_result(outputs.files()):
            _LOG.info(
                "%s: already trained with the same settings, code and data; writing its files",
                identity["run"],
            )
            return
        training = _Training(run, identity, arrays, teacher, device, pretrained, cuda_graphs, answered)
        training.restore(checkpoint)
        if events:
            training.write_events(outputs.record.parent / "events")
        try:
            training.complete(checkpoint, ending)
        except BaseException as error:
            if cuda_graphs == "auto" and isinstance(error, RecordingError) and not ending.requested:
                text = "%s: a step cannot be recorded (%s); this process restarts without CUDA graphs"
                _LOG.warning(text, identity["run"], error.__cause__)
                graph_recording.start_again_without_graphs(str(error.__cause__))
            checkpoint.report(training.progress() | {"stopped": True})
            raise
        training.write(outputs, parts)
        checkpoint.store_result(outputs.files())


class _Training:
    """One training in progress; `_state` returns everything that a checkpoint restores.

    Without validation images there is no validation accuracy (None), and the best weights are the last.
    """

    def __init__(
        self,
        run: Run,
        identity: Mapping[str, str],
        arrays: Arrays,
        teacher: TeacherFiles | None,
        device: torch.device,
        pretrained: Path | None,
        cuda_graphs: CudaGraphs,
        answers: Answers | None,
    ):
        self._run, self._identity, self._arrays, self._device = run, identity, arrays.to(device), device
        self._name = identity["run"]
        self._validated = len(arrays.validation_labels) > 0
        self._model = models.build(run.model, streams.generator(run.seed, "init"))
        if run.start:
            models.load_pretrained(self._model, run.start, pretrained)
        self._model.to(device)
        # The network that is looked at after an epoch, and whose weights are saved.
        self._judged = averaging.start(self._model) if run.weight_average else self._model
        self._teacher, teacher_model, self._saliency, untrained = None, None, None, None
        if teacher:
            self._teacher, teacher_run = trained.restore(teacher.weights, teacher.record, device)
            teacher_model = teacher_run.model
            if run.losses.compares_untrained:
                drawn = models.build(teacher_model, streams.generator(run.seed, "untrained-teacher"))
                untrained = drawn.eval().requires_grad_(False).to(device)
        if run.stores_answers(teacher_model) != (answers is not None):
            raise ValueError(f"{self._name}: stored answers are for runs that store them, and for no others")
        if answers:
            self._teacher, answers = None, answers.to(device)
        self._teacher_test = answers.record["test"] if answers else None
        if run.maps_beside(teacher_model):
            self._saliency = components.load("training.records", "saliency").SaliencyRecord(
                run, teacher_model, self._arrays.test_images, self._arrays.test_labels
            )
        self._training_flops = background_flops.start(run, teacher_model, device)
        self._learner = learner.Learner(
            run, self._model, self._teacher, device, cuda_graphs, answers, untrained
        )
        self._cuda_graphs = cuda_graphs
        self._saved = 0
        self._optimizer, self._schedule, self._events = None, None, None
        self._history: list[dict] = []
        self._best: dict = {}
        self._sessions: list[dict] = []

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue after the last saved epoch, if there is one."""
        state = checkpoint.load(self._device)
        if state is not None:
            self._model.load_state_dict(state["model"])
            if self._run.weight_average:
                self._judged.load_state_dict(state["average"])
            self._history, self._best, self._sessions = state["history"], state["best"], state["sessions"]
            self._new_optimizer(len(curriculum.by_stage(self._history)) - 1)
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            if self._saliency:
                self._saliency.restore(state["saliency"])
            self._teacher_test = state["teacher_test"]
            self._saved = len(self._history)
            _LOG.info("%s: continuing after epoch %d of %d", self._name, len(self._history), self._run.epochs)
        here = devices.describe(self._device) | {"cuda_graphs": self._cuda_graphs}
        # The learner adds to this list as stages begin.
        here["steps"] = self._learner.choices
        if failure := graph_recording.graphs_given_up():
            here["recording_failed"] = failure
        self._sessions.append(sessions.session() | {"from_epoch": len(self._history) + 1} | here)

    def write_events(self, folder: Path) -> None:
        """Write the following epochs for TensorBoard; see `records.tensorboard`."""
        self._events = components.load("training.records", "tensorboard").Events(folder, len(self._history))

    def complete(self, checkpoint: Checkpoint, ending: Termination) -> None:
        """Train the remaining epochs and save the state when it is due.

        Raises:
            SystemExit: after SIGTERM.
        """
        checkpoint.report(self.progress())
        if self._teacher and not self._teacher_test:
            self._teacher_test = self._tested_teacher()
        following = curriculum.position(self._run, self._history)
        while following:
            stage_index, epoch = following
            stage = self._run.stages[stage_index]
            if epoch == 1 and (not self._history or self._run.optimizer.restart == "stage"):
                self._new_optimizer(stage_index)
            ending.may_finish = self._will_end_soon(stage, checkpoint.save_seconds)
            if ending.requested:
                self._leave(checkpoint, ending)
            with learner.naming_memory(self._run, self._model, stage.resolution):
                self._epoch(stage_index, epoch, len(self._history) + 1)
            # A SIGTERM between epochs must not prevent the save, which takes little time.
            ending.may_finish = lambda: True
            following = curriculum.position(self._run, self._history)
            ended = following is None or following[1] == 1
            if checkpoint.save_if_due(self._state, at_once=ended or ending.requested):
                self._saved = len(self._history)
            checkpoint.report(self.progress())

    def _tested_teacher(self) -> dict[str, int]:
        """How many test images, shown as those of the student, the teacher gets right, of how many."""
        side = self._run.teacher_resolution
        correct = whole_images.right_test_images(self._teacher, self._run, self._arrays, side)
        images = len(self._arrays.test_labels)
        _LOG.info("%s: its teacher gets %d of %d test images right", self._name, correct, images)
        return {"correct": correct, "images": images}

    def _leave(self, checkpoint: Checkpoint, ending: Termination) -> None:
        """Save all finished epochs and end the process."""
        if self._saved < len(self._history):
            checkpoint.save(self._state())
            self._saved = len(self._history)
        ending.leave()

    def _will_end_soon(self, stage: Stage, save_seconds: float) -> Callable[[], bool]:
        """Return a function that says, when called, whether the next epoch and its save will end soon.

        It returns False if no epoch was timed yet, or if this one takes much longer than expected.
        """
        if not self._history:
            return lambda: False
        end = time.monotonic() + history.seconds_an_epoch(self._run, stage, self._history) + save_seconds
        return lambda: abs(end - time.monotonic()) <= _FINISHED_WITHIN

    def progress(self) -> dict:
        """Progress of the training, with the number of saved epochs; see `history.report`."""
        return history.report(self._run, self._history, self._saved)

    def _epoch(self, stage_index: int, epoch: int, number: int) -> None:
        stage = self._run.stages[stage_index]
        begin = time.perf_counter()
        devices.reset_peak_memory(self._device)
        measures = self._learner.epoch(
            self._arrays.train_images,
            self._arrays.train_labels,
            stage,
            number,
            self._optimizer,
            self._schedule,
        )
        accuracy = None
        if self._validated:
            accuracy = whole_images.validation_accuracy(
                self._judged, self._run, self._arrays, stage.resolution
            )
        before = [] if epoch == 1 else curriculum.by_stage(self._history)[-1]
        accuracies = [*(entry["val_acc"] for entry in before), accuracy]
        ended = curriculum.has_ended(self._run, stage_index, accuracies)
        if self._saliency:
            self._saliency.observe(self._judged, self._teacher, stage_index, epoch, ended)
        tested = {}
        if self._run.tests_each_epoch:
            right = whole_images.right_test_images(self._judged, self._run, self._arrays)
            tested = {history.TEST_COLUMN: right}
        if self._validated and (epoch == 1 or accuracy > self._best["val_acc"]):
            weights = {name: value.clone() for name, value in self._judged.state_dict().items()}
            self._best = {"val_acc": accuracy, "global_epoch": number, "weights": weights}
        if ended:
            self._end_stage(stage, accuracies)
        seconds = time.perf_counter() - begin - self._learner.preparation_seconds
        memory = self._learner.peak_memory_mb
        self._history.append(history.row(stage, epoch, number, measures, accuracy, seconds, memory) | tested)
        if self._events:
            self._events.add(self._history[-1])
        _LOG.info("%s: %s", self._name, history.line(self._run, self._history))

    def _end_stage(self, stage: Stage, accuracies: Sequence[float | None]) -> None:
        """Restore the best weights of a stage if the run requires it; the optimizer's moments stay."""
        stopping = self._run.early_stopping
        stopped = curriculum.has_stopped(stopping, accuracies)
        if stopped:
            _LOG.info(
                "%s: validation has not improved for %d epochs; the %d px stage ends after %d of %d epochs",
                self._name,
                stopping.patience,
                stage.resolution,
                len(accuracies),
                stage.epochs,
            )
        if curriculum.takes_best(stopping, accuracies):
            self._model.load_state_dict(self._best["weights"])

    def _new_optimizer(self, index: int) -> None:
        run = self._run
        self._learner.train_head_only(run.stages[index].head_only)
        images = len(self._arrays.train_labels)
        self._optimizer, self._schedule = optimizers.of_stage(run, index, self._model, images)
        if run.weight_average:
            averaging.follow(self._judged, self._model, self._optimizer, run.weight_average.decay)

    def _state(self) -> dict:
        return {
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "history": self._history,
            "best": self._best,
            "sessions": self._sessions,
            "saliency": self._saliency.arrays if self._saliency else {},
            "teacher_test": self._teacher_test,
        } | ({"average": self._judged.state_dict()} if self._run.weight_average else {})

    def write(self, outputs: Outputs, parts: Mapping[str, str | None]) -> None:
        """Write the files of the finished run, the record last."""
        if not self._best:
            self._best = {
                "val_acc": None,
                "global_epoch": len(self._history),
                "weights": self._judged.state_dict(),
            }
        about = {"spec": spec.to_mapping(self._run), "classes": self._arrays.classes}
        models.save(self._judged, outputs.last, about)
        models.save_weights(self._best["weights"], outputs.best, about)
        history.write(self._history, outputs.history)
        if self._saliency:
            self._saliency.write(outputs.saliency)
        best = {"global_epoch": self._best["global_epoch"], "val_acc": self._best["val_acc"]}
        stages = curriculum.by_stage(self._history)
        accuracies = [entry["val_acc"] for entry in stages[-1]] if stages else [None]
        last = {"global_epoch": len(self._history), "val_acc": accuracies[-1]}
        if curriculum.takes_best(self._run.early_stopping, accuracies):
            last = dict(best)
        run_files.write_record(
            outputs,
            {**self._identity, "spec": spec.to_mapping(self._run)},
            parts,
            {"last": last, "best": best},
            parameters=sum(p.numel() for p in self._model.parameters()),
            inference_flops=inference_flops(self._run.model, self._run.model.image_size),
            saliency_agreement=self._saliency.agreement() if self._saliency else None,
            teacher_test=self._teacher_test,
            best_test=history.best_test(self._history, len(self._arrays.test_labels)),
            stages=history.costs(stages, len(self._arrays.train_labels), self._training_flops()),
            sessions=self._sessions,
        )
