"""Length of the patch tokens that leave blocks: maps of features, without a class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.networks import true_class_gradients
from distillation.networks.output import Output

_EPSILON_NORM = 1e-12


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """L2 norm over channels of the patch tokens leaving blocks, min-max normalised per image and layer.

    Paper, Experiment 1.4: "registering hooks on intermediate transformer layers to extract features".

    Args:
        output: of the network, with the features of these layers captured.
        labels: not used.
        layers: zero-based block indices.
        differentiable: whether the maps keep their graph.

    Returns:
        Maps [layers, B, patches] in [0, 1], float32.
    """
    captured = [output.features[f"leaving.{layer}"] for layer in layers]
    patches = torch.stack([each.values for each in captured])[:, :, captured[0].prefix :].float()
    norms = (patches.square().sum(dim=-1) + _EPSILON_NORM).sqrt()
    found = true_class_gradients.normalised(norms)
    return found if differentiable else found.detach()
