"""Attention of the CLS token: the saliency of the released code for networks of patch size 4."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.networks.output import Output

SECOND_ORDER = False
CAPTURED = "attention"
_EPSILON_RANGE = 1e-8


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """Attention from the CLS token to the patches, mean over heads (P_4_ALL c14).

    Min-max normalised per image and layer; attention to the other tokens is left out.

    Args:
        output: of the network, with the attention of these layers captured.
        labels: not used.
        layers: zero-based block indices.
        differentiable: whether the maps keep their graph.

    Returns:
        Maps [layers, B, patches] in [0, 1], float32.
    """
    rows = torch.stack([output.attention[layer] for layer in layers]).float().mean(dim=2)
    patches = rows[..., output.prefix_tokens :]
    low, high = patches.amin(dim=-1, keepdim=True), patches.amax(dim=-1, keepdim=True)
    normalised = (patches - low) / (high - low + _EPSILON_RANGE)
    return normalised if differentiable else normalised.detach()
