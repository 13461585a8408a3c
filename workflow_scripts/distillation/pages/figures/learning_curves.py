"""Validation accuracy by epoch, one panel per group of runs."""

import pandas as pd
from matplotlib.figure import Figure

from distillation.pages.figures import curves, legends, lettering, style
from distillation.pages.figures.curves import Histories
from distillation.study.figure_contents import PanelsFigure

CONTENTS = PanelsFigure


@style.styled
def draw(page: PanelsFigure, histories: Histories) -> Figure:
    """The mean over seeds and their range; an overview that the paper does not have.

    Within a curriculum each stage is validated at its own resolution, so a curve steps where the
    resolution changes. The legend lists a run without histories as not run, unless its protocol does not
    have it.

    Args:
        page: what the figure shows; solid lines are those of its first protocol.
        histories: history.csv by protocol, run and seed.

    Raises:
        UserError: more runs in a panel, or more protocols, than a figure can distinguish.
    """
    panels = page.panels
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    width = style.DOUBLE if columns == 2 else style.SINGLE
    figure = style.new(page.title, page.note, width, 0.4 + 2.4 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axis in grid.flat[len(panels) :]:
        axis.set_visible(False)
    missing = []

    def seeds_of(protocol: str, run: str) -> pd.DataFrame | None:
        files = curves.of_run(histories, protocol, run)
        return curves.accuracies(files, "val_acc") if files else None

    for axis, (heading, runs) in zip(grid.flat, panels.items(), strict=False):
        missing += curves.compare(axis, runs, page, seeds_of)
        lettering.heading(axis, heading, style.SINGLE - 0.6)
        curves.epoch_axis(axis)
        style.percent([axis], "validation accuracy")
        legends.below(axis, style.SINGLE)
    legends.of_protocols(figure, page.protocols, missing)
    return figure
