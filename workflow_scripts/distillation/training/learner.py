"""One epoch of training, with all data on the device."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NoReturn

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

# Steps after which the loss is read, by the type of device.
_READ_EVERY = {"cpu": 1, "cuda": 50}


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
            UserError: if the loss or a weight is no longer finite. The loss is read after every step on a CPU
                and, as reading it waits for the device, after every 50th on a GPU.
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
            self._gradients.prepare(
                first.pixels, labels[:size], shares[0], together, answers, len(labels) % size
            )
        self.preparation_seconds = time.perf_counter() - before
        for value in self._gradients.sums.values():
            value.zero_()
        # After each step: sums stay what they are once they are not finite, so the first such step is known.
        totals = torch.zeros(len(starts), device=self._device)
        unread = 0
        torch.manual_seed(streams.derive(seed, "dropout", number))
        for step, (start, (pixels, flips)) in enumerate(zip(starts, chain([first], shown), strict=True)):
            part = slice(start, start + size)
            if step % together == 0:
                batches = min(together, len(starts) - step)
                self._gradients.clear(optimizer, pixels, batches)
            answers = self._answers_to(order[part], flips)
            self._step(pixels, labels[part], draws[step], shares[step], batches, answers)
            totals[step].copy_(self._gradients.sums["total"])
            if step + 1 - unread == _READ_EVERY[self._device.type] or step + 1 == len(starts):
                self._require_finite_loss(totals, unread, step + 1, stage, number)
                unread = step + 1
            if (step + 1) % together == 0 or step + 1 == len(starts):
                optimizer.step()
                lr = schedule.get_last_lr()[0]
                schedule.step()
        means = {name: value.item() / len(labels) for name, value in self._gradients.sums.items()}
        # The last update of an epoch can spoil weights of which there is no loss yet.
        kept = [value for value in self.model.state_dict().values() if value.is_floating_point()]
        if not (
            all(map(math.isfinite, means.values())) and torch.stack([v.isfinite().all() for v in kept]).all()
        ):
            self._stop(f"a weight or a term of the loss is no longer finite after {_place(stage, number)}")
        return Measures(
            accuracy=100.0 * means.pop("correct"),
            loss=means.pop("total"),
            terms=means,
            lr=lr,
            images_per_second=len(labels) / (time.perf_counter() - begin - self.preparation_seconds),
        )

    def _require_finite_loss(self, totals: Tensor, first: int, end: int, stage: Stage, number: int) -> None:
        """Stop at the first of some steps after which the sum of the loss is no longer finite."""
        finite = totals[first:end].isfinite()
        if not finite.all():
            step = first + int(finite.logical_not().int().argmax()) + 1
            self._stop(
                f"the loss is no longer finite at step {step} of {len(totals)} of {_place(stage, number)}"
            )

    def _stop(self, what: str) -> NoReturn:
        terms = {name: value.item() for name, value in self._gradients.sums.items() if name != "correct"}
        bad = ", ".join(name for name, value in terms.items() if not math.isfinite(value))
        raise UserError(
            f"{what}{f' ({bad})' if bad else ''}; the last saved state stays: lower the learning rate"
            + (" or set `precision: fp32`." if self._run.precision == "bf16" else ".")
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


def _place(stage: Stage, number: int) -> str:
    return f"epoch {number}, in the stage of {stage.resolution} px"


@contextlib.contextmanager
def naming_memory(run: Run, model: nn.Module, resolution: int) -> Iterator[None]:
    """Say what was computed, and what to lower, if the memory of the device does not suffice for a block.

    Args:
        run: the training.
        model: its network.
        resolution: side in pixels of the images of the block.

    Raises:
        UserError: there is not enough memory.
    """
    try:
        yield
    except RuntimeError as error:
        # Torch has no type of its own for the memory of a CPU.
        if not (isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)):
            raise
        parameters = sum(p.numel() for p in model.parameters())
        precision = "" if run.precision == "bf16" else ", or set `precision: bf16`"
        raise UserError(
            f"out of memory: a network of the family {run.model.family!r} with {parameters:,}"
            f" parameters, batches of {run.batch_size} images of {resolution} px, {run.precision}; lower"
            " `batch_size` of its recipe and raise `optimizer.accumulation` by the same factor"
            f"{precision}, or free the memory that other processes hold. The last saved state stays."
        ) from error
