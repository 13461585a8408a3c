"""Settings of how images are shown to a network; free of torch."""

from typing import Annotated, Literal

from pydantic import Field

from distillation.core.settings import Number, Padding, Positive, Share, settings
from distillation.data.augmentations.erasing import RandomErasing


@settings
class Normalization:
    """Statistics of the pixels, scaled to [0, 1], by channel."""

    mean: Annotated[tuple[Number, ...], Field(min_length=3, max_length=3)] = Field(
        description="Red, green and blue."
    )
    std: Annotated[tuple[Positive, ...], Field(min_length=3, max_length=3)] = Field(
        description="Red, green and blue."
    )


@settings
class Augmentation:
    """Random changes to a training image."""

    crop_padding: Padding = Field(
        0, description="Added on each side before a random crop of the original size."
    )
    flip: Share = Field(0.0, description="Probability of a horizontal flip.")
    auto_augment: Share = Field(0.0, description="Share of the images changed by AutoAugment.")
    erasing: RandomErasing | None = Field(
        None, description="A random rectangle set to the mean colour; none if it is absent."
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
