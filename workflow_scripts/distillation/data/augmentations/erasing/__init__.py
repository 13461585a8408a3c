"""Random erasing (Zhong et al. 2020)."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from distillation.core.settings import Positive, Share, settings

Range = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=2)]


@settings
class RandomErasing:
    """A random rectangle of a training image set to the mean colour (Zhong et al. 2020)."""

    probability: Share = Field(description="Share of the images.")
    scale: Range = Field(description="Least and largest share of the image's area.")
    ratio: Range = Field(description="Least and largest height over width.")

    def problems(self) -> Iterator[str]:
        """Ranges whose ends are in the wrong order, as "key: text"."""
        for key, (low, high) in (("scale", self.scale), ("ratio", self.ratio)):
            if low > high:
                yield f"{key}: the larger end comes first; write the smaller one first"


Setting = Annotated[
    RandomErasing | None,
    Field(description="A random rectangle set to the mean colour; none if it is absent."),
]
OFF = None
ON = "view"
STREAMS = (4,)


def words(own: RandomErasing) -> str:
    """Its value in the page of switches."""
    return f"random erasing {own.probability:g}"
