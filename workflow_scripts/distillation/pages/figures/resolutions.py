"""Test accuracy of trained networks by resolution of their input."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distillation.pages.figures import curves, legends, style
from distillation.statistics.evaluations import Evaluation, of_run, read_all
from distillation.study.contents import Key
from distillation.study.figure_contents import PanelsFigure

VIEWS = {"scale": "whole image, scaled", "crop": "centre, full scale"}


CONTENTS = PanelsFigure


@style.styled
def draw(page: PanelsFigure, evaluations: Mapping[Key, Path]) -> Figure:
    """Mean and range over seeds: one row per group of runs, one column per view; not in the paper.

    At the full resolution both views are the image itself.

    Args:
        page: what the figure shows; solid lines are those of its first protocol.
        evaluations: JSON files by protocol, run and seed; a run without one is listed as not run, unless
            its protocol does not have it.

    Raises:
        UserError: more runs in a panel, or more protocols, than a figure can distinguish.
    """
    panels = page.panels
    # Of a run that no protocol has there is no label, and no entry.
    heights = (
        legends.needed(heading, [page.labels[run] for run in runs if run in page.labels])
        for heading, runs in panels.items()
    )
    row_height = max(1.4, *heights)
    figure = style.new(page.title, page.note, style.DOUBLE, 1.0 + row_height * len(panels))
    grid = figure.subplots(len(panels), len(VIEWS), squeeze=False)
    tested, missing = read_all(evaluations), []
    for row, (heading, runs) in zip(grid, panels.items(), strict=True):
        for axis, view in zip(row, VIEWS, strict=True):
            missing += _panel(axis, view, runs, page, tested)
        legends.beside(row[-1], heading)
    style.percent(list(grid.flat), "test accuracy", labelled=list(grid[:, 0]))
    for axis, name in zip(grid[0], VIEWS.values(), strict=True):
        axis.set_title(name)
    for axis in grid[-1]:
        axis.set_xlabel("resolution (pixels)")
    legends.of_protocols(figure, page.protocols, list(dict.fromkeys(missing)))
    return figure


def accuracies(own: Iterable[Evaluation], view: str) -> pd.DataFrame:
    """Mean, min and max over seeds of the accuracy (percent) in a view, by resolution in pixels."""
    seeds = (
        pd.Series({side: share.percent for side, share in test.by_resolution(view).items()}) for test in own
    )
    return curves.over_seeds(seeds).sort_index()


def _panel(
    axis: Axes,
    view: str,
    runs: Sequence[str],
    page: PanelsFigure,
    tested: Mapping[Key, Evaluation],
) -> list[str]:
    def seeds_of(protocol: str, run: str) -> pd.DataFrame | None:
        own = of_run(tested, protocol, run)
        return accuracies(own.values(), view) if own else None

    missing = curves.compare(axis, runs, page, seeds_of)
    if style.has_points(axis):
        axis.set_xticks(sorted({side for line in axis.get_lines() for side in line.get_xdata()}))
    return missing
