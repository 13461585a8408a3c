"""Common style of all figures: colours, sizes, fonts, and writing the files."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from distillation.core.atomic import replacing
from distillation.core.errors import UserError
from distillation.pages.figures import lettering

# Palette of Okabe and Ito, safe for the colour-blind; without their yellow, which is too faint on white.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", ":", "-.")
# Greys of published values; the lighter one is for training curves, shown only for context.
PUBLISHED = "#7F7F7F"
PUBLISHED_TRAINING = "#BFBFBF"

# Inches: one column of a paper, and two.
SINGLE, DOUBLE = 3.4, 7.0

_STYLE = {
    "svg.hashsalt": "distillation",
    "svg.fonttype": "path",
    "savefig.dpi": 200,
    "font.size": 7,
    "figure.titlesize": lettering.TITLE,
    "axes.titlesize": lettering.HEADING,
    "axes.labelsize": 7,
    "xtick.labelsize": lettering.SMALL,
    "ytick.labelsize": lettering.SMALL,
    "legend.fontsize": lettering.SMALL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.title_fontsize": lettering.SMALL,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.0,
    "image.interpolation": "nearest",
}

# Decorator of every function that draws: Matplotlib reads most settings when an artist is created. The
# defaults come first, in place of what a user's matplotlibrc sets.
styled = mpl.style.context(_STYLE, after_reset=True)


@dataclass(frozen=True)
class ProtocolStyle:
    """Line pattern and marker fill of a protocol; only the first protocol has filled markers."""

    protocol: str
    suffix: str
    line: str
    filled: bool

    @property
    def look(self) -> dict[str, str | None]:
        """The style of a curve, as arguments of `Axes.plot`."""
        return {"linestyle": self.line, "markerfacecolor": None if self.filled else "white"}


def protocol_styles(protocols: Mapping[str, str]) -> Iterator[ProtocolStyle]:
    """The style of each protocol; if there are several, its label is a suffix in legends.

    Raises:
        UserError: more protocols than line patterns.
    """
    for index, (protocol, label) in enumerate(protocols.items()):
        line = nth(LINES, index, "protocols")
        yield ProtocolStyle(protocol, f" ({label})" if len(protocols) > 1 else "", line, index == 0)


def nth(looks: Sequence[str], index: int, what: str) -> str:
    """The colour, marker or line pattern with this index.

    Raises:
        UserError: the index is too large; two things would look the same.
    """
    if index >= len(looks):
        raise UserError(f"A figure can distinguish at most {len(looks)} {what}; draw fewer in one figure.")
    return looks[index]


def new(title: str, note: str, width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, with the title and, if there is one, the note below it.

    It is higher by the lines that these need more than one each.
    """
    texts = [lettering.lines(text, width - 0.2, lettering.TITLE) for text in (title, note) if text]
    further = "".join(texts).count("\n") * lettering.TITLE_LINE
    figure = Figure(figsize=(width, height + further), layout="constrained")
    figure.suptitle("\n".join(texts))
    return figure


def grow(figure: Figure, lines: int) -> None:
    """Make a figure higher by so many lines of small text."""
    figure.set_figheight(figure.get_figheight() + lines * lettering.SMALL_LINE)


def absent(axis: Axes, text: str) -> None:
    """Write a text inside an axis without data, and remove its ticks."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=PUBLISHED)
    axis.set(xticks=[], yticks=[])


def has_points(axis: Axes) -> bool:
    """Whether any data is drawn; entries of the legend without points do not count."""
    return bool(np.isfinite(axis.dataLim.get_points()).all())


def percent(
    axes: Sequence[Axes], label: str, labelled: Sequence[Axes] | None = None, side: str = "y"
) -> None:
    """Give axes of percentages the same rounded limits; the label says if they do not start at 0.

    Args:
        axes: axes that share their limits; those without points are left unchanged.
        label: name of the measured quantity.
        labelled: axes that get the label; all of `axes` by default.
        side: "y" or "x".
    """
    drawn = [axis for axis in axes if has_points(axis)]
    limits = [getattr(axis, f"get_{side}lim")() for axis in drawn] or [(0, 100)]
    low = max(0, 5 * math.floor(min(limit[0] for limit in limits) / 5))
    high = min(100, 5 * math.ceil(max(limit[1] for limit in limits) / 5))
    for axis in drawn:
        axis.set(**{f"{side}lim": (low, high)})
        ticks = MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True)
        getattr(axis, f"{side}axis").set_major_locator(ticks)
    unit = " (%)" if not low else f"\n(%; axis from {low})" if side == "y" else f" (%; axis from {low})"
    for axis in axes if labelled is None else labelled:
        axis.set(**{f"{side}label": label + unit})


@styled
def save(figure: Figure, svg: Path, png: Path) -> None:
    """Write a figure as svg and png, each atomically, without date and version in the files."""
    with replacing(svg) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    with replacing(png) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
