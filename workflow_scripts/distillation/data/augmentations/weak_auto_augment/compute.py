"""AutoAugment with lower magnitudes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distillation.data.augmentations.auto_augment import compute


def augment(images: Tensor, own: float, generators: Sequence[torch.Generator]) -> Tensor:
    """The images after the policy of AutoAugment with weaker operations.

    Args:
        images: uint8 [N, 3, H, W], left unchanged.
        own: factor on the magnitudes of the operations, in (0, 1].
        generators: how images are changed.
    """
    (how,) = generators
    return compute.apply(images, compute.draw(len(images), how), strength=own)
