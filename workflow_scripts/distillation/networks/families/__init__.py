"""Families of networks, one component each, chosen by name.

The folder of a family has in its `__init__.py` `Settings`, a `Network` with the name of the family in its
key `family`, and `Entry`, the settings that a configuration writes: those without the images of the data set.
If recipes have keys of the family alone, `RecipeKeys` has them, and `Settings.resolve` applies them.

Its `compute.py` has `build(settings, generator)`, which makes a network from draws of the generator alone.
The `forward(images, capture=())` of a network returns an `Output`. If it has `no_weight_decay()`, this names
parameters besides biases and norms that are exempt from weight decay. If its head can be trained alone,
`head_parameters()` has the parameters of the head.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from distillation.core.settings import Pixels, Whole, settings

# Features of networks that end in a map: the map that the classifier reads [B, channels, s, s], and the
# gradient of each image's cross-entropy with respect to it. A teacher's gradient is taken by
# `networks.answers`; a network captures the map alone.
LAST_MAP = "last_map"
LAST_MAP_GRADIENT = "last_map_gradient"


@settings
class Network(ABC):
    """What every network has: the images of its data set."""

    image_size: Pixels = Field(description="Side of the images.")
    classes: Annotated[Whole, Field(ge=2)] = Field(description="Number of classes.")

    @classmethod
    def resolve(cls, entry: Mapping, recipe: Mapping, distillation_terms: Sequence[str]) -> dict:
        """The settings of a run's network, as plain values, from those in the configuration.

        Args:
            entry: as configured, with the images of the data set.
            recipe: the family's keys of the run's recipe; absent keys are not in it.
            distillation_terms: names of the run's loss terms that act on a distillation head.

        Raises:
            ValueError: with the path of a key, what is wrong, and the fix.
        """
        return dict(entry)

    @property
    def largest(self) -> int:
        """Side in pixels of the largest images that it can be shown."""
        return self.image_size

    @property
    def blocks(self) -> int:
        """How many blocks have saliency maps, each named by its zero-based index; 0 if none has."""
        return 0

    def map_side(self, resolution: int) -> int:
        """Cells along a side of the saliency maps of images of this side in pixels; 0 without maps."""
        return 0

    def lacks(self, feature: str) -> str:
        """Why the network cannot capture a feature; empty if it can."""
        return "networks of its family capture nothing"

    @property
    def storable(self) -> frozenset[str]:
        """Names of the features that are stored with a teacher's predictions, to be read by its students."""
        return frozenset()

    @property
    def head_can_be_trained_alone(self) -> bool:
        """Whether the network tells which of its parameters are those of the classification head."""
        return False

    def last_map_side(self) -> int:
        """Cells along a side of the last map of images of the data set's size; 0 without one."""
        return 0

    def problems(self) -> Iterator[str]:
        """Errors that the types of single settings cannot find, as "key: text"."""
        return iter(())

    def unfit(self, resolution: int) -> str:
        """Why images of this side in pixels, at most the largest, do not fit; empty if they do."""
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
