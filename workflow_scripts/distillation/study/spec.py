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
    STORABLE,
    UNIT,
    Count,
    Epochs,
    Flag,
    Number,
    Pixels,
    Positive,
    Seed,
    Share,
    Text,
    Whole,
    settings,
)
from distillation.data.augmentations.mixing import Mixing
from distillation.data.settings import Augmentation, Normalization, Views
from distillation.networks import map_settings
from distillation.networks.families import Network
from distillation.networks.map_settings import ComparedMaps
from distillation.networks.model_settings import AnyModel
from distillation.networks.start_settings import AnyPretrained
from distillation.networks.terms import Losses

Selection = Literal["last", "best"]


@settings
class Teacher:
    """The run of the teacher, and which of its two weight files is used."""

    run: Text
    seed: Seed
    weights: Selection


@settings
class Stage:
    """One step of a curriculum."""

    resolution: Pixels = Field(description="Side of the image.")
    epochs: Annotated[Whole, Field(ge=0, json_schema_extra={UNIT: "epochs"}), STORABLE] = Field(
        description="Passes over the training images; 0 for a network that stays untrained."
    )
    lr: Positive | None = Field(
        None, description="Rate of the optimizer in this stage; its own if it is absent.", examples=[0.003]
    )
    head_only: Flag = Field(
        False,
        description="Whether the classification head alone is trained; statistics of batch norms still move.",
        examples=[True],
    )


@settings
class EarlyStopping:
    """A stage ends once its validation accuracy has not risen for some epochs."""

    patience: Epochs = Field(description="Epochs without a better validation accuracy that end a stage.")
    restore: Literal["never", "on-stop", "always"] = Field(
        description="Whether a stage ends with its best weights instead of its last."
    )


@settings
class Optimizer:
    """Adam or AdamW, and when it is re-created."""

    name: Literal["adam", "adamw"] = Field(
        description="Algorithm; they differ in weight decay, which adam adds to the gradient."
    )
    lr: Positive = Field(description="Constant rate, or the peak of its schedule.")
    weight_decay: Annotated[Number, Field(ge=0)] = Field(
        description="Decoupled from the gradient, unless the algorithm is adam."
    )
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
    stepped: Literal["update", "epoch"] = Field(
        "update",
        description="When the rate changes: after every update, or after every epoch.",
        examples=["epoch"],
    )


@settings
class WeightAverage:
    """Exponential moving average of the weights, updated after every step of the optimizer.

    The initial weights are its first value (Polyak and Juditsky 1992; Tarvainen and Valpola 2017).
    """

    decay: Annotated[Number, Field(gt=0, lt=1)] = Field(
        description="Share of the average that each update keeps.", examples=[0.999]
    )


@settings
class Run:
    """One training."""

    seed: Seed
    dataset: Text
    normalization: Normalization
    model: AnyModel
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
    start: AnyPretrained | None = None
    recorded_maps: ComparedMaps | None = None
    teacher_resolution: Pixels | None = None
    tests_each_epoch: Flag = False
    weight_average: WeightAverage | None = None
    fused: Flag = False

    @property
    def epochs(self) -> int:
        """Epochs over all stages, if none is stopped early."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def compared_maps(self) -> ComparedMaps | None:
        """The saliency maps that the run names: those of its loss, otherwise those to record."""
        of_terms = (term.maps for term in self.losses.named.values() if term.maps)
        return next(of_terms, self.recorded_maps)

    def maps_beside(self, teacher: Network | None) -> ComparedMaps | None:
        """The saliency maps that are recorded during a training.

        Those that the run names or, by default, gradients, if both networks have maps of the same size.

        Args:
            teacher: the network of the run's teacher, if it has one.
        """
        if teacher is None or self.compared_maps:
            return self.compared_maps
        sides = map_settings.sides(self.model, teacher, (stage.resolution for stage in self.stages))
        both = self.model.blocks and teacher.blocks and not any(sides)
        return map_settings.outline(self.model, teacher) if both else None

    def stores_answers(self, teacher: Network | None) -> bool:
        """Whether a teacher's answers to the training images are computed once and stored.

        They are if every epoch shows teacher and student the same views, mirrored or not, no saliency maps
        are compared or recorded, and the teacher's features that the loss needs can be stored.

        Args:
            teacher: the network of the run's teacher, if it has one.
        """
        if teacher is None or self.mixing or self.teacher_resolution or self.maps_beside(teacher):
            return False
        resolutions = {stage.resolution for stage in self.stages}
        crops = self.augmentation.crop_padding or (
            self.views.training == "crop" and resolutions != {self.model.image_size}
        )
        needed = frozenset().union(*(term.teacher_features for term in self.losses.named.values()))
        is_same = not crops and not self.augmentation.used and len(resolutions) == 1
        return is_same and needed <= teacher.storable


RUN = TypeAdapter(Run)
MODEL = TypeAdapter(AnyModel | None)


def from_mapping(mapping: Mapping) -> Run:
    """Build a run from nested plain values.

    Raises pydantic.ValidationError when a field is missing, unknown or of the wrong type.
    """
    return RUN.validate_python(mapping)


def model_from_mapping(mapping: Mapping | None) -> Network | None:
    """Build a network's settings from nested plain values; None stays None."""
    return MODEL.validate_python(mapping)


def model_to_mapping(model: Network | None) -> dict | None:
    """The inverse of `model_from_mapping`."""
    return MODEL.dump_python(model, mode="json", exclude_defaults=True)


def to_mapping(run: Run) -> dict:
    """Nested plain values without the fields at their default; the inverse of `from_mapping`."""
    return RUN.dump_python(run, mode="json", exclude_defaults=True)


def digest(run: Run) -> str:
    """SHA-256 (hex) of the canonical JSON of a run."""
    canonical = json.dumps(to_mapping(run), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
