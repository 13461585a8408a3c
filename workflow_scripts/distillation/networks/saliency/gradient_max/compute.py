"""Gradient saliency on tokens, largest over channels, as Simonyan et al. (2014) take it over colours."""

from collections.abc import Sequence

from torch import Tensor

from distillation.networks import true_class_gradients
from distillation.networks.output import Output


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """Largest absolute gradient over channels of the true class's logit, by patch token entering a block.

    Min-max normalised per image and layer.

    Args:
        output: of the network, computed with gradients enabled and the features of these layers captured.
        labels: true classes [B], or shares of classes; see `true_class_gradients.of_patches`.
        layers: zero-based block indices.
        differentiable: whether the maps keep the graph for a second derivative.

    Returns:
        Maps [layers, B, patches] in [0, 1], float32.
    """
    gradients = true_class_gradients.of_patches(output, labels, layers, differentiable)
    return true_class_gradients.normalised(gradients.abs().amax(dim=-1))
