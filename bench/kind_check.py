"""Check of one kind of training step on this device: repeatability, equality of replays, and times."""

import copy
import functools
import hashlib
import time
from dataclasses import replace

import torch
from distillation.core import devices, streams
from distillation.networks import models
from distillation.networks.families.vit import Model
from distillation.study.spec import Run
from distillation.training import graph_recording, optimizers
from distillation.training.gradients import Gradients
from distillation.training.graph_recording import RecordingError
from torch import Tensor, nn

from bench.cases import SCHEDULED
from bench.kinds import Kind

# Updates to warm up; then the minimum and maximum of timed updates, and seconds after which they stop.
_WARM, _LEAST, _MOST, _SECONDS = 2, 5, 40, 0.4


def check(
    kind: Kind, resolution: int, device: torch.device, batch_size: int | None = None, graphs: bool = True
) -> dict:
    """Train some steps on random images, launched and, if the device has CUDA graphs, replayed.

    Args:
        kind: kind of step.
        resolution: side of the images in pixels.
        device: where to train.
        batch_size: images per step; by default that of the run.
        graphs: whether to record steps.

    Returns:
        Plain values: batch (images), first_s (seconds of the first batch), bits (SHA-256 of its gradients and
        sums), repeats (whether two launched batches gave the same bits), launched_ms;
        for replays equal (whether their bits equal those of launched steps), recorded_in (seconds) and
        replayed_ms, or the text recording_error; for a GPU peak_gb. Milliseconds are per batch, including its
        share of the optimizer's update. If the device has too little memory, "error" has the message.
    """
    size = batch_size or kind.run.batch_size
    row: dict = {"batch": size}
    try:
        _measure(row, replace(kind.run, batch_size=size), kind, resolution, device, graphs)
    except torch.OutOfMemoryError as error:
        row["error"] = str(error).split(". ")[0]
    return row


def _measure(row: dict, run: Run, kind: Kind, resolution: int, device: torch.device, graphs: bool) -> None:
    steps = _Steps(run, kind, resolution, device)
    # The teacher is as untrained as a network that a control compares with.
    gradients = functools.partial(Gradients, run, steps.model, steps.teacher, device, untrained=steps.teacher)
    launched, begin = gradients(), time.monotonic()
    expected = steps.bits(launched)
    row["bits"], row["first_s"] = _digest(expected), time.monotonic() - begin
    row["repeats"] = _same(expected, steps.bits(launched))
    start = {name: value.clone() for name, value in steps.model.state_dict().items()}
    row["launched_ms"] = steps.milliseconds(launched)
    if graphs and graph_recording.possible(device):
        steps.model.load_state_dict(start)
        replayed, begin = gradients(cuda_graphs=True), time.monotonic()
        try:
            replayed.prepare(*steps.batch, steps.together)
        except RecordingError as error:
            row["recording_error"] = str(error.__cause__)
            return
        row["recorded_in"] = time.monotonic() - begin
        row["equal"] = _same(expected, steps.bits(replayed))
        row["replayed_ms"] = steps.milliseconds(replayed)
    if device.type == "cuda":
        row["peak_gb"] = devices.peak_memory_mb(device) / 1000
        devices.reset_peak_memory(device)


def _same(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def _digest(tensors: list[Tensor]) -> str:
    found = hashlib.sha256()
    for each in tensors:
        found.update(each.cpu().numpy().tobytes())
    return found.hexdigest()


class _Steps:
    """A network, its optimizer and one batch of random images for all steps."""

    def __init__(self, run: Run, kind: Kind, resolution: int, device: torch.device):
        self._device, self.together = device, run.optimizer.accumulation
        self.model = copy.deepcopy(network(run.model)).to(device).train()
        self.teacher = None
        if kind.teacher:
            teacher = copy.deepcopy(network(kind.teacher))
            self.teacher = teacher.eval().requires_grad_(False).to(device)
        self._optimizer = optimizers.build_optimizer(self.model, run.optimizer)
        self._schedule = optimizers.build_schedule(
            self._optimizer, run.optimizer.lr, run.one_cycle or run.warmup_cosine, SCHEDULED
        )
        rng = torch.Generator().manual_seed(run.seed)
        images = torch.randn(run.batch_size, 3, resolution, resolution, generator=rng)
        labels = torch.randint(run.model.classes, (run.batch_size,), generator=rng)
        self.batch = tuple(value.to(device) for value in (images, labels, torch.tensor([0.75, 0.25])))

    def bits(self, gradients: Gradients) -> list[Tensor]:
        """Gradients and sums of one batch, with the same random numbers in every call."""
        self.model.zero_grad(set_to_none=False)
        for value in gradients.sums.values():
            value.zero_()
        torch.manual_seed(0)
        gradients(*self.batch, self.together)
        found = [p.grad for p in self.model.parameters() if p.grad is not None]
        return [value.clone() for value in (*found, *gradients.sums.values())]

    def milliseconds(self, gradients: Gradients) -> float:
        """Milliseconds per batch, including its share of an update; asynchronous, as in an epoch."""
        self._updates(gradients, _WARM)
        done, begin = 0, time.perf_counter()
        while done < _LEAST or (done < _MOST and time.perf_counter() - begin < _SECONDS):
            self._updates(gradients, _LEAST)
            done += _LEAST
        return 1000 * (time.perf_counter() - begin) / (done * self.together)

    def _updates(self, gradients: Gradients, count: int) -> None:
        for _ in range(count):
            gradients.clear(self._optimizer, self.batch[0], self.together)
            for _ in range(self.together):
                gradients(*self.batch, self.together)
            self._optimizer.step()
            self._schedule.step()
        devices.wait_for(self._device)


@functools.cache
def network(model: Model) -> nn.Module:
    """A randomly initialised network, which must not be changed; cached, as building can take a second."""
    return models.build(model, streams.generator(0, "init"))
