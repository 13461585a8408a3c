"""One epoch of training, with all data on the device."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from distillation.core import components, devices, streams
from distillation.core.errors import UserError
from distillation.data import views
from distillation.evaluation.answers import Answers
from distillation.study.spec import Run, Stage
from distillation.training.gradients import Gradients
from distillation.training.graph_recording import CudaGraphs


@dataclass(frozen=True)
class Measures:
    """Means over one epoch of training: percent, nats, images per second."""

    accuracy: float
    loss: float
    terms: dict[str, float]
    lr: float
    images_per_second: float


class Learner:
    """A network in training, with its loss and, if there is one, its teacher.

    Stored answers take the place of its teacher; an untrained one serves a control of saliency maps. With
    `cuda_graphs`, steps with full batches are replayed as one CUDA graph per stage; see `Gradients`.

    Attributes:
        model: the network.
        choices: made so far between launched and replayed steps; see `Gradients`.
        preparation_seconds: of the last epoch, spent on comparing and recording steps.
    """

    def __init__(
        self,
        run: Run,
        model: nn.Module,
        teacher: nn.Module | None,
        device: torch.device,
        cuda_graphs: CudaGraphs = False,
        answers: Answers | None = None,
        untrained: nn.Module | None = None,
    ):
        self.model = model
        self._run, self._device = run, device
        self._answers: Sequence[Tensor] = ()
        stored = None
        if answers:
            terms = run.losses.named.values()
            stored = sorted(frozenset().union(*(term.teacher_features for term in terms)))
            self._answers = (answers.logits, *(answers.features[name] for name in stored))
        self._gradients = Gradients(run, model, teacher, device, cuda_graphs, stored, untrained)
        self.choices = self._gradients.choices
        self.preparation_seconds = 0.0
        self._views = views.TrainingViews(
            run.augmentation, run.normalization, run.views.training, run.model.image_size, run.batch_size
        )
        self._mixing = components.load("data.augmentations", "mixing") if run.mixing else None

    def train_head_only(self, head_only: bool) -> None:
        """Train the classification head alone, or everything, in the following epochs."""
        before = [parameter.requires_grad for parameter in self.model.parameters()]
        self.model.requires_grad_(not head_only)
        for parameter in self.model.head_parameters() if head_only else ():
            parameter.requires_grad_()
        if before != [parameter.requires_grad for parameter in self.model.parameters()]:
            self._gradients.forget()

    def epoch(
        self,
        images: Tensor,
        labels: Tensor,
        stage: Stage,
        number: int,
        optimizer: torch.optim.Optimizer,
        schedule: LRScheduler,
    ) -> Measures:
        """Train for one epoch.

        Args:
            images: uint8 [N, 3, S, S] on the device.
            labels: int64 [N] on the device.
            stage: its resolution is that of the network's input.
            number: number of the epoch in the whole run, from 1; it seeds the epoch's random streams.
            optimizer: updates the network's parameters.
            schedule: stepped after every update.

        Raises:
            UserError: if the loss is no longer finite.
            RecordingError: if a step cannot be recorded as a CUDA graph.
        """
        begin = time.perf_counter()
        seed, size = self._run.seed, self._run.batch_size
        order = torch.randperm(len(labels), generator=streams.generator(seed, "order", number)).to(
            self._device
        )
        labels = labels[order]
        shown = self._views.batches(images[order], stage.resolution, streams.generator(seed, "views", number))
        starts = range(0, len(labels), size)
        draws = self._draws(len(starts), stage.resolution, number)
        of_own = [draw.share if draw else 1.0 for draw in draws]
        shares = torch.tensor([(share, 1.0 - share) for share in of_own], device=self._device)
        together = self._run.optimizer.accumulation
        self.model.train()
        first = next(shown)
        before = time.perf_counter()
        if len(labels) >= size and len(starts) >= together:
            answers = self._answers_to(order[:size], first.flips)
            self._gradients.prepare(first.pixels, labels[:size], shares[0], together, answers)
        self.preparation_seconds = time.perf_counter() - before
        for value in self._gradients.sums.values():
            value.zero_()
        torch.manual_seed(streams.derive(seed, "dropout", number))
        for step, (start, (pixels, flips)) in enumerate(zip(starts, chain([first], shown), strict=True)):
            part = slice(start, start + size)
            if step % together == 0:
                batches = min(together, len(starts) - step)
                self._gradients.clear(optimizer, pixels, batches)
            answers = self._answers_to(order[part], flips)
            self._step(pixels, labels[part], draws[step], shares[step], batches, answers)
            if (step + 1) % together == 0 or step + 1 == len(starts):
                optimizer.step()
                lr = schedule.get_last_lr()[0]
                schedule.step()
        means = {name: value.item() / len(labels) for name, value in self._gradients.sums.items()}
        if not all(map(math.isfinite, means.values())):
            raise UserError(
                f"the loss is no longer finite in epoch {number} ({means}); lower the learning rate."
            )
        return Measures(
            accuracy=100.0 * means.pop("correct"),
            loss=means.pop("total"),
            terms=means,
            lr=lr,
            images_per_second=len(labels) / (time.perf_counter() - begin - self.preparation_seconds),
        )

    @property
    def peak_memory_mb(self) -> float:
        """Peak memory since the last reset, replayed steps included, in 10^6 bytes."""
        return max(devices.peak_memory_mb(self._device), self._gradients.recorded_mb)

    def _answers_to(self, images: Tensor, flips: Tensor) -> list[Tensor]:
        """The teacher's stored answers to images of these indices, mirrored where `flips` says so."""
        return [values[flips.long(), images] for values in self._answers]

    def _draws(self, steps: int, resolution: int, number: int) -> Sequence:
        if self._mixing is None:
            return [None] * steps
        rng = streams.numpy_generator(self._run.seed, "mixing", number)
        return self._mixing.plan(steps, self._run.batch_size, self._run.mixing, resolution, rng)

    def _step(
        self,
        images: Tensor,
        labels: Tensor,
        draw: object | None,
        shares: Tensor,
        batches: int,
        answers: Sequence[Tensor],
    ) -> None:
        """Add the gradient of one batch of an update."""
        if draw is not None:
            images = self._mixing.mix(images, draw)
        self._gradients(images, labels, shares, batches, answers)
