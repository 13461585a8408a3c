"""The published numbers that figures show, against values read from the notebooks by hand."""

import pandas as pd
import pytest

CURVES = {
    "custom-p2-ce": (60, 66.36, 67.34),
    "custom-p2-kd": (52, 76.30, 77.3),
    "custom-p2-kd-cl": (54, 77.06, 77.46),
    "custom-p2-kd-cl-sal": (54, 78.72, 78.72),
    "small-p2-50-epochs": (50, 82.74, 82.92),
    "small-p4": (135, 86.0, 86.0),
    "tiny-p2-kd": (59, 82.12, 82.12),
    "tiny-p2-kd-cl": (56, 80.16, 81.56),
    "tiny-p4-kd-cl-sal": (57, 84.39, 84.9),
}
TESTED = {
    "custom-p2-ce": 66.85,
    "custom-p2-kd-cl": 77.12,
    "small-p2-50-epochs": 82.53,
    "tiny-p2-kd": 82.28,
    "tiny-p2-kd-cl": 79.92,
}


@pytest.fixture
def folder(request):
    return request.config.rootpath / "config/published"


def test_every_curve_is_described_in_the_readme_and_tested_here(folder):
    assert {path.stem for path in (folder / "curves").glob("*.csv")} == set(CURVES)
    text = (folder / "curves/README.md").read_text()
    assert all(f"`{name}.csv`" in text for name in CURVES)


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_has_its_length_and_its_last_and_best_accuracy(folder, name):
    curve = pd.read_csv(folder / f"curves/{name}.csv")
    rows, last, best = CURVES[name]
    assert len(curve) == rows
    assert curve["val_acc"].iloc[-1] == last
    assert curve["val_acc"].max() == pytest.approx(best, abs=0.05)
    assert curve["global_epoch"].is_monotonic_increasing
    assert curve["val_acc"].between(10, 90).all()
    if name in TESTED:
        assert curve["test_acc"].dropna().tolist() == [TESTED[name]]


def test_the_best_of_each_stage_are_those_of_the_curves(folder):
    best = pd.read_csv(folder / "stage_best.csv")
    assert len(best) == 7 * 6
    assert set(best["view"]) == {"crop", "scale"}
    assert set(best.loc[best["digitized"] == "yes", "run"]) == {"tiny-p4-kd-cl", "tiny-p4-kd-cl-sal"}
    for run, own in best.groupby("run"):
        assert own["stage_px"].tolist() == [12, 16, 20, 24, 28, 32]
        path = folder / f"curves/{run}.csv"
        if path.exists():
            measured = pd.read_csv(path).groupby("stage_px")["val_acc"].max()
            assert own["val_acc"].tolist() == pytest.approx(measured.tolist(), abs=0.06)
