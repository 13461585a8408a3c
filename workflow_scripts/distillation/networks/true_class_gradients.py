"""Gradients of the true class's logit with respect to patch tokens, for saliency maps made of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.networks.output import Output

_EPSILON_RANGE = 1e-6


def of_patches(
    output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool
) -> tuple[Tensor, Tensor]:
    """The patch tokens that enter blocks, and the gradients of the true class's logit with respect to them.

    In a mixed image, the logits of its classes count by their shares.

    Those that enter are taken because those that leave the last block have no gradient: the head reads the
    CLS token alone.

    Args:
        output: of the network, computed with gradients enabled and "entering" captured of these layers.
        labels: true classes [B], or the shares [B, classes] of the classes in mixed images.
        layers: zero-based block indices.
        differentiable: whether the gradients keep the graph for a second derivative.

    Returns:
        Tokens and gradients, both [layers, B, patches, width], float32.
    """
    shares = labels
    if labels.ndim == 1:
        shares = labels[:, None] == torch.arange(output.logits.shape[1], device=labels.device)
    # A product rather than `gather`, whose deterministic gradient needs a sort on a GPU.
    true_logits = (output.logits.float() * shares).sum()
    tokens = [output.features[f"entering.{layer}"] for layer in layers]
    values = [each.values for each in tokens]
    gradients = torch.autograd.grad(true_logits, values, create_graph=differentiable)
    prefix = tokens[0].prefix
    return tuple(torch.stack(list(each))[:, :, prefix:].float() for each in (values, gradients))


def normalised(maps: Tensor) -> Tensor:
    """Maps [layers, B, patches] with the range 0 to 1 in each image and layer (min-max)."""
    low, high = maps.amin(dim=-1, keepdim=True), maps.amax(dim=-1, keepdim=True)
    return (maps - low) / (high - low + _EPSILON_RANGE)
