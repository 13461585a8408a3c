"""Training and validation accuracy of one run, one panel per stage of its curriculum."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distillation.pages.absent import NOT_RUN
from distillation.pages.figures import curves, legends, style, training_curve
from distillation.pages.figures.curves import Histories, Stages
from distillation.study.figure_contents import CurveFigure

CONTENTS = CurveFigure


@style.styled
def draw(page: CurveFigure, histories: Histories, published_stages: Path | None) -> Figure:
    """Both accuracies by epoch within the stage, mean and range over seeds (paper, Figure 4).

    As in the paper, each panel has separate axis limits; the axis label gives the lower one.

    Args:
        page: what the figure shows; solid lines are those of its first protocol.
        histories: history.csv by protocol, run and seed; a protocol without one is marked "not run".
        published_stages: see `training_curve.stage_best`; drawn in the stages that have a value.
    """
    stages, run = page.stages, page.run
    columns = min(3, len(stages))
    rows = -(-len(stages) // columns)
    figure = style.new(page.title, page.note, style.DOUBLE, 0.7 + 1.7 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axis in grid.flat[len(stages) :]:
        axis.set_visible(False)
    best = training_curve.stage_best(published_stages, run) if published_stages else pd.DataFrame()
    drawn = list(grid.flat[: len(stages)])
    for axis, (resolution, first, last) in zip(drawn, curves.spans(stages), strict=True):
        if resolution in best.index:
            value = best.at[resolution, "val_acc"]
            training_curve.mark_best(axis, value, (0.6, last - first + 1.4))
        for protocol_style in style.protocol_styles(page.protocols):
            files = curves.of_run(histories, protocol_style.protocol, run)
            _panel(axis, files, stages, (first, last), protocol_style)
        axis.set_title(f"{resolution} x {resolution} px")
        curves.epoch_axis(axis, last - first + 1)
        axis.set_xlabel("epoch of the stage")
        style.percent([axis], "accuracy")
    legends.below_once(drawn, figure)
    return figure


def _panel(
    axis: Axes, files: list[Path], stages: Stages, span: tuple[int, int], protocol_style: style.ProtocolStyle
) -> None:
    for column, name, colour in training_curve.MEASURES:
        label = name + protocol_style.suffix
        if files:
            seeds = curves.accuracies(files, column, stages).loc[slice(*span)]
            seeds.index -= span[0] - 1
            curves.band(axis, seeds, label, colour, protocol_style)
        else:
            curves.without_curve(axis, label, colour, protocol_style.line)
    if not files and protocol_style.filled:
        axis.text(0.5, 0.08, NOT_RUN, transform=axis.transAxes, ha="center", color=style.PUBLISHED)
