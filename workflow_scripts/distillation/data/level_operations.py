"""Operations on grey levels, each with a magnitude that grows with a level, for batches.

Magnitudes, nearest-neighbour sampling, black fill and the centre of shearing are those of torchvision's
AutoAugment and RandAugment for tensors; the same choice gives the same bits.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

# The float and int64 copies of a piece fit into the cache of a CPU core; larger pieces are slower there.
_PIECE = {"cpu": 128, "cuda": 4096}
_WORDS = (torch.int64, torch.int32, torch.int16, torch.uint8)


@dataclass(frozen=True)
class Step:
    """The operation that each of N images gets next, on the CPU.

    Attributes:
        kinds: names of operations and their levels.
        kind: int64 [N], index into `kinds`.
        applied: bool [N]; the other images stay as they are.
        sign: int8 [N], -1 or 1, direction of operations that have one.
    """

    kinds: Sequence[tuple[str, float]]
    kind: Tensor
    applied: Tensor
    sign: Tensor


def apply(images: Tensor, steps: Iterable[Step], levels: int, strength: float = 1.0) -> Tensor:
    """The images after one operation of every step.

    Args:
        images: uint8 [N, 3, H, W] on any device, left unchanged.
        steps: in their order.
        levels: number of levels from the lowest magnitude to the highest.
        strength: factor on the magnitudes of the operations that have one.

    Returns:
        uint8 [N, 3, H, W], a new tensor on the device of the images.
    """
    view = images.clone(memory_format=torch.contiguous_format)
    words = _words(view)
    for step in steps:
        for (name, level, sign), rows in _groups(step).items():
            operation = OPERATIONS[name]
            magnitude = sign * operation.magnitude(level, levels, *images.shape[-2:], strength)
            for piece in rows.to(images.device).split(_PIECE[images.device.type]):
                words.index_copy_(0, piece, _words(operation.kernel(view.index_select(0, piece), magnitude)))
    return view


def _words(images: Tensor) -> Tensor:
    """Contiguous images [N, 3, H, W] as rows of the longest integers that fit, which a CPU copies fastest."""
    rows = images.flatten(1)
    return next(rows.view(word) for word in _WORDS if rows.shape[1] % word.itemsize == 0)


def _groups(step: Step) -> dict[tuple[str, float, int], Tensor]:
    """Rows of the images that get the same operation at the same magnitude and sign."""
    kinds = [(name, level if OPERATIONS[name].span else 0) for name, level in step.kinds]
    names = sorted(set(kinds))
    kind = torch.tensor([names.index(kind) for kind in kinds])[step.kind]
    signed = torch.tensor([OPERATIONS[name].signed for name, _ in names])[kind]
    key = 2 * kind + (signed & (step.sign < 0))
    applied = step.applied.nonzero().flatten()
    keys, order = key[applied].sort(stable=True)
    present, counts = keys.unique_consecutive(return_counts=True)
    rows = applied[order].split(counts.tolist())
    labels = [(*names[number // 2], -1 if number % 2 else 1) for number in present.tolist()]
    return dict(zip(labels, rows, strict=True))


@dataclass(frozen=True)
class Operation:
    """A batch operation and how its magnitude grows with the level.

    `span` maps height and width to the magnitudes at the lowest and the highest level; None means
    that the operation has no magnitude.
    """

    kernel: Callable[[Tensor, float], Tensor]
    span: Callable[[int, int], tuple[float, float]] | None = None
    signed: bool = False

    def magnitude(self, level: float, levels: int, height: int, width: int, strength: float = 1.0) -> float:
        """Its magnitude at a level from 0 to `levels - 1`; linear between whole levels."""
        if self.span is None:
            return 0.0
        none, most = self.span(height, width)
        steps = torch.linspace(none, most, levels)
        below, above = (float(steps[whole(level)]) for whole in (math.floor, math.ceil))
        return none + strength * (below + level % 1 * (above - below) - none)


def _affine(
    images: Tensor,
    translate: tuple[int, int] = (0, 0),
    shear: tuple[float, float] = (0.0, 0.0),
    center: list[float] | None = None,
) -> Tensor:
    return functional.affine(
        images, angle=0.0, translate=list(translate), scale=1.0, shear=list(shear), center=center
    )


def _sheared(images: Tensor, slope_x: float, slope_y: float) -> Tensor:
    """Sheared about the top left corner; slopes are pixels by pixel."""
    shear = math.degrees(math.atan(slope_x)), math.degrees(math.atan(slope_y))
    return _affine(images, shear=shear, center=[0.0, 0.0])


def _enhancing(kernel: Callable[[Tensor, float], Tensor]) -> Operation:
    """An operation that blends with a degenerate image; magnitude 0 keeps the image."""
    return Operation(lambda images, change: kernel(images, 1.0 + change), lambda *_: (0.0, 0.9), signed=True)


OPERATIONS = {
    "Identity": Operation(lambda images, _: images),
    "ShearX": Operation(
        lambda images, slope: _sheared(images, slope, 0.0), lambda *_: (0.0, 0.3), signed=True
    ),
    "ShearY": Operation(
        lambda images, slope: _sheared(images, 0.0, slope), lambda *_: (0.0, 0.3), signed=True
    ),
    "TranslateX": Operation(
        lambda images, pixels: _affine(images, translate=(int(pixels), 0)),
        lambda _, width: (0.0, 150 / 331 * width),
        signed=True,
    ),
    "TranslateY": Operation(
        lambda images, pixels: _affine(images, translate=(0, int(pixels))),
        lambda height, _: (0.0, 150 / 331 * height),
        signed=True,
    ),
    "Rotate": Operation(functional.rotate, lambda *_: (0.0, 30.0), signed=True),
    "Brightness": _enhancing(functional.adjust_brightness),
    "Color": _enhancing(functional.adjust_saturation),
    "Contrast": _enhancing(functional.adjust_contrast),
    "Sharpness": _enhancing(functional.adjust_sharpness),
    "Posterize": Operation(
        lambda images, bits: functional.posterize(images, round(bits)), lambda *_: (8.0, 4.0)
    ),
    "Solarize": Operation(
        lambda images, share: functional.solarize(images, 255.0 * share), lambda *_: (1.0, 0.0)
    ),
    "AutoContrast": Operation(lambda images, _: functional.autocontrast(images)),
    "Equalize": Operation(lambda images, _: functional.equalize(images)),
    "Invert": Operation(lambda images, _: functional.invert(images)),
}
