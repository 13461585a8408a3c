"""Where and how a network is executed; no part of what a run is."""

import os
import resource
import sys
from contextlib import AbstractContextManager, nullcontext

import torch

from irkd import devices
from irkd.errors import UserError


def start(device: str, threads: int) -> torch.device:
    """Make this process ready to train or evaluate, with equal bits for equal runs.

    Of several GPUs that it can see it takes one, with the fewest jobs of ours; see `devices.claim`.

    Args:
        device: "cpu" or "cuda".
        threads: CPU threads of one operation.

    Returns:
        The device, with the index of the GPU.

    Raises:
        UserError: when there is no such device here.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "execution.device is 'cuda', but torch finds no CUDA device here; run this job on a machine"
            " with one, or set `execution: {device: cpu}` in the configuration."
        )
    # cuBLAS is deterministic only with a workspace of fixed size, chosen before its first call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # One more kernel for every new tensor; it only helps to find reads of memory that nobody wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_num_threads(threads)
    return torch.device(device) if device == "cpu" else _gpu()


def _gpu() -> torch.device:
    # Not by index: CUDA_VISIBLE_DEVICES can number the same GPUs differently in another job.
    names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    device = torch.device("cuda", devices.claim(names) if len(names) > 1 else 0)
    torch.cuda.set_device(device)
    return device


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """bf16 autocast, or nothing for fp32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


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
    """Begin a new measurement of the peak; the peak of a process on a CPU is that of its whole life."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: torch.device) -> float:
    """The most memory in use at once, in 10^6 bytes: a GPU's since the reset, or the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    # The unit of ru_maxrss is the kibibyte on Linux and the byte on macOS.
    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    )
