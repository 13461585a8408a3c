"""What jobs are given: the data, the code that prepares and packs, the weights that teach."""

import json
import re

import pytest
import record_files
from distillation.data import datasets
from workspace import IMAGES_PER_BATCH, Workspace, batches_in, once

RUN = "results/irkd/runs/described/{}/seed-0/run.json"
UNTAUGHT, STUDENT, TEACHER = map(RUN.format, ("tiny-p4-ce", "tiny-p4-kd", "small-p4"))
PREPARING, TRAINING = {"Splitting cifar10 into arrays"}, {"Training tiny-p4-ce, described, seed 0"}
MANIFEST = "results/data/cifar10/manifest.json"


def content(workspace, name):
    return json.loads((workspace.path / name).read_text())


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory):
    """Data prepared by their rule, and one training on them; to be read only."""

    def build(path):
        _, validation = datasets.split_indices(5 * IMAGES_PER_BATCH, 64, 42)
        split = {"split": {"holdout_index_sum": validation.sum().item()}}
        workspace = Workspace.create(path, datasets={"cifar10": split})
        batches_in(path / "results/downloads/cifar10")
        (path / "results/downloads/cifar10/source.json").write_text("{}")
        workspace.snakemake("--cores", "1", UNTAUGHT)
        return path

    return once(tmp_path_factory, "trained", build)


@pytest.fixture
def trained(trained_once, tmp_path):
    """A workspace of the test's own with data and one training."""
    return trained_once.copy(tmp_path / "trained")


def test_other_data_under_the_same_name_are_trained_on_again(trained):
    before, folder = content(trained, MANIFEST), trained.path / "results"
    files = (folder / "data/cifar10" / name for name in ("arrays.safetensors", "manifest.json"))
    datasets.prepare("cifar10", folder / "downloads/cifar10", *files, split={"holdout": 64, "seed": 43})
    assert content(trained, MANIFEST)["arrays_sha256"] != before["arrays_sha256"]
    assert trained.plan(UNTAUGHT) == TRAINING


@pytest.mark.parametrize("module", ["data/datasets.py", "data/formats/cifar10/compute.py"])
def test_other_code_that_prepares_data_prepares_them_again(trained, module):
    assert trained.plan(UNTAUGHT) == set()
    path = trained.path / "workflow_scripts/distillation" / module
    path.write_text(path.read_text() + "\nANOTHER = 1\n")
    assert trained.plan(UNTAUGHT) >= PREPARING


def test_a_limit_of_the_data_is_that_of_what_is_trained_on(trained):
    before = content(trained, MANIFEST)
    assert before["sizes"] == {"train": 4 * IMAGES_PER_BATCH, "validation": 64, "test": IMAGES_PER_BATCH}
    limit = {"train": 40, "validation": 30, "test": 20}
    trained.configure(datasets={"cifar10": {"limit": limit}})
    assert trained.plan(UNTAUGHT) == PREPARING | TRAINING
    trained.snakemake("--cores", "1", UNTAUGHT)
    after = content(trained, MANIFEST)
    assert after["sizes"] == limit
    assert content(trained, UNTAUGHT)["sha256"]["data"] == after["arrays_sha256"]


def test_the_weights_that_teach_are_those_that_the_protocol_of_the_teacher_tests(workspace):
    # So low a rate changes weights, but no answer: the first epoch stays the best.
    workspace = workspace(
        curricula={"teacher": [{"resolution": 16, "epochs": 2}]},
        recipes={"teacher": {"optimizer": {"lr": 1e-7}}},
    )
    workspace.prepare_data()
    taught_by = {}
    for tested in ("best", "last"):
        workspace.configure(protocols={"described": {"selection": tested}})
        workspace.snakemake("--cores", "1", STUDENT)
        taught_by[tested] = content(workspace, STUDENT)["sha256"]["teacher"]
    weights = {name: own["sha256"] for name, own in content(workspace, TEACHER)["weights"].items()}
    assert weights["best"] != weights["last"]
    assert taught_by == weights


def test_other_code_that_packs_packs_again(workspace):
    workspace, archive = workspace(select=["tiny-p4-ce"]), "results/irkd.tar.gz"
    # A job with a message is announced by it alone, without its inputs.
    rule = workspace.path / "rules/archive.smk"
    rule.write_text(re.sub(r"^ +message:\n.*\n", "", rule.read_text(), flags=re.MULTILINE))
    [inputs] = re.findall(r"rule pack_archive:\n    input: (.*)\n", workspace.snakemake("-n", archive))
    for name in inputs.split(", "):
        (workspace.path / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace.path / name).touch()
    for path in workspace.study.glob("runs/*/*/*/history.csv"):
        path.write_text("global_epoch,seconds\n")
        record_files.beside(path, sessions=[{"started": "2026-01-02T03:04:05+00:00", "from_epoch": 1}])
    packing = (archive, "--allowed-rules", "pack_archive")
    workspace.snakemake("--cores", "1", *packing)
    assert "Nothing to be done" in workspace.snakemake("-n", *packing)
    path = workspace.path / "workflow_scripts/distillation/pages/archive.py"
    path.write_text(path.read_text() + "\nANOTHER = 1\n")
    assert "rule pack_archive:" in workspace.snakemake("-n", *packing)


def test_another_citation_packs_again(finished):
    finished.snakemake("--cores", "1", "archive")
    assert finished.plan("archive") == set()
    finished.edit("CITATION.cff", "version: 0.1.0", "version: 0.2.0")
    assert finished.plan("archive") == {"Packing the results, irkd"}
