"""Random erasing (Zhong et al. 2020)."""

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
