"""Test accuracy of trained networks by resolution of their input."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distillation.pages.absent import NOTHING_ABSENT, Absent
from distillation.pages.figures import curves, style
from distillation.statistics.evaluations import Evaluation, Key, of_run, read_all

VIEWS = {"scale": "whole image, scaled", "crop": "centre, full scale"}


@style.styled
def draw(
    title: str,
    note: str,
    panels: Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
    protocols: Mapping[str, str],
    evaluations: Mapping[tuple[str, str, int], Path],
    absent: Absent = NOTHING_ABSENT,
) -> Figure:
    """Mean and range over seeds: one row per group of runs, one column per view; not in the paper.

    At the full resolution both views are the image itself.

    Args:
        title: above the panels.
        note: below the title; may be empty.
        panels: by heading, the ids of the runs.
        labels: of the runs, by id.
        protocols: labels by id; solid lines for the first, dashed for the second.
        evaluations: JSON files by protocol, run and seed; a run without one is listed as not run.
        absent: runs that a protocol does not have; they are not listed as missing there.

    Raises:
        UserError: more runs in a panel, or more protocols, than a figure can distinguish.
    """
    figure = style.new(title, note, style.DOUBLE, 1.0 + 1.4 * len(panels))
    grid = figure.subplots(len(panels), len(VIEWS), squeeze=False)
    tested, missing = read_all(evaluations), []
    for row, (heading, runs) in zip(grid, panels.items(), strict=True):
        for axis, view in zip(row, VIEWS, strict=True):
            missing += _panel(axis, view, runs, labels, protocols, tested, absent)
        row[-1].legend(title=heading, alignment="left", loc="center left", bbox_to_anchor=(1.0, 0.5))
    style.percent(list(grid.flat), "test accuracy", labelled=list(grid[:, 0]))
    for axis, name in zip(grid[0], VIEWS.values(), strict=True):
        axis.set_title(name)
    for axis in grid[-1]:
        axis.set_xlabel("resolution (pixels)")
    style.protocol_legend(figure, protocols, list(dict.fromkeys(missing)))
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
    labels: Mapping[str, str],
    protocols: Mapping[str, str],
    tested: Mapping[Key, Evaluation],
    absent: Absent,
) -> list[str]:
    def seeds_of(protocol: str, run: str) -> pd.DataFrame | None:
        own = of_run(tested, protocol, run)
        return accuracies(own.values(), view) if own else None

    missing = curves.compare(axis, runs, labels, protocols, seeds_of, absent)
    if style.has_points(axis):
        axis.set_xticks(sorted({side for line in axis.get_lines() for side in line.get_xdata()}))
    return missing
