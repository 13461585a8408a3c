"""Times and memory of compared tasks, measured in turns, so that a slow moment affects all of them."""

import ctypes
import gc
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_MATRIX = {"cpu": 2048, "cuda": 8192}


@dataclass
class Timing:
    """Seconds of each timed round, and the peak of memory added by the task, in bytes.

    `memory` is None if it cannot be measured.
    """

    seconds: list[float] = field(default_factory=list)
    memory: int | None = None

    @property
    def median(self) -> float:
        """Median seconds of the rounds."""
        return statistics.median(self.seconds)


def interleaved(
    tasks: Mapping[str, Callable[[], object]], rounds: int, device: torch.device
) -> dict[str, Timing]:
    """Run the tasks in turns: A B C, A B C, ...

    The first round warms up, the next `rounds` are timed, and a last one measures memory, which costs time on
    a CPU.
    """
    timings = {name: Timing() for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(rounds):
        for name, task in tasks.items():
            timings[name].seconds.append(_seconds(task, device))
    gc.collect()
    for name, task in tasks.items():
        timings[name].memory = _memory(task, device)
    return timings


def matrix_rate(device: torch.device, precision: str) -> float:
    """FLOP/s of a large matrix product in a precision; median of five."""
    side = _MATRIX[device.type]
    one, other = (torch.randn(side, side, device=device, dtype=_DTYPES[precision]) for _ in range(2))
    timing = interleaved({"product": lambda: one @ other}, 5, device)["product"]
    return 2 * side**3 / timing.median


def _seconds(task: Callable[[], object], device: torch.device) -> float:
    _finish(device)
    begin = time.perf_counter()
    task()
    _finish(device)
    return time.perf_counter() - begin


def _memory(task: Callable[[], object], device: torch.device) -> int | None:
    _finish(device)
    before = _reset_peak(device)
    task()
    _finish(device)
    return None if before is None else max(0, _peak(device) - before)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _reset_peak(device: torch.device) -> int | None:
    """Reset the peak of memory use; return bytes in use now, or None if the system does not report them."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    if sys.platform != "linux":
        return None
    # The C library keeps freed memory, which would hide the memory use of the task.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return _status("VmRSS")


def _peak(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _status("VmHWM")


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))
