"""Where and how a network is executed; no part of what a run is."""

import os
import resource
import sys

import torch

from irkd.errors import UserError


def start(device: str, threads: int) -> torch.device:
    """Make this process ready to train or evaluate, with equal bits for equal runs.

    Args:
        device: "cpu" or "cuda".
        threads: CPU threads of one operation.

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
    torch.set_num_threads(threads)
    return torch.device(device)


def describe(device: torch.device) -> dict[str, str | int]:
    """Device, CPU threads and build of torch in use, for the record of a run."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {
        "device": device.type,
        "name": name,
        "cpu_threads": torch.get_num_threads(),
        "torch_build": str(torch.__version__),
    }


def peak_memory_mb(device: torch.device) -> float:
    """The most memory in use at once, in 10^6 bytes: of the GPU's, or of this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    # The unit of ru_maxrss is the kibibyte on Linux and the byte on macOS.
    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    )
