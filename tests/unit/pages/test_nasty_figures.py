"""Whatever the texts of a study are, its figures show them as they are, whole, and with room for the rest."""

import re

import nasty
import pytest
import torch
from distillation.core import components
from distillation.pages.figures import lettering
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import study
from distillation.study.contents import by_run
from distillation.study.selection import Selection
from drawn import flaws, legend, words
from shipped import CONFIG, ROOT, STUDIES

EVIDENCE = ROOT / "results/reference/irkd"
RUN = "runs/{protocol}/{run}/seed-{seed}"
# What each kind is drawn from, by the name of the argument.
FILES = {
    "evaluations": "evaluation/{protocol}/{run}/seed-{seed}.json",
    "histories": f"{RUN}/history.csv",
    "records": f"{RUN}/run.json",
}
DRAWN_FROM = {
    "training-curve": ("histories", "published", "published_stages"),
    "stages": ("histories", "published_stages"),
    "learning-curves": ("histories",),
    "cost": ("evaluations", "records"),
    "resolutions": ("evaluations",),
    "table": ("evaluations", "published"),
    "inputs": ("images", "names"),
    "saliency": ("records", "images", "names"),
}
FIGURES = {
    "training-curve": "curve-custom-p2-cl",
    "stages": "stages-custom-p2-cl",
    "learning-curves": "learning-curves",
    "cost": "accuracy-by-computation",
    "resolutions": "accuracy-by-resolution",
    "table": "table1-cells",
    "inputs": "inputs",
    "saliency": "saliency-custom-p2",
}
# Inches: an axis that is smaller shows nothing.
LEAST = 0.4


def drawn(kind, config):
    """The figure of a kind in the study, from the evidence that the repository keeps, and its page."""
    resolved = study.resolve("irkd", config)
    committed = [
        path.relative_to(EVIDENCE / "evaluation").parts for path in EVIDENCE.rglob("evaluation/*/*/*")
    ]
    runs = [
        (protocol, run, TrainingSeed.parse(name.removeprefix("seed-").removesuffix(".json")))
        for protocol, run, name in committed
    ]
    selection = Selection.of_evidence(resolved, runs)
    page = (selection if kind not in ("inputs", "saliency") else Selection(resolved.limited_to([]))).figure(
        FIGURES[kind]
    )
    inputs = {}
    for name in DRAWN_FROM[kind]:
        if name in FILES:
            inputs[name] = by_run(page.runs, page.files(str(EVIDENCE / FILES[name])))
        elif name.startswith("published"):
            inputs[name] = getattr(page, name) and STUDIES / "irkd" / getattr(page, name)
        else:
            inputs[name] = {
                "images": torch.zeros(page.images, 3, 32, 32, dtype=torch.uint8),
                "names": ["cat"] * page.images,
            }[name]
    return components.load("pages.figures", kind).draw(page, **inputs), page


def shown(figure):
    """All texts of a figure, with the lines of each as one."""
    return " ".join(" ".join(text.split()) for text in words(figure))


def expected(page):
    """The texts of a page that its figure has to show."""
    texts = [page.title, page.note, *getattr(page, "panels", {})]
    if hasattr(page, "layout"):
        texts += [*page.layout.columns, *dict(page.layout.rows)]
    return texts


def letters(text):
    """The characters of a text without spaces, as a word may be broken over lines."""
    return re.sub(r"\s", "", text).replace("\\$", "$")


@pytest.mark.parametrize("change", [nasty.mixed, nasty.wide], ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_titles_notes_and_headings_are_shown_whole_and_leave_room(kind, change):
    figure, page = drawn(kind, nasty.study(CONFIG, change))
    assert list(flaws(figure)) == []
    for text in expected(page):
        assert letters(text) in letters(shown(figure)), text
    sizes = [axis.get_window_extent().height / figure.dpi for axis in figure.axes if axis.get_visible()]
    assert min(sizes) > LEAST


def test_the_texts_are_longer_than_a_figure_is_wide():
    assert lettering.inches(nasty.wide("x")) > 6.8
    assert lettering.inches(nasty.LONG) > 4


def test_a_label_that_begins_with_an_underscore_is_in_the_legend():
    config = nasty.study(CONFIG, lambda text: f"_{text}")
    figure, page = drawn("learning-curves", config)
    entries = [entry for axis in figure.axes for entry in legend(axis)]
    assert any(page.labels["custom-p2-ce"] in entry for entry in entries)
    assert all(entry.lstrip("\N{ZERO WIDTH SPACE}").startswith("_") for entry in entries)
