"""The figure of the ratios, as bars: whole steps, and parts of them."""

from collections.abc import Iterable, Mapping

import pandas as pd
from distillation.pages.figures import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from bench.steps import GRAPHS

_WAYS = {
    ("timm", None): "timm",
    ("ours", "fp32"): "ours, fp32",
    ("ours", "bf16"): "ours, bf16",
    (GRAPHS, "bf16"): "ours, bf16, CUDA graphs",
}
_PARTS = ("views", "class map", "attention")


@style.styled
def draw(frame: pd.DataFrame, device: str) -> Figure:
    """Speed relative to the notebooks' way: steps at the left, parts at the right on a logarithmic axis."""
    note = "speed relative to the released notebooks, measured side by side"
    # timm's loop was measured in one precision, that of the device.
    measured = set(zip(frame["way"], frame["precision"], strict=True)) | {("timm", None)}
    ways = {key: label for key, label in _WAYS.items() if key in measured}
    height = 1.2 + 0.8 * max(3, len(ways))
    figure = style.new(f"Training steps and their parts on {device}", note, style.DOUBLE, height)
    left, right = figure.subplots(1, 2)
    _steps(left, frame[frame["part"] == "step"], ways)
    _parts(right, frame[frame["part"].isin(_PARTS)])
    return figure


def _steps(axis: Axes, steps: pd.DataFrame, ways: Mapping[tuple[str, str | None], str]) -> None:
    cases = list(dict.fromkeys(steps["case"]))
    height = 0.8 / len(ways)
    for place, ((way, precision), label) in enumerate(ways.items()):
        own = steps[steps["way"] == way]
        own = own if precision is None else own[own["precision"] == precision]
        values = own.set_index("case")["over_notebook"].reindex(cases)
        positions = [index + (place - (len(ways) - 1) / 2) * height for index in range(len(cases))]
        axis.barh(positions, values.fillna(0), height, color=style.COLOURS[place], label=label)
        _label(axis, positions, values)
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set(yticks=range(len(cases)), yticklabels=cases, xlabel="whole step (notebook = 1)")
    axis.margins(x=0.12)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=len(ways) if len(ways) < 4 else 2)


def _parts(axis: Axes, parts: pd.DataFrame) -> None:
    ours = parts[parts["way"].isin(("whole epoch", "closed form", "one row"))]
    # Bars start at 1, as a logarithmic axis has no zero.
    axis.barh(range(len(ours)), ours["over_notebook"] - 1, 0.6, left=1, color=style.COLOURS[1])
    _label(axis, range(len(ours)), ours["over_notebook"])
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set(
        yticks=range(len(ours)),
        yticklabels=ours["case"],
        xscale="log",
        xlim=(0.9 * min(1, ours["over_notebook"].min()), 2 * max(1, ours["over_notebook"].max())),
        xlabel="part (notebook = 1; log scale)",
    )
    axis.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)


def _label(axis: Axes, positions: Iterable[float], values: pd.Series) -> None:
    """Write the values to the right of their bars and of the line at 1."""
    for position, value in zip(positions, values, strict=True):
        axis.annotate(
            "none" if pd.isna(value) else f"{value:.2f}" if value < 10 else f"{value:.0f}",
            (1 if pd.isna(value) else max(1, value), position),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.SMALL - 1,
        )
