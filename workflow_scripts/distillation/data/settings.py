"""Settings of how images are shown to a network; free of torch."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from types import ModuleType
from typing import Annotated, Literal

from pydantic import Field

from distillation.core import components
from distillation.core.settings import Number, Padding, Positive, Share, settings

# Bytes of float32 views that a training makes at once, of whole batches. It decides random draws, so it is
# the same on every device.
VIEWS_AT_ONCE = 2**30


@settings
class Normalization:
    """Statistics of the pixels, scaled to [0, 1], by channel."""

    mean: Annotated[tuple[Number, ...], Field(min_length=3, max_length=3)] = Field(
        description="Red, green and blue."
    )
    std: Annotated[tuple[Positive, ...], Field(min_length=3, max_length=3)] = Field(
        description="Red, green and blue."
    )


# The components that change single images, by the name of their key.
AUGMENTATIONS: Mapping[str, ModuleType] = {
    name.replace("-", "_"): module
    for name, module in components.declarations("data.augmentations").items()
    if hasattr(module, "Setting")
}


class _Augmentations:
    """What the settings of all augmentations tell together."""

    @property
    def used(self) -> dict[str, ModuleType]:
        """The components that are not left out, by the name of their key."""
        return {name: module for name, module in AUGMENTATIONS.items() if getattr(self, name) != module.OFF}

    @property
    def components(self) -> tuple[str, ...]:
        """Those of the computations, as "package.module" within the library."""
        return tuple(f"data.augmentations.{name}" for name in self.used)

    @property
    def words(self) -> str:
        """The value in the page of switches."""
        parts = [f"crop with padding {self.crop_padding}"] if self.crop_padding else []
        parts += [f"flip {self.flip:g}"] if self.flip else []
        parts += [module.words(getattr(self, name)) for name, module in self.used.items()]
        return ", ".join(parts) or "none"

    def problems(self) -> Iterator[str]:
        """Errors that the types of single settings cannot find, as "path: text"."""
        for name in self.used:
            check = getattr(getattr(self, name), "problems", None)
            yield from (f"{name}.{text}" for text in check()) if check else ()
        for one, other in combinations(self.used, 2):
            if set(self.used[one].STREAMS) & set(self.used[other].STREAMS):
                ways = " or ".join(f"`{name}: {_in_yaml(self.used[name].OFF)}`" for name in (one, other))
                yield f"{other}: it cannot be used beside {one}; leave one of them out ({ways})"


def _in_yaml(off: float | None) -> str:
    return "null" if off is None else f"{off:g}"


_FIELDS = {
    "crop_padding": (
        Padding,
        Field(0, description="Added on each side before a random crop of the original size."),
    ),
    "flip": (Share, Field(0.0, description="Probability of a horizontal flip.")),
    **{name: (module.Setting, module.OFF) for name, module in AUGMENTATIONS.items()},
}
Augmentation = settings(
    type(
        "Augmentation",
        (_Augmentations,),
        {
            "__doc__": "Random changes to a training image.",
            "__module__": __name__,
            "__annotations__": {name: form for name, (form, _) in _FIELDS.items()},
            **{name: default for name, (_, default) in _FIELDS.items()},
        },
    )
)


@settings
class Views:
    """How an image is cropped and scaled for a stage of the curriculum.

    In training, "scale" is the padded crop of full size scaled to the stage, "crop" a crop of the stage's
    size out of the padded full-size image, "scale-then-crop" a padded crop, of the stage's size, of the
    scaled image. In validation, "scale" is the whole image scaled, "crop" its centre at full scale.
    """

    training: Literal["scale", "crop", "scale-then-crop"] = Field(
        "scale",
        description="The augmented image scaled, a crop of the stage's size, or a padded crop of the scaled"
        " image.",
    )
    validation: Literal["scale", "crop"] = Field(
        "scale", description="The whole image scaled, or its centre at full scale."
    )
