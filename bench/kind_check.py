"""One kind of training step on this device: does it repeat, is a replay the same, how long does each take."""

import copy
import functools
import time
from dataclasses import replace

import torch
from distillation.core import devices, streams
from distillation.networks import models
from distillation.study.spec import Model, Run
from distillation.training import graph_recording, optimizers
from distillation.training.gradients import Gradients
from distillation.training.graph_recording import RecordingError
from torch import Tensor, nn

from bench.cases import SCHEDULED
from bench.kinds import Kind

# Updates before the clock runs; then so many at least and at most and, between, for so many seconds.
_WARM, _LEAST, _MOST, _SECONDS = 2, 5, 40, 0.4


def check(
    kind: Kind, resolution: int, device: torch.device, batch_size: int | None = None, graphs: bool = True
) -> dict:
    """Train some steps on random images, launched and, where the device has CUDA graphs, replayed.

    Args:
        kind: of step.
        resolution: of the images in pixels.
        device: where.
        batch_size: images of a step; by default those of the run.
        graphs: whether to record steps.

    Returns:
        Plain values: batch (images), repeats (whether two launched batches gave the same bits), launched_ms;
        of replays equal (to the bits of launched ones), recorded_in (seconds) and replayed_ms, or the text
        recording_error; peak_gb of a GPU. Milliseconds are of a batch, its share of the optimizer's update
        included. Where the device has too little memory, "error" has its text.
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
    launched = Gradients(run, steps.model, steps.teacher, device)
    expected = steps.bits(launched)
    row["repeats"] = _same(expected, steps.bits(launched))
    start = {name: value.clone() for name, value in steps.model.state_dict().items()}
    row["launched_ms"] = steps.milliseconds(launched)
    if graphs and graph_recording.possible(device):
        steps.model.load_state_dict(start)
        replayed, begin = (
            Gradients(run, steps.model, steps.teacher, device, cuda_graphs=True),
            time.monotonic(),
        )
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


class _Steps:
    """A network, its optimizer and a batch of random images that all its steps are given."""

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
        """Gradients and sums of one batch, with equal random numbers every time."""
        self.model.zero_grad(set_to_none=False)
        for value in gradients.sums.values():
            value.zero_()
        torch.manual_seed(0)
        gradients(*self.batch, self.together)
        found = [p.grad for p in self.model.parameters() if p.grad is not None]
        return [value.clone() for value in (*found, *gradients.sums.values())]

    def milliseconds(self, gradients: Gradients) -> float:
        """Of a batch, its share of an update included; asynchronous, as in an epoch."""
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
    """A network with random weights, not to be changed; drawn once, as that can take a second."""
    return models.build(model, streams.generator(0, "init"))
