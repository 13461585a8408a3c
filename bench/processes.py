"""Several trainings side by side on one device."""

import multiprocessing
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from distillation.core import devices
from distillation.core.errors import UserError
from distillation.training.graph_recording import CudaGraphs

from bench.cases import Case
from bench.loops.engine_loop import EngineLoop, teacher_of

RUNS = ("tiny-p4-kd", "custom-p2-ce")
COUNTS = (1, 2, 3, 4)
# Seconds for which a process waits until the others are ready.
_PATIENCE = 300
# Timed epochs of a process.
_EPOCHS = 3


def rows(case: Case, precision: str, device: torch.device, cuda_graphs: CudaGraphs) -> Iterator[dict]:
    """One row per number of processes, each with one CPU thread: images per second of all together."""
    case = replace(case, run=replace(case.run, precision=precision))
    for count in COUNTS:
        seconds = _together(case, count, device.type, cuda_graphs)
        yield {
            "part": "processes",
            "case": case.name,
            "way": f"{count} process{'es' if count > 1 else ''}",
            "precision": precision,
            "batch": case.run.batch_size,
            "steps": case.steps * _EPOCHS,
            "seconds": seconds,
            "images_per_second": count * case.images * _EPOCHS / seconds,
        }


def _together(case: Case, count: int, device: str, cuda_graphs: CudaGraphs) -> float:
    """Seconds from the first start to the last end."""
    context = multiprocessing.get_context("spawn")
    barrier, spans = context.Barrier(count), context.SimpleQueue()
    arguments = case, device, cuda_graphs, barrier, spans
    workers = [context.Process(target=train, args=arguments) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise UserError(
            f"{case.name}: one of {count} trainings side by side failed, see the error above; free memory on"
            " the device, or measure without --full."
        )
    starts, ends = zip(*(spans.get() for _ in workers), strict=True)
    return max(ends) - min(starts)


def train(
    case: Case, device: str, cuda_graphs: CudaGraphs, barrier: threading.Barrier, spans: queue.SimpleQueue
) -> None:
    """Train epochs of a case once all processes are ready, and put their start and end into `spans`.

    Both are seconds of the machine's monotonic clock.
    """
    try:
        place = devices.setup(device, 1)
        loop = EngineLoop(case.run, teacher_of(case, place), *case.data(place), place, cuda_graphs)
        loop.epoch()
    except BaseException:
        barrier.abort()
        raise
    barrier.wait(_PATIENCE)
    begin = time.monotonic()
    for _ in range(_EPOCHS):
        loop.epoch()
    spans.put((begin, time.monotonic()))
