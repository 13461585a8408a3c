"""docs/extending.md, followed: its files, written into a copy of the repository, plan, pass and train."""

import csv
import json
import re
import shutil
import sys

import pytest
import yaml
from shipped import ROOT
from workspace import REPOSITORY

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
# A file's path in a line of its own, then its content.
FILES = dict(re.findall(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
TERM = [name for name in FILES if "attention" in name]


def write(workspace, names):
    for name in names:
        path = workspace.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILES[name], encoding="utf-8")


def use(workspace, name):
    """Merge a configuration of the page into the workspace's, which selects its runs."""
    changes = yaml.safe_load(FILES[name])
    selected = yaml.safe_load(workspace.overlay.read_text())["select"]
    workspace.configure(**changes, select=[*selected, *changes["students"]])


def test_the_page_has_a_student_and_a_term_of_three_files_and_a_configuration():
    assert "temperature.yaml" in FILES
    assert len(TERM) == 4


def test_a_student_plans_its_training_its_evaluation_and_the_pages_of_every_run(finished):
    use(finished, "temperature.yaml")
    student = "tiny-p4-kd-t2"
    plan = finished.plan()
    expected = {
        f"Training {student} with its teacher, described, seed 0",
        f"Evaluating {student}, described, seed 0",
    }
    assert {job for job in plan if job.startswith(("Training", "Evaluating"))} == expected


@pytest.fixture
def extended(finished):
    """A finished study to which the files of the loss term were added."""
    write(finished, TERM)
    return finished


def test_a_new_term_reruns_nothing(extended):
    assert {job for job in extended.plan() if job.startswith(("Training", "Evaluating"))} == set()


def test_a_run_with_the_new_term_trains_beside_another_term_with_other_features(extended):
    use(extended, "attention-transfer.yaml")
    run = "tiny-p4-kd-sal-at"
    trainings = {job for job in extended.plan() if "Training" in job}
    assert trainings == {f"Training {run} with its teacher, described, seed 0"}
    evaluation = f"results/irkd/evaluation/described/{run}/seed-0.json"
    extended.snakemake("--cores", "2", evaluation)
    assert json.loads((extended.path / evaluation).read_text())["images"] > 0
    with (extended.run_folder(run) / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row[column]) > 0 for row in rows for column in ("attention_transfer", "saliency_loss"))
    assert "attention_transfer " in extended.log(f"distill/described/{run}/seed-0.log")


def test_its_own_test_passes_and_its_settings_are_documented(extended):
    shutil.copytree(REPOSITORY / "tests", extended.path / "tests", dirs_exist_ok=True)
    (name,) = (name for name in TERM if name.startswith("tests/"))
    assert "1 passed" in extended.call([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name])
    extended.call([sys.executable, "workflow_scripts/write_settings.py"])
    assert "## Attention transfer" in (extended.path / "docs/configuration.md").read_text()


def test_a_fault_in_its_settings_is_refused_like_any_other(extended):
    use(extended, "attention-transfer.yaml")
    extended.configure(recipes={"student": {"losses": {"attention_transfer": {"student_block": -1}}}})
    text = "recipes.student.losses.attention_transfer.student_block: -1 is too small; the minimum is 0"
    assert text in extended.snakemake("-n", status=1)
