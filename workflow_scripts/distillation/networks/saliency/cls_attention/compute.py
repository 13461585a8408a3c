"""Attention of the CLS token: the saliency of the released code for networks of patch size 4."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.networks.output import Output

_EPSILON_RANGE = 1e-8


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """Attention from the CLS token to the patches, mean over heads (P_4_ALL c14).

    Min-max normalised per image and layer; attention to the other tokens is left out.

    Args:
        output: of the network, with the features of these layers captured.
        labels: not used.
        layers: zero-based block indices.
        differentiable: whether the maps keep their graph.

    Returns:
        Maps [layers, B, patches] in [0, 1], float32.
    """
    captured = [output.features[f"attention.{layer}"] for layer in layers]
    rows = torch.stack([each.values for each in captured]).float().mean(dim=2)
    patches = rows[..., captured[0].prefix :]
    low, high = patches.amin(dim=-1, keepdim=True), patches.amax(dim=-1, keepdim=True)
    normalised = (patches - low) / (high - low + _EPSILON_RANGE)
    return normalised if differentiable else normalised.detach()
