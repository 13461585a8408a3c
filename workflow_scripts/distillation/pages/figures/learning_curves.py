"""Validation accuracy by epoch, one panel per group of runs."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from distillation.pages.absent import NOTHING_ABSENT, Absent
from distillation.pages.figures import curves, style
from distillation.pages.figures.curves import Histories


@style.styled
def draw(
    title: str,
    note: str,
    panels: Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
    protocols: Mapping[str, str],
    histories: Histories,
    absent: Absent = NOTHING_ABSENT,
) -> Figure:
    """The mean over seeds and their range; an overview that the paper does not have.

    Within a curriculum each stage is validated at its own resolution, so a curve steps where the
    resolution changes. The legend lists a run without histories as not run.

    Args:
        title: above the panels.
        note: below the title; may be empty.
        panels: by heading, the ids of the runs.
        labels: of the runs, by id.
        protocols: labels by id; solid lines for the first, dashed for the second.
        histories: history.csv by protocol, run and seed.
        absent: runs that a protocol does not have; they are not listed as missing there.

    Raises:
        UserError: more runs in a panel, or more protocols, than a figure can distinguish.
    """
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    width = style.DOUBLE if columns == 2 else style.SINGLE
    figure = style.new(title, note, width, 0.4 + 2.4 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axis in grid.flat[len(panels) :]:
        axis.set_visible(False)
    missing = []

    def seeds_of(protocol: str, run: str) -> pd.DataFrame | None:
        files = curves.of_run(histories, protocol, run)
        return curves.accuracies(files, "val_acc") if files else None

    for axis, (heading, runs) in zip(grid.flat, panels.items(), strict=False):
        missing += curves.compare(axis, runs, labels, protocols, seeds_of, absent)
        axis.set_title(heading)
        curves.epoch_axis(axis)
        style.percent([axis], "validation accuracy")
        style.legend_below(axis, style.SINGLE)
    style.protocol_legend(figure, protocols, missing)
    return figure
