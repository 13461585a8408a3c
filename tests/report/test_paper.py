"""The committed tables in a paper that takes them in as docs/results.md says."""

import re
import subprocess

import pytest
from shipped import ROOT

TABLES = sorted((ROOT / "results/reference").rglob("*.tex"))
# The article that the page shows.
ARTICLE = re.search(
    r"^ {4}(\\documentclass.*?\\end\{document\})$",
    (ROOT / "docs/results.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)[1].replace("\n    ", "\n")
[INPUT] = re.findall(r"^\\input\{.*\}$", ARTICLE, re.MULTILINE)
# Those that only make wide tables fit.
HOOKS = re.findall(r"^\\AddToHook.*\n", ARTICLE, re.MULTILINE)


def compiled(article, tables, folder):
    """What pdflatex says of an article with some tables in place of its own, and the text that it shows."""
    # More tables than LaTeX keeps for later pages, were there no end of a page between.
    inputs = "\n\\clearpage\n".join(f"\\input{{{table.with_suffix('')}}}" for table in tables)
    (folder / "paper.tex").write_text(article.replace(INPUT, inputs), encoding="utf-8")
    latex = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(latex, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    read = ["pdftotext", "-raw", "paper.pdf", "-"]
    shown = subprocess.run(read, cwd=folder, capture_output=True, text=True, check=True).stdout
    return done.stdout, shown


def environments(tables):
    return sum(table.read_text(encoding="utf-8").count(r"\begin{table}") for table in tables)


def test_the_article_of_the_page_shows_every_committed_table_within_its_lines(tmp_path):
    said, shown = compiled(ARTICLE, TABLES, tmp_path)
    assert "Overfull" not in said
    assert len(re.findall(r"^\f?Table \d+:", shown, re.MULTILINE)) == environments(TABLES) > len(TABLES) > 10


@pytest.mark.parametrize("table", TABLES, ids=lambda path: str(path.relative_to(ROOT / "results/reference")))
def test_each_committed_table_needs_booktabs_alone(table, tmp_path):
    assert len(HOOKS) == 2
    article = ARTICLE.replace(",graphicx", "")
    for hook in HOOKS:
        article = article.replace(hook, "")
    assert article.count("\n") == 4
    _, shown = compiled(article, [table], tmp_path)
    assert len(re.findall(r"^\f?Table \d+:", shown, re.MULTILINE)) == environments([table]) > 0
