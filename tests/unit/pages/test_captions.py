"""Captions of the report say all that they must under any configuration, as clean reStructuredText."""

import html
import re
from types import SimpleNamespace

import nasty
import pytest
from distillation.study import description, study
from distillation.study.selection import Selection
from docutils.core import publish_parts
from jinja2 import Environment
from shipped import CONFIG, ROOT

CAPTIONS = ROOT / "rules/captions"
TWO_READINGS = {
    "reproduce": ["described", "other"],
    "protocols": {"other": {"label": "another", "selection": "last", "overrides": {}}},
    "select": ["tiny-p4-ce"],
    "note": "not comparable",
    "datasets": {"cifar10": {"limit": {"train": 3, "validation": 2, "test": 1}}},
}
KINDS = {
    "cost": "accuracy-by-computation",
    "inputs": "inputs",
    "learning-curves": "learning-curves",
    "resolutions": "accuracy-by-resolution",
    "saliency": "saliency-custom-p2",
    "stages": "stages-custom-p2-cl",
    "table": "table1-cells",
    "training-curve": "curve-custom-p2-cl",
}
PAGES = {
    "accuracy-table": lambda selection: selection.table("table1"),
    "claims": lambda selection: selection.judged("claims"),
    "cost-table": lambda selection: selection.costs,
    "pairs": lambda selection: selection.pairs,
    "provenance": lambda selection: selection.index,
    "switches": lambda selection: selection.switches,
    **{kind: lambda selection, name=name: selection.figure(name) for kind, name in KINDS.items()},
}


def selected(config, is_run=True):
    """The selection of a configuration, or one in which nothing was run."""
    resolved = study.resolve("irkd", config)
    return Selection(resolved if is_run else resolved.limited_to([]))


def rendered(caption, page, config=None, is_text=False):
    """Text and fields of a caption, rendered as Snakemake does; the text has marks only if it may."""
    params = {"caption": description.of_page(page)} if page else {}
    snakemake = SimpleNamespace(config=config, params=SimpleNamespace(**params))
    categories = [SimpleNamespace(name=name) for name in ("1. Tables", "2. Figures")]
    source = (CAPTIONS / f"{caption}.rst").read_text() + "\n\n.. _1. Tables: x\n.. _2. Figures: y\n"
    text = (
        Environment(trim_blocks=True, lstrip_blocks=True)
        .from_string(source)
        .render(snakemake=snakemake, categories=categories)
    )
    # Anything that docutils complains of stops it.
    page_html = publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["html_body"]
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page_html))
    assert is_text or not re.search(r"[{}`]|None| :\w", plain), plain
    fields = re.findall(r'class="field-name"[^>]*>(.*?):?</th>', page_html)
    return plain, fields


@pytest.mark.parametrize("is_run", [True, False], ids=["run", "not run"])
@pytest.mark.parametrize("changes", [{}, TWO_READINGS], ids=["shipped", "two readings"])
@pytest.mark.parametrize(
    "caption", sorted(path.stem for path in CAPTIONS.glob("*.rst") if path.stem != "workflow")
)
def test_every_caption_has_paper_protocols_seeds_and_note(caption, changes, is_run):
    config = study.merge(CONFIG, changes)
    page = PAGES[caption](selected(config, is_run))
    plain, fields = rendered(caption, page)
    note = ["Note"] * bool(config["note"])
    if caption == "inputs":
        assert fields == ["Paper", "Protocol", *note]
        return
    if caption == "switches":
        assert fields == ["Paper", *["Protocol"] * len(config["reproduce"]), *note]
        return
    assert fields == ["Paper", *["Protocol"] * len(page.protocols), "Seeds", *note]
    assert len(page.protocols) == len(config["reproduce"])
    assert f"Seeds:{page.seeds}" in plain
    assert ("none was run" in plain) == (not page.runs)
    if "; tested: " in plain and changes:
        assert "as described; tested: the weights of the best validation accuracy in the last stage" in plain
        assert "another; tested: the weights after the last epoch" in plain


@pytest.mark.parametrize("caption", sorted(PAGES))
@pytest.mark.parametrize("text", nasty.NASTY)
def test_a_caption_shows_title_remark_protocols_and_note_as_they_are(caption, text):
    config = nasty.study(CONFIG, lambda own: f"{text} {own}")
    page = PAGES[caption](selected(config))
    plain, fields = rendered(caption, page, is_text=True)
    shown = html.unescape(plain)
    assert " ".join(page.note.split()) in shown
    assert all(" ".join(label.split()) in shown for label in page.protocols.values()) or caption == "inputs"
    assert fields[0] == "Paper"
    assert fields[-1] == "Note"
    if page.remark and "remark" in (CAPTIONS / f"{caption}.rst").read_text(encoding="utf-8"):
        assert " ".join(page.remark.split()) in shown


@pytest.mark.parametrize("text", nasty.NASTY)
def test_the_description_of_a_study_shows_its_texts_as_they_are(text):
    resolved = study.resolve("irkd", nasty.study(CONFIG, lambda own: f"{text} {own}"))
    plain, _ = rendered(
        "workflow", None, {"_reported": {"irkd": description.of_study(resolved)}}, is_text=True
    )
    texts = [resolved.config[name] for name in ("title", "note")]
    texts += [resolved.config["protocols"][name]["label"] for name in resolved.reproduced]
    assert all(" ".join(one.split()) in html.unescape(plain) for one in texts)


def test_the_caption_of_the_bridge_names_its_base():
    plain, fields = rendered("pairs", selected(CONFIG).bridge)
    assert fields == ["Paper", "Protocol", "Seeds"]
    assert "as described; tested: the weights of the best validation accuracy in the last stage" in plain
    assert "One switch at a time is changed from the protocol described, in the runs that it affects" in plain


def test_every_caption_of_the_paper_names_its_figure_or_table():
    selection = selected(CONFIG)
    for kind, figure in KINDS.items():
        plain, _ = rendered(kind, selection.figure(figure))
        number = CONFIG["figures"][figure].get("paper_figure")
        assert (f"Figure {number}" in plain) == bool(number)
    assert {settings["kind"] for settings in CONFIG["figures"].values()} == set(KINDS)
    assert "Table 1" in rendered("table", selection.figure("table1-cells"))[0]
    assert "Table 1" in rendered("accuracy-table", selection.table("table1"))[0]
    assert "has no such table" in rendered("accuracy-table", selection.table("runs"))[0]


@pytest.mark.parametrize("changes", [{}, TWO_READINGS], ids=["shipped", "two readings"])
def test_the_description_of_the_study_says_what_was_run(changes):
    config = study.merge(CONFIG, changes)
    resolved = {"irkd": study.resolve("irkd", config)}
    reported = {name: description.of_study(one) for name, one in resolved.items()}
    plain, fields = rendered("workflow", None, {"_reported": reported})
    assert CONFIG["title"] in plain
    assert "6 teachers and 16 students" in plain
    assert "of students 0, 1, 2; of teachers 0" in plain
    assert "1. Tables: published and reproduced accuracies" in plain
    if not changes:
        assert fields == ["Protocol", "Protocol", "Seeds", "Runs"]
        assert plain.count("tested: the weights of the best validation accuracy in the last stage") == 1
        assert (
            "tested: the weights after the last epoch, in some runs the others (see the table of switches)"
            in plain
        )
        assert "Runs:all" in plain
    else:
        assert fields == ["Protocol", "Protocol", "Seeds", "Runs", "Images"]
        for said in (
            "not comparable",
            "another; tested: the weights after the last epoch",
            "only tiny-p4-ce",
            "of cifar10 only 3 to train, 2 to validate, 1 to test",
        ):
            assert said in plain
