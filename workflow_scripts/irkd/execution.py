"""Where and how a network is executed; no part of what a run is."""

import os
import resource
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, NoReturn

import torch

from irkd import devices, runlog
from irkd.errors import UserError

# Whether training steps are replayed: as asked for, or as a comparison of bits turns out.
CudaGraphs = bool | Literal["auto"]

# As torch names them, on x86 and on Arm.
_BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
# Set in the environment of a process that has started again; see `start_again_without_graphs`.
_WITHOUT_GRAPHS = "TRAINING_WITHOUT_CUDA_GRAPHS"


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
    # The patch embedding is a convolution, and in float32 those are TF32 unless told otherwise.
    torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(threads)
    return torch.device(device) if device == "cpu" else _gpu()


def _gpu() -> torch.device:
    # Not by index: CUDA_VISIBLE_DEVICES can number the same GPUs differently in another job.
    names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    device = torch.device("cuda", devices.claim(names) if len(names) > 1 else 0)
    torch.cuda.set_device(device)
    return device


def has_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bf16; a GPU is taken to have them."""
    return device.type != "cpu" or any(map(torch.cpu.get_capabilities().get, _BF16_INSTRUCTIONS))


def require_precision(precision: str, device: torch.device, slow_bf16: bool) -> None:
    """Refuse bf16 on a CPU that emulates it, where a step can take twenty times that of fp32.

    Args:
        precision: "bf16" or "fp32".
        device: of the training.
        slow_bf16: whether it is wanted all the same.

    Raises:
        UserError: bf16 would be emulated.
    """
    if precision == "bf16" and not (slow_bf16 or has_bf16(device)):
        raise UserError(
            "precision is bf16, for which this CPU has no instructions: a step can take twenty times that of"
            " fp32; set `precision: fp32` in the recipes, train on a GPU or, if that is wanted, set"
            " `execution: {slow_bf16: true}` in the configuration."
        )


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """bf16 autocast, or nothing for fp32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def start_again_without_graphs(failure: str) -> NoReturn:
    """Replace this process by a fresh one with the same arguments, to which `graphs_given_up` tells why.

    After a recording has failed, a process cannot rely on its CUDA context and random generators. Locks are
    released; a checkpoint is what the fresh process goes on from.

    Args:
        failure: why a step could not be recorded.
    """
    environment = {**os.environ, _WITHOUT_GRAPHS: failure or "unknown", runlog.GOES_ON: "1"}
    os.execve(sys.executable, sys.orig_argv, environment)


def graphs_given_up() -> str | None:
    """Why a recording failed in the process whose place this one has taken; None if it took none's."""
    return os.environ.get(_WITHOUT_GRAPHS)


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has done all that it was given."""
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
