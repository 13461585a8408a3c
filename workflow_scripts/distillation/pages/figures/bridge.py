"""Figure of the effect of each switch between two protocols, as intervals."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from distillation.pages import bridge
from distillation.pages.absent import NOT_RUN
from distillation.pages.figures import style
from distillation.study.contents import BridgePage, Key


@style.styled
def draw(page: BridgePage, evaluations: Mapping[Key, Path]) -> Figure:
    """One line per switch and run: the mean difference in accuracy and its 95 % interval.

    Args:
        page: see `bridge.worth`; a run without a pair is marked "not run".
        evaluations: JSON files by protocol, run and seed.
    """
    frame = bridge.worth(page, evaluations)
    rows = list(frame.itertuples())
    figure = style.new(page.title, page.note, style.DOUBLE, 1.3 + 0.13 * len(rows))
    axis = figure.subplots()
    kinds = []
    for position, row in enumerate(rows):
        if row.status == NOT_RUN:
            _say(axis, position)
            continue
        kind = row.interval
        kinds += [kind] if kind not in kinds else []
        axis.errorbar(
            row.difference,
            position,
            xerr=[[row.difference - row.low], [row.high - row.difference]],
            color=style.COLOURS[0],
            marker="o",
            markerfacecolor=style.COLOURS[0] if kind == "t over seeds" else "white",
            elinewidth=0.9,
            capsize=2,
            linestyle="none",
        )
    axis.set_yticks(range(len(rows)), [f"{row.switch}: {page.labels[row.run]}" for row in rows])
    axis.set(ylim=(len(rows) - 0.5, -0.5), xlabel="difference in test accuracy (percentage points)")
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    axis.axvline(0.0, color="black", linewidth=0.6)
    _between_switches(axis, frame)
    if not kinds:
        axis.set(xticks=[])
    fills = {"t over seeds": style.COLOURS[0], "binomial": "white"}
    handles = [
        Line2D([], [], color=style.COLOURS[0], marker="o", linestyle="none", markerfacecolor=fills[kind])
        for kind in kinds
    ]
    names = {"t over seeds": "95 %, paired over seeds", "binomial": "95 %, binomial, a single seed"}
    if handles:
        figure.legend(handles, [names[kind] for kind in kinds], loc="outside lower center", ncols=len(kinds))
    return figure


def _say(axis: Axes, position: int) -> None:
    axis.text(
        0.02,
        position,
        NOT_RUN,
        transform=axis.get_yaxis_transform(),
        va="center",
        fontsize=style.SMALL,
        color=style.PUBLISHED,
    )


def _between_switches(axis: Axes, frame: pd.DataFrame) -> None:
    """Draw a thin line between the rows of different switches."""
    for position in range(1, len(frame)):
        if frame["switch"].iloc[position] != frame["switch"].iloc[position - 1]:
            axis.axhline(position - 0.5, color=style.PUBLISHED, linewidth=0.3)
