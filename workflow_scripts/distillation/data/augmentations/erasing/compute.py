"""Random erasing (Zhong et al. 2020, arXiv 1708.04896), for batches, with the draws of torchvision."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.data.augmentations.erasing import RandomErasing

# As torchvision: an image stays unchanged if this many rectangles do not fit.
_ATTEMPTS = 10


def augment(images: Tensor, own: RandomErasing, generators: Sequence[torch.Generator]) -> Tensor:
    """The same images, changed in place; see `erase`."""
    erase(images, own, *generators)
    return images


def erase(images: Tensor, settings: RandomErasing, generator: torch.Generator) -> None:
    """Set a random rectangle of some of the images to 0, the mean colour of normalized pixels, in place.

    Args:
        images: float32 [N, 3, r, r], normalized; changed.
        settings: probability per image, and ranges of the rectangle's area and shape.
        generator: a CPU generator; it advances by an amount that depends on N alone.
    """
    side = images.shape[-1]
    chosen, *places = draw(len(images), side, settings, generator)
    erased = chosen.nonzero().flatten()
    top, left, height, width = (place[erased].to(images.device)[:, None] for place in places)
    steps = torch.arange(side, device=images.device)
    rows = (steps >= top) & (steps < top + height)
    columns = (steps >= left) & (steps < left + width)
    inside = (rows[:, :, None] & columns[:, None, :])[:, None]
    erased = erased.to(images.device)
    images.index_copy_(0, erased, images.index_select(0, erased).masked_fill_(inside, 0.0))


def draw(
    count: int, side: int, settings: RandomErasing, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Which of `count` images lose a rectangle, and its top, left, height and width in pixels, each [count].

    Area and the logarithm of the ratio are uniform; the first of several attempts that is smaller than the
    image is used.
    """
    shape = (count, _ATTEMPTS)
    chosen = torch.rand(count, generator=generator) < settings.probability
    area = side**2 * torch.empty(shape).uniform_(*settings.scale, generator=generator)
    ratio = torch.empty(shape).uniform_(*map(math.log, settings.ratio), generator=generator).exp()
    heights, widths = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
    fits = (heights < side) & (widths < side)
    first = fits.int().argmax(dim=1, keepdim=True)
    height, width = heights.gather(1, first)[:, 0], widths.gather(1, first)[:, 0]
    place = torch.rand(2, count, generator=generator, dtype=torch.float64)
    top, left = (place[0] * (side - height + 1)).long(), (place[1] * (side - width + 1)).long()
    return chosen & fits.any(dim=1), top, left, height, width
