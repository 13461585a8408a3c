"""A study of one's own: only its folder, beside IRKD."""

import json
import shutil

import pandas as pd
import pytest
import yaml
from extending_page import add_study
from workspace import IMAGES_PER_BATCH, stats

RUNS = ("narrow-ce", "wide-ce")
PAGES = {
    *(f"{job}, widths" for job in ("Making accuracy", "Adding up the costs", "Indexing the runs")),
}


@pytest.fixture
def beside(finished):
    """A finished IRKD, to which the folder of another study was added."""
    add_study(finished)
    return finished


def trained(*runs):
    return {f"Training {run}, described, seed 0" for run in runs}


def evaluated(*runs):
    return {f"Evaluating {run}, described, seed 0" for run in runs}


DATA = {"Splitting cifar10-whole into arrays"}
EVERYTHING = DATA | trained(*RUNS) | evaluated(*RUNS) | PAGES


def test_it_reruns_nothing_of_the_other_study_and_plans_what_it_has(beside):
    assert beside.plan() == beside.plan("widths") == EVERYTHING
    assert beside.plan("irkd") == beside.plan("irkd-described") == set()


@pytest.mark.parametrize(
    ("target", "jobs"),
    [
        ("described", DATA | trained(*RUNS) | evaluated(*RUNS)),
        ("widths-described", DATA | trained(*RUNS) | evaluated(*RUNS)),
        ("students", DATA | trained(*RUNS)),
        ("teachers", set()),
        ("data", DATA),
        ("claims", set()),
        ("tables", EVERYTHING - {"Indexing the runs, widths"}),
    ],
)
def test_targets_are_over_all_studies(beside, target, jobs):
    assert beside.plan(target) == jobs


def test_it_trains_tests_and_reports_beside_the_other(beside):
    beside.snakemake("--cores", "2")
    assert beside.plan() == set()
    results = beside.path / "results/widths"
    assert {path.name for path in results.iterdir()} == {
        *("runs", "evaluation", "tables", "costs", "provenance", "logs", "benchmarks")
    }
    cells = pd.read_csv(results / "tables/accuracy.csv")
    assert cells["run"].tolist() == list(RUNS)
    assert set(cells["status"]) == {"run"}
    assert set(cells["note"]) == {"tiny"}
    record = json.loads((results / "runs/described/wide-ce/seed-0/run.json").read_text())
    assert (record["study"], record["spec"]["model"]["channels"]) == ("widths", [8])
    # Without validation the best weights are the last.
    assert record["weights"]["best"] == record["weights"]["last"]
    assert record["weights"]["best"]["val_acc"] is None
    assert "epoch 2" in (results / "logs/train/described/wide-ce/seed-0.log").read_text()
    manifest = json.loads((beside.path / "results/data/cifar10-whole/manifest.json").read_text())
    assert manifest["sizes"] == {"train": 5 * IMAGES_PER_BATCH, "validation": 0, "test": IMAGES_PER_BATCH}

    beside.snakemake("--report", "report.html")
    report = (beside.path / "report.html").read_text(encoding="utf-8")
    for said in ("widths, 1. Tables", "irkd, 1. Tables", "irkd, 4. Claims", "widths, 5. Provenance"):
        assert said in report
    assert "widths: 4. Claims" not in report
    assert "The width of a small convolutional network" in report

    beside.snakemake("--cores", "2", "archive")
    shutil.unpack_archive(beside.path / "results/widths.tar.gz", beside.path / "unpacked")
    packed = {path.name for path in (beside.path / "unpacked/widths").iterdir()}
    described = {"SHA256SUMS", "ro-crate-metadata.json", "Snakefile"}
    assert packed == described | {"runs", "evaluation", "tables", "costs", "provenance"}


def test_alone_it_needs_nothing_of_the_other(beside):
    shutil.rmtree(beside.path / "results/irkd")
    shutil.rmtree(beside.path / "studies/irkd")
    alone(beside, studies=["widths"])
    counts = stats(beside.snakemake("-n", "all"))
    assert counts == {
        **{"prepare_dataset": 1, "train": 2, "evaluate": 2},
        **{"make_table": 1, "make_cost_table": 1, "index_runs": 1},
    }


def test_a_change_of_one_study_concerns_it_alone(beside):
    beside.snakemake("--cores", "2")
    beside.merge({"widths": {"note": "other words"}})
    assert beside.plan() == PAGES
    beside.merge({"widths": {"students": {"wide-ce": {"set": {"batch_size": 16}}}}})
    assert beside.plan() == trained("wide-ce") | evaluated("wide-ce") | PAGES


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("figures/inputs.svg", "the study 'widths' has no figure 'inputs' (none is defined)"),
        ("tables/table1.md", "the study 'widths' has no table 'table1' (known: accuracy)"),
        ("pairs/pairs.md", "the study 'widths' has no block 'pairs' (none is defined)"),
        ("pairs/bridge.md", "the study 'widths' has no block 'bridge' (none is defined)"),
        ("claims/claims.md", "the study 'widths' has no block 'claims' (none is defined)"),
        (
            "runs/described/tiny-p4-ce/seed-0/run.json",
            "the study 'widths' has no run 'described/tiny-p4-ce' (did you mean 'described/",
        ),
    ],
    ids=["figure", "table", "pairs", "bridge", "claims", "run"],
)
def test_what_only_the_other_study_has_is_refused_with_what_this_one_has(beside, path, said):
    assert said in beside.snakemake("-n", f"results/widths/{path}", status=1)


def test_a_page_of_a_block_that_it_lacks_does_not_exist(beside):
    output = beside.snakemake("-n", "results/widths/switches/switches.md", status=1)
    assert "MissingRuleException" in output


def alone(workspace, **changes):
    """The workspace with what its overlay says of IRKD taken away, and other changes."""
    own = {
        key: value for key, value in yaml.safe_load(workspace.overlay.read_text()).items() if key != "irkd"
    }
    workspace.overlay.write_text(yaml.safe_dump(own | changes))
    return workspace


def test_the_reference_compares_the_studies_of_which_something_is_kept(workspace):
    workspace = workspace()
    add_study(workspace)
    alone(workspace)
    jobs = workspace.plan("reference")
    assert {job for job in jobs if "Comparing with" in job} == {"Comparing with the committed files, irkd"}
    shutil.rmtree(workspace.path / "results/reference")
    output = workspace.snakemake("-n", "reference", status=1)
    assert "results/reference has nothing of irkd, widths; `make keep-reference` adds it" in output


def test_a_study_without_a_bridge_and_checks_says_where_they_are_written(beside):
    alone(beside, studies=["widths"])
    assert "no study has a `bridge`; add one to its study.yaml" in beside.snakemake("-n", "bridge", status=1)
    assert "no study has `checks`; add some, such as" in beside.snakemake("-n", "check", status=1)
