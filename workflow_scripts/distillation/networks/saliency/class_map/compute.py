"""Class maps of intermediate patch tokens: the saliency of the released code for networks of patch size 2.

The released code takes the gradient of a class's logit when the final classifier reads the mean of a
block's patch tokens (P_2_OUR_STUDENT_SAL_MAP c1, P_2_SaliencyMap c1). That gradient is the classifier's
row, divided by the number of patches, for every image and patch, so the maps have a closed form.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

from distillation.networks.output import Output

_EPSILON_RANGE = 1e-6
# Tokens of a piece on a CPU; classes are padded to a multiple, because CPUs multiply such widths faster.
_CACHED, _CLASS_MULTIPLE = 1024, 16


def maps(output: Output, labels: Tensor, layers: Sequence[int], differentiable: bool) -> Tensor:
    """The sum over channels of ReLU(weight * token / patches), one map per class.

    Min-max normalised per image and layer, jointly over positions and classes. As released, there is no
    final norm before the classifier, and the maps train its weights too.

    Args:
        output: of the network, with the features of these layers captured.
        labels: not used; every class has a map.
        layers: zero-based block indices.
        differentiable: whether the maps keep their graph.

    Returns:
        Maps [layers, B, patches, classes] in [0, 1], float32.
    """
    weights = output.features["classifier"].float()
    tokens = [output.features[f"leaving.{layer}"] for layer in layers]
    raw = torch.stack([_Sums.apply(each.values.float(), weights) for each in tokens])
    prefix = tokens[0].prefix
    raw = raw[:, :, prefix:] / (raw.shape[2] - prefix)
    low, high = raw.amin(dim=(-2, -1), keepdim=True), raw.amax(dim=(-2, -1), keepdim=True)
    normalised = (raw - low) / (high - low + _EPSILON_RANGE)
    return normalised if differentiable else normalised.detach()


class _Sums(torch.autograd.Function):
    """Sums of ReLU(w p) over channels, [B, tokens, classes]; tokens p [B, tokens, C], weights w [classes, C].

    ReLU(w p) = (w p + |w| |p|) / 2: two matrix products forward and four backward, in pieces that stay in
    the cache of a CPU core, and only tokens and weights are saved for the backward pass. The derivative with
    respect to a factor that is 0 does not exist; here it is half the other factor; torch's ReLU gives 0.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, tokens: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(tokens, weights)
        classes = len(weights)
        half = functional.pad(weights / 2, (0, 0, 0, -classes % _CLASS_MULTIPLE)).T
        sums = tokens.new_empty(*tokens.shape[:2], half.shape[1])
        for part, target in _pieces(tokens, sums):
            torch.mm(part, half, out=target).addmm_(part.abs(), half.abs())
        return sums[..., :classes]

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        tokens, weights = ctx.saved_tensors
        half = weights / 2
        signed, unsigned = torch.zeros_like(half), torch.zeros_like(half)
        of_tokens = half.new_empty(tokens.shape)
        for part, given, target in _pieces(tokens, gradient.contiguous(), of_tokens):
            sign = part.sign()
            torch.mm(given, half.abs(), out=target).mul_(sign).addmm_(given, half)
            signed.addmm_(given.T, part)
            unsigned.addmm_(given.T, sign.mul_(part))
        return of_tokens, (signed + unsigned * weights.sign()) / 2


def _pieces(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Rows of the same images of each tensor [B, tokens, ...]: a few on a CPU, all on a GPU."""
    images, count = tensors[0].shape[:2]
    some = max(1, _CACHED // count) if tensors[0].device.type == "cpu" else images
    for parts in zip(*(tensor.split(some) for tensor in tensors), strict=True):
        yield tuple(part.flatten(0, 1) for part in parts)
