"""MixUp (Zhang et al. 2018, arXiv 1710.09412) and CutMix (Yun et al. 2019, arXiv 1905.04899).

Every image is mixed with the one before it in the batch, as torchvision's MixUp and CutMix do; the
batch is shuffled, so this is a random partner. One draw serves a whole batch.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from distillation.core.errors import UserError
from distillation.data.augmentations.mixing import Mixing


@dataclass(frozen=True)
class StepDraw:
    """How one batch is mixed.

    Attributes:
        share: weight of the image's own label in [0, 1]; with CutMix the share of its own pixels.
        box: top, bottom, left, right of the pasted region in pixels, ends excluded; None means MixUp.
    """

    share: float
    box: tuple[int, int, int, int] | None


def plan(
    steps: int, batch_size: int, mixing: Mixing, image_size: int, rng: np.random.Generator
) -> list[StepDraw]:
    """Independent draws for the batches of an epoch.

    The share follows Beta(alpha, alpha). A CutMix box has sides of image_size * sqrt(1 - share) rounded
    down to even pixels around a uniform centre; it is clipped to the image, and the share is then
    corrected to the area that is kept.

    Args:
        steps: number of batches.
        batch_size: images per batch.
        mixing: the two alphas, and the probability that a batch gets CutMix.
        image_size: side of the images of the batch in pixels, after scaling to the stage.
        rng: advances by an amount that depends on `steps` and `mixing` alone, up to rejections.

    Raises:
        UserError: batches of one image.
    """
    if batch_size < 2:
        raise UserError(f"Mixing needs batches of at least 2 images, batch_size is {batch_size}.")
    is_cutmix = rng.random(steps) < mixing.cutmix_share
    alpha = np.where(is_cutmix, mixing.cutmix_alpha, mixing.mixup_alpha)
    shares = rng.beta(alpha, alpha).tolist()
    centres = rng.integers(image_size, size=(steps, 2)).tolist()
    return [
        _cutmix(share, centre, image_size) if cut else StepDraw(share, None)
        for cut, share, centre in zip(is_cutmix.tolist(), shares, centres, strict=True)
    ]


def mix(images: Tensor, draw: StepDraw) -> Tensor:
    """The mixed batch; the weight of its own labels is `draw.share`, the rest goes to `labels.roll(1)`.

    Args:
        images: float [B, 3, r, r], left unchanged.
        draw: from a plan for images of r px.

    Returns:
        float [B, 3, r, r], a new tensor.
    """
    partners = images.roll(1, 0)
    if draw.box is None:
        return partners.mul_(1.0 - draw.share).add_(images * draw.share)
    top, bottom, left, right = draw.box
    mixed = images.clone()
    mixed[..., top:bottom, left:right] = partners[..., top:bottom, left:right]
    return mixed


def _cutmix(share: float, centre: list[int], size: int) -> StepDraw:
    half = int(size * np.sqrt(1.0 - share) / 2)
    (top, bottom), (left, right) = ((max(c - half, 0), min(c + half, size)) for c in centre)
    return StepDraw(1.0 - (bottom - top) * (right - left) / size**2, (top, bottom, left, right))
