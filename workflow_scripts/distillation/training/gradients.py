"""The gradient of one batch: launched kernel by kernel, or replayed as one CUDA graph."""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from distillation.core import devices
from distillation.core.precision import autocast
from distillation.networks.batch import Batch
from distillation.networks.objective import Objective
from distillation.networks.output import Output
from distillation.study.spec import Run
from distillation.training import graph_recording
from distillation.training.graph_recording import CudaGraphs, Recording

_LOG = logging.getLogger(__name__)
_TIMED = 10


class Gradients:
    """Adds gradients of batches to those of a network's parameters, and up what was measured.

    Attributes:
        sums: scalars on the device, over all images since they were last zeroed: the loss ("total"), its
            terms by name, and correct answers ("correct").
        choices: of "auto", one at each preparation: pixels, images of a batch, whether it is replayed, and
            milliseconds of a launched and of a replayed batch, the optimizer's update not included.
        recorded_mb: the most memory that the recorded batch took, in 10^6 bytes; a replay is not seen to
            take any. 0 where none is recorded.

    Args:
        run: its losses and precision.
        model: the network in training.
        teacher: frozen, where the run has one.
        device: of all of them.
        cuda_graphs: whether prepared batches are replayed: True, False, or "auto" for the outcome of a
            comparison; True needs a GPU.
    """

    def __init__(
        self,
        run: Run,
        model: nn.Module,
        teacher: nn.Module | None,
        device: torch.device,
        cuda_graphs: CudaGraphs = False,
    ):
        self._model, self._teacher, self._device = model, teacher, device
        self._precision, self._mixes = run.precision, run.mixing is not None
        self._objective = Objective(run.losses)
        names = ("total", *self._objective.names, "correct")
        self.sums = {name: torch.zeros((), device=device) for name in names}
        self.choices: list[dict] = []
        self.recorded_mb = 0.0
        if cuda_graphs == "auto":
            possible = graph_recording.possible(device) and not graph_recording.graphs_given_up()
            cuda_graphs = "auto" if possible else False
        self._graphs = cuda_graphs
        self._prepared: tuple[torch.Size, int] | None = None
        self._recorded: Recording | None = None

    def prepare(self, images: Tensor, labels: Tensor, shares: Tensor, batches: int) -> None:
        """Settle how calls with arguments of these shapes are carried out: launched or replayed.

        A recording takes the time of some steps. A replay takes the time of its kernels, where a short
        step else waits for Python. With "auto" a batch is launched and replayed, and replays are chosen if
        every bit is equal. Gradients, sums and the device's random state are disturbed.

        Args:
            images: as of a call.
            labels: as of a call.
            shares: as of a call.
            batches: as of a call.

        Raises:
            RecordingError: when these calls cannot be recorded.
        """
        key = (images.shape, batches)
        if not self._graphs or self._prepared == key:
            return
        # The memory of a graph is free when the graph is.
        self._prepared, self._recorded, self.recorded_mb = key, None, 0.0
        tensors = (images, labels, shares)
        if self._graphs == "auto":
            self._recorded = self._compared(tensors, batches)
        else:
            self._recorded = self._record(tensors, batches)
        devices.reset_peak_memory(self._device)

    def clear(self, optimizer: torch.optim.Optimizer, images: Tensor, batches: int) -> None:
        """Forget the gradients of the last update, before the first batch of the next.

        Args:
            optimizer: of the parameters.
            images: of that batch.
            batches: of the update.
        """
        # A replay of a whole update overwrites them; what is launched must add to the graph's own.
        if not (self._recorded and batches == 1 and self._prepared == (images.shape, batches)):
            optimizer.zero_grad(set_to_none=self._recorded is None)

    def __call__(self, images: Tensor, labels: Tensor, shares: Tensor, batches: int) -> None:
        """Add the gradient of the mean loss of a batch, divided by the batches of its update.

        Args:
            images: float32 [B, 3, r, r], mixed where the run mixes.
            labels: int64 [B].
            shares: [2], weights of these labels and, in a mixed batch, of those of the images before; they
                sum to 1.
            batches: of the update that this one is part of.
        """
        if self._recorded and self._prepared == (images.shape, batches):
            self._recorded(images, labels, shares)
        else:
            self._add(images, labels, shares, batches)

    def _record(self, tensors: tuple[Tensor, Tensor, Tensor], batches: int) -> Recording:
        devices.reset_peak_memory(self._device)
        recorded = Recording(partial(self._set if batches == 1 else self._add, batches=batches), tensors)
        self.recorded_mb = devices.peak_memory_mb(self._device)
        return recorded

    def _compared(self, tensors: tuple[Tensor, Tensor, Tensor], batches: int) -> Recording | None:
        """A recording of which one replay had the bits of a launched batch, or None."""
        launch = partial(self._set, *tensors, batches)
        expected, launched = self._outcome(launch), self._milliseconds(launch)
        recorded = self._record(tensors, batches)
        replay = partial(recorded, *tensors)
        outcomes = zip(expected, self._outcome(replay), strict=True)
        equal = all(torch.equal(one, other) for one, other in outcomes)
        pixels = tensors[0].shape[-1]
        self.choices.append(
            {
                "stage_px": pixels,
                "batch": len(tensors[0]),
                "replayed": equal,
                "launched_ms": launched,
                "replayed_ms": self._milliseconds(replay),
            }
        )
        if not equal:
            self.recorded_mb = 0.0
            _LOG.warning(
                "%d px: a replayed step has other bits than a launched one; none is replayed", pixels
            )
        return recorded if equal else None

    def _outcome(self, call: Callable[[], None]) -> list[Tensor]:
        """Gradients and sums of one batch, with equal random numbers every time."""
        self._model.zero_grad(set_to_none=False)
        for value in self.sums.values():
            value.zero_()
        torch.manual_seed(0)
        call()
        gradients = [p.grad for p in self._model.parameters() if p.grad is not None]
        return [value.clone() for value in (*gradients, *self.sums.values())]

    def _milliseconds(self, call: Callable[[], None]) -> float:
        """Of a call, asynchronous as in an epoch."""
        devices.wait_for(self._device)
        begin = time.perf_counter()
        for _ in range(_TIMED):
            call()
        devices.wait_for(self._device)
        return 1000 * (time.perf_counter() - begin) / _TIMED

    def _set(self, images: Tensor, labels: Tensor, shares: Tensor, batches: int) -> None:
        # Gradients that are not there are written, not added to: a kernel less for each parameter.
        self._model.zero_grad()
        self._add(images, labels, shares, batches)

    def _add(self, images: Tensor, labels: Tensor, shares: Tensor, batches: int) -> None:
        partner = labels.roll(1) if self._mixes else None
        # Fused attention has no second derivative.
        attention = sdpa_kernel(SDPBackend.MATH) if self._objective.second_order else nullcontext()
        with autocast(self._device, self._precision):
            with attention:
                student = self._model(images, self._objective.student_layers, self._objective.captured)
            teacher = self._teach(images)
        total, terms = self._objective(Batch(student, labels, teacher, partner, shares))
        (total / batches).backward()
        with torch.no_grad():
            guess = student.logits.argmax(dim=1)
            correct = (guess == labels).sum() * shares[0]
            if partner is not None:
                correct = correct + (guess == partner).sum() * shares[1]
            for name, value in {"total": total, **terms}.items():
                self.sums[name].add_(value.detach() * len(labels))
            self.sums["correct"].add_(correct)

    def _teach(self, images: Tensor) -> Output | None:
        if self._teacher is None:
            return None
        with torch.set_grad_enabled(self._objective.second_order):
            return self._teacher(images, self._objective.teacher_layers, self._objective.captured)
