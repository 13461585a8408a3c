"""AutoAugment with the policy for CIFAR-10 (Cubuk et al. 2019)."""

from typing import Annotated

from pydantic import Field

from distillation.core.settings import Share

Setting = Annotated[Share, Field(description="Share of the images changed by AutoAugment.")]
OFF = 0.0
ON = "levels"
# Which images are changed, and how.
STREAMS = (2, 3)


def words(own: float) -> str:
    """Its value in the page of switches."""
    return f"AutoAugment {own:g}"
