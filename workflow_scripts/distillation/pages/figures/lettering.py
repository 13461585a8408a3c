"""Texts in figures: shown as they are, in lines that fit."""

import re
from collections.abc import Callable, Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from distillation.pages.absent import NOT_RUN

# Sizes of fonts in points, and inches from line to line.
SMALL, HEADING, TITLE = 6.0, 7.0, 8.0
SMALL_LINE, TITLE_LINE = 0.11, 0.14
# More labels would fill the picture.
_MOST_LISTED = 6


def lines(text: str, width: float, size: float = SMALL) -> str:
    """The text in lines that are no longer than a width, as Matplotlib shows it without change.

    Lines break at spaces, and within words that are longer than a line.

    Args:
        text: any; white space counts as one space, but a no-break space belongs to its word.
        width: in inches.
        size: of the font, in points.
    """
    # Matplotlib takes text between dollars for mathematics.
    return "\n".join(_broken(text, lambda part: inches(part, size) <= width)).replace("$", r"\$")


def inches(line: str, size: float = SMALL) -> float:
    """The width of a line of text at a font size in points."""
    return text_to_path.get_text_width_height_descent(line, FontProperties(size=size), ismath=False)[0] / 72


def height(text: str) -> int:
    """The number of its lines."""
    return 1 + text.count("\n")


def entry(label: str) -> str:
    """A label as an entry of a legend: Matplotlib leaves out those that begin with an underscore."""
    return f"\N{ZERO WIDTH SPACE}{label}" if label.startswith("_") else label


def heading(axis: Axes, text: str, width: float) -> None:
    """Set the title of an axis with a width in inches."""
    axis.set_title(lines(text, width, HEADING))


def not_run(labels: Sequence[str], width: float) -> str:
    """A sentence, in lines of a width in inches, that lists labels as not run: of many only the first."""
    listed = labels if len(labels) <= _MOST_LISTED else labels[: _MOST_LISTED - 1]
    # Lines break between labels, and in one only if it is longer than a line.
    whole = ", ".join(re.sub(r"\s+", "\N{NO-BREAK SPACE}", label) for label in listed)
    others = f" and {len(labels) - len(listed)} others" if len(listed) < len(labels) else ""
    return lines(f"{NOT_RUN}: {whole}{others}", width)


def _broken(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    line = ""
    for word in re.findall(r"[^ \t\n]+", text):
        if fits(f"{line} {word}".lstrip()):
            line = f"{line} {word}".lstrip()
            continue
        if line:
            yield line
        while not fits(word):
            cut = next((end for end in range(len(word) - 1, 1, -1) if fits(word[:end])), 1)
            yield word[:cut]
            word = word[cut:]
        line = word
    if line:
        yield line
