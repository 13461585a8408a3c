"""Runs beyond the paper, trained with the settings of the demo on random images."""

import json

import pytest
from workspace import Workspace

DEMO = "studies/irkd/overlays/demo.yaml"


@pytest.mark.parametrize(
    ("run", "epochs"),
    [
        ("maps-of-an-untrained-network/custom-p2-kd-cl-sal", 3),
        ("stronger-recipe/tiny-p4-kd", 2),
        ("better-p2-teacher/small-p2", 2),
    ],
)
def test_a_run_beyond_the_paper_trains_and_is_tested(tmp_path, run, epochs):
    workspace = Workspace.create(tmp_path)
    workspace.prepare_data("results/demo")
    evaluation = f"results/demo/irkd/evaluation/{run}/seed-0.json"
    workspace.snakemake("--cores", "2", evaluation, configfile=DEMO)
    found = json.loads((workspace.path / evaluation).read_text(encoding="utf-8"))
    assert found["weights"]["last"]["correct"] <= found["images"]
    folder = workspace.path / f"results/demo/irkd/runs/{run}/seed-0"
    assert len((folder / "history.csv").read_text(encoding="utf-8").splitlines()) == 1 + epochs
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["protocol"] == run.split("/")[0]
