"""The device that a process computes on: chosen, made deterministic, described and measured."""

import fcntl
import itertools
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import torch

from distillation.core.errors import UserError

# A lock lasts as long as its file is open: until the process ends, however it ends.
_HELD: list[IO] = []


def setup(device: str, threads: int) -> torch.device:
    """Prepare this process to train or evaluate deterministically: equal runs give equal bits.

    If it sees several GPUs, it takes the one with the fewest claims; see `claim`.

    Args:
        device: "cpu" or "cuda".
        threads: CPU threads per operation.

    Returns:
        The device, with the index of the GPU.

    Raises:
        UserError: if this machine has no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "execution.device is 'cuda', but torch finds no CUDA device here; run this job on a machine"
            " with one, or set `execution: {device: cpu}` in the configuration."
        )
    # cuBLAS is deterministic only with a workspace of fixed size, chosen before its first call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # It costs a kernel for every new tensor and only helps to find reads of uninitialised memory.
    torch.utils.deterministic.fill_uninitialized_memory = False
    # The patch embedding is a convolution, and in float32 convolutions use TF32 by default.
    torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(threads)
    return torch.device(device) if device == "cpu" else _gpu()


def _gpu() -> torch.device:
    # Not by index: CUDA_VISIBLE_DEVICES can number the same GPUs differently in another job.
    names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    device = torch.device("cuda", claim(names) if len(names) > 1 else 0)
    torch.cuda.set_device(device)
    return device


def claim(names: Sequence[str], folder: Path | None = None) -> int:
    """Claim one of several GPUs until this process ends.

    The GPU with the fewest claims is taken, among equals the first. Jobs of other users are not counted.

    Args:
        names: unique names of the visible GPUs, the same in every process, such as their UUIDs.
        folder: of the lock files, on this machine; by default a temporary folder of this user.

    Returns:
        The index of the GPU among the names.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"distillation-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for share in itertools.count(1):
        for index, name in enumerate(names):
            lock = (folder / f"{name}.{share}").open("w", encoding="utf-8")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                _HELD.append(lock)
                return index
    raise AssertionError("there is always another share")


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe(device: torch.device) -> dict[str, str | int]:
    """Device, CPU threads and build of torch in use, for the record of a run."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {
        "device": device.type,
        "name": name,
        "cpu_threads": torch.get_num_threads(),
        "torch_build": str(torch.__version__),
    }


def reset_peak_memory(device: torch.device) -> None:
    """Reset the peak memory of a GPU; on a CPU the peak is always that of the whole process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory in 10^6 bytes: of a GPU since the reset, or of the whole process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    # The unit of ru_maxrss is the kibibyte on Linux and the byte on macOS.
    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    )
