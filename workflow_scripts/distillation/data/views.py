"""Views of a whole data set at once, so that a training step only takes a slice.

Equal in distribution to the per-image chain of torchvision: RandomCrop with zero padding,
RandomHorizontalFlip, RandomApply of AutoAugment, or RandAugment, bilinear antialiased Resize, Normalize,
RandomErasing.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from distillation.core import components
from distillation.core.errors import UserError
from distillation.data.scaling import scaled
from distillation.data.settings import AUGMENTATIONS, VIEWS_AT_ONCE, Augmentation, Normalization

# Pieces bound temporary memory and fit into the cache of a CPU core; a GPU gets fewer and larger pieces,
# because each costs launches. Images of 32 px; of larger ones a piece has fewer.
_PIECE = {"cpu": 256, "cuda": 4096}
_PIECE_SIDE = 32
_WHITE = 255


class TrainingView(NamedTuple):
    """What a network is shown of some images in training.

    Attributes:
        pixels: float32 [N, 3, r, r], normalised.
        flips: bool [N]: which images are mirrored.
    """

    pixels: Tensor
    flips: Tensor


class TrainingViews:
    """Fresh views of all images of an epoch, batch by batch; a gibibyte of them is made at once.

    Args:
        augmentation: see `training_view`.
        normalization: see `training_view`.
        kind: see `training_view`.
        size: of the images in pixels; those of the data set are scaled to it first.
        batch_size: images of a batch; the last one may have fewer.
    """

    def __init__(
        self, augmentation: Augmentation, normalization: Normalization, kind: str, size: int, batch_size: int
    ):
        self._augmentation, self._normalization, self._kind = augmentation, normalization, kind
        self._size, self._batch_size = size, batch_size
        self._latest: Tensor | None = None

    def batches(self, images: Tensor, resolution: int, generator: torch.Generator) -> Iterator[TrainingView]:
        """The views in the order of the images; each is valid until the next is taken.

        Args:
            images: uint8 [N, 3, S, S], left unchanged.
            resolution: see `training_view`.
            generator: see `training_view`.
        """
        together = max(1, VIEWS_AT_ONCE // (self._batch_size * 3 * resolution**2 * 4))
        for part in images.split(together * self._batch_size):
            pixels, flips = training_view(
                whole(part, self._size),
                self._augmentation,
                resolution,
                self._normalization,
                generator,
                self._kind,
                self._latest,
            )
            self._latest = pixels
            parts = pixels.split(self._batch_size), flips.split(self._batch_size)
            yield from map(TrainingView, *parts)


def training_view(
    images: Tensor,
    augmentation: Augmentation,
    resolution: int,
    normalization: Normalization,
    generator: torch.Generator,
    kind: str = "scale",
    reuse: Tensor | None = None,
) -> TrainingView:
    """A fresh view of every image: crop, flip, changes of grey levels, scaling, changes of the view.

    Each augmentation draws from its own children of `generator`, so its draws depend neither on the
    other augmentations nor on the device of the images.

    Args:
        images: uint8 [N, 3, S, S], left unchanged.
        augmentation: padding of the crop, probability of the flip, and the components of
            `data.augmentations`.
        resolution: side of the view in pixels; of a crop at most S.
        normalization: per-channel statistics of pixels in [0, 1].
        generator: a CPU generator; it advances by the same amount at every call.
        kind: "scale" (crops of S pixels are scaled), "crop" (crops have the view's size) or
            "scale-then-crop" (the padding is that of the scaled image); see `data.settings.Views`.
        reuse: an earlier view that is no longer needed; its memory is reused if the shape is the same.

    Returns:
        The view, on the device of the images.

    Raises:
        UserError: `resolution` is not positive, or a crop's exceeds S.
    """
    require_resolution(images, resolution, kind)
    used = augmentation.used
    streams = 1 + max(stream for module in AUGMENTATIONS.values() for stream in module.STREAMS)
    generators = _children(generator, streams)
    if kind == "scale-then-crop":
        images = whole(images, resolution)
    count, padding = len(images), augmentation.crop_padding
    side = resolution if kind == "crop" else images.shape[-1]
    places = images.shape[-1] + 2 * padding - side + 1
    offsets = torch.randint(places, (count, 2), generator=generators[0])
    flips = (torch.rand(count, generator=generators[1]) < augmentation.flip).to(images.device)
    shown = _pieces_of_crops(images, offsets, flips, padding, side)

    def augmented(view: Tensor, acting_on: str) -> Tensor:
        for name in (name for name, module in used.items() if acting_on == module.ON):
            own = [generators[stream] for stream in used[name].STREAMS]
            augment = components.load("data.augmentations", name).augment
            view = augment(view, getattr(augmentation, name), own)
        return view

    if any(module.ON == "levels" for module in used.values()):
        shown = augmented(torch.cat(list(shown)), "levels").split(_piece(images))
    pixels = augmented(_scaled_and_normalized(shown, images, resolution, normalization, reuse), "view")
    return TrainingView(pixels, flips)


def whole(images: Tensor, side: int) -> Tensor:
    """Whole uint8 images [N, 3, S, S] scaled as Pillow does; see `scaled`."""
    if images.shape[-1] == side:
        return images
    return torch.cat([scaled(piece, side) for piece in images.split(_piece(images, side))])


def plain_view(
    images: Tensor, resolution: int, normalization: Normalization, size: int | None = None
) -> Tensor:
    """Whole images scaled to `resolution` with rounding to grey levels, as Pillow does, and normalized.

    Images that have that side already are not resampled.

    Args:
        images: uint8 [N, 3, S, S], left unchanged.
        resolution: side of the view in pixels.
        normalization: per-channel statistics of pixels in [0, 1].
        size: side to which the images are scaled first; S by default.

    Returns:
        float32 [N, 3, resolution, resolution] on the device of the images.

    Raises:
        UserError: `resolution` is not positive.
    """
    images = whole(images, size or images.shape[-1])
    require_resolution(images, resolution, "scale")
    return _scaled_and_normalized(images.split(_piece(images)), images, resolution, normalization)


def validation_view(
    images: Tensor, kind: str, resolution: int, normalization: Normalization, size: int | None = None
) -> Tensor:
    """Whole images scaled ("scale") or their centres at full scale ("crop"); see `plain_view`."""
    images = whole(images, size or images.shape[-1])
    if kind == "crop":
        require_resolution(images, resolution, kind)
        images = functional.center_crop(images, [resolution, resolution])
    return plain_view(images, resolution, normalization)


def crop_and_flip(images: Tensor, offsets: Tensor, flips: Tensor, padding: int, side: int) -> Tensor:
    """A square crop of every image, padded with black, and flipped if requested.

    Args:
        images: uint8 [N, 3, S, S].
        offsets: int64 [N, 2], top and left corner of the crop in the padded image, in
            0..S + 2 * padding - side.
        flips: bool [N], mirrored left to right.
        padding: pixels added on each of the four sides.
        side: of the crop in pixels.

    Returns:
        uint8 [N, 3, side, side], a new tensor on the device of the images.
    """
    return torch.cat(list(_pieces_of_crops(images, offsets, flips, padding, side)))


def _piece(images: Tensor, side: int = 1) -> int:
    """How many of these images, or of them scaled to a side in pixels, make a piece."""
    side = max(side, images.shape[-1], _PIECE_SIDE)
    return max(1, _PIECE[images.device.type] * _PIECE_SIDE**2 // side**2)


def _pieces_of_crops(
    images: Tensor, offsets: Tensor, flips: Tensor, padding: int, side: int
) -> Iterator[Tensor]:
    size = images.shape[-1]
    steps = torch.arange(side, device=images.device)
    everything = images, offsets.to(images.device), flips.to(images.device)
    for piece, corner, flip in zip(*(each.split(_piece(images)) for each in everything), strict=True):
        padded = functional.pad(piece, [padding]).flatten(2)
        rows = (corner[:, :1] + steps) * (size + 2 * padding)
        columns = corner[:, 1:] + torch.where(flip[:, None], steps.flip(0), steps)
        source = (rows[:, :, None] + columns[:, None, :]).flatten(1)
        pixels = padded.gather(2, source[:, None].expand(-1, piece.shape[1], -1))
        yield pixels.unflatten(2, (side, side))


def _scaled_and_normalized(
    pieces: Iterable[Tensor],
    images: Tensor,
    resolution: int,
    normalization: Normalization,
    reuse: Tensor | None = None,
) -> Tensor:
    """Float views of uint8 pieces that together have as many images as `images`."""
    shape = (*images.shape[:2], resolution, resolution)
    # On a CPU, allocating fresh memory takes longer than computing a view.
    view = (
        reuse if reuse is not None and reuse.shape == shape else images.new_empty(shape, dtype=torch.float32)
    )
    mean, std = list(normalization.mean), list(normalization.std)
    for piece, target in zip(pieces, view.split(_piece(images)), strict=True):
        # In place: a float copy of a piece costs more than its arithmetic.
        target.copy_(scaled(piece, resolution)).mul_(1 / _WHITE)
        functional.normalize(target, mean, std, inplace=True)
    return view


def _children(generator: torch.Generator, count: int) -> list[torch.Generator]:
    seeds = torch.randint(2**63 - 1, (count,), generator=generator).tolist()
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def require_resolution(images: Tensor, resolution: int, kind: str) -> None:
    """Raise a UserError unless images can be shown at a resolution; a crop has at most their size."""
    size = images.shape[-1]
    if resolution < 1 or (kind == "crop" and resolution > size):
        raise UserError(
            f"A stage resolution of {resolution} px is impossible with images of {size} px: choose 1 to"
            f" {size}, or larger images (`image_size` of the data set)."
        )
