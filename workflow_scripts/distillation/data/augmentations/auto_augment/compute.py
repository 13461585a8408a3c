"""The AutoAugment policy for CIFAR-10 (Cubuk et al. 2019, arXiv 1805.09501, table 7), for batches.

Magnitudes, nearest-neighbour sampling, black fill and the centre of shearing are those of torchvision's
AutoAugment for tensors; the same draw gives the same bits.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

LEVELS = 10
"""Number of magnitude levels per operation."""

POLICY: tuple[tuple[tuple[str, float, int], tuple[str, float, int]], ...] = (
    (("Invert", 0.1, 7), ("Contrast", 0.2, 6)),
    (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
    (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
    (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.5, 8), ("Equalize", 0.9, 2)),
    (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
    (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
    (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
    (("Equalize", 0.6, 5), ("Equalize", 0.5, 1)),
    (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
    (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
    (("Equalize", 0.3, 7), ("AutoContrast", 0.4, 8)),
    (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
    (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
    (("Solarize", 0.5, 2), ("Invert", 0.0, 3)),
    (("Equalize", 0.2, 0), ("AutoContrast", 0.6, 0)),
    (("Equalize", 0.2, 8), ("Equalize", 0.6, 4)),
    (("Color", 0.9, 9), ("Equalize", 0.6, 6)),
    (("AutoContrast", 0.8, 4), ("Solarize", 0.2, 8)),
    (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
    (("Solarize", 0.4, 5), ("AutoContrast", 0.9, 3)),
    (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
    (("AutoContrast", 0.9, 2), ("Solarize", 0.8, 3)),
    (("Equalize", 0.8, 8), ("Invert", 0.1, 3)),
    (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, 1)),
)

# The float and int64 copies of a piece fit into the cache of a CPU core; larger pieces are slower there.
_PIECE = {"cpu": 128, "cuda": 4096}
_WORDS = (torch.int64, torch.int32, torch.int16, torch.uint8)


@dataclass(frozen=True)
class Draws:
    """Random choices for each of N images, on the CPU: one sub-policy and its two operations.

    Attributes:
        sub_policy: int64 [N], row of `POLICY`.
        applied: bool [N, 2], whether the first and the second operation are applied.
        sign: int8 [N, 2], -1 or 1, direction of operations that have one.
    """

    sub_policy: Tensor
    applied: Tensor
    sign: Tensor


def augment(images: Tensor, own: float, generators: Sequence[torch.Generator]) -> Tensor:
    """The images, of which a share has gone through the policy.

    Args:
        images: uint8 [N, 3, H, W], left unchanged.
        own: that share.
        generators: which images, and how they are changed.
    """
    which, how = generators
    chosen = torch.rand(len(images), generator=which) < own
    draws = draw(len(images), how)
    return apply(images, replace(draws, applied=draws.applied & chosen[:, None]))


def draw(count: int, generator: torch.Generator) -> Draws:
    """Independent draws for `count` images; sub-policies and signs are uniform.

    Args:
        count: number of images.
        generator: a CPU generator; it advances by an amount that depends on `count` alone.
    """
    sub_policy = torch.randint(len(POLICY), (count,), generator=generator)
    probability = torch.tensor([[share for _, share, _ in pair] for pair in POLICY])
    applied = torch.rand(count, 2, generator=generator) < probability[sub_policy]
    sign = torch.randint(2, (count, 2), generator=generator).mul_(2).sub_(1).to(torch.int8)
    return Draws(sub_policy, applied, sign)


def apply(images: Tensor, draws: Draws, strength: float = 1.0) -> Tensor:
    """Apply the drawn operations, the first of every sub-policy before the second.

    Args:
        images: uint8 [N, 3, H, W] on any device, left unchanged.
        draws: one per image.
        strength: factor on the magnitudes of the operations that have one.

    Returns:
        uint8 [N, 3, H, W], a new tensor on the device of the images.
    """
    view = images.clone(memory_format=torch.contiguous_format)
    words = _words(view)
    for step in range(2):
        for (name, level, sign), rows in _groups(draws, step).items():
            operation = _OPERATIONS[name]
            magnitude = sign * operation.magnitude(level, images.shape[-2], images.shape[-1], strength)
            for piece in rows.to(images.device).split(_PIECE[images.device.type]):
                words.index_copy_(0, piece, _words(operation.kernel(view.index_select(0, piece), magnitude)))
    return view


def _words(images: Tensor) -> Tensor:
    """Contiguous images [N, 3, H, W] as rows of the longest integers that fit, which a CPU copies fastest."""
    rows = images.flatten(1)
    return next(rows.view(word) for word in _WORDS if rows.shape[1] % word.itemsize == 0)


def _groups(draws: Draws, step: int) -> dict[tuple[str, int, int], Tensor]:
    """Rows of the images that get the same operation at the same magnitude and sign in a step."""
    kinds = [_kind(*pair[step]) for pair in POLICY]
    names = sorted(set(kinds))
    kind = torch.tensor([names.index(kind) for kind in kinds])[draws.sub_policy]
    signed = torch.tensor([_OPERATIONS[name].signed for name, _ in names])[kind]
    key = 2 * kind + (signed & (draws.sign[:, step] < 0))
    applied = draws.applied[:, step].nonzero().flatten()
    keys, order = key[applied].sort(stable=True)
    present, counts = keys.unique_consecutive(return_counts=True)
    rows = applied[order].split(counts.tolist())
    labels = [(*names[number // 2], -1 if number % 2 else 1) for number in present.tolist()]
    return dict(zip(labels, rows, strict=True))


def _kind(name: str, _probability: float, level: int) -> tuple[str, int]:
    return name, level if _OPERATIONS[name].span else 0


@dataclass(frozen=True)
class _Operation:
    """A batch operation and how its magnitude grows with the level.

    `span` maps height and width to the magnitudes at the lowest and the highest level; None means
    that the operation has no magnitude.
    """

    kernel: Callable[[Tensor, float], Tensor]
    span: Callable[[int, int], tuple[float, float]] | None = None
    signed: bool = False

    def magnitude(self, level: int, height: int, width: int, strength: float) -> float:
        if self.span is None:
            return 0.0
        none, most = self.span(height, width)
        return none + strength * (float(torch.linspace(none, most, LEVELS)[level]) - none)


def _affine(
    images: Tensor,
    translate: tuple[int, int] = (0, 0),
    shear_y: float = 0.0,
    center: list[float] | None = None,
) -> Tensor:
    return functional.affine(
        images, angle=0.0, translate=list(translate), scale=1.0, shear=[0.0, shear_y], center=center
    )


def _enhancing(kernel: Callable[[Tensor, float], Tensor]) -> _Operation:
    """An operation that blends with a degenerate image; magnitude 0 keeps the image."""
    return _Operation(lambda images, change: kernel(images, 1.0 + change), lambda *_: (0.0, 0.9), signed=True)


_OPERATIONS = {
    "ShearY": _Operation(
        lambda images, slope: _affine(images, shear_y=math.degrees(math.atan(slope)), center=[0.0, 0.0]),
        lambda *_: (0.0, 0.3),
        signed=True,
    ),
    "TranslateX": _Operation(
        lambda images, pixels: _affine(images, translate=(int(pixels), 0)),
        lambda _, width: (0.0, 150 / 331 * width),
        signed=True,
    ),
    "TranslateY": _Operation(
        lambda images, pixels: _affine(images, translate=(0, int(pixels))),
        lambda height, _: (0.0, 150 / 331 * height),
        signed=True,
    ),
    "Rotate": _Operation(functional.rotate, lambda *_: (0.0, 30.0), signed=True),
    "Brightness": _enhancing(functional.adjust_brightness),
    "Color": _enhancing(functional.adjust_saturation),
    "Contrast": _enhancing(functional.adjust_contrast),
    "Sharpness": _enhancing(functional.adjust_sharpness),
    "Posterize": _Operation(
        lambda images, bits: functional.posterize(images, round(bits)), lambda *_: (8.0, 4.0)
    ),
    "Solarize": _Operation(
        lambda images, share: functional.solarize(images, 255.0 * share), lambda *_: (1.0, 0.0)
    ),
    "AutoContrast": _Operation(lambda images, _: functional.autocontrast(images)),
    "Equalize": _Operation(lambda images, _: functional.equalize(images)),
    "Invert": _Operation(lambda images, _: functional.invert(images)),
}
