"""Pictures of results; equal inputs give equal files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import pandas as pd

from irkd.atomic import replacing

# Okabe and Ito's palette: distinct for the colour-blind as well.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
_LINES = ("-", "--", ":", "-.")
_STYLE = {
    "svg.hashsalt": "irkd",
    "svg.fonttype": "path",
    "figure.dpi": 150,
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


def learning_curves(
    title: str,
    note: str,
    panels: Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
    protocols: Mapping[str, str],
    histories: Mapping[tuple[str, str, int], Path],
    svg: Path,
    png: Path,
) -> None:
    """Validation accuracy by epoch, one panel a group of runs; the mean over seeds and their range.

    Within a curriculum each stage is validated at its own resolution, so a curve steps where the
    resolution changes. A run without histories is named in the legend as not run.

    Args:
        title: above the panels.
        note: below the title; may be empty.
        panels: by heading, the ids of the runs.
        labels: of the runs, by id.
        protocols: labels by id; solid lines for the first, dashed for the second.
        histories: history.csv by protocol, run and seed.
        svg: file to write.
        png: file to write.
    """
    with plt.rc_context(_STYLE):
        columns = min(2, len(panels))
        rows = -(-len(panels) // columns)
        figure, axes = plt.subplots(
            rows, columns, figsize=(3.6 * columns, 2.6 * rows), squeeze=False, layout="constrained"
        )
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        for axis, (heading, runs) in zip(axes.flat, panels.items(), strict=False):
            for (protocol, name), line in zip(protocols.items(), _LINES, strict=False):
                suffix = f" ({name})" if len(protocols) > 1 else ""
                for run, colour in zip(runs, _COLOURS, strict=False):
                    files = [path for key, path in histories.items() if key[:2] == (protocol, run)]
                    _curve(axis, files, labels[run] + suffix, colour, line)
            axis.set(title=heading, xlabel="epoch", ylabel="validation accuracy (%)")
            axis.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
            # Below the axes: inside, no corner is free of curves for every run.
            axis.legend(fontsize=6, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        figure.suptitle(f"{title}\n{note}" if note else title)
        _save(figure, svg, png)
        plt.close(figure)


def _curve(axis: plt.Axes, files: Sequence[Path], label: str, colour: str, line: str) -> None:
    if not files:
        axis.plot([], [], color=colour, linestyle=line, label=f"{label}: not run")
        return
    seeds = pd.concat([pd.read_csv(path).set_index("global_epoch")["val_acc"] for path in files], axis=1)
    mean = seeds.mean(axis=1)
    marker = "o" if len(mean) < 10 else None
    axis.plot(
        mean.index,
        mean,
        color=colour,
        linestyle=line,
        label=label,
        marker=marker,
        markersize=3,
        linewidth=1.2,
    )
    axis.fill_between(mean.index, seeds.min(axis=1), seeds.max(axis=1), color=colour, alpha=0.2, linewidth=0)


def _save(figure: plt.Figure, svg: Path, png: Path) -> None:
    with replacing(svg) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    with replacing(png) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
