"""The comments of the study and the sources on its page of switches name the same notebooks."""

import re

import yaml
from shipped import ROOT

FOLDER = ROOT / "studies/irkd"
CELL = r"[\w]+ c\d+(?:, c\d+)*"


def test_the_notebook_beside_each_released_run_is_the_source_of_its_settings():
    text = (FOLDER / "study.yaml").read_text(encoding="utf-8")
    released = text[text.index("\n  released:") : text.index("\n  # `described` with one switch")]
    written = dict(re.findall(rf"^      ([\w-]+):.*?# ({CELL})", released, re.MULTILINE))
    sources = yaml.safe_load((FOLDER / "sources.yaml").read_text(encoding="utf-8"))
    stated = {run: of_run["default"] for run, of_run in sources["released"]["runs"].items()}
    assert len(written) == len(stated) - 1, "one run is ours, and says so"
    assert written == {run: cell for run, cell in stated.items() if run != "tiny-p4-cl-patch-4"}
