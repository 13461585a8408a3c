"""The typed form of a configuration's pages: tables, figures, the bridge, checks and pairs."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag

from distillation.core.settings import (
    ALL_OR_LIST,
    UNIT,
    Count,
    Distinct,
    Number,
    Padding,
    Pixels,
    Seed,
    Text,
    Whole,
    Words,
    said,
    settings,
)

Resolutions = Annotated[tuple[Pixels, ...], Field(min_length=1), *Distinct]
Tolerance = Annotated[Number, Field(ge=0, json_schema_extra={UNIT: "percentage points"})]
ACCURACIES = "CSV with the columns run, accuracy, source, doubt."
STAGES = "CSV with the columns run, stage_px, val_acc, view, digitized, source, doubt."


@settings
class Switch:
    """A row of the bridge: a protocol, or a selection and the runs."""

    label: Text = Field(description="The change.")
    protocol: Text = Field(None, description="A protocol with the base and the runs that the switch changes.")
    selection: Literal["best", "last"] = Field(
        None, description="Weights evaluated instead of the base's, if there is no protocol."
    )
    runs: Annotated[tuple[Text, ...], Field(min_length=1), *Distinct] = Field(
        None, description="Run ids, if there is no protocol."
    )


@settings
class Bridge:
    """Effect of single switches, each the only difference of a protocol from a base."""

    title: Text = Field(description="Heading above the table.")
    base: Text = Field(description="The protocol in which no switch is changed.")
    remark: Words = Field(None, description="What its caption says beside what is compared.")
    switches: Annotated[tuple[Switch, ...], Field(min_length=1)] = Field(
        description="In the order of the table."
    )


@settings
class Switches:
    """The page of all settings of all runs."""

    title: Text = Field(description="Heading above the page.")
    sources: Words = Field(
        None, description="YAML file with the source of each value, by protocol, role, run and switch."
    )


@settings
class Tolerances:
    """Percentage points in both directions."""

    train_acc: Tolerance = Field(None, description="Training accuracy of each epoch.")
    val_acc: Tolerance = Field(None, description="Validation accuracy of each epoch.")
    best_val_acc: Tolerance = Field(None, description="Best validation accuracy of each stage, alone.")


def _some(tolerances: Tolerances) -> Tolerances:
    if tolerances == Tolerances():
        raise said("must not be empty; add one entry")
    return tolerances


@settings
class Check:
    """Published accuracies of a run, and the tolerances."""

    published: Words = Field(
        description="CSV with the columns global_epoch, train_acc and val_acc, or run, stage_px and val_acc."
    )
    tolerances: Annotated[Tolerances, AfterValidator(_some)] = Field(
        description="Percentage points in both directions, for each epoch's accuracies or each stage's best."
    )


@settings
class Checks:
    """Runs of the first protocol whose first epochs are compared with published accuracies."""

    title: Text = Field(description="Heading above the comparison.")
    runs: Annotated[dict[Text, Check], Field(min_length=1)] = Field(
        description="By run id, the published accuracies and the tolerances."
    )


@settings
class Row:
    """A row of a table."""

    label: Text = Field(description="Heading of the row.")
    runs: tuple[Text, ...] = Field(description="Run ids, one per column.")
    instead: dict[Text, tuple[Text, ...]] = Field(
        None, description="By protocol, the run ids to show in that protocol instead, one per column."
    )


Rows = Annotated[
    Annotated[Literal["all"], Tag("string")] | Annotated[tuple[Row, ...], Field(min_length=1), Tag("array")],
    ALL_OR_LIST,
]


@settings
class Table:
    """A table of accuracies."""

    title: Text = Field(description="Heading above the table.")
    columns: Annotated[tuple[Text, ...], Field(min_length=1), *Distinct] = Field(description="Headings.")
    rows: Rows = Field(description="The rows, or `all` for one row per run.")
    paper_table: Count = Field(None, description="Number of the paper's table that it reproduces.")
    published: Text = Field(None, description=ACCURACIES)


@settings
class AnyFigure:
    """What every figure has."""

    title: Text = Field(description="Heading above the figure.")
    paper_figure: Count = Field(None, description="Number of the paper's figure that it reproduces.")
    remark: Words = Field(None, description="What its caption says beside what is drawn.")


Panels = Annotated[
    dict[Text, Annotated[tuple[Text, ...], Field(min_length=1, max_length=6)]], Field(min_length=1)
]
PANELS = "Panel heading and the runs drawn in it, six at most."
ONE_RUN = "An id of `teachers` or `students`."


@settings
class InputsFigure(AnyFigure):
    """Images as networks see them."""

    kind: Literal["inputs"] = Field(description="Images, scaled and cropped.")
    dataset: Text = Field(description="An entry of `datasets`.")
    images: Annotated[Whole, Field(ge=1, le=20)] = Field(description="How many of the first test images.")
    resolutions: Resolutions = Field(description="Sides in pixels.")
    crop_padding: Padding = Field(description="Black border on each side before a random crop.")
    seed: Seed = Field(description="Seed of the random crops.")


@settings
class LearningCurvesFigure(AnyFigure):
    """Validation accuracy of many runs."""

    kind: Literal["learning-curves"] = Field(description="Validation accuracy by epoch.")
    panels: Panels = Field(description=PANELS)


@settings
class TrainingCurveFigure(AnyFigure):
    """Training and validation accuracy of one run."""

    kind: Literal["training-curve"] = Field(description="Both accuracies by epoch.")
    run: Text = Field(description=ONE_RUN)
    published: Text = Field(
        None, description="CSV with the columns global_epoch, train_acc and val_acc, drawn behind."
    )
    published_stages: Text = Field(None, description=STAGES)


@settings
class StagesFigure(AnyFigure):
    """Training and validation accuracy of one run, one panel per stage."""

    kind: Literal["stages"] = Field(description="Both accuracies by epoch of each stage.")
    run: Text = Field(description=ONE_RUN)
    published_stages: Text = Field(None, description=STAGES)


@settings
class SaliencyFigure(AnyFigure):
    """Saliency maps of a student and its teacher."""

    kind: Literal["saliency"] = Field(description="Maps and their correlation.")
    run: Text = Field(description="A student with a teacher; its maps are shown.")
    control: Text = Field(description="A student with a teacher to compare the correlation with.")
    images: Annotated[Whole, Field(ge=1, le=3)] = Field(description="How many of the recorded test images.")


@settings
class CostFigure(AnyFigure):
    """Test accuracy of every run by the FLOPs of its training."""

    kind: Literal["cost"] = Field(description="Accuracy by computation.")
    table: Text = Field(description="An entry of `tables`; its runs are drawn.")


@settings
class TableFigure(AnyFigure):
    """A table of accuracies as a picture."""

    kind: Literal["table"] = Field(description="Published and reproduced cells.")
    table: Text = Field(description="An entry of `tables`.")


@settings
class ResolutionsFigure(AnyFigure):
    """Test accuracy by resolution and view."""

    kind: Literal["resolutions"] = Field(description="Accuracy by resolution.")
    panels: Panels = Field(description=PANELS)


Figure = Annotated[
    InputsFigure
    | LearningCurvesFigure
    | TrainingCurveFigure
    | StagesFigure
    | SaliencyFigure
    | CostFigure
    | TableFigure
    | ResolutionsFigure,
    Field(discriminator="kind"),
]


@settings
class Pairs:
    """A table of the differences between rows of another, paired over seeds."""

    title: Text = Field(description="Heading above the table.")
    table: Text = Field(description="An entry of `tables`.")
    rows: Annotated[
        tuple[Annotated[tuple[Text, ...], Field(min_length=2, max_length=2), *Distinct], ...],
        Field(min_length=1),
        *Distinct,
    ] = Field(description="Labels of two rows of the table: the first minus the second.")
