"""AutoAugment with lower magnitudes (Cubuk et al. 2019)."""

from typing import Annotated

from pydantic import Field

from distillation.core.settings import Share

Setting = Annotated[
    Share,
    Field(description="AutoAugment of every image, with its magnitudes multiplied by this.", examples=[0.5]),
]
OFF = 0.0
ON = "levels"
# How images are changed, as with AutoAugment itself.
STREAMS = (3,)


def words(own: float) -> str:
    """Its value in the page of switches."""
    return f"AutoAugment at {own:g} of its magnitudes"
