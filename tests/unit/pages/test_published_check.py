"""The beginning of a run beside what was published of it."""

import pandas as pd
import pytest
import record_files
from distillation.core.errors import UserError
from distillation.pages import documents, published_check
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import ChecksPage

HISTORY = pd.DataFrame(
    {
        "stage_px": [12, 12, 16],
        "global_epoch": [1, 2, 3],
        "train_acc": [33.0, 50.6, 60.0],
        "val_acc": [45.0, 48.0, 55.0],
    }
)
CURVE = pd.DataFrame(
    {"global_epoch": [1, 2, 3], "train_acc": [33.4, 48.5, 60.0], "val_acc": [45.4, 51.7, 54.0]}
)
STAGES = pd.DataFrame({"run": ["cl", "cl", "kd"], "stage_px": [12, 16, 12], "val_acc": [49.5, 58.0, 1.0]})


def test_each_epoch_follows_within_the_tolerance_of_its_measure():
    frame = published_check.of_curve("ce", HISTORY, CURVE, {"train_acc": 2, "val_acc": 4})
    assert list(frame["what"])[:3] == ["train_acc of epoch 1", "val_acc of epoch 1", "train_acc of epoch 2"]
    assert frame["difference"].round(2).tolist() == [-0.4, -0.4, 2.1, -3.7, 0.0, 1.0]
    assert frame["follows"].tolist() == [True, True, False, True, True, True]


def test_each_stage_follows_by_its_best_validation_accuracy():
    frame = published_check.of_stages("cl", HISTORY, STAGES, 2)
    assert frame["what"].tolist() == ["best val_acc of 12 px", "best val_acc of 16 px"]
    assert frame["reproduced"].tolist() == [48.0, 55.0]
    assert frame["follows"].tolist() == [True, False]


def test_what_is_not_published_is_no_agreement():
    with pytest.raises(UserError, match="ce: there is no published value for epoch 3; train fewer epochs"):
        published_check.of_curve("ce", HISTORY, CURVE[:2], {"val_acc": 4})
    with pytest.raises(
        UserError, match="kd: there is no published value for its stage of 16 px; train without that"
    ):
        published_check.of_stages("kd", HISTORY, STAGES, 2)


def test_the_page_counts_what_follows_and_gives_a_verdict_for_each_value(tmp_path):
    for name, frame in (("history", HISTORY), ("curve", CURVE), ("stages", STAGES)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    record_files.beside(tmp_path / "history.csv")
    files = {form: tmp_path / f"checks.{form}" for form in ("csv", "md", "tex", "html")}
    runs = {name: ("released", name, TrainingSeed(0)) for name in ("ce", "cl")}
    page = ChecksPage(
        title="Check",
        protocols={"released": "as released"},
        runs=tuple(runs.values()),
        checks={
            "ce": {"tolerances": {"train_acc": 2, "val_acc": 4}},
            "cl": {"tolerances": {"best_val_acc": 2}},
        },
    )
    comparison = published_check.comparison(
        page,
        histories=dict.fromkeys(runs.values(), tmp_path / "history.csv"),
        published={runs["ce"]: tmp_path / "curve.csv", runs["cl"]: tmp_path / "stages.csv"},
    )
    documents.publish(published_check.document(page, comparison), comparison, files)
    text = files["md"].read_text()
    assert "6 of 8 values follow" in text
    assert "does not follow" in text
    assert len(pd.read_csv(files["csv"])) == 8
