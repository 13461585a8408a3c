"""Which runs and settings a figure of each kind needs; free of torch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distillation.study.contents import Page, TablePage
from distillation.study.figure_contents import (
    CostFigure,
    CurveFigure,
    InputsFigure,
    PanelsFigure,
    SaliencyFigure,
)

if TYPE_CHECKING:
    from distillation.study.selection import Selection


def figure(selection: "Selection", settings: Mapping) -> Page:
    """What a figure shows, as the type of its kind.

    Args:
        selection: of the study.
        settings: of the figure, as in the configuration.
    """
    return _MAKERS[settings["kind"]](selection, settings)


def needs_evidence_alone(selection: "Selection", settings: Mapping) -> bool:
    """Whether the small files of finished trainings, or published numbers, are enough for a figure."""
    published = settings["kind"] == "table" or {"published", "published_stages"} & set(settings)
    images = settings["kind"] in ("inputs", "saliency")
    return not images and bool(published or selection.runs(_ids(selection, settings)))


def _ids(selection: "Selection", settings: Mapping) -> set[str]:
    """Ids of the runs in a figure: those of its table, or those that it names."""
    if "table" in settings:
        return selection.layout(settings["table"]).ids
    named = {settings[key] for key in ("run", "control") if key in settings}
    return named | {run for runs in settings.get("panels", {}).values() for run in runs}


def _page(selection: "Selection", settings: Mapping, *, is_tested: bool = False) -> dict[str, Any]:
    return selection.page(settings, _ids(selection, settings), is_tested=is_tested, paper="Figure")


def _labels(selection: "Selection", settings: Mapping) -> dict[str, dict[str, str]]:
    return {"labels": selection.labels(_ids(selection, settings))}


def _inputs(selection: "Selection", settings: Mapping) -> InputsFigure:
    chosen = {key: settings[key] for key in ("dataset", "images", "resolutions", "seed")}
    return InputsFigure(**_page(selection, settings), **chosen, padding=settings["crop_padding"])


def _cost(selection: "Selection", settings: Mapping) -> CostFigure:
    page = _page(selection, settings, is_tested=True) | _labels(selection, settings)
    declared = {**selection.config["teachers"], **selection.config["students"]}
    kinds = {run: (declared[run]["method"], declared[run]["model"]) for run in page["labels"]}
    return CostFigure(**page, kinds=kinds)


def _table(selection: "Selection", settings: Mapping) -> TablePage:
    page = _page(selection, settings, is_tested=True)
    table = selection.config["tables"][settings["table"]]
    if "paper_table" in table and not page["paper"]:
        page["paper"] = f"the numbers of Table {table['paper_table']}"
    layout = selection.layout(settings["table"])
    return TablePage(**page, layout=layout, published=table.get("published"))


def _resolutions(selection: "Selection", settings: Mapping) -> PanelsFigure:
    page = _page(selection, settings, is_tested=True) | _labels(selection, settings)
    return PanelsFigure(**page, panels=settings["panels"])


def _learning_curves(selection: "Selection", settings: Mapping) -> PanelsFigure:
    page = _page(selection, settings) | _labels(selection, settings)
    return PanelsFigure(**page, panels=settings["panels"])


def _curve(selection: "Selection", settings: Mapping) -> CurveFigure:
    protocols, first = _of_one_run(selection, settings["run"])
    stages = [(stage["resolution"], stage["epochs"]) for stage in first["stages"]]
    chosen = {key: settings[key] for key in ("run", "published", "published_stages") if key in settings}
    page = _page(selection, settings) | {"protocols": protocols}
    return CurveFigure(**page, **chosen, stages=stages)


def _saliency(selection: "Selection", settings: Mapping) -> SaliencyFigure:
    protocols, first = _of_one_run(selection, settings["run"])
    page = _page(selection, settings) | _labels(selection, settings) | {"protocols": protocols}
    chosen = {key: settings[key] for key in ("run", "control", "images")}
    return SaliencyFigure(**page, **chosen, dataset=first["dataset"])


def _of_one_run(selection: "Selection", run: str) -> tuple[dict[str, str], Mapping]:
    """Labels of the protocols that have a run, and its settings in the first of them."""
    entries = selection.study.entries
    having = {each: label for each, label in selection.protocols.items() if (each, run) in entries}
    return having, entries[next(iter(having)), run].settings


_MAKERS = {
    "inputs": _inputs,
    "cost": _cost,
    "table": _table,
    "resolutions": _resolutions,
    "learning-curves": _learning_curves,
    "training-curve": _curve,
    "stages": _curve,
    "saliency": _saliency,
}
