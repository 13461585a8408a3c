"""Every page of the docs has an example, and its output is what comes."""

import re
import subprocess

import pytest
from shipped import ROOT
from workspace import ENVIRONMENT, Workspace

PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "README.md")
# A command, and the lines below it up to an empty one.
EXAMPLE = re.compile(r"^    \$ (.*)\n((?:    .*\n?)*)", flags=re.MULTILINE)


def examples(page):
    """Commands of a page, and the lines that they print there."""
    text = page.read_text(encoding="utf-8")
    return [
        (command, [line.removeprefix("    ") for line in printed.splitlines()])
        for command, printed in EXAMPLE.findall(text)
    ]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Workspace.create(tmp_path_factory.mktemp("examples")).path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_an_example_that_prints_what_it_says(page, checkout):
    found = examples(page)
    # The blocks of this page are Python, which another test runs.
    assert found or page.stem == "using-results"
    for command, expected in found:
        done = subprocess.run(
            ["bash", "-c", command], cwd=checkout, env=ENVIRONMENT, capture_output=True, text=True
        )
        # Snakemake lists the rules of a plan in any order.
        assert sorted(done.stdout.splitlines()) == sorted(expected), done.stderr
