"""A study whose every text looks like markup: its tables in LaTeX, and what its report has of its items."""

import json
import re
import shutil
import subprocess

import lxml.html
import nasty
import pytest
import yaml
from shipped import CONFIG
from workspace import Workspace

STUDY = nasty.study(CONFIG, nasty.mixed) | {"note": " ".join(nasty.NASTY)}
# Without ligatures, which cannot be read back from these fonts.
PAPER = r"""\documentclass{{article}}
\usepackage[T1]{{fontenc}}
\usepackage[expansion=false,protrusion=false]{{microtype}}
\DisableLigatures[f]{{encoding=*}}
\usepackage{{booktabs}}
\usepackage[a0paper,landscape]{{geometry}}
\begin{{document}}
\input{{{table}}}
\end{{document}}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Everything that the committed evidence gives, with such texts, and a report of it."""
    made = Workspace.create(tmp_path_factory.mktemp("texts") / "clone")
    study = yaml.safe_dump(STUDY, sort_keys=False, allow_unicode=True)
    (made.path / "studies/irkd/study.yaml").write_text(study, encoding="utf-8")
    (made.path / "one.yaml").write_text("studies: [irkd]\n", encoding="utf-8")
    made.snakemake("--cores", "2", "reference_rebuild", configfile="one.yaml")
    made.snakemake("reference_rebuild", "--report", "report.html", configfile="one.yaml")
    return made


@pytest.fixture(scope="module")
def items(workspace):
    """What the report has of each of its items."""
    [script] = lxml.html.parse(workspace.path / "report.html").xpath('//script[@id="results"]')
    return json.loads(script.text.partition("=")[2].strip().rstrip(";")).values()


def letters(text):
    """The characters of a text without spaces and hyphens, at which lines break, and with plain quotes."""
    plain = re.sub("[\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}]", "'", text)
    plain = re.sub("[\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}]", '"', plain)
    return re.sub(r"[\s\N{WORD JOINER}-]", "", plain)


def test_latex_compiles_every_table_and_shows_its_note(workspace, tmp_path):
    tables = sorted((workspace.path / "results/rebuilt/irkd").rglob("*.tex"))
    assert len(tables) > 5
    for table in tables:
        shutil.copy(table, tmp_path)
        (tmp_path / "paper.tex").write_text(PAPER.format(table=table.name), encoding="utf-8")
        latex = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
        done = subprocess.run(latex, cwd=tmp_path, capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, f"{table}\n{done.stdout[-2000:]}"
        read = ["pdftotext", "-raw", "paper.pdf", "-"]
        shown = subprocess.run(read, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert letters(STUDY["note"]) in letters(shown), table


def test_the_report_lists_every_table_and_figure_by_its_title(items):
    titles = [one["title"] for block in ("tables", "figures") for one in STUDY[block].values()]
    listed = {letters(item["labels"]["Shows"]) for item in items}
    shown = [title for title in titles if letters(title) in listed]
    # Those of which nothing was trained are not in a report of the evidence.
    assert len(shown) > 8
    braces = [title for title in shown if "{" in title]
    assert braces


def test_every_caption_shows_the_note_and_has_no_mistake_of_markup(items):
    assert len(items) > 10
    for item in items:
        assert "system-message" not in item["caption"], item["name"]
        assert "problematic" not in item["caption"], item["name"]
        caption = lxml.html.fromstring(item["caption"]).text_content()
        assert letters(STUDY["note"]) in letters(caption), item["name"]
