"""Legends of figures, where they hide nothing and however long their entries are."""

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from distillation.pages.figures import lettering, style

# Inches that an entry needs beside its text, and of a text in a legend at the right.
_MARK, BESIDE = 0.4, 2.0
# Rows of a legend below, for which every figure has room.
_ROWS = 3


def below(axis: Axes, width: float) -> None:
    """Add a legend below an axis and its labels; `width` is in inches."""
    handles, labels = axis.get_legend_handles_labels()
    if labels:
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "borderaxespad": 4.5}
        _add(axis, dict(zip(labels, handles, strict=True)), width, **place)


def below_all(figure: Figure, entries: Mapping[str, Artist], title: str | None = None) -> None:
    """Add a legend below all axes, with a title in lines."""
    _add(figure, entries, figure.get_figwidth(), loc="outside lower center", title=title)


def below_once(axes: Sequence[Axes], figure: Figure) -> None:
    """Add one legend below all axes, with each of their entries once."""
    entries: dict[str, Artist] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    below_all(figure, entries)


def of_protocols(figure: Figure, protocols: Mapping[str, str], missing: Sequence[str]) -> None:
    """Add a legend of the protocols, if there are several, with the runs missing in some as its title."""
    if len(protocols) > 1:
        looks = {protocols[each.protocol]: each.look for each in style.protocol_styles(protocols)}
        entries = {label: Line2D([], [], color="black", marker="o", **look) for label, look in looks.items()}
        title = lettering.not_run(missing, figure.get_figwidth() - 0.2) if missing else None
        below_all(figure, entries, title)


def needed(heading: str, labels: Iterable[str]) -> float:
    """Inches of height that the legend of `beside` needs."""
    texts = [lettering.lines(text, BESIDE) for text in (heading, *labels)]
    return lettering.SMALL_LINE * (2 + sum(map(lettering.height, texts)))


def beside(axis: Axes, heading: str) -> None:
    """Add a legend with a heading at the right of an axis."""
    handles, labels = axis.get_legend_handles_labels()
    texts = [lettering.lines(label, BESIDE) for label in labels]
    title = lettering.lines(heading, BESIDE)
    axis.legend(handles, texts, title=title, alignment="left", loc="center left", bbox_to_anchor=(1.0, 0.5))


def _add(place: Axes | Figure, entries: Mapping[str, Artist], width: float, **options: object) -> None:
    """Add a legend of a width in inches; its figure grows by the lines for which there is no room."""
    texts, columns = _arranged(entries, width)
    place.legend(list(entries.values()), texts, ncols=columns, **options)
    titled = str(options.get("title") or "").count("\n")
    style.grow(place.get_figure(root=True), max(0, titled - 1) + further(entries, width))


def further(labels: Iterable[str], width: float) -> int:
    """The lines of a legend below, with a width in inches, for which a figure has no room."""
    texts, columns = _arranged(labels, width)
    return max(0, -(-sum(map(lettering.height, texts)) // columns) - _ROWS)


def _arranged(labels: Iterable[str], width: float) -> tuple[list[str], int]:
    """The labels in lines, and the number of columns that fit."""
    texts = [lettering.lines(label, width - _MARK) for label in labels]
    parts = [part for text in texts for part in text.split("\n")]
    longest = max(max(0.05 * len(part), lettering.inches(part)) for part in parts)
    return texts, max(1, min(len(texts), int(width / (longest + _MARK))))
