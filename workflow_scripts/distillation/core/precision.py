"""The number formats of a training."""

import importlib.util
import os
import shutil
from contextlib import AbstractContextManager, nullcontext

import torch

from distillation.core.errors import UserError

# As torch names them, on x86 and on Arm.
_BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def has_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bf16; a GPU is assumed to have them."""
    return device.type != "cpu" or any(map(torch.cpu.get_capabilities().get, _BF16_INSTRUCTIONS))


def require_precision(precision: str, device: torch.device, slow_bf16: bool) -> None:
    """Refuse bf16 on a CPU that emulates it, where a step can take twenty times as long as in fp32.

    Args:
        precision: "bf16" or "fp32".
        device: of the training.
        slow_bf16: whether it is allowed anyway.

    Raises:
        UserError: bf16 would be emulated.
    """
    if precision == "bf16" and not (slow_bf16 or has_bf16(device)):
        raise UserError(
            "precision is bf16, for which this CPU has no instructions: a step can take twenty times as long"
            " as in fp32; set `precision: fp32` in the recipes, train on a GPU or, to accept this, set"
            " `execution: {slow_bf16: true}` in the configuration."
        )


def require_compiler(fused: bool, device: torch.device) -> None:
    """Refuse fused steps where they cannot be compiled, or would not be faster.

    Args:
        fused: whether the steps of a training are.
        device: of the training.

    Raises:
        UserError: the device is a CPU, or Triton or a C compiler is missing.
    """
    if not fused:
        return
    fix = "; set `fused: false` in the recipes"
    if device.type == "cpu":
        raise UserError(f"fused is for GPUs; this training runs on a CPU{fix}, or train on a GPU.")
    if importlib.util.find_spec("triton") is None:
        raise UserError(f"fused needs the package triton, which is not installed{fix}, or install it.")
    if not (os.environ.get("CC") or any(map(shutil.which, ("cc", "gcc", "clang")))):
        raise UserError(f"fused needs a C compiler, and none is found{fix}, or install gcc.")


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """bf16 autocast, or nothing for fp32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
