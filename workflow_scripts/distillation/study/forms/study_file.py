"""The typed form of a study's configuration: what a user can write; free of torch.

Optional keys are absent rather than null, unless their type says so. `Partial` marks places that name only
the settings that differ: there, keys may be missing until they are merged with what they change.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from distillation.core.settings import (
    Distinct,
    Flag,
    Id,
    Images,
    Pixels,
    Seed,
    Text,
    Words,
    said,
    settings,
)
from distillation.data.augmentations.mixing import Mixing
from distillation.data.dataset_settings import Dataset
from distillation.data.settings import Augmentation, Views
from distillation.networks.map_settings import ComparedMapsEntry
from distillation.networks.model_settings import RECIPE_FORMS, AnyModelEntry
from distillation.networks.start_settings import AnyPublishedFile
from distillation.networks.terms import TERMS, LossEntries
from distillation.study import spec
from distillation.study.forms import claim_settings, page_settings

PARTIAL = "partial"
Partial = Field(json_schema_extra={PARTIAL: True})

Stages = Annotated[tuple[spec.Stage, ...], Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], *Distinct]
SomeTexts = Annotated[tuple[Text, ...], Field(min_length=1), *Distinct]


Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), *Distinct]


@settings
class RoleSeeds:
    """Seeds of the runs, by role."""

    students: Seeds = Field(description="Seeds of every student.")
    teachers: Seeds = Field((0,), description="Seeds of every teacher.")
    taught_by: Literal["first", "same", "each"] = Field(
        "first",
        description="The seed of a student's teacher: the first of the teachers', the student's, or each of"
        " the teachers', so that every student is trained once with each teacher.",
        examples=["each"],
    )


@settings(kw_only=True)
class Recipe(*RECIPE_FORMS.values()):
    """How a network is trained."""

    dataset: Text = Field(description="An entry of `datasets`.")
    batch_size: Images = Field(description="Images of one batch.")
    precision: Literal["fp32", "bf16"] = Field(description="bf16 is autocast; weights stay fp32.")
    fused: Flag = Field(
        None,
        description="Whether the blocks of vision transformers are compiled, on a GPU only; changes bits.",
        examples=[True],
    )
    optimizer: spec.Optimizer = Field(
        description="Algorithm, learning rate, weight decay, and when it is re-created."
    )
    augmentation: Augmentation = Field(description="Random changes to a training image.")
    losses: LossEntries = Field(description="Terms of the loss; a method says which of them are used.")
    one_cycle: spec.OneCycle | None = Field(
        None, description="Schedule of the learning rate; constant if it is absent."
    )
    warmup_cosine: spec.WarmupCosine | None = Field(
        None, description="Another schedule of the learning rate."
    )
    early_stopping: spec.EarlyStopping | None = Field(
        None, description="End of a stage before its last epoch; never if it is absent."
    )
    views: Views = Field(None, description="How an image is cropped and scaled for a stage.")
    recorded_maps: ComparedMapsEntry | None = Field(
        None, description="Saliency maps to record for a student whose loss compares none."
    )
    mixing: Mixing | None = Field(None, description="MixUp or CutMix on every batch.")
    teacher_resolution: Pixels | None = Field(
        None,
        description="Side to which the student's views are scaled for its teacher, bilinearly and without"
        " antialiasing; not scaled if it is absent.",
        examples=[224],
    )
    tests_each_epoch: Flag = Field(
        None,
        description="Whether the test accuracy is logged after every epoch, as some released code does; it"
        " chooses nothing.",
        examples=[True],
    )
    weight_average: spec.WeightAverage | None = Field(
        None,
        description="Moving average of the weights, which is validated, tested and saved in place of the"
        " trained weights; none if it is absent.",
        examples=[{"decay": 0.999}],
    )


@settings
class Changes(Recipe):
    """Settings that differ from the recipe: its own, the network's, and the stages."""

    model: AnyModelEntry = Field(None, description="Keys of the model that differ.")
    stages: Stages = Field(None, description="Stages that replace those of the curriculum.")
    selection: spec.Selection = Field(None, description="Weights that are evaluated and that teach.")
    teacher: Text = Field(None, description="An entry of `teachers`, instead of the run's own.")
    start: Text = Field(
        None, description="An entry of `weights` to start from; random weights if it is absent."
    )


def _with_labels(terms: tuple[str, ...]) -> tuple[str, ...]:
    if "ce" not in terms:
        raise said("must contain 'ce'; add it")
    return terms


@settings
class Method:
    """Which terms of the loss, and which curriculum."""

    losses: Annotated[tuple[Literal[tuple(TERMS)], ...], AfterValidator(_with_labels), *Distinct] = Field(
        description="Terms of the recipe's losses to use; some need a teacher, such as kd."
    )
    curriculum: Text = Field(description="An entry of `curricula`.")


@settings
class Protocol:
    """A complete way to run the study."""

    label: Text = Field(description="Name in tables and figures.")
    base: Text = Field(
        None, description="A protocol whose selection, recipes, overrides and teachers are used here too."
    )
    selection: spec.Selection = Field(None, description="Weights that are evaluated and that teach.")
    runs: Literal["all", "listed"] = Field(
        "all",
        description="Which runs it has: all that do not name other protocols, or those under its overrides.",
    )
    remark: Words = Field(None, description="Printed below tables of accuracies, after its label.")
    absent: Words = Field(None, description="Text in tables and figures for a run that it does not have.")
    recipes: dict[Text, Annotated[Recipe, Partial]] = Field(
        None, description="Per recipe id, the settings that differ, for every run of the recipe."
    )
    overrides: dict[Text, Annotated[Changes, Partial]] = Field(
        None, description="Per run id, the settings that differ from its recipe."
    )


@settings
class RunEntry:
    """A training of the study, for all its seeds."""

    model: Text = Field(description="An entry of `models`.")
    method: Text = Field(description="An entry of `methods`.")
    label: Text = Field(description="Name in tables and figures.")
    recipe: Text = Field(
        None, description="An entry of `recipes`; by default the one named as the role.", examples=["student"]
    )
    teacher: Text = Field(None, description="An entry of `teachers`, if the method needs one.")
    protocols: SomeTexts = Field(None, description="Protocols that may have it; all if it is absent.")
    set: Annotated[Changes, Partial] = Field(
        None,
        description="Settings that differ from its recipe, in every protocol.",
        examples=[{"batch_size": 64}],
    )


@settings
class Evaluation:
    """What is measured on the test set beside the accuracy at full resolution."""

    resolutions: Annotated[tuple[Pixels, ...], *Distinct] = Field(
        description="Sides in pixels at which the accuracy is measured."
    )


@settings(kw_only=True)
class StudyFile:
    """A study: everything that is trained, evaluated and tabulated. Overlays are merged before validation."""

    title: Words = Field(description="What the study reproduces, such as the title of a paper.")
    reproduce: SomeTexts = Field(description="Protocols to run, each an entry of `protocols`.")
    select: Texts = Field(
        (),
        description="Runs to train and evaluate, with the teachers they need, by id, or by `protocol/run` in"
        " that protocol alone. An empty list means every student.",
    )
    note: Text = Field("", description="Printed with every table and figure.")
    no_verdict: Text = Field(
        "", description="Printed instead of every verdict on a claim; empty to print verdicts."
    )
    seeds: RoleSeeds = Field()
    datasets: dict[Id, Dataset] = Field(
        description="Data sets by id. Studies may share one: with the same format, split and limit."
    )
    models: dict[Id, AnyModelEntry] = Field(description="Networks by id.")
    curricula: dict[Id, Stages] = Field(description="Stages of training by id.")
    recipes: dict[Id, Recipe] = Field(
        description='How networks are trained, by id; "student" and "teacher" are the defaults of the two'
        " roles."
    )
    methods: dict[Id, Method] = Field(description="Which terms of the loss and which curriculum, by id.")
    protocols: dict[Id, Protocol] = Field(description="Complete ways to run the study, by id.")
    teachers: dict[Id, RunEntry] = Field(
        None,
        description="Runs that others learn from, by id; trained if a student needs them or `select` names"
        " them.",
    )
    students: Annotated[dict[Id, RunEntry], Field(min_length=1)] = Field(
        description="Runs of the study, by id."
    )
    weights: dict[Id, AnyPublishedFile] = Field(
        None, description="Published weights that networks can start from, by id."
    )
    evaluation: Evaluation = None
    tables: dict[Id, page_settings.Table] = Field(None, description="Tables of accuracies by id.")
    figures: dict[Id, page_settings.Figure] = Field(None, description="Figures by id, each of one kind.")
    pairs: page_settings.Pairs = None
    claims: claim_settings.Claims = None
    controls: claim_settings.FurtherClaims = None
    best: claim_settings.FurtherClaims = None
    switches: page_settings.Switches = None
    bridge: page_settings.Bridge = None
    checks: page_settings.Checks = None
