"""Families of networks, one component each, chosen by name.

The folder of a family has in its `__init__.py` `Settings`, a `Network` with the name of the family in its
key `family`, and `Entry`, the settings that a configuration writes: those without the images of the data set.
Its `compute.py` has `build(settings, generator)`, which makes a network whose `forward(images, capture)`
returns an `Output`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from distillation.core.settings import Pixels, Whole, settings


@settings
class Network(ABC):
    """What every network has: the images of its data set."""

    image_size: Pixels = Field(description="Side of the images.")
    classes: Annotated[Whole, Field(ge=2)] = Field(description="Number of classes.")

    def problems(self) -> Iterator[str]:
        """Errors that the types of single settings cannot find, as "key: text"."""
        return iter(())

    def unfit(self, resolution: int) -> str:
        """Why images of this side in pixels, at most the image size, do not fit; empty if they do."""
        return ""

    @abstractmethod
    def inference_flops(self, resolution: int) -> int:
        """About how many FLOPs it takes to classify one image of this side in pixels.

        Two for each multiplication with addition, of matrix products only. A cluster is asked for time by
        them; those of a run's record are counted.
        """

    @abstractmethod
    def activation_bytes(self) -> int:
        """About how many bytes of activations one image has in training, in float32."""

    @abstractmethod
    def switches(self) -> dict[str, str]:
        """Values in the page of switches, by name."""
