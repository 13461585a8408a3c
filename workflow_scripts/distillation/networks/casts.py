"""Weights of linear layers in bf16, cast by one kernel in place of one for each weight."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable


def of_linears(modules: Sequence[nn.Module]) -> list[dict[str, Tensor]]:
    """Weights and biases of the linear layers in each of some modules, by name, in bf16.

    They and their gradients have the bits that autocast gives them, and their gradients reach the parameters.
    """
    found = [
        {
            f"{place}.{name}": parameter
            for place, layer in module.named_modules()
            if isinstance(layer, nn.Linear)
            for name, parameter in layer.named_parameters(recurse=False)
        }
        for module in modules
    ]
    casts = iter(_Cast.apply(*(parameter for each in found for parameter in each.values())))
    return [{name: next(casts) for name in each} for each in found]


class _Cast(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, *parameters: Tensor) -> tuple[Tensor, ...]:
        return _copies(parameters, torch.bfloat16)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, ...]:
        return _copies(gradients, torch.float32)


def _copies(values: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    copies = [torch.empty_like(value, dtype=dtype) for value in values]
    torch._foreach_copy_(copies, list(values))
    return tuple(copies)
