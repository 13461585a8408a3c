"""A resolved run: everything that decides the bits of one training, and nothing else.

How a run is executed (device, CPU threads) is not part of it. A field at its default is left out of
the canonical form, so a new optional switch does not change the hash of runs that do not use it; for
that reason a default always means "switched off".
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from distillation.core.settings import (
    Count,
    Epochs,
    Flag,
    Number,
    Padding,
    Pixels,
    Positive,
    Seed,
    Share,
    Text,
    Whole,
    settings,
)

Rgb = Annotated[tuple[Number, ...], Field(min_length=3, max_length=3)]
PositiveRgb = Annotated[tuple[Positive, ...], Field(min_length=3, max_length=3)]
Range = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=2)]
Weight = Annotated[Number, Field(ge=0)]
Blocks = tuple[Annotated[Whole, Field(ge=0)], ...]
SaliencyKind = Literal["gradient", "class-map", "cls-attention"]
Selection = Literal["last", "best"]


@settings
class Normalization:
    """Statistics of the pixels, scaled to [0, 1], by channel."""

    mean: Rgb = Field(description="Red, green and blue.")
    std: PositiveRgb = Field(description="Red, green and blue.")


@settings
class DistillationToken:
    """Extra token and head that take the distillation loss (DeiT, Touvron et al. 2021)."""

    start: Literal["random", "zeros"] = Field(description="How the token is initialised.")
    position: Flag = Field(
        description="Whether it has a position embedding; without one it bypasses the embedding dropout."
    )
    without_head: Flag = Field(
        False, description="Whether a network that learns from labels alone has the token, without its head."
    )


@settings
class Network:
    """A vision transformer on square images."""

    family: Literal["vit"] = Field(description="Module of the library's network families.")
    patch_size: Pixels = Field(description="Side of a patch.")
    width: Count = Field(description="Channels of a token.")
    depth: Annotated[Whole, Field(ge=2)] = Field(description="Blocks.")
    heads: Count = Field(description="Attention heads of a block; they divide the width.")
    mlp_width: Count = Field(description="Hidden channels of a block's MLP.")
    dropout: Share = Field(0.0, description="After embeddings, attention output and MLP output.")
    attention_dropout: Share = Field(0.0, description="Of attention probabilities.")
    without_final_norm: Flag = Field(False, description="Heads read the raw residual stream.")


@settings
class Model(Network):
    """A network for the images of a data set."""

    image_size: Pixels = Field(description="Side of the images.")
    classes: Annotated[Whole, Field(ge=2)] = Field(description="Number of classes.")
    distillation_token: DistillationToken | None = Field(None, description="Of students with a kd loss.")


@settings
class Teacher:
    """The run of the teacher, and which of its two weight files is used."""

    run: Text
    seed: Seed
    weights: Selection


@settings
class CrossEntropy:
    """Cross-entropy of the classification head with the labels."""

    weight: Weight = Field(description="Factor of the term.")
    label_smoothing: Share = Field(
        0.0, description="Share of the target that is spread evenly over all classes."
    )


@settings
class Distillation:
    """KL divergence of the distillation head from the teacher's predictions, at a temperature."""

    weight: Weight = Field(description="Factor of the term.")
    temperature: Positive = Field(description="Divides the logits; its square multiplies the term.")


@settings
class Saliency:
    """Squared difference of student and teacher saliency maps, layer by layer.

    Layers are zero-based block indices, paired in order.
    """

    weight: Weight
    kind: SaliencyKind
    student_layers: Blocks
    teacher_layers: Blocks
    over_layers: Literal["sum", "mean"]


@settings
class RecordedMaps:
    """The saliency maps that are recorded during a student's training if its loss compares none.

    Layers as in `Saliency`.
    """

    kind: SaliencyKind
    student_layers: Blocks
    teacher_layers: Blocks


@settings
class Losses:
    """The terms of the training loss; an absent term is not computed."""

    ce: CrossEntropy
    kd: Distillation | None = None
    saliency: Saliency | None = None


@settings
class Stage:
    """One step of a curriculum."""

    resolution: Pixels = Field(description="Side of the image.")
    epochs: Epochs = Field(description="Passes over the training images.")


@settings
class RandomErasing:
    """A random rectangle of a training image set to the mean colour (Zhong et al. 2020)."""

    probability: Share = Field(description="Share of the images.")
    scale: Range = Field(description="Least and largest share of the image's area.")
    ratio: Range = Field(description="Least and largest height over width.")


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


@settings
class EarlyStopping:
    """A stage ends once its validation accuracy has not risen for some epochs."""

    patience: Epochs = Field(description="Epochs without a better validation accuracy that end a stage.")
    restore: Literal["never", "on-stop", "always"] = Field(
        description="Whether a stage ends with its best weights instead of its last."
    )


@settings
class Mixing:
    """MixUp or CutMix on every batch."""

    mixup_alpha: Positive = Field(description="Parameter of the Beta distribution of the shares.")
    cutmix_alpha: Positive = Field(description="Parameter of the Beta distribution of the shares.")
    cutmix_share: Share = Field(description="Share of the batches that use CutMix.")


@settings
class Optimizer:
    """AdamW, and when it is re-created."""

    name: Literal["adamw"] = Field(description="Algorithm.")
    lr: Positive = Field(description="Constant rate, or the peak of its schedule.")
    weight_decay: Weight = Field(description="Decoupled from the gradient.")
    decay: Literal["proper", "all", "biases-only"] = Field(
        description="proper exempts biases, norms, tokens and positions; biases-only exempts biases."
    )
    restart: Literal["stage", "never"] = Field(description="Whether each stage re-creates the optimizer.")
    accumulation: Count = Field(1, description="Batches whose mean gradient makes one update.")


@settings
class OneCycle:
    """One cosine cycle over the life of an optimizer, stepped per update (Smith and Topin 2019).

    AdamW's first beta moves against the rate.
    """

    rising: Annotated[Number, Field(gt=0, lt=1)] = Field(
        description="Share of the steps in which the rate rises."
    )
    initial_divisor: Annotated[Number, Field(ge=1)] = Field(
        description="The peak divided by it is the initial rate."
    )
    final_divisor: Annotated[Number, Field(ge=1)] = Field(
        description="The initial rate divided by it is the final rate."
    )
    beta1_low: Share = Field(description="AdamW's first beta at the peak of the rate.")
    beta1_high: Share = Field(description="AdamW's first beta at both ends.")


@settings
class WarmupCosine:
    """The rate rises from 0, then falls to 0 along a half cosine."""

    warmup: Annotated[Number, Field(ge=0, lt=1)] = Field(
        description="Share of the updates in which the rate rises from 0; it falls to 0 after."
    )


@settings
class Pretrained:
    """Published weights that a network starts from; parts of other sizes are randomly initialised.

    `kind` is the naming of the tensors in the file, `sha256` the first hexadecimal digits (8 or more) of the
    file's digest.
    """

    kind: Literal["deit"]
    sha256: Text


@settings
class Run:
    """One training."""

    seed: Seed
    dataset: Text
    normalization: Normalization
    model: Model
    losses: Losses
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    augmentation: Augmentation
    optimizer: Optimizer
    batch_size: Count
    precision: Literal["fp32", "bf16"]
    one_cycle: OneCycle | None = None
    mixing: Mixing | None = None
    teacher: Teacher | None = None
    views: Views = Views()
    early_stopping: EarlyStopping | None = None
    warmup_cosine: WarmupCosine | None = None
    start: Pretrained | None = None
    recorded_maps: RecordedMaps | None = None

    @property
    def epochs(self) -> int:
        """Epochs over all stages, if none is stopped early."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def recorded_kind(self) -> str:
        """Kind of the saliency maps that are recorded during a student's training.

        The kind in its loss, otherwise that of `recorded_maps`; without either, gradients.
        """
        named = self.losses.saliency or self.recorded_maps
        return named.kind if named else "gradient"


RUN = TypeAdapter(Run)
_MODEL = TypeAdapter(Model | None)


def from_mapping(mapping: Mapping) -> Run:
    """Build a run from nested plain values.

    Raises pydantic.ValidationError when a field is missing, unknown or of the wrong type.
    """
    return RUN.validate_python(mapping)


def model_from_mapping(mapping: Mapping | None) -> Model | None:
    """Build a network's settings from nested plain values; None stays None."""
    return _MODEL.validate_python(mapping)


def model_to_mapping(model: Model | None) -> dict | None:
    """The inverse of `model_from_mapping`."""
    return _MODEL.dump_python(model, mode="json", exclude_defaults=True)


def to_mapping(run: Run) -> dict:
    """Nested plain values without the fields at their default; the inverse of `from_mapping`."""
    return RUN.dump_python(run, mode="json", exclude_defaults=True)


def digest(run: Run) -> str:
    """SHA-256 (hex) of the canonical JSON of a run."""
    canonical = json.dumps(to_mapping(run), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
