"""RandAugment (Cubuk et al. 2020, arXiv 1909.13719), for batches.

Operations and magnitudes are those of torchvision's RandAugment for tensors with its 31 magnitudes; the same
draw gives the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from distillation.data import level_operations
from distillation.data.augmentations.rand_augment import MOST, RandAugment

OPERATIONS = (
    "Identity",
    "ShearX",
    "ShearY",
    "TranslateX",
    "TranslateY",
    "Rotate",
    "Brightness",
    "Color",
    "Contrast",
    "Sharpness",
    "Posterize",
    "Solarize",
    "AutoContrast",
    "Equalize",
)


@dataclass(frozen=True)
class Draws:
    """Random choices for each of N images and K operations in their order, on the CPU.

    Attributes:
        operation: int64 [N, K], index into `OPERATIONS`.
        sign: int8 [N, K], -1 or 1, direction of operations that have one.
    """

    operation: Tensor
    sign: Tensor


def augment(images: Tensor, own: RandAugment, generators: Sequence[torch.Generator]) -> Tensor:
    """The images after random operations of one magnitude.

    Args:
        images: uint8 [N, 3, H, W], left unchanged.
        own: number of operations and their magnitude.
        generators: how images are changed.
    """
    (how,) = generators
    return apply(images, draw(len(images), own.operations, how), own.magnitude)


def draw(count: int, operations: int, generator: torch.Generator) -> Draws:
    """Independent draws for `count` images; operations and signs are uniform.

    Args:
        count: number of images.
        operations: number of operations of each image.
        generator: a CPU generator; it advances by an amount that depends on these numbers alone.
    """
    operation = torch.randint(len(OPERATIONS), (count, operations), generator=generator)
    sign = torch.randint(2, (count, operations), generator=generator).mul_(2).sub_(1).to(torch.int8)
    return Draws(operation, sign)


def apply(images: Tensor, draws: Draws, magnitude: float) -> Tensor:
    """Apply the drawn operations in their order.

    Args:
        images: uint8 [N, 3, H, W] on any device, left unchanged.
        draws: one per image.
        magnitude: of all operations that have one, from 0 to 30.

    Returns:
        uint8 [N, 3, H, W], a new tensor on the device of the images.
    """
    kinds = [(name, magnitude) for name in OPERATIONS]
    every = torch.ones(len(images), dtype=torch.bool)
    choices = zip(draws.operation.unbind(1), draws.sign.unbind(1), strict=True)
    steps = [level_operations.Step(kinds, operation, every, sign) for operation, sign in choices]
    return level_operations.apply(images, steps, MOST + 1)
