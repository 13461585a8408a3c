"""Gradients of the true class's logit with respect to patch tokens, for saliency maps made of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.networks.output import Output

_EPSILON_RANGE = 1e-6


def of_patches(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """Gradients of the true class's logit with respect to the patch tokens that enter blocks.

    In a mixed image, the logits of its classes count by their shares.

    Tokens that enter are taken because those that leave the last block have no gradient: the head reads the
    CLS token alone.

    Args:
        output: of the network, computed with gradients enabled and "entering" captured of these layers; its
            own gradients are used if it has them.
        labels: true classes [B], or the shares [B, classes] of the classes in mixed images.
        layers: zero-based block indices.
        differentiable: whether the gradients keep the graph for a second derivative.

    Returns:
        [layers, B, patches, width], float32.
    """
    names = [f"entering.{layer}" for layer in layers]
    if output.gradients is not None:
        gradients = [output.gradients[name] for name in names]
    else:
        true_logits = (output.logits.float() * shares_of(output.logits, labels)).sum()
        tokens = [output.features[name].values for name in names]
        gradients = torch.autograd.grad(true_logits, tokens, create_graph=differentiable)
    return _patches(output, names, gradients)


def patches(output: Output, layers: Sequence[int]) -> Tensor:
    """The patch tokens that enter blocks, [layers, B, patches, width], float32; see `of_patches`."""
    names = [f"entering.{layer}" for layer in layers]
    return _patches(output, names, [output.features[name].values for name in names])


def _patches(output: Output, names: Sequence[str], values: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(values))[:, :, output.features[names[0]].prefix :].float()


def shares_of(logits: Tensor, labels: Tensor) -> Tensor:
    """By what each logit [B, classes] counts; see `of_patches` for the labels."""
    if labels.ndim > 1:
        return labels
    # A product with them rather than `gather`, whose deterministic gradient needs a sort on a GPU.
    return labels[:, None] == torch.arange(logits.shape[1], device=labels.device)


def normalised(maps: Tensor) -> Tensor:
    """Maps [layers, B, patches] with the range 0 to 1 in each image and layer (min-max)."""
    low, high = maps.amin(dim=-1, keepdim=True), maps.amax(dim=-1, keepdim=True)
    return (maps - low) / (high - low + _EPSILON_RANGE)
