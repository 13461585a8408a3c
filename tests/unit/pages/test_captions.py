"""Captions of the report say all that they must under any configuration, as clean reStructuredText."""

import re
from types import SimpleNamespace

import pytest
from distillation.study import study
from distillation.study.protocols import weights_tested
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


def rendered(caption, config, wildcards, seeds):
    """Text and fields of a caption, rendered as Snakemake does."""
    protocols = {protocol: config["protocols"][protocol]["label"] for protocol in config["reproduce"]}
    params = {
        "protocols": protocols,
        "runs": [
            {"protocol": protocol, "run": "r", "seed": seed} for protocol in protocols for seed in seeds
        ],
        "note": config["note"],
        "tested": {name: weights_tested(config, name) for name in protocols},
        "base": "described",
        **{key: config["figures"]["inputs"][key] for key in ("images", "resolutions", "seed")},
        "padding": 4,
    }
    snakemake = SimpleNamespace(
        config=config, wildcards=SimpleNamespace(**wildcards), params=SimpleNamespace(**params)
    )
    categories = [SimpleNamespace(name=name) for name in ("1. Tables", "2. Figures")]
    source = (CAPTIONS / f"{caption}.rst").read_text() + "\n\n.. _1. Tables: x\n.. _2. Figures: y\n"
    text = (
        Environment(trim_blocks=True, lstrip_blocks=True)
        .from_string(source)
        .render(snakemake=snakemake, categories=categories)
    )
    # Anything that docutils complains of stops it.
    html = publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["html_body"]
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
    assert not re.search(r"[{}`]|None| :\w", plain), plain
    fields = re.findall(r'class="field-name"[^>]*>(.*?):?</th>', html)
    return plain, fields


@pytest.mark.parametrize("seeds", [[0, 1, 2], []], ids=["run", "not run"])
@pytest.mark.parametrize("changes", [{}, TWO_READINGS], ids=["shipped", "two readings"])
@pytest.mark.parametrize(
    "caption", sorted(path.stem for path in CAPTIONS.glob("*.rst") if path.stem != "workflow")
)
def test_every_caption_has_paper_protocols_seeds_and_note(caption, changes, seeds):
    config = study.merge(CONFIG, changes)
    wildcards = {"figure": KINDS[caption]} if caption in KINDS else {"table": "table1"}
    plain, fields = rendered(caption, config, wildcards, seeds)
    note = ["Note"] * bool(config["note"])
    if caption == "inputs":
        assert fields == ["Paper", "Protocol", *note]
        return
    if caption == "switches":
        assert fields == ["Paper", *["Protocol"] * len(config["reproduce"]), *note]
        return
    compared = 1 if caption == "bridge" else len(config["reproduce"])
    assert fields == ["Paper", *["Protocol"] * compared, "Seeds", *note]
    assert ("0, 1, 2" if seeds else "none was run") in plain
    if "; tested: " in plain and changes:
        assert "as described; tested: the weights of the best validation accuracy in the last stage" in plain
        assert "another; tested: the weights after the last epoch" in plain


def test_every_caption_of_the_paper_names_its_figure_or_table():
    for kind, figure in KINDS.items():
        plain, _ = rendered(kind, CONFIG, {"figure": figure}, [0])
        number = CONFIG["figures"][figure].get("paper_figure")
        assert (f"Figure {number}" in plain) == bool(number)
    assert {settings["kind"] for settings in CONFIG["figures"].values()} == set(KINDS)
    assert "Table 1" in rendered("accuracy-table", CONFIG, {"table": "table1"}, [0])[0]
    assert "has no such table" in rendered("accuracy-table", CONFIG, {"table": "runs"}, [0])[0]


@pytest.mark.parametrize("changes", [{}, TWO_READINGS], ids=["shipped", "two readings"])
def test_the_description_of_the_study_says_what_was_run(changes):
    config = study.merge(CONFIG, changes)
    plain, fields = rendered("workflow", config, {}, [0])
    assert "6 teachers and 16 students" in plain
    assert "of students 0, 1, 2; of teachers 0" in plain
    assert "1. Tables: published and reproduced accuracies" in plain
    if not changes:
        assert fields == ["Protocol", "Protocol", "Seeds", "Runs"]
        assert plain.count("tested: the best weights") == 1
        assert "tested: the last weights, in some runs the others (see the table of switches)" in plain
        assert "only" not in plain
    else:
        assert fields == ["Protocol", "Protocol", "Seeds", "Runs", "Images"]
        for said in (
            "not comparable",
            "another; tested: the last weights",
            "only tiny-p4-ce",
            "only 3",
        ):
            assert said in plain
