"""Curves over the epochs of a training: mean and range over seeds, stages as marked spans."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from distillation.core import finished_runs
from distillation.pages.absent import NOT_RUN, NOT_VALIDATED
from distillation.pages.figures import lettering, style
from distillation.pages.figures.style import ProtocolStyle
from distillation.study.contents import Key
from distillation.study.figure_contents import PanelsFigure

# history.csv by protocol, run and seed.
Histories = Mapping[Key, Path]
# Fraction of the axis below which a stage is too narrow for its label.
_NARROW = 1 / 15
# Resolution in pixels and number of epochs of each stage.
Stages = Sequence[tuple[int, int]]


def of_run(files: Mapping[Key, Path], protocol: str, run: str) -> list[Path]:
    """The files of a run, one per seed."""
    return [path for (of_protocol, of, _), path in files.items() if (of_protocol, of) == (protocol, run)]


def over_seeds(values: Iterable[pd.Series]) -> pd.DataFrame:
    """Columns mean, min and max over seeds of series with the same index."""
    seeds = pd.concat(values, axis=1)
    return pd.DataFrame({"mean": seeds.mean(axis=1), "min": seeds.min(axis=1), "max": seeds.max(axis=1)})


def accuracies(files: Iterable[Path], column: str, stages: Stages = ()) -> pd.DataFrame:
    """Mean, min and max over seeds of a column of history.csv, by epoch of the whole training.

    A stage that early stopping cut short leaves a gap, so that the next stage starts at the same epoch in
    all seeds: as planned by `stages` or, if `stages` has another number of stages, after the longest seed.
    """
    seeds = [_by_stage(finished_runs.history(path))[column] for path in files]
    longest = pd.concat(seeds, axis=1).reset_index().groupby("stage")["epoch"].max()
    if len(stages) == len(longest):
        longest[:] = [epochs for _, epochs in stages]
    before = longest.cumsum() - longest
    for seed in seeds:
        seed.index = [before[stage] + epoch for stage, epoch in seed.index]
    return over_seeds(seeds).sort_index()


def _by_stage(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """The rows of a history indexed by number of the stage and epoch within it, both from 1."""
    # Of a network that stays untrained there are no rows.
    history = pd.DataFrame(rows, columns=None if rows else ["epoch", "train_acc", "val_acc"]).apply(
        pd.to_numeric
    )
    return history.assign(stage=(history["epoch"] == 1).cumsum()).set_index(["stage", "epoch"])


def band(axis: Axes, seeds: pd.DataFrame, label: str, colour: str, protocol_style: ProtocolStyle) -> None:
    """Draw the mean as a line, with markers if it has few points, and the range around it.

    Of a training without validation images there is no validation accuracy: a legend entry says so.
    """
    if seeds["mean"].isna().all():
        without_curve(axis, label, colour, protocol_style.line, NOT_VALIDATED)
        return
    marker = "o" if len(seeds) <= 12 else None
    axis.plot(seeds.index, seeds["mean"], color=colour, label=label, marker=marker, **protocol_style.look)
    axis.fill_between(seeds.index, seeds["min"], seeds["max"], color=colour, alpha=0.2, linewidth=0)


def without_curve(axis: Axes, label: str, colour: str, line: str, why: str = NOT_RUN) -> None:
    """Add a legend entry for a run without a curve, unless its label is not for the legend."""
    shown = label if label.startswith("_") else f"{label}: {why}"
    axis.plot([], [], color=colour, linestyle=line, label=shown)


def compare(
    axis: Axes,
    runs: Sequence[str],
    page: PanelsFigure,
    seeds_of: Callable[[str, str], pd.DataFrame | None],
) -> list[str]:
    """Draw a curve per run and protocol: colours are runs, line patterns and marker fills are protocols.

    Args:
        axis: where to draw.
        runs: their ids.
        page: labels and protocols. A run that a protocol does not have is not missing in it, and one that no
            protocol has gets no legend entry.
        seeds_of: columns mean, min and max of a protocol and a run; None for one that was not run.

    Returns:
        Labels of runs that are missing in only some protocols; the legend of the axis does not list them.

    Raises:
        UserError: more runs or protocols than a figure can distinguish.
    """
    missing, reason = [], NOT_RUN
    for index, run in enumerate(runs):
        colour = style.nth(style.COLOURS, index, "runs")
        drawn = {
            protocol_style: seeds_of(protocol_style.protocol, run)
            for protocol_style in style.protocol_styles(page.protocols)
        }
        if all(page.why_absent(protocol, run) for protocol in page.protocols):
            continue
        if all(seeds is None for seeds in drawn.values()):
            without_curve(axis, lettering.entry(page.labels[run]), colour, style.LINES[0])
            continue
        label = lettering.entry(page.labels[run])
        for protocol_style, seeds in drawn.items():
            if seeds is None:
                is_missed = page.why_absent(protocol_style.protocol, run) is None
                missing += [page.labels[run] + protocol_style.suffix] if is_missed else []
            else:
                band(axis, seeds, label, colour, protocol_style)
                label, reason = "_nolegend_", NOT_VALIDATED
    if not style.has_points(axis):
        style.absent(axis, reason)
    return missing


def epoch_axis(axis: Axes, epochs: int = 1) -> None:
    """Set the x axis to whole epochs: those that have points, and at least as many as given."""
    axis.set_xlabel("epoch")
    if style.has_points(axis):
        last = max([epochs, *(x for line in axis.get_lines() for x in line.get_xdata())])
        axis.set_xlim(0.4, last + 0.6)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def spans(stages: Stages) -> Iterator[tuple[int, int, int]]:
    """Resolution, first and last epoch of each stage, counted over the whole training."""
    before = 0
    for resolution, epochs in stages:
        yield resolution, before + 1, before + epochs
        before += epochs


def mark_stages(axis: Axes, stages: Stages) -> None:
    """Draw lines between stages and, above each wide enough stage, its resolution."""
    left, right = axis.get_xlim()
    for resolution, first, last in spans(stages):
        if first > 1:
            axis.axvline(first - 0.5, color=style.PUBLISHED, linewidth=0.6, linestyle=(0, (4, 3)))
        if last - first + 1 < _NARROW * (right - left):
            continue
        middle = (first + last) / 2
        axis.text(
            middle,
            1.02,
            f"{resolution} px",
            transform=axis.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=lettering.SMALL,
        )
