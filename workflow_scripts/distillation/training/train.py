"""A whole training: stages, epochs, checkpoints, and the files of the run."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from distillation.core import checksums, components, devices, precision, streams, termination
from distillation.core.termination import Termination
from distillation.data import views
from distillation.data.datasets import Arrays
from distillation.evaluation import predictions
from distillation.networks import background_flops, models
from distillation.networks.flops import inference_flops
from distillation.networks.models import TeacherFiles
from distillation.study import spec
from distillation.study.spec import Run, Stage
from distillation.training import (
    curriculum,
    graph_recording,
    history,
    learner,
    optimizers,
    run_files,
    sessions,
)
from distillation.training.checkpoint import Checkpoint, exclusive, key_of
from distillation.training.graph_recording import CudaGraphs, RecordingError
from distillation.training.run_files import Outputs

_LOG = logging.getLogger(__name__)

# Schedulers kill half a minute after SIGTERM, as a rule.
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
) -> None:
    """Train a run, continuing where an earlier process was stopped, and write its files.

    The state is kept beside `outputs.record` in the folder "resume", saved at the end of each stage and,
    between, after an epoch if the last save is long enough ago; see `Checkpoint.save_if_due`. A run that was
    finished there is not trained again: its files are written once more.

    Args:
        run: what is trained.
        identity: study, protocol, run and role, for the record and the log.
        arrays: the data set.
        teacher: required if and only if the run has one.
        outputs: the files to write.
        code: digest of the code.
        device: where to train; see `devices.setup`.
        pretrained: file of the weights to start from; required if and only if the run has them.
        cuda_graphs: whether each step is replayed as one CUDA graph; see `gradients.Gradients`. If it is
            "auto" and a step cannot be recorded, this process starts again and launches its steps.
        slow_bf16: whether bf16 is wanted on a CPU that emulates it.

    Raises:
        UserError: when the CPU emulates the run's precision, the teacher's files do not belong together, the
            weights to start from are not those of the run, the state cannot be read, a step cannot be
            recorded as a graph, or the loss is no longer finite.
        SystemExit: at SIGTERM, with status 143: an epoch that is expected to end before a scheduler kills
            what it has told to end is finished and saved, else the last save stands.
    """
    precision.require_precision(run.precision, device, slow_bf16)
    parts = {
        "spec": spec.digest(run),
        "code": code,
        "data": arrays.sha256,
        "teacher": checksums.sha256(teacher.weights) if teacher else None,
    }
    folder = outputs.record.parent / "resume"
    stopped = f"{identity['run']}: stopped by SIGTERM; the next start continues after the last saved epoch"
    with termination.at_sigterm(stopped) as ending, exclusive(folder):
        checkpoint = Checkpoint(folder, key_of(parts))
        if checkpoint.emit(outputs.files()):
            _LOG.info(
                "%s: was finished before with the same settings, code and data; writing its files",
                identity["run"],
            )
            return
        training = _Training(run, identity, arrays, teacher, device, pretrained, cuda_graphs)
        training.restore(checkpoint)
        try:
            training.complete(checkpoint, ending)
        except BaseException as error:
            if cuda_graphs == "auto" and isinstance(error, RecordingError) and not ending.requested:
                text = "%s: a step cannot be recorded (%s); this process starts again and launches its steps"
                _LOG.warning(text, identity["run"], error.__cause__)
                graph_recording.start_again_without_graphs(str(error.__cause__))
            checkpoint.report(training.progress() | {"stopped": True})
            raise
        training.write(outputs, parts)
        checkpoint.keep(outputs.files())


class _Training:
    """The moving parts of one training; everything that changes is in `_state`."""

    def __init__(
        self,
        run: Run,
        identity: Mapping[str, str],
        arrays: Arrays,
        teacher: TeacherFiles | None,
        device: torch.device,
        pretrained: Path | None,
        cuda_graphs: CudaGraphs,
    ):
        self._run, self._identity, self._arrays, self._device = run, identity, arrays.to(device), device
        self._name = identity["run"]
        self._model = models.build(run.model, streams.generator(run.seed, "init"))
        if run.start:
            models.load_pretrained(self._model, run.start, pretrained)
        self._model.to(device)
        self._teacher, taught_by, self._observed = None, None, None
        if teacher:
            self._teacher, teacher_run = models.restore(teacher.weights, teacher.record, device)
            taught_by = teacher_run.model
            self._observed = components.load("training.records", "saliency").SaliencyRecord(
                run, teacher_run.model, self._arrays.test_images, self._arrays.test_labels
            )
        self._counted = background_flops.start(run, taught_by, device)
        self._learner = learner.Learner(run, self._model, self._teacher, device, cuda_graphs)
        self._cuda_graphs = cuda_graphs
        self._saved = 0
        self._optimizer, self._schedule = None, None
        self._history: list[dict] = []
        self._best: dict = {}
        self._sessions: list[dict] = []

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from the last finished epoch, if there is one."""
        state = checkpoint.load(self._device)
        if state is not None:
            self._model.load_state_dict(state["model"])
            self._history, self._best, self._sessions = state["history"], state["best"], state["sessions"]
            self._new_optimizer(len(curriculum.by_stage(self._history)) - 1)
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            if self._observed:
                self._observed.restore(state["saliency"])
            self._saved = len(self._history)
            _LOG.info("%s: continuing after epoch %d of %d", self._name, len(self._history), self._run.epochs)
        here = devices.describe(self._device) | {"cuda_graphs": self._cuda_graphs}
        # Filled as stages begin.
        here["steps"] = self._learner.choices
        if failure := graph_recording.graphs_given_up():
            here["recording_failed"] = failure
        self._sessions.append(sessions.session() | {"from_epoch": len(self._history) + 1} | here)

    def complete(self, checkpoint: Checkpoint, ending: Termination) -> None:
        """Train the epochs that are missing, saving the state where that is due.

        Raises:
            SystemExit: when the process was told to end.
        """
        checkpoint.report(self.progress())
        validation = {}
        following = curriculum.position(self._run, self._history)
        while following:
            stage_index, epoch = following
            stage = self._run.stages[stage_index]
            if epoch == 1 and (not self._history or self._run.optimizer.restart == "stage"):
                self._new_optimizer(stage_index)
            if stage.resolution not in validation:
                shown = views.validation_view(
                    self._arrays.validation_images,
                    self._run.views.validation,
                    stage.resolution,
                    self._run.normalization,
                )
                validation = {stage.resolution: shown}
            ending.may_finish = self._about_to_end(stage, checkpoint.save_seconds)
            if ending.requested:
                self._leave(checkpoint, ending)
            self._epoch(stage_index, epoch, len(self._history) + 1, validation[stage.resolution])
            # From here to the next epoch there is nothing to wait for, and something to save.
            ending.may_finish = lambda: True
            following = curriculum.position(self._run, self._history)
            ended = following is None or following[1] == 1
            if checkpoint.save_if_due(self._state, at_once=ended or ending.requested):
                self._saved = len(self._history)
            checkpoint.report(self.progress())

    def _leave(self, checkpoint: Checkpoint, ending: Termination) -> None:
        """End the process with all finished epochs saved."""
        if self._saved < len(self._history):
            checkpoint.save(self._state())
            self._saved = len(self._history)
        ending.leave()

    def _about_to_end(self, stage: Stage, save_seconds: float) -> Callable[[], bool]:
        """Whether the next epoch and its save are expected to end soon, at the time of the question.

        Not where nothing is known of its length, or it takes much longer than was expected.
        """
        if not self._history:
            return lambda: False
        end = time.monotonic() + history.seconds_an_epoch(stage, self._history) + save_seconds
        return lambda: abs(end - time.monotonic()) <= _FINISHED_WITHIN

    def progress(self) -> dict:
        """How far it is, and how much of that is saved; see `history.report`."""
        return history.report(self._run, self._history, self._saved)

    def _epoch(self, stage_index: int, epoch: int, number: int, validation: torch.Tensor) -> None:
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
        accuracy = predictions.accuracy(
            self._model, validation, self._arrays.validation_labels, self._run.precision
        )
        before = [] if epoch == 1 else curriculum.by_stage(self._history)[-1]
        accuracies = [*(entry["val_acc"] for entry in before), accuracy]
        ended = curriculum.has_ended(self._run, stage_index, accuracies)
        if self._observed:
            self._observed.observe(self._model, self._teacher, stage_index, epoch, ended)
        if epoch == 1 or accuracy > self._best["val_acc"]:
            weights = {name: value.clone() for name, value in self._model.state_dict().items()}
            self._best = {"val_acc": accuracy, "global_epoch": number, "weights": weights}
        if ended:
            self._end_stage(stage, accuracies)
        seconds = time.perf_counter() - begin - self._learner.preparation_seconds
        memory = self._learner.peak_memory_mb
        self._history.append(history.row(stage, epoch, number, measures, accuracy, seconds, memory))
        _LOG.info("%s: %s", self._name, history.line(self._run, self._history))

    def _end_stage(self, stage: Stage, accuracies: Sequence[float]) -> None:
        """Take up the best weights of a stage where its run says so; the optimizer's moments stay."""
        stopping = self._run.early_stopping
        stopped = curriculum.has_stopped(stopping, accuracies)
        if stopped:
            _LOG.info(
                "%s: validation no better for %d epochs; the stage of %d px ends after %d of %d",
                self._name,
                stopping.patience,
                stage.resolution,
                len(accuracies),
                stage.epochs,
            )
        if curriculum.takes_best(stopping, accuracies):
            self._model.load_state_dict(self._best["weights"])

    def _new_optimizer(self, stage: int) -> None:
        restarted = self._run.optimizer.restart == "stage"
        alive = (self._run.stages[stage],) if restarted else self._run.stages
        batches = -(-len(self._arrays.train_labels) // self._run.batch_size)
        updates = -(-batches // self._run.optimizer.accumulation)
        self._optimizer = optimizers.build_optimizer(self._model, self._run.optimizer)
        self._schedule = optimizers.build_schedule(
            self._optimizer,
            self._run.optimizer.lr,
            self._run.one_cycle or self._run.warmup_cosine,
            updates * sum(s.epochs for s in alive),
        )

    def _state(self) -> dict:
        return {
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "history": self._history,
            "best": self._best,
            "sessions": self._sessions,
            "saliency": self._observed.arrays if self._observed else {},
        }

    def write(self, outputs: Outputs, parts: Mapping[str, str | None]) -> None:
        """Write the files of the finished run, the record last."""
        models.save(self._model, outputs.last)
        models.save_weights(self._best["weights"], outputs.best)
        history.write(self._history, outputs.history)
        if outputs.saliency:
            self._observed.write(outputs.saliency)
        best = {"global_epoch": self._best["global_epoch"], "val_acc": self._best["val_acc"]}
        accuracies = [entry["val_acc"] for entry in curriculum.by_stage(self._history)[-1]]
        last = {"global_epoch": len(self._history), "val_acc": accuracies[-1]}
        if curriculum.takes_best(self._run.early_stopping, accuracies):
            last = dict(best)
        images = len(self._arrays.train_labels)
        done = [len(own) for own in curriculum.by_stage(self._history)]
        each = self._counted()
        flops = [each[s.resolution] * n * images for s, n in zip(self._run.stages, done, strict=True)]
        run_files.write_record(
            outputs,
            self._identity | {"seed": self._run.seed, "spec": spec.to_mapping(self._run)},
            parts,
            {"last": last, "best": best},
            parameters=sum(p.numel() for p in self._model.parameters()),
            inference_flops=inference_flops(self._run.model, self._run.model.image_size),
            saliency_agreement=self._observed.agreement() if self._observed else None,
            stages=history.costs(self._run, self._history, images, flops),
            sessions=self._sessions,
        )
