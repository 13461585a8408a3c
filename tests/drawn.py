"""What a figure shows, for the tests of figures: its texts and where they lie."""

import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def panels(figure):
    """The visible axes with a frame or content, by title."""
    return {axis.get_title(): axis for axis in figure.axes if axis.get_visible()}


def legend(owner):
    """The entries of the legend of an axis, or of the last one of a figure."""
    found = owner.legends[-1] if hasattr(owner, "legends") else owner.get_legend()
    return [text.get_text() for text in found.get_texts()]


def texts(figure):
    """Every text that is really drawn, with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    unused = set()
    for axis in figure.axes:
        for side in (axis.xaxis, axis.yaxis):
            shown = {id(tick) for tick in side._update_ticks()} if axis.axison else set()
            for tick in itertools.chain(side.get_major_ticks(), side.get_minor_ticks()):
                if id(tick) not in shown:
                    unused |= {tick.label1, tick.label2}
            if not axis.axison or not axis.get_visible():
                unused |= {side.label, side.offsetText}
        if not axis.get_visible():
            unused |= set(axis.findobj(Text))
    return [
        (text, text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in unused
    ]


def words(figure):
    return [text.get_text() for text, _ in texts(figure)]


def flaws(figure):
    """What makes a figure hard to read: texts that overlap, leave the picture, or are too small."""
    found = texts(figure)
    assert found
    edge = figure.bbox
    for text, box in found:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= edge.width + 1 and box.y1 <= edge.height + 1
        if not inside:
            yield f"outside: {text.get_text()!r}"
        if text.get_fontsize() < 6:
            yield f"too small: {text.get_text()!r}"
    for (one, box), (other, second) in itertools.combinations(found, 2):
        across = min(box.x1, second.x1) - max(box.x0, second.x0)
        along = min(box.y1, second.y1) - max(box.y0, second.y0)
        if across > 1 and along > 1:
            yield f"overlap: {one.get_text()!r} and {other.get_text()!r}"


def empty(figure):
    """Titles of visible axes in which neither data nor a text is drawn."""
    return [
        axis.get_title()
        for axis in figure.axes
        if axis.get_visible()
        and not any(len(line.get_xdata()) for line in axis.get_lines())
        and not (axis.images or axis.collections or axis.texts)
    ]
