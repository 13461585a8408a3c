"""RandAugment (Cubuk et al. 2020)."""

from typing import Annotated

from pydantic import Field

from distillation.core.settings import Count, Number, settings

MOST = 30
"""The largest magnitude."""


@settings
class RandAugment:
    """Random operations on every image, all of one magnitude (Cubuk et al. 2020)."""

    operations: Count = Field(
        description="Operations applied to each image, one after the other.", examples=[2]
    )
    magnitude: Annotated[Number, Field(ge=0, le=MOST)] = Field(
        description=f"Magnitude of the operations, of {MOST}.", examples=[9]
    )


Setting = Annotated[
    RandAugment | None,
    Field(description="RandAugment of every image; none if it is absent."),
]
OFF = None
ON = "levels"
# How images are changed, as with AutoAugment.
STREAMS = (3,)


def words(own: RandAugment) -> str:
    """Its value in the page of switches."""
    operations = f"{own.operations} operation" + ("s" if own.operations > 1 else "")
    return f"RandAugment with {operations} at {own.magnitude:g} of {MOST}"
