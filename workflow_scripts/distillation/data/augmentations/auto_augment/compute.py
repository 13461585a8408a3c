"""The AutoAugment policy for CIFAR-10 (Cubuk et al. 2019, arXiv 1805.09501, table 7), for batches.

The same draw gives the same bits as torchvision's AutoAugment for tensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from distillation.data import level_operations

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
    kinds = [[(name, level) for name, _, level in operations] for operations in zip(*POLICY, strict=True)]
    steps = [
        level_operations.Step(kinds[step], draws.sub_policy, draws.applied[:, step], draws.sign[:, step])
        for step in range(2)
    ]
    return level_operations.apply(images, steps, LEVELS, strength)
