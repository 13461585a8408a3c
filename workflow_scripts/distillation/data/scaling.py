"""Scale images to the same grey levels as Pillow, on any device."""

import functools

import torch
from torch import Tensor

# Of Pillow's fixed-point weights for 8-bit images: PRECISION_BITS in its src/libImaging/Resample.c.
_WEIGHT_BITS = 22


def scaled(images: Tensor, side: int) -> Tensor:
    """Square images scaled as Pillow does: bilinear, antialiased, each of two passes rounded.

    Weights are multiples of 2^-22 and pixels are 8-bit integers, so sums in float64 are exact: every device
    and every order of the terms gives the same levels.

    Args:
        images: uint8 [N, 3, S, S], left unchanged.
        side: of the result in pixels.

    Returns:
        uint8 [N, 3, side, side]; the images themselves if they have that side.
    """
    if images.shape[-1] == side:
        return images
    weights = _weights(images.shape[-1], side, images.device)
    rows = _rounded(images.double() @ weights.T)
    return _rounded(weights @ rows).to(torch.uint8)


def _rounded(levels: Tensor) -> Tensor:
    """Whole levels; halves are rounded up, whereas `torch.round` takes the even neighbour."""
    return levels.add_(0.5).floor_()


@functools.cache
def _weights(size: int, side: int, device: torch.device) -> Tensor:
    """Weights [side, size] of the pixels of a line in the pixels of the scaled line."""
    scale = size / side
    # Of the triangle, in pixels: it covers a pixel of the result, or two of the line if that is smaller.
    width = max(scale, 1.0)
    places = torch.arange(size, dtype=torch.float64) + 0.5
    centres = (torch.arange(side, dtype=torch.float64) + 0.5) * scale
    triangles = (1 - ((places - centres[:, None]) / width).abs()).clamp(min=0)
    shares = triangles / triangles.sum(dim=1, keepdim=True)
    return ((shares * 2**_WEIGHT_BITS + 0.5).floor() / 2**_WEIGHT_BITS).to(device)
