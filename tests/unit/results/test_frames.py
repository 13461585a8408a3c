"""Frames of many runs, from the kept evidence and from made-up trees."""

import json
import shutil

import pandas as pd
import pytest
from distillation.core.errors import InputError
from distillation.results import frames
from shipped import ROOT

EVIDENCE = ROOT / "results/reference"
RUNS = ("custom-p2-ce", "custom-p2-cl")


def test_a_frame_of_histories_has_every_epoch_of_every_run():
    found = frames.histories(EVIDENCE)
    files = [*EVIDENCE.glob("*/runs/*/*/seed-*/history.csv")]
    assert len(found) == sum(len(path.read_text().splitlines()) - 1 for path in files)
    own = found.query("study == 'irkd' and protocol == 'described' and run == 'custom-p2-ce' and seed == '0'")
    expected = pd.read_csv(EVIDENCE / "irkd/runs/described/custom-p2-ce/seed-0/history.csv")
    assert own["val_acc"].tolist() == expected["val_acc"].tolist()
    assert list(found.columns[:4]) == ["study", "protocol", "run", "seed"]
    numbers = found.drop(columns=["study", "protocol", "run", "seed"])
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in numbers.dtypes)


def test_a_frame_of_evaluations_has_a_row_for_each_run_and_seed(tmp_path):
    shutil.copytree(EVIDENCE / "irkd/evaluation", tmp_path / "irkd/evaluation")
    changed = tmp_path / "irkd/evaluation/described/custom-p2-cl/seed-0.json"
    content = json.loads(changed.read_text())
    content.pop("digest", None)
    changed.write_text(json.dumps(content | {"selection": "last"}))
    found = frames.evaluations(tmp_path)
    assert len(found) == len([*EVIDENCE.glob("irkd/evaluation/*/*/seed-*.json")])
    assert not found.duplicated(["protocol", "run", "seed"]).any()
    first, second = (
        found.query(f"protocol == 'described' and run == '{run}' and seed == '0'").iloc[0] for run in RUNS
    )
    assert first["accuracy_last"] != first["accuracy_best"]
    assert second["accuracy_last"] != second["accuracy_best"]
    assert (first["selection"], first["accuracy"]) == ("best", first["accuracy_best"])
    assert (second["selection"], second["accuracy"]) == ("last", second["accuracy_last"])
    assert found["accuracy"].between(10, 100).all()


def test_a_frame_by_resolution_has_the_reported_accuracy_at_the_full_one():
    evaluated = frames.evaluations(EVIDENCE / "irkd").set_index(["protocol", "run", "seed"])
    found = frames.accuracies_by_resolution(EVIDENCE / "irkd")
    whole = found.query("resolution == 32 and view == 'scale'").set_index(["protocol", "run", "seed"])
    assert whole["accuracy"].to_dict() == evaluated["accuracy"].to_dict()
    assert set(found["view"]) == {"scale", "crop"}


def test_a_folder_without_runs_is_refused(tmp_path):
    for read, pattern in (
        (frames.histories, "runs/*/*/seed-*/history.csv"),
        (frames.evaluations, "evaluation/*/*/seed-*.json"),
    ):
        with pytest.raises(InputError) as refusal:
            read(tmp_path)
        assert str(refusal.value) == (
            f"{tmp_path}: there is nothing like {pattern}; name a folder of results."
        )


def test_a_damaged_history_is_refused(tmp_path):
    shutil.copytree(EVIDENCE / "irkd/runs/described", tmp_path / "irkd/runs/described")
    damaged = tmp_path / "irkd/runs/described/custom-p2-ce/seed-0/history.csv"
    damaged.write_text(damaged.read_text()[:-60])
    with pytest.raises(InputError, match=r"seed-0/history.csv: this file is damaged, line 61 is cut off"):
        frames.histories(tmp_path)
