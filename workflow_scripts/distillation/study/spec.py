"""A resolved run: everything that decides the bits of one training, and nothing else.

How a run is executed (device, CPU threads) is not part of it. A field at its default is left out of
the canonical form, so a new optional switch does not change the hash of runs that do not use it; for
that reason a default always means "switched off".
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cattrs


@dataclass(frozen=True)
class Normalization:
    """Per-channel statistics of pixels scaled to [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class DistillationToken:
    """The extra token and head that take the distillation loss (DeiT, Touvron et al. 2021).

    `without_head` keeps the token and leaves out its head: a DeiT that is trained on labels alone.
    """

    start: Literal["random", "zeros"]
    position: bool
    without_head: bool = False


@dataclass(frozen=True)
class Model:
    """A vision transformer on square images; widths in channels, dropouts as probabilities."""

    family: str
    image_size: int
    patch_size: int
    width: int
    depth: int
    heads: int
    mlp_width: int
    classes: int
    dropout: float = 0.0
    attention_dropout: float = 0.0
    without_final_norm: bool = False
    distillation_token: DistillationToken | None = None


@dataclass(frozen=True)
class Teacher:
    """The run of the teacher, and which of its two weight files is used."""

    run: str
    seed: int
    weights: Literal["last", "best"]


@dataclass(frozen=True)
class CrossEntropy:
    """Weighted cross-entropy of the classification head."""

    weight: float
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Distillation:
    """Weighted KL divergence of the distillation head from the teacher at a temperature."""

    weight: float
    temperature: float


@dataclass(frozen=True)
class Saliency:
    """Weighted squared difference of student and teacher saliency maps, layer by layer.

    Layers are zero-based block indices, paired in order.
    """

    weight: float
    kind: str
    student_layers: tuple[int, ...]
    teacher_layers: tuple[int, ...]
    over_layers: Literal["sum", "mean"]


@dataclass(frozen=True)
class RecordedMaps:
    """The saliency maps that are recorded during a student's training if its loss compares none.

    Layers as in `Saliency`.
    """

    kind: str
    student_layers: tuple[int, ...]
    teacher_layers: tuple[int, ...]


@dataclass(frozen=True)
class Losses:
    """The terms of the training loss; an absent term is not computed."""

    ce: CrossEntropy
    kd: Distillation | None = None
    saliency: Saliency | None = None


@dataclass(frozen=True)
class Stage:
    """One step of the curriculum."""

    resolution: int
    epochs: int


@dataclass(frozen=True)
class RandomErasing:
    """A rectangle of a training image set to the mean colour (Zhong et al. 2020).

    `probability` per image; `scale` is the range of its share of the image's area, `ratio` that of
    its height over its width.
    """

    probability: float
    scale: tuple[float, float]
    ratio: tuple[float, float]


@dataclass(frozen=True)
class Augmentation:
    """Random changes to a training image.

    Padding in pixels; `flip` and `auto_augment` are probabilities per image.
    """

    crop_padding: int = 0
    flip: float = 0.0
    auto_augment: float = 0.0
    erasing: RandomErasing | None = None


@dataclass(frozen=True)
class Views:
    """How an image is cropped and scaled for a stage of the curriculum.

    In training, "scale" is the padded crop of full size scaled to the stage, "crop" a crop of the stage's
    size out of the padded full-size image, "scale-then-crop" a padded crop, of the stage's size, of the
    scaled image. In validation, "scale" is the whole image scaled, "crop" its centre at full scale.
    """

    training: Literal["scale", "crop", "scale-then-crop"] = "scale"
    validation: Literal["scale", "crop"] = "scale"


@dataclass(frozen=True)
class EarlyStopping:
    """A stage ends once its validation accuracy has not risen for `patience` epochs.

    `restore` says when a stage ends with its best weights instead of its last: "on-stop" if the stage was
    stopped early, "always" or "never".
    """

    patience: int
    restore: Literal["never", "on-stop", "always"]


@dataclass(frozen=True)
class Mixing:
    """MixUp or CutMix on every batch; `cutmix_share` is the probability that it is CutMix."""

    mixup_alpha: float
    cutmix_alpha: float
    cutmix_share: float


@dataclass(frozen=True)
class Optimizer:
    """AdamW, and when it is re-created.

    `restart` "stage" re-creates it at each stage of the curriculum, "never" keeps it.
    `decay` "proper" exempts biases, norms, tokens and positions from weight decay, "biases-only" biases.
    `accumulation` is the number of batches whose mean gradient makes one update.
    """

    name: Literal["adamw"]
    lr: float
    weight_decay: float
    decay: Literal["proper", "all", "biases-only"]
    restart: Literal["stage", "never"]
    accumulation: int = 1


@dataclass(frozen=True)
class OneCycle:
    """One cosine cycle over the life of an optimizer, stepped per update (Smith and Topin 2019).

    The learning rate rises from lr / `initial_divisor` to lr over the share `rising` of the steps,
    then falls to the initial rate / `final_divisor`. AdamW's first beta moves the other way, between
    `beta1_low` and `beta1_high`.
    """

    rising: float
    initial_divisor: float
    final_divisor: float
    beta1_low: float
    beta1_high: float


@dataclass(frozen=True)
class WarmupCosine:
    """The rate rises from 0 over the share `warmup` of the updates, then falls to 0 along a half cosine."""

    warmup: float


@dataclass(frozen=True)
class Pretrained:
    """Published weights that a network starts from; parts of other sizes are randomly initialised.

    `kind` is the naming of the tensors in the file, `sha256` the first hexadecimal digits (8 or more) of the
    file's digest.
    """

    kind: str
    sha256: str


@dataclass(frozen=True)
class Run:
    """One training."""

    seed: int
    dataset: str
    normalization: Normalization
    model: Model
    losses: Losses
    stages: tuple[Stage, ...]
    augmentation: Augmentation
    optimizer: Optimizer
    batch_size: int
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


_CONVERTER = cattrs.Converter(omit_if_default=True, forbid_extra_keys=True)


def from_mapping(mapping: Mapping) -> Run:
    """Build a run from nested plain values.

    Raises cattrs.ClassValidationError when a field is missing, unknown or of the wrong type.
    """
    return _CONVERTER.structure(mapping, Run)


def model_from_mapping(mapping: Mapping | None) -> Model | None:
    """Build a network's settings from nested plain values; None stays None."""
    return _CONVERTER.structure(mapping, Model | None)


def model_to_mapping(model: Model | None) -> dict | None:
    """The inverse of `model_from_mapping`."""
    return _CONVERTER.unstructure(model, Model | None)


def to_mapping(run: Run) -> dict:
    """Nested plain values without the fields at their default; the inverse of `from_mapping`."""
    return json.loads(json.dumps(_CONVERTER.unstructure(run)))


def digest(run: Run) -> str:
    """SHA-256 (hex) of the canonical JSON of a run."""
    canonical = json.dumps(to_mapping(run), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
