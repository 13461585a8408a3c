"""Test accuracy by the computation of the training."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from distillation.core import finished_runs
from distillation.pages.absent import NOT_RUN
from distillation.pages.figures import legends, lettering, style
from distillation.statistics.evaluations import of_run, read_all
from distillation.study.contents import Key
from distillation.study.figure_contents import CostFigure

CONTENTS = CostFigure
# Lines of the legend, for which the figure has room.
_ENTRIES = 28


@style.styled
def draw(page: CostFigure, evaluations: Mapping[Key, Path], records: Mapping[Key, Path]) -> Figure:
    """One point per run: mean accuracy and range over seeds, by FLOPs; the paper has no such figure.

    FLOPs are those of the run's training: they include the teacher's forward passes, not the training
    of the teacher. Markers of the first protocol are filled, those of others open.

    Args:
        page: what the figure shows.
        evaluations: JSON files by protocol, run and seed; a run without one is listed as not run, unless
            its protocol does not have it.
        records: the run.json of each of them.

    Raises:
        UserError: more methods or networks than a figure can distinguish.
    """
    methods = list(dict.fromkeys(method for method, _ in page.kinds.values()))
    networks = list(dict.fromkeys(network for _, network in page.kinds.values()))
    colours = {method: style.nth(style.COLOURS, index, "methods") for index, method in enumerate(methods)}
    markers = {network: style.nth(style.MARKERS, index, "networks") for index, network in enumerate(networks)}
    figure = style.new(page.title, page.note, style.DOUBLE, 3.6)
    axis = figure.subplots()
    tested, missing = read_all(evaluations), []
    for protocol_style in style.protocol_styles(page.protocols):
        for run, (method, network) in page.kinds.items():
            own = of_run(tested, protocol_style.protocol, run)
            if not own:
                is_missed = page.why_absent(protocol_style.protocol, run) is None
                missing += [page.labels[run] + protocol_style.suffix] if is_missed else []
                continue
            flops = _training_flops(records[protocol_style.protocol, run, min(own)])
            values = [test.accuracy().percent for test in own.values()]
            mean, low, high = sum(values) / len(values), min(values), max(values)
            axis.errorbar(
                flops,
                mean,
                yerr=[[mean - low], [high - mean]],
                color=colours[method],
                marker=markers[network],
                markersize=5,
                markerfacecolor=None if protocol_style.filled else "white",
                elinewidth=0.8,
                linestyle="none",
            )
    axis.set(
        xscale="log", xlabel="floating-point operations of the training, teacher's forward passes included"
    )
    if not style.has_points(axis):
        style.absent(axis, NOT_RUN)
    style.percent([axis], "test accuracy")
    entries = _legends(figure, colours, markers, page.protocols)
    if missing:
        absent = figure.supxlabel(lettering.not_run(missing, style.DOUBLE - 0.2), fontsize=lettering.SMALL)
        # It ends below the legend, which is in the middle.
        entries += 2 * lettering.height(absent.get_text())
    style.grow(figure, max(0, entries - _ENTRIES))
    return figure


def _training_flops(record: Path) -> int:
    return sum(stage["training_flops"] for stage in finished_runs.record(record)["stages"])


def _legends(
    figure: Figure, colours: Mapping[str, str], markers: Mapping[str, str], protocols: Mapping[str, str]
) -> int:
    """Add the legend at the right (colours: methods, markers: networks, fills: protocols); its lines."""
    heading = Line2D([], [], linestyle="none")
    by_colour = [Line2D([], [], color=colour, marker="o", linestyle="none") for colour in colours.values()]
    by_marker = [Line2D([], [], color="#555555", marker=each, linestyle="none") for each in markers.values()]
    handles = [heading, *by_colour, heading, *by_marker]
    names = ["method:", *colours, "network:", *markers]
    if len(protocols) > 1:
        fills = {True: "#555555", False: "white"}
        handles.append(heading)
        names += ["protocol:", *protocols.values()]
        for protocol_style in style.protocol_styles(protocols):
            look = {"color": "#555555", "markerfacecolor": fills[protocol_style.filled]}
            handles.append(Line2D([], [], marker="o", linestyle="none", **look))
    texts = [lettering.lines(name, legends.BESIDE) for name in names]
    figure.legend(handles, texts, loc="outside right center")
    return sum(map(lettering.height, texts))
