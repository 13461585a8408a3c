"""Which runs and settings a figure of each kind needs; free of torch."""

from collections.abc import Mapping
from typing import Any

from distillation.study.chosen import Chosen
from distillation.study.contents import Page, TablePage
from distillation.study.figure_contents import (
    CostFigure,
    CurveFigure,
    InputsFigure,
    PanelsFigure,
    SaliencyFigure,
)


def figure(chosen: Chosen, settings: Mapping) -> Page:
    """What a figure shows, as the type of its kind.

    Args:
        chosen: trainings of the study.
        settings: of the figure, as in the configuration.
    """
    return _MAKERS[settings["kind"]](chosen, settings)


def shows_evidence(chosen: Chosen, settings: Mapping) -> bool:
    """Whether a figure shows a chosen training, and needs neither images nor maps for it."""
    return settings["kind"] not in ("inputs", "saliency") and bool(chosen.runs(_ids(chosen, settings)))


def _ids(chosen: Chosen, settings: Mapping) -> set[str]:
    """Ids of the runs in a figure: those of its table, or those that it names."""
    if "table" in settings:
        return chosen.layout(settings["table"]).ids
    named = {settings[key] for key in ("run", "control") if key in settings}
    return named | {run for runs in settings.get("panels", {}).values() for run in runs}


def _page(chosen: Chosen, settings: Mapping, *, is_tested: bool = False) -> dict[str, Any]:
    ids = _ids(chosen, settings)
    page = chosen.page(settings, ids, absent_of=ids, is_tested=is_tested, paper="Figure")
    return page | {"labels": chosen.labels(ids)}


def _inputs(chosen: Chosen, settings: Mapping) -> InputsFigure:
    own = {key: settings[key] for key in ("dataset", "images", "resolutions", "seed")}
    return InputsFigure(**_page(chosen, settings), **own, padding=settings["crop_padding"])


def _cost(chosen: Chosen, settings: Mapping) -> CostFigure:
    page = _page(chosen, settings, is_tested=True)
    declared = {**chosen.config["teachers"], **chosen.config["students"]}
    kinds = {run: (declared[run]["method"], declared[run]["model"]) for run in page["labels"]}
    return CostFigure(**page, kinds=kinds)


def _table(chosen: Chosen, settings: Mapping) -> TablePage:
    page = _page(chosen, settings, is_tested=True)
    table = chosen.config["tables"][settings["table"]]
    if "paper_table" in table and not page["paper"]:
        page["paper"] = f"the numbers of Table {table['paper_table']}"
    # Its rows have the labels of the table, not those of the runs.
    page["labels"] = {}
    layout = chosen.layout(settings["table"])
    return TablePage(**page, layout=layout, published=table.get("published"))


def _panels(chosen: Chosen, settings: Mapping) -> PanelsFigure:
    page = _page(chosen, settings, is_tested=settings["kind"] == "resolutions")
    return PanelsFigure(**page, panels=settings["panels"])


def _curve(chosen: Chosen, settings: Mapping) -> CurveFigure:
    protocols, first = _of_one_run(chosen, settings["run"])
    stages = [(stage["resolution"], stage["epochs"]) for stage in first["stages"]]
    own = {key: settings[key] for key in ("run", "published", "published_stages") if key in settings}
    page = _page(chosen, settings) | {"protocols": protocols}
    return CurveFigure(**page, **own, stages=stages)


def _saliency(chosen: Chosen, settings: Mapping) -> SaliencyFigure:
    protocols, first = _of_one_run(chosen, settings["run"])
    page = _page(chosen, settings) | {"protocols": protocols}
    own = {key: settings[key] for key in ("run", "control", "images")}
    return SaliencyFigure(**page, **own, dataset=first["dataset"])


def _of_one_run(chosen: Chosen, run: str) -> tuple[dict[str, str], Mapping]:
    """Labels of the protocols that have a run, and its settings in the first of them."""
    entries = chosen.study.entries
    having = {each: label for each, label in chosen.protocols.items() if (each, run) in entries}
    return having, entries[next(iter(having)), run].settings


_MAKERS = {
    "inputs": _inputs,
    "cost": _cost,
    "table": _table,
    "resolutions": _panels,
    "learning-curves": _panels,
    "training-curve": _curve,
    "stages": _curve,
    "saliency": _saliency,
}
