"""Grad-CAM on tokens (Selvaraju et al. 2017, equations 1 and 2, with patch tokens as the feature map)."""

from collections.abc import Sequence

from torch import Tensor

from distillation.networks import true_class_gradients
from distillation.networks.output import Output


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """ReLU of the sum of the channels of patch tokens entering blocks, each weighted by its mean gradient.

    The mean is over patches, of the gradient of the true class's logit; min-max normalised per image and
    layer.

    Args:
        output: of the network, computed with gradients enabled and the features of these layers captured.
        labels: true classes [B], or shares of classes; see `true_class_gradients.of_patches`.
        layers: zero-based block indices.
        differentiable: whether the maps keep the graph for a second derivative.

    Returns:
        Maps [layers, B, patches] in [0, 1], float32.
    """
    gradients = true_class_gradients.of_patches(output, labels, layers, differentiable)
    tokens = true_class_gradients.patches(output, layers)
    sums = (tokens * gradients.mean(dim=2, keepdim=True)).sum(dim=-1).relu()
    found = true_class_gradients.normalised(sums)
    return found if differentiable else found.detach()
