"""Gradient saliency on tokens (Simonyan et al. 2014, with patch tokens instead of pixels)."""

from collections.abc import Sequence

from torch import Tensor

from distillation.networks import true_class_gradients
from distillation.networks.output import Output

_EPSILON_NORM = 1e-12


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """Norm of the gradient of the true class's logit with respect to the patch tokens entering blocks.

    The L2 norm over channels, min-max normalised per image and layer (paper, Experiment 1.4:
    "normalized saliency maps").

    Args:
        output: of the network, computed with gradients enabled and the features of these layers captured.
        labels: true classes [B], or shares of classes; see `true_class_gradients.of_patches`.
        layers: zero-based block indices.
        differentiable: whether the maps keep the graph for a second derivative.

    Returns:
        Maps [layers, B, patches] in [0, 1], float32.
    """
    gradients = true_class_gradients.of_patches(output, labels, layers, differentiable)
    # The epsilon inside the root keeps its derivative finite if a gradient vanishes.
    return true_class_gradients.normalised((gradients.square().sum(dim=-1) + _EPSILON_NORM).sqrt())
