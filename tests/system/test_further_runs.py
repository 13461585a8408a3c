"""Runs beyond the paper, trained with the settings of the demo on random images."""

import json

import pytest
from workspace import Workspace

DEMO = "studies/irkd/overlays/demo.yaml"


@pytest.mark.parametrize(
    ("run", "epochs", "setting", "value"),
    [
        ("maps-of-an-untrained-network/custom-p2-kd-cl-sal", 3, "losses.saliency.teacher_maps", "untrained"),
        ("stronger-recipe/tiny-p4-kd", 2, "weight_average.decay", 0.999),
        ("better-p2-teacher/small-p2", 2, "model.largest_side", 64),
    ],
)
def test_a_run_beyond_the_paper_trains_and_its_weights_are_tested(tmp_path, run, epochs, setting, value):
    workspace = Workspace.create(tmp_path)
    workspace.prepare_data("results/demo")
    evaluation = f"results/demo/irkd/evaluation/{run}/seed-0.json"
    workspace.snakemake("--cores", "2", evaluation, configfile=DEMO)
    folder = workspace.path / f"results/demo/irkd/runs/{run}/seed-0"
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    own = record["spec"]
    for key in setting.split("."):
        own = own[key]
    assert own == value
    assert len((folder / "history.csv").read_text(encoding="utf-8").splitlines()) == 1 + epochs
    tested = json.loads((workspace.path / evaluation).read_text(encoding="utf-8"))["weights"]
    assert {name: one["sha256"] for name, one in tested.items()} == {
        name: one["sha256"] for name, one in record["weights"].items()
    }
