"""The gradient of one batch: launched kernel by kernel, or replayed as one CUDA graph."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from irkd.batch import Batch
from irkd.execution import autocast
from irkd.models.output import Output
from irkd.objective import Objective
from irkd.recording import Recording
from irkd.spec import Run


class Gradients:
    """Adds gradients of batches to those of a network's parameters, and up what was measured.

    Attributes:
        sums: scalars on the device, over all images since they were last zeroed: the loss ("total"), its
            terms by name, and correct answers ("correct").

    Args:
        run: its losses and precision.
        model: the network in training.
        teacher: frozen, where the run has one.
        device: of all of them.
    """

    def __init__(self, run: Run, model: nn.Module, teacher: nn.Module | None, device: torch.device):
        self._model, self._teacher, self._device = model, teacher, device
        self._precision, self._mixes = run.precision, run.mixing is not None
        self._objective = Objective(run.losses)
        names = ("total", *self._objective.names, "correct")
        self.sums = {name: torch.zeros((), device=device) for name in names}
        self._recorded: tuple[tuple[torch.Size, int], Recording] | None = None

    def record(self, images: Tensor, labels: Tensor, shares: Tensor, batches: int) -> None:
        """Have all calls with arguments of these shapes replayed from now on, and others not.

        A recording takes the time of some steps. A replay takes the time of its kernels, where a short
        step else waits for Python. Gradients, sums and the device's random state are disturbed; from then
        on gradients must be zeroed in place, as the graph holds on to their memory.

        Args:
            images: as of a call, on a GPU.
            labels: as of a call.
            shares: as of a call.
            batches: as of a call.

        Raises:
            UserError: when these calls cannot be recorded.
        """
        key = (images.shape, batches)
        if self._recorded and self._recorded[0] == key:
            return
        # The memory of a graph is free when the graph is.
        self._recorded = None
        recording = Recording(lambda *tensors: self._add(*tensors, batches), (images, labels, shares))
        self._recorded = (key, recording)

    def __call__(self, images: Tensor, labels: Tensor, shares: Tensor, batches: int) -> None:
        """Add the gradient of the mean loss of a batch, divided by the batches of its update.

        Args:
            images: float32 [B, 3, r, r], mixed where the run mixes.
            labels: int64 [B].
            shares: [2], weights of these labels and, in a mixed batch, of those of the images before; they
                sum to 1.
            batches: of the update that this one is part of.
        """
        if self._recorded and self._recorded[0] == (images.shape, batches):
            self._recorded[1](images, labels, shares)
        else:
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
