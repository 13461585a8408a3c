"""Gradient saliency on tokens (Simonyan et al. 2014, with patch tokens instead of pixels)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.networks.output import Output

_EPSILON_NORM = 1e-12
_EPSILON_RANGE = 1e-6


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """Norm of the gradient of the true class's logit with respect to the patch tokens entering blocks.

    The L2 norm over channels, min-max normalised per image and layer (paper, Experiment 1.4:
    "normalized saliency maps"). The tokens that enter a block are taken because those that leave
    the last one have no gradient: the head reads the CLS token alone.

    Args:
        output: of the network, computed with gradients enabled and the features of these layers captured.
        labels: true classes [B].
        layers: zero-based block indices.
        differentiable: whether the maps keep the graph for a second derivative.

    Returns:
        Maps [layers, B, patches] in [0, 1], float32.
    """
    # A product rather than `gather`, whose deterministic gradient needs a sort on a GPU.
    is_true = labels[:, None] == torch.arange(output.logits.shape[1], device=labels.device)
    true_logits = (output.logits.float() * is_true).sum()
    tokens = [output.features[f"entering.{layer}"] for layer in layers]
    values = [each.values for each in tokens]
    gradients = torch.autograd.grad(true_logits, values, create_graph=differentiable)
    patches = torch.stack(gradients)[:, :, tokens[0].prefix :].float()
    # The epsilon inside the root keeps its derivative finite if a gradient vanishes.
    norms = (patches.square().sum(dim=-1) + _EPSILON_NORM).sqrt()
    low, high = norms.amin(dim=-1, keepdim=True), norms.amax(dim=-1, keepdim=True)
    return (norms - low) / (high - low + _EPSILON_RANGE)
