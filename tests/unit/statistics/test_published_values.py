"""The published numbers, against values read by hand, and what is refused in their files."""

import pandas as pd
import pytest
from distillation.core.errors import UserError
from distillation.statistics import published_files, published_values

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
    return request.config.rootpath / "studies/irkd/published"


def test_every_curve_is_described_in_the_readme_and_tested_here(folder):
    assert {path.stem for path in (folder / "curves").glob("*.csv")} == set(CURVES)
    text = (folder / "curves/README.md").read_text()
    assert all(f"`{name}.csv`" in text for name in CURVES)


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_has_its_length_and_its_last_and_best_accuracy(folder, name):
    curve = published_values.curve(folder / f"curves/{name}.csv")
    rows, last, best = CURVES[name]
    assert len(curve) == rows
    assert curve["val_acc"].iloc[-1] == last
    assert curve["val_acc"].max() == pytest.approx(best, abs=0.05)
    assert curve["global_epoch"].is_monotonic_increasing
    assert curve["val_acc"].between(10, 90).all()
    if name in TESTED:
        assert [float(value) for value in curve["test_acc"] if value] == [TESTED[name]]


def test_the_best_of_each_stage_are_those_of_the_curves(folder):
    best = published_values.stages(folder / "stage_best.csv")
    assert len(best) == 7 * 6
    assert set(best["view"]) == {"crop", "scale"}
    assert set(best.loc[best["digitized"] == "yes", "run"]) == {"tiny-p4-kd-cl", "tiny-p4-kd-cl-sal"}
    for run, own in best.groupby("run"):
        assert own["stage_px"].tolist() == [12, 16, 20, 24, 28, 32]
        path = folder / f"curves/{run}.csv"
        if path.exists():
            measured = pd.read_csv(path).groupby("stage_px")["val_acc"].max()
            assert own["val_acc"].tolist() == pytest.approx(measured.tolist(), abs=0.06)


# Table 1; printed test; validation last and best at 32 px; other values in text and headers.
NUMBERS = {
    "custom-p2-ce": (66.85, 66.85, 66.36, 67.34),
    "custom-p2-cl": (74.89, 74.89, 74.30, 74.90),
    "custom-p2-kd": (76.70, None, 76.3, 77.3),
    "custom-p2-kd-cl": (77.12, 77.12, 77.06, 77.46),
    "custom-p2-kd-cl-sal": (78.72, None, 78.72, 78.72, 79.37, 78.08),
    "tiny-p2-kd": (82.28, 82.28, 82.12, 82.12),
    "tiny-p2-kd-cl": (79.92, 79.92, 80.16, 81.56),
    "tiny-p2-kd-cl-sal": (81.67, 81.67, 81.90, 82.88),
    "tiny-p4-ce": (74.00, None, None, None, 73.5, 73.58),
    "tiny-p4-cl": (79.67, None, None, None, 79.8, 79.80),
    "tiny-p4-kd": (81.35, None, None, None),
    "tiny-p4-kd-cl": (83.29, None, 82.8, 83.5),
    "tiny-p4-kd-cl-sal": (84.29, None, 84.4, 84.9, 83.29, 84.29),
    "small-p2": (82.95, None, None, None, None, 82.95),
    "small-p2-50-pretrained": (None, 82.53, 82.74, 82.92),
    "small-p4": (86.00, None, 86.0, 86.0, None, 86.00),
}


def test_every_published_number_is_there_with_its_source(folder):
    table = published_values.accuracies(folder / "table1.csv")
    reported = published_values.reported(folder / "reported.csv")
    assert table["accuracy"].to_dict() == {run: first for run, (first, *_) in NUMBERS.items() if first}
    for run, (_, *others) in NUMBERS.items():
        own = reported[reported["run"] == run].set_index("quantity")["value"]
        names = ("test", "val_last", "val_best", "text", "header")
        expected = {name: value for name, value in zip(names, others, strict=False) if value is not None}
        assert own.drop("train_last", errors="ignore").to_dict() == expected
    for frame in (table, reported, published_values.stages(folder / "stage_best.csv")):
        assert all(frame["source"])


def test_what_was_never_tested_is_doubted(folder):
    table = published_values.accuracies(folder / "table1.csv")
    untested = {run for run, (_, test, *_) in NUMBERS.items() if test is None}
    assert all(table.at[run, "doubt"] for run in untested)


def test_the_reported_last_and_best_are_those_of_the_curves(folder):
    reported = published_values.reported(folder / "reported.csv").set_index(["run", "quantity"])["value"]
    files = {**{run: run for run in NUMBERS}, "small-p2-50-pretrained": "small-p2-50-epochs"}
    compared = 0
    for run, file in files.items():
        path = folder / f"curves/{file}.csv"
        if not path.exists():
            continue
        curve = published_values.curve(path)
        for quantity, column in (("train_last", "train_acc"), ("val_last", "val_acc")):
            if column in curve:
                assert reported[run, quantity] == pytest.approx(curve[column].iloc[-1], abs=0.05)
                compared += 1
    assert compared == 15


ACCURACIES = "run,accuracy,source,doubt\ncustom,66.85,Table 1,\n"
REPORTED = "run,quantity,value,source,doubt\ncustom,test,66.85,a notebook,\n"
STAGES = "run,stage_px,val_acc,view,digitized\ncustom,12,40.5,crop,no\n"
CURVE = "global_epoch,train_acc,val_acc\n1,30.0,31.0\n"


@pytest.mark.parametrize(
    ("read", "text", "error"),
    [
        ("accuracies", ACCURACIES.replace(",source", ""), ": there is no column 'source'"),
        ("accuracies", ACCURACIES.replace(",source", ""), "(found: run, accuracy, doubt); add it."),
        (
            "accuracies",
            ACCURACIES.replace("66.85", "67?"),
            "2, column 'accuracy': '67?' is not a number; write one.",
        ),
        (
            "accuracies",
            ACCURACIES.replace("66.85", "6685"),
            "is not a percentage; write a number from 0 to 100.",
        ),
        ("accuracies", ACCURACIES + "custom,1,x,\n", "3, column 'run': there is another row of run 'custom'"),
        (
            "reported",
            REPORTED.replace("test", "best"),
            "'best' is unknown; use one of text, header, test, train_last",
        ),
        ("stages", STAGES.replace("12", "12.5"), "'stage_px': '12.5' is not a whole number; write one."),
        ("stages", STAGES.replace("crop", "corner"), "'corner' is not allowed; write scale or crop."),
        ("stages", STAGES + "custom,12,41,crop,no\n", "row of run 'custom' and stage_px 12; keep one."),
        ("curve", CURVE.replace("val_acc", "val"), "no column 'val_acc' (found: global_epoch, train_acc"),
        ("curve", CURVE.replace("30.0", "inf"), "2, column 'train_acc': 'inf' is not a number; write one."),
        (
            "curve",
            CURVE + "1,30.0,32.0\n",
            "3, column 'global_epoch': there is another row of global_epoch 1;",
        ),
        ("reported", REPORTED + "custom,test,1,x,\n", "row of run 'custom' and quantity 'test'; keep one."),
        ("curve", CURVE.replace("train_acc", "val_acc"), ": the column 'val_acc' is there twice; keep one."),
        (
            "curve",
            CURVE + "2,30.0\n",
            ", line 3: it has 2 of 3 values; write one for each column, and quotes",
        ),
        (
            "curve",
            CURVE + "\n2,30.0,31,0\n",
            ", line 4: it has 4 of 3 values; write one for each column, and",
        ),
        (
            "accuracies",
            ACCURACIES.replace("Table", '"Table'),
            ", line 2: the quotes of this row do not match",
        ),
        ("accuracies", ACCURACIES + '"a"b,1,x,\n', ", line 3: the quotes of this row do not"),
        ("accuracies", "", ": this file is empty; write the columns run, accuracy, source, doubt."),
        ("accuracies", "\n\n", ": this file is empty; write the columns run, accuracy, source, doubt."),
        ("curve", CURVE.splitlines()[0], ": there is no row below the names of the columns; add one."),
        (
            "accuracies",
            ACCURACIES.replace(" 1", "\xa01").encode("cp1252"),
            ": line 2 is not UTF-8 (byte 0xa0); save the file as UTF-8.",
        ),
        ("curve", CURVE.encode("utf-16"), ": line 1 is not UTF-8 (byte 0xff); save the file as UTF-8."),
        ("curve", CURVE.encode("utf-16-le"), ": line 1 is not UTF-8 (byte 0x00); save the file as UTF-8."),
    ],
)
def test_a_fault_in_a_file_is_named_with_its_place_and_the_fix(tmp_path, read, text, error):
    path = tmp_path / "numbers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        getattr(published_values, read)(path)
    assert str(caught.value).startswith(str(path))
    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.csv", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_is_not_there_is_named(tmp_path, name, reason):
    with pytest.raises(UserError, match=f"{name}: this file cannot be read .{reason}.; name another"):
        published_values.curve(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    [
        CURVE.encode("utf-8-sig"),
        CURVE.replace("\n", "\r\n").encode(),
        CURVE.replace("\n", "\n\n").encode(),
        CURVE.replace("1,30.0", '"1","30.0"').encode(),
        CURVE.strip().encode(),
    ],
    ids=["byte order mark", "lines of Windows", "blank lines", "quotes", "no last line end"],
)
def test_what_other_programs_write_otherwise_is_the_same_table(tmp_path, content):
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    plain.write_text(CURVE)
    other.write_bytes(content)
    assert plain.read_bytes() != content
    pd.testing.assert_frame_equal(published_values.curve(other), published_values.curve(plain))


def test_a_file_of_a_check_needs_the_columns_of_its_tolerances_alone(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("global_epoch,train_acc\n1,30.0\n")
    frame = published_values.read(path, published_files.of_check({"train_acc": 2}))
    assert frame.to_dict("records") == [{"global_epoch": 1, "train_acc": 30.0}]
    with pytest.raises(UserError, match="there is no column 'val_acc'"):
        published_values.read(path, published_files.of_check({"train_acc": 2, "val_acc": 4}))
    path.write_text("run,stage_px,val_acc\ncustom,12,40.5\n")
    frame = published_values.read(path, published_files.of_check({"best_val_acc": 2}))
    assert frame["val_acc"].tolist() == [40.5]
