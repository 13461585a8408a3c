"""Views of a whole data set at once, so that a training step only slices them.

Equal in distribution to the per-image chain of torchvision: RandomCrop with zero padding,
RandomHorizontalFlip, RandomApply of AutoAugment, bilinear antialiased Resize, Normalize.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from irkd import components
from irkd.errors import UserError
from irkd.spec import Augmentation, Normalization

# The images of a piece and their float copy fit the cache of a CPU core, and bound temporary memory.
_PIECE = 256


def training_view(
    images: Tensor,
    augmentation: Augmentation,
    resolution: int,
    normalization: Normalization,
    generator: torch.Generator,
) -> Tensor:
    """A fresh augmented view of every image: crop, flip and AutoAugment at full size, then scaling.

    Each augmentation draws from its own child of `generator`, so its draws depend neither on the
    other augmentations nor on the device of the images.

    Args:
        images: uint8 [N, 3, S, S], left unchanged.
        augmentation: padding of the crop and the probabilities of flip and AutoAugment.
        resolution: side of the view in pixels, at most S.
        normalization: per-channel statistics of pixels in [0, 1].
        generator: a CPU generator; it advances by the same amount at every call.

    Returns:
        float32 [N, 3, resolution, resolution] on the device of the images.

    Raises:
        UserError: `resolution` is not between 1 and S.
    """
    _require_resolution(images, resolution)
    crop_rng, flip_rng, gate_rng, policy_rng = _children(generator, 4)
    count, padding = len(images), augmentation.crop_padding
    offsets = torch.randint(2 * padding + 1, (count, 2), generator=crop_rng)
    flips = torch.rand(count, generator=flip_rng) < augmentation.flip
    if not augmentation.auto_augment:
        cropped = _pieces_of_crops(images, offsets, flips, padding)
        return _scaled_and_normalized(cropped, images, resolution, normalization)
    policy = components.load("augmentations", "auto_augment")
    chosen = torch.rand(count, generator=gate_rng) < augmentation.auto_augment
    draws = policy.draw(count, policy_rng)
    cropped = crop_and_flip(images, offsets, flips, padding)
    view = policy.apply(cropped, replace(draws, applied=draws.applied & chosen[:, None]))
    return plain_view(view, resolution, normalization)


def plain_view(images: Tensor, resolution: int, normalization: Normalization) -> Tensor:
    """Whole images scaled to `resolution` with rounding to grey levels, as Pillow does, and normalized.

    At `resolution` S nothing is resampled.

    Args:
        images: uint8 [N, 3, S, S], left unchanged.
        resolution: side of the view in pixels, at most S.
        normalization: per-channel statistics of pixels in [0, 1].

    Returns:
        float32 [N, 3, resolution, resolution] on the device of the images.

    Raises:
        UserError: `resolution` is not between 1 and S.
    """
    _require_resolution(images, resolution)
    return _scaled_and_normalized(images.split(_PIECE), images, resolution, normalization)


def crop_and_flip(images: Tensor, offsets: Tensor, flips: Tensor, padding: int) -> Tensor:
    """Every image padded with black, cropped back to its size, then flipped where asked.

    Args:
        images: uint8 [N, 3, S, S].
        offsets: int64 [N, 2], top and left corner of the crop in the padded image, in 0..2 * padding.
        flips: bool [N], mirrored left to right.
        padding: pixels added on each of the four sides.

    Returns:
        uint8 [N, 3, S, S], a new tensor on the device of the images.
    """
    return torch.cat(list(_pieces_of_crops(images, offsets, flips, padding)))


def _pieces_of_crops(images: Tensor, offsets: Tensor, flips: Tensor, padding: int) -> Iterator[Tensor]:
    size = images.shape[-1]
    steps = torch.arange(size, device=images.device)
    draws = offsets.to(images.device), flips.to(images.device)
    for piece, corner, flip in zip(*(part.split(_PIECE) for part in (images, *draws)), strict=True):
        padded = functional.pad(piece, [padding]).flatten(2)
        rows = (corner[:, :1] + steps) * (size + 2 * padding)
        columns = corner[:, 1:] + torch.where(flip[:, None], steps.flip(0), steps)
        source = (rows[:, :, None] + columns[:, None, :]).flatten(1)
        yield padded.gather(2, source[:, None].expand(-1, piece.shape[1], -1)).view_as(piece)


def _scaled_and_normalized(
    pieces: Iterable[Tensor], images: Tensor, resolution: int, normalization: Normalization
) -> Tensor:
    """Float views of uint8 pieces that together are as many as the images."""
    shape = (*images.shape[:2], resolution, resolution)
    view = torch.empty(shape, dtype=torch.float32, device=images.device)
    mean, std = list(normalization.mean), list(normalization.std)
    for piece, target in zip(pieces, view.split(_PIECE), strict=True):
        scaled = functional.resize(
            piece, [resolution, resolution], interpolation=InterpolationMode.BILINEAR, antialias=True
        )
        pixels = functional.to_dtype(scaled, torch.float32, scale=True)
        target.copy_(functional.normalize(pixels, mean, std, inplace=True))
    return view


def _children(generator: torch.Generator, count: int) -> list[torch.Generator]:
    seeds = torch.randint(2**63 - 1, (count,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _require_resolution(images: Tensor, resolution: int) -> None:
    size = images.shape[-1]
    if not 1 <= resolution <= size:
        raise UserError(
            f"A stage resolution of {resolution} px is impossible with images of {size} px: "
            f"images are only scaled down, choose 1 to {size}."
        )
