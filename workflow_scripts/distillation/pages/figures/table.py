"""Figure of all cells of a table of accuracies, published and reproduced."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from distillation.pages import tables
from distillation.pages.figures import legends, lettering, style
from distillation.statistics import published_values
from distillation.study.contents import Key, TablePage

_REPRODUCED = style.COLOURS[0]
# Inches: the width of the label of a row, and the height of a value.
_LABEL, _VALUE = 1.6, 0.16


CONTENTS = TablePage


@style.styled
def draw(page: TablePage, evaluations: Mapping[Key, Path], published: Path | None) -> Figure:
    """One panel per column and one line per row of the table (paper, Table 1).

    The bar of a reproduced value is the sample standard deviation over seeds or, for a single
    seed, the binomial 95 % interval of the test images; the legend says which.

    Args:
        page: what the figure shows; markers of its first protocol are filled.
        evaluations: JSON files by protocol, run and seed; a run without one is marked "not run".
        published: see `published_values.accuracies`.
    """
    cells = tables.cells(page, evaluations, published_values.accuracies(published))
    rows = [label for label, _ in page.layout.rows]
    labels = [lettering.lines(label, _LABEL) for label in rows]
    width = (style.DOUBLE - _LABEL) / len(page.layout.columns) - 0.2
    cells["status"] = [lettering.lines(status, width) for status in cells["status"]]
    value, label = (max(map(_inches, texts)) for texts in (cells["status"], labels))
    height = max(max(_VALUE, value) * (1 + len(page.protocols)), label)
    figure = style.new(page.title, page.note, style.DOUBLE, 1.3 + len(rows) * height)
    axes = figure.subplots(1, len(page.layout.columns), sharey=True, squeeze=False)[0]
    for axis, column in zip(axes, page.layout.columns, strict=True):
        own = cells[cells["column"] == column]
        for position, row in enumerate(rows):
            _line(axis, own[own["row"] == row], position, list(style.protocol_styles(page.protocols)))
        lettering.heading(axis, column, width)
        axis.set(ylim=(len(rows) - 0.5, -0.5))
        axis.set_yticks(range(len(rows)), labels)
        axis.tick_params(axis="y", length=0)
        axis.grid(False, axis="y")
        for position in range(1, len(rows)):
            axis.axhline(position - 0.5, color=style.PUBLISHED, linewidth=0.3)
    style.percent(axes, "test accuracy", side="x")
    _legend(figure, cells, page.protocols)
    return figure


def interval(cell: pd.Series) -> tuple[float, float]:
    """Lower and upper end, in percent, of the bar of a cell that was run."""
    if pd.notna(cell["std"]):
        return cell["mean"] - cell["std"], cell["mean"] + cell["std"]
    return cell["low"], cell["high"]


def _inches(text: str) -> float:
    """The height of a text with some space."""
    return lettering.SMALL_LINE * (lettering.height(text) + 0.4)


def _line(axis: Axes, cells: pd.DataFrame, row: int, protocol_styles: list[style.ProtocolStyle]) -> None:
    """Draw published above reproduced, so that neither hides the other."""
    step = 1.0 / (len(protocol_styles) + 2)
    first = row - 0.5 + step
    published = cells.iloc[0]
    if pd.isna(published["published"]):
        _say(axis, first, "not published")
    else:
        colour = style.PUBLISHED if published["doubt"] else "black"
        axis.plot(published["published"], first, "D", color=colour, markerfacecolor="white")
    for index, protocol_style in enumerate(protocol_styles, start=1):
        cell = cells[cells["protocol"] == protocol_style.protocol].iloc[0]
        place = first + index * step
        if cell["status"] != tables.RUN:
            _say(axis, place, cell["status"])
            continue
        low, high = interval(cell)
        axis.errorbar(
            cell["mean"],
            place,
            xerr=[[cell["mean"] - low], [high - cell["mean"]]],
            color=_REPRODUCED,
            marker=style.MARKERS[index - 1],
            elinewidth=0.9,
            capsize=2,
            linestyle="none",
        )


def _say(axis: Axes, place: float, text: str) -> None:
    axis.text(
        0.02,
        place,
        text,
        transform=axis.get_yaxis_transform(),
        va="center",
        fontsize=lettering.SMALL,
        color=style.PUBLISHED,
    )


def _legend(figure: Figure, cells: pd.DataFrame, protocols: Mapping[str, str]) -> None:
    run = cells[cells["status"] == tables.RUN]
    kinds = ["sample standard deviation over seeds"] if run["std"].notna().any() else []
    kinds += ["binomial 95 % of a single seed"] if run["std"].isna().any() else []
    hollow = {"linestyle": "none", "marker": "D", "markerfacecolor": "white"}
    handles = {
        "published": Line2D([], [], color="black", **hollow),
        "published, doubtful": Line2D([], [], color=style.PUBLISHED, **hollow),
    }
    for protocol_style, marker in zip(style.protocol_styles(protocols), style.MARKERS, strict=False):
        label = f"reproduced{protocol_style.suffix}"
        handles[label] = Line2D([], [], color=_REPRODUCED, linestyle="none", marker=marker)
    title = f"bars: {' or '.join(kinds)}" if kinds else None
    legends.below_all(figure, handles, title)
