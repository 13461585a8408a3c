"""The gradient of one batch: launched kernel by kernel, or replayed as one CUDA graph."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from distillation.core import devices
from distillation.core.precision import autocast
from distillation.networks import block_passes, two_passes
from distillation.networks.answers import answer
from distillation.networks.batch import Batch
from distillation.networks.block_passes import BlockPasses
from distillation.networks.objective import Objective
from distillation.networks.output import Output
from distillation.study.spec import Run
from distillation.training import graph_recording
from distillation.training.graph_recording import CudaGraphs, Recording

_LOG = logging.getLogger(__name__)
_TIMED = 10


class Gradients:
    """Adds gradients of batches to those of a network's parameters, and losses and accuracy to sums.

    The blocks of a fused run are compiled when they first get tensors of new shapes.

    Attributes:
        sums: scalars on the device, over all images since they were last zeroed: the loss ("total"), its
            terms by name, and correct predictions ("correct").
        choices: one per preparation that has something to tell: pixels and images per batch; with "auto",
            whether it is replayed, and milliseconds per launched and per replayed batch, without the
            optimizer's update; of a fused run the seconds of compiling.
        recorded_mb: peak memory while the batch was recorded, in 10^6 bytes, as torch does not measure
            that of a replay; 0 if none is recorded.

    Args:
        run: its losses and precision.
        model: the network in training.
        teacher: frozen; None if the run has none, or if its answers are stored.
        stored: names of the teacher's stored features, of which calls get the values; None if there are none.
        untrained: a frozen network like the teacher, with random weights, which the loss compares with; None
            if it does not.
        device: of the networks and the batches.
        cuda_graphs: whether prepared batches are replayed: True, False, or "auto" to decide by a
            comparison; True needs a GPU.
    """

    def __init__(
        self,
        run: Run,
        model: nn.Module,
        teacher: nn.Module | None,
        device: torch.device,
        cuda_graphs: CudaGraphs = False,
        stored: Sequence[str] | None = None,
        untrained: nn.Module | None = None,
    ):
        self._model, self._teacher, self._device, self._stored = model, teacher, device, stored
        self._untrained = untrained
        self._fused = run.fused
        self._blocks = BlockPasses(run.precision == "bf16", block_passes.compiled if run.fused else None)
        self._precision, self._mixes = run.precision, run.mixing is not None
        self._teacher_resolution = run.teacher_resolution
        self._objective = Objective(run.losses)
        names = ("total", *self._objective.names, "correct")
        self.sums = {name: torch.zeros((), device=device) for name in names}
        self.choices: list[dict] = []
        self.recorded_mb = 0.0
        if cuda_graphs == "auto":
            possible = graph_recording.possible(device) and not graph_recording.graphs_given_up()
            cuda_graphs = "auto" if possible else False
        self._graphs = cuda_graphs
        self._buffers: list[Tensor] = []
        self._prepared: tuple[torch.Size, int] | None = None
        self._recorded: Recording | None = None

    def prepare(
        self,
        images: Tensor,
        labels: Tensor,
        shares: Tensor,
        batches: int,
        answers: Sequence[Tensor] = (),
        last: int = 0,
    ) -> None:
        """Compile what is fused, and choose whether calls with arguments of these shapes are replayed.

        A recording takes the time of some steps. A replay takes the time of its kernels, whereas a short
        launched step waits for Python. With "auto", a batch is launched and replayed, and replays are chosen
        if every bit is equal. Gradients, sums and the device's random state are overwritten; buffers of the
        network, such as running statistics, keep their values.

        Args:
            images: as in a call.
            labels: as in a call.
            shares: as in a call.
            batches: as in a call.
            answers: as in a call.
            last: images of a smaller last batch, which is compiled too; 0 if there is none.

        Raises:
            RecordingError: if these calls cannot be recorded.
        """
        key = (images.shape, batches)
        if self._prepared == key or not (self._graphs or self._fused):
            return
        # Deleting the old graph first frees its memory.
        self._prepared, self._recorded, self.recorded_mb = key, None, 0.0
        tensors = (images, labels, shares, *answers)
        self._buffers = [b.clone() for b in self._model.buffers()]
        chosen = {"stage_px": images.shape[-1], "batch": len(images)}
        if self._fused:
            chosen["compiled_s"] = self._compile(tensors, batches, last)
        if self._graphs == "auto":
            self._recorded = self._compared(tensors, batches, chosen)
        elif self._graphs:
            self._recorded = self._record(tensors, batches)
        if len(chosen) > 2:
            self.choices.append(chosen)
        self._restore_buffers()
        devices.reset_peak_memory(self._device)

    def forget(self) -> None:
        """Delete the recording, because other parameters are trained from now on."""
        self._prepared, self._recorded, self.recorded_mb = None, None, 0.0

    def clear(self, optimizer: torch.optim.Optimizer, images: Tensor, batches: int) -> None:
        """Reset the gradients before the first batch of an update.

        Args:
            optimizer: of the parameters.
            images: of that batch.
            batches: number of batches in the update.
        """
        # A replay of a whole update overwrites them; launched batches must add to the graph's own tensors.
        if not (self._recorded and batches == 1 and self._prepared == (images.shape, batches)):
            optimizer.zero_grad(set_to_none=self._recorded is None)

    def __call__(
        self, images: Tensor, labels: Tensor, shares: Tensor, batches: int, answers: Sequence[Tensor] = ()
    ) -> None:
        """Add the gradient of the mean loss of a batch, divided by the number of batches in its update.

        Args:
            images: float32 [B, 3, r, r], mixed if the run mixes.
            labels: int64 [B].
            shares: [2], weights of an image's own label and, in a mixed batch, of the label of the image
                before it; they sum to 1.
            batches: number of batches in the update.
            answers: the teacher's stored logits and features for these images; empty if none are stored.
        """
        if self._recorded and self._prepared == (images.shape, batches):
            self._recorded(images, labels, shares, *answers)
        else:
            self._add(images, labels, shares, *answers, batches=batches)

    def _record(self, tensors: tuple[Tensor, ...], batches: int) -> Recording:
        devices.reset_peak_memory(self._device)
        recorded = Recording(partial(self._set if batches == 1 else self._add, batches=batches), tensors)
        self.recorded_mb = devices.peak_memory_mb(self._device)
        return recorded

    def _compile(self, tensors: tuple[Tensor, ...], batches: int, last: int) -> float:
        """Compile the steps of a whole and of a smaller batch; return the seconds it took."""
        images, labels, shares, *answers = tensors
        begin = time.perf_counter()
        # At most one resolution is compiled at a time, because every variant is searched at every call.
        block_passes.forget_compiled()
        for count in {len(images), last} - {0}:
            own = (each[:count] for each in answers)
            self._set(images[:count], labels[:count], shares, *own, batches=batches)
        devices.wait_for(self._device)
        return time.perf_counter() - begin

    def _compared(self, tensors: tuple[Tensor, ...], batches: int, chosen: dict) -> Recording | None:
        """Record a batch; return the recording if a replay equals a launched batch in every bit, or None.

        What was compared is added to `chosen`.
        """
        launch = partial(self._set, *tensors, batches=batches)
        expected, launched = self._outcome(launch), self._milliseconds(launch)
        recorded = self._record(tensors, batches)
        replay = partial(recorded, *tensors)
        outcomes = zip(expected, self._outcome(replay), strict=True)
        equal = all(torch.equal(one, other) for one, other in outcomes)
        chosen |= {"replayed": equal, "launched_ms": launched, "replayed_ms": self._milliseconds(replay)}
        if not equal:
            self.recorded_mb = 0.0
            _LOG.warning(
                "%d px: a replayed step differs from a launched one in some bits; no step is replayed",
                chosen["stage_px"],
            )
        return recorded if equal else None

    def _outcome(self, call: Callable[[], None]) -> list[Tensor]:
        """Gradients, sums and buffers after one batch, with the same state before every call."""
        self._restore_buffers()
        self._model.zero_grad(set_to_none=False)
        for value in self.sums.values():
            value.zero_()
        torch.manual_seed(0)
        call()
        gradients = [p.grad for p in self._model.parameters() if p.grad is not None]
        return [value.clone() for value in (*gradients, *self.sums.values(), *self._model.buffers())]

    def _restore_buffers(self) -> None:
        # In place: a recording writes to these tensors.
        for buffer, value in zip(self._model.buffers(), self._buffers, strict=True):
            buffer.copy_(value)

    def _milliseconds(self, call: Callable[[], None]) -> float:
        """Mean duration of a call, asynchronous as in an epoch."""
        devices.wait_for(self._device)
        begin = time.perf_counter()
        for _ in range(_TIMED):
            call()
        devices.wait_for(self._device)
        return 1000 * (time.perf_counter() - begin) / _TIMED

    def _set(self, *tensors: Tensor, batches: int) -> None:
        # Gradients that are None are written, not added to: one kernel less per parameter.
        self._model.zero_grad()
        self._add(*tensors, batches=batches)

    def _add(self, images: Tensor, labels: Tensor, shares: Tensor, *answers: Tensor, batches: int) -> None:
        partner = labels.roll(1) if self._mixes else None
        passes = None
        with self._casts():
            if self._fused and self._objective.second_order:
                passes = self._blocks.two_passes(self._model, images)
                student = passes.first(self._objective.student_features)
            else:
                student = self._output(images)
            teacher = self._teacher_output(images, labels, answers)
            compared = self._objective.untrained_features
            untrained = self._asked(self._untrained, images, labels, compared) if compared else None
        batch = Batch(student, labels, teacher, partner, shares, untrained)
        if passes:
            loss, total, terms = two_passes.losses(self._objective, batch, self._second(passes))
        else:
            total, terms = self._objective(batch)
            loss = total
        (loss / batches).backward()
        with torch.no_grad():
            predicted = student.logits.argmax(dim=1)
            correct = (predicted == labels).sum() * shares[0]
            if partner is not None:
                correct = correct + (predicted == partner).sum() * shares[1]
            for name, value in {"total": total, **terms}.items():
                self.sums[name].add_(value.detach() * len(labels))
            self.sums["correct"].add_(correct)

    def _casts(self) -> AbstractContextManager:
        return autocast(self._device, self._precision)

    def _output(self, images: Tensor) -> Output:
        # Fused attention has no second derivative.
        attention = sdpa_kernel(SDPBackend.MATH) if self._objective.second_order else nullcontext()
        with attention:
            return self._blocks.of(self._model)(images, self._objective.student_features)

    def _second(self, passes: two_passes.Passes) -> two_passes.Second:
        def run(directions: Mapping[int, Tensor]) -> tuple[Output, Tensor]:
            with self._casts():
                return passes.second(directions)

        return run

    def _teacher_output(self, images: Tensor, labels: Tensor, answers: Sequence[Tensor]) -> Output | None:
        if self._stored is not None:
            logits, *features = answers
            return Output(logits, features=dict(zip(self._stored, features, strict=True)))
        return self._asked(self._teacher, images, labels, self._objective.teacher_features)

    def _asked(
        self, network: nn.Module | None, images: Tensor, labels: Tensor, features: frozenset[str]
    ) -> Output | None:
        if network is None:
            return None
        second_order, side = self._objective.second_order, self._teacher_resolution
        return answer(self._blocks.of(network), images, labels, features, second_order, side)
