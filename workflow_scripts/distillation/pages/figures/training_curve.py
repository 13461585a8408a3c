"""Training and validation accuracy of one run, by epoch of the whole training."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distillation.pages.figures import curves, legends, style
from distillation.pages.figures.curves import Histories
from distillation.statistics import published_values
from distillation.study.figure_contents import CurveFigure

# Column of history.csv, name and colour of each curve.
MEASURES = (
    ("train_acc", "training", style.COLOURS[1]),
    ("val_acc", "validation", style.COLOURS[0]),
)


CONTENTS = CurveFigure


@style.styled
def draw(
    page: CurveFigure, histories: Histories, published: Path | None, published_stages: Path | None
) -> Figure:
    """Both accuracies as mean and range over seeds (paper, Figures 2 and 3).

    Each stage is validated at its own resolution. The boundaries of several stages are marked.

    Args:
        page: what the figure shows; solid lines are those of its first protocol.
        histories: history.csv by protocol, run and seed; a protocol without one is marked "not run".
        published: csv (see `published_values.curve`), drawn in grey behind; None if no curve is published.
        published_stages: see `stage_best`; drawn across each stage that has a value.
    """
    stages, run = page.stages, page.run
    figure = style.new(page.title, page.note, style.SINGLE, 2.9)
    axis = figure.subplots()
    if published:
        _published(axis, published)
    if published_stages:
        best = stage_best(published_stages, run)
        for resolution, first, last in curves.spans(stages):
            if resolution in best.index:
                mark_best(axis, best.at[resolution, "val_acc"], (first - 0.4, last + 0.4))
    for protocol_style in style.protocol_styles(page.protocols):
        files = curves.of_run(histories, protocol_style.protocol, run)
        for column, name, colour in MEASURES:
            label = name + protocol_style.suffix
            if files:
                curves.band(axis, curves.accuracies(files, column, stages), label, colour, protocol_style)
            else:
                curves.without_curve(axis, label, colour, protocol_style.line)
    curves.epoch_axis(axis, sum(epochs for _, epochs in stages))
    if len(stages) > 1:
        curves.mark_stages(axis, stages)
    style.percent([axis], "accuracy")
    legends.below_once([axis], figure)
    return figure


def stage_best(path: Path, run: str) -> pd.DataFrame:
    """Published best validation accuracies of a run by resolution in pixels.

    Args:
        path: see `published_values.stages`.
        run: id of the run; a run without an entry gives an empty frame.
    """
    values = published_values.stages(path)
    return values[values["run"] == run].set_index("stage_px")


def mark_best(axis: Axes, value: float, span: tuple[float, float]) -> None:
    """Draw the published best value of a stage across its epochs."""
    axis.hlines(value, *span, color=style.PUBLISHED, linewidth=2.0, label="published best of the stage")


def _published(axis: Axes, path: Path) -> None:
    curve = published_values.curve(path).set_index("global_epoch")
    for (column, name, _), grey in zip(MEASURES, (style.PUBLISHED_TRAINING, style.PUBLISHED), strict=True):
        if column in curve:
            axis.plot(curve.index, curve[column], color=grey, linewidth=0.9, label=f"{name}, published")
