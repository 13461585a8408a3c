"""From every cell to its run.json, and the files of a run held to each other."""

import hashlib
import json
from pathlib import Path

import evaluation_files
import pandas as pd
import pytest
from distillation.core import checksums
from distillation.core.errors import UserError
from distillation.pages import documents, provenance_index
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import IndexPage, Layout

TABLES = {
    "table1": Layout(["ViT", "CNN"], [("CE", ["vit-ce", "cnn-ce"]), ("KD", ["vit-kd", "cnn-kd"])]),
    "runs": Layout(["accuracy"], [("Teacher", ["vit"]), ("ViT KD", ["vit-kd"])]),
}
PROTOCOLS = {"described": "as described", "released": "as released"}
PAGE = IndexPage(
    title="From each number to its run",
    note="a note",
    protocols=PROTOCOLS,
    tables=TABLES,
    headings={"table1": "Accuracy (%)", "runs": "All runs"},
    taught_by={protocol: {"vit-kd": (protocol, "vit")} for protocol in PROTOCOLS},
)
RUNS = {
    ("described", "vit", TrainingSeed(0)): 90.0,
    ("described", "vit-ce", TrainingSeed(0)): 70.0,
    ("described", "vit-kd", TrainingSeed(0)): 80.0,
    ("described", "vit-kd", TrainingSeed(1)): 81.25,
    ("released", "vit", TrainingSeed(0)): 91.0,
    ("released", "vit-kd", TrainingSeed(1)): 82.0,
    ("released", "vit-kd", TrainingSeed(0)): 83.0,
}
SESSION = {
    "started": "2026-01-02T03:04:05+00:00",
    "git": {"commit": "c" * 40, "dirty": False},
    "name": "GPU A",
    "torch_build": "2.12.0",
}


def digest(*parts):
    """A SHA-256 (hex) that differs where its parts do."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


class Study:
    """Made-up runs below a folder of results; `vit` teaches every `vit-kd`."""

    def __init__(self, results: Path):
        self.results = results
        place = "irkd/{}/{}/{}/seed-{}{}"
        self.records = {key: results / place.format("runs", *key, "/run.json") for key in RUNS}
        self.evaluations = {key: results / place.format("evaluation", *key, ".json") for key in RUNS}
        for key, accuracy in RUNS.items():
            weights = {name: {"sha256": digest(*key, name)} for name in ("last", "best")}
            taught = key[1] == "vit-kd"
            spec = {"dataset": "cifar10", "precision": "bf16"}
            record = {
                "protocol": key[0],
                "run": key[1],
                "seed": str(key[2]),
                "spec": spec | ({"teacher": {"run": "vit", "seed": 0, "weights": "best"}} if taught else {}),
                "sha256": {
                    "spec": digest(*key),
                    "code": "d" * 64,
                    "data": "e" * 64,
                    "teacher": digest(key[0], "vit", 0, "best") if taught else None,
                },
                "weights": weights,
                "stages": [{"seconds": 1000.0}, {"seconds": 500.25}],
                "sessions": [SESSION],
            }
            self.write(self.records[key], record)
            tested = evaluation_files.content(accuracy)
            tested["weights"] = {name: own | weights[name] for name, own in tested["weights"].items()}
            self.write(self.evaluations[key], tested)

    def write(self, path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    def change(self, path, *keys, value):
        """Set a value deep in a JSON file."""
        content = place = json.loads(path.read_text())
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        self.write(path, content)

    def index(self):
        return provenance_index.index(PAGE, self.records, self.evaluations, self.results)


@pytest.fixture
def made_up(tmp_path):
    return Study(tmp_path / "results")


def rows(frame, *columns):
    """Rows as plain values; None where there is none."""
    chosen = frame[list(columns)].astype(object)
    return [tuple(row) for row in chosen.where(chosen.notna(), None).to_numpy()]


def test_every_cell_of_every_table_has_a_row_for_each_seed_in_the_order_of_the_tables(made_up):
    frame = made_up.index()
    assert rows(frame, "table", "protocol", "row", "column", "run", "seed", "accuracy") == [
        ("table1", "described", "CE", "ViT", "vit-ce", "0", 70.0),
        ("table1", "described", "CE", "CNN", "cnn-ce", None, None),
        ("table1", "described", "KD", "ViT", "vit-kd", "0", 80.0),
        ("table1", "described", "KD", "ViT", "vit-kd", "1", 81.25),
        ("table1", "described", "KD", "CNN", "cnn-kd", None, None),
        ("table1", "released", "CE", "ViT", "vit-ce", None, None),
        ("table1", "released", "CE", "CNN", "cnn-ce", None, None),
        ("table1", "released", "KD", "ViT", "vit-kd", "0", 83.0),
        ("table1", "released", "KD", "ViT", "vit-kd", "1", 82.0),
        ("table1", "released", "KD", "CNN", "cnn-kd", None, None),
        ("runs", "described", "Teacher", "accuracy", "vit", "0", 90.0),
        ("runs", "described", "ViT KD", "accuracy", "vit-kd", "0", 80.0),
        ("runs", "described", "ViT KD", "accuracy", "vit-kd", "1", 81.25),
        ("runs", "released", "Teacher", "accuracy", "vit", "0", 91.0),
        ("runs", "released", "ViT KD", "accuracy", "vit-kd", "0", 83.0),
        ("runs", "released", "ViT KD", "accuracy", "vit-kd", "1", 82.0),
    ]


def test_a_cell_that_was_not_run_says_so_and_nothing_else(made_up):
    missing = made_up.index()
    missing = missing[missing["run"] == "cnn-ce"]
    assert set(missing["status"]) == {"not run"}
    place = ["table", "protocol", "row", "column", "run", "status"]
    assert missing.drop(columns=place).isna().all(axis=None)


def test_a_row_holds_what_the_files_of_its_run_hold(made_up):
    key = "released", "vit-kd", TrainingSeed(1)
    frame = made_up.index()
    row = frame[(frame["table"] == "runs") & (frame["protocol"] == key[0]) & (frame["run"] == key[1])].iloc[1]
    assert pd.isna(row["pretrained_sha256"])
    assert row.drop(["table", "row", "column", "pretrained_sha256"]).to_dict() == {
        "protocol": "released",
        "run": "vit-kd",
        "status": "run",
        "seed": "1",
        "accuracy": 82.0,
        "weights": "best",
        "weights_sha256": digest(*key, "best"),
        "run_json": "irkd/runs/released/vit-kd/seed-1/run.json",
        "run_json_sha256": checksums.sha256(made_up.records[key]),
        "evaluation": "irkd/evaluation/released/vit-kd/seed-1.json",
        "spec_sha256": digest(*key),
        "code_sha256": "d" * 64,
        "dataset": "cifar10",
        "data_sha256": "e" * 64,
        "teacher": "vit",
        "teacher_seed": 0,
        "teacher_weights": "best",
        "teacher_sha256": digest("released", "vit", 0, "best"),
        "git_commit": "c" * 40,
        "git_dirty": False,
        "device": "GPU A",
        "precision": "bf16",
        "torch": "2.12.0",
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": 1500.25,
        "sessions": 1,
    }
    assert (made_up.results / row["run_json"]).is_file()
    assert (made_up.results / row["evaluation"]).is_file()


def test_files_of_published_weights_with_one_name_can_be_told_apart(made_up):
    for seed, digit in ((0, "a"), (1, "b")):
        path = made_up.records["described", "vit-kd", TrainingSeed(seed)]
        made_up.change(path, "sha256", "pretrained", value=digit * 64)
    frame = made_up.index()
    own = frame[(frame["table"] == "table1") & (frame["protocol"] == "described")]
    assert rows(own, "run", "seed", "pretrained_sha256") == [
        ("vit-ce", "0", None),
        ("cnn-ce", None, None),
        ("vit-kd", "0", "a" * 64),
        ("vit-kd", "1", "b" * 64),
        ("cnn-kd", None, None),
    ]
    page = provenance_index.document(PAGE, frame).sections[4]
    assert page.table["starts from"].tolist() == ["random weights", "a" * 12, "b" * 12, "random weights"]


def test_a_training_of_several_sessions_names_all_that_differs(made_up):
    later = {
        "git": {"commit": "f" * 40, "dirty": True},
        "name": "GPU B",
        "started": "2026-02-02T00:00:00+00:00",
    }
    path = made_up.records["described", "vit-ce", TrainingSeed(0)]
    made_up.change(path, "sessions", value=[SESSION, SESSION | later, SESSION])
    row = made_up.index().iloc[0]
    assert row["git_commit"] == f"{'c' * 40} + {'f' * 40}"
    assert (row["device"], row["torch"], row["git_dirty"]) == ("GPU A + GPU B", "2.12.0", True)
    assert (row["started"], row["sessions"]) == (SESSION["started"], 3)


def test_a_training_outside_git_has_no_known_commit(made_up):
    made_up.change(made_up.records["described", "vit-ce", TrainingSeed(0)], "sessions", 0, "git", value=None)
    row = made_up.index().iloc[0]
    assert row["git_commit"] == "unknown"
    assert pd.isna(row["git_dirty"])


def test_the_test_of_other_weights_names_both_files_and_the_fix(made_up):
    key = "described", "vit-ce", TrainingSeed(0)
    record, evaluation = made_up.records[key], made_up.evaluations[key]
    made_up.change(evaluation, "weights", "last", "sha256", value="0" * 64)
    with pytest.raises(UserError) as error:
        made_up.index()
    assert str(error.value) == (
        f"{evaluation}: evaluated last weights with sha256 {'0' * 64}, but {record} names"
        f" {digest(*key, 'last')}; delete the former and run the workflow again to repeat the evaluation."
    )


def test_a_student_of_another_teacher_names_both_files_and_the_fix(made_up):
    key = "released", "vit-kd", TrainingSeed(0)
    made_up.change(made_up.records[key], "sha256", "teacher", value="0" * 64)
    with pytest.raises(UserError) as error:
        made_up.index()
    assert str(error.value) == (
        f"{made_up.records[key]}: used best weights of its teacher with sha256 {'0' * 64}, but"
        f" {made_up.records['released', 'vit', TrainingSeed(0)]} names"
        f" {digest('released', 'vit', 0, 'best')};"
        " delete the former and run the workflow again to repeat the training."
    )


def test_the_record_of_another_run_is_refused(made_up):
    path = made_up.records["described", "vit-ce", TrainingSeed(0)]
    made_up.change(path, "seed", value="3")
    with pytest.raises(UserError) as error:
        made_up.index()
    assert str(error.value).startswith(
        f"{path}: this file is of another training, described, vit-ce, 3; delete it and run the workflow"
    )


def test_all_mismatches_are_told_at_once(made_up):
    for key in RUNS:
        made_up.change(made_up.evaluations[key], "weights", "best", "sha256", value="0" * 64)
    with pytest.raises(UserError) as error:
        made_up.index()
    lines = str(error.value).splitlines()
    assert len(lines) == len(RUNS)
    assert all(str(path) in line for path, line in zip(made_up.evaluations.values(), lines, strict=True))


def test_a_student_of_another_teacher_is_a_row_of_its_own_and_must_name_that_teacher(made_up):
    first, second = ("described", "vit-kd", TrainingSeed(0)), ("described", "vit-kd", TrainingSeed(0, 1))
    teacher = "described", "vit", TrainingSeed(0)
    for files in (made_up.records, made_up.evaluations):
        for known, new in ((first, second), (teacher, (*teacher[:2], TrainingSeed(1)))):
            path = files[known].parent / f"{new[2]}" / files[known].name
            made_up.write(path, json.loads(files[known].read_text()))
            files[new] = path
    made_up.change(made_up.records[*teacher[:2], TrainingSeed(1)], "seed", value="1")
    with pytest.raises(
        UserError, match=r"is the record of vit-kd, described, seed 0, expected vit-kd, .* 0-teacher-1;"
    ):
        made_up.index()
    made_up.change(made_up.records[second], "seed", value="0-teacher-1")
    made_up.change(made_up.records[second], "spec", "teacher", "seed", value=1)
    frame = made_up.index()
    own = frame[
        (frame["table"] == "table1") & (frame["protocol"] == "described") & (frame["run"] == "vit-kd")
    ]
    assert rows(own, "seed", "teacher_seed") == [("0", 0), ("0-teacher-1", 1), ("1", 0)]
    inputs = provenance_index.document(PAGE, frame).sections[4].table
    assert "vit-kd, seed 0-teacher-1" in inputs.index


@pytest.fixture
def written(made_up, tmp_path):
    """The three forms of an index with a dirty checkout, by name."""
    made_up.change(
        made_up.records["described", "vit-kd", TrainingSeed(1)], "sessions", 0, "git", "dirty", value=True
    )
    files = {form: tmp_path / f"out/provenance.{form}" for form in ("csv", "md", "html")}
    index = made_up.index()
    documents.publish(provenance_index.document(PAGE, index), index, files)
    return files


def test_the_csv_has_the_whole_index_and_the_note(written, made_up):
    frame = pd.read_csv(written["csv"])
    assert list(frame.columns) == [*provenance_index.COLUMNS, "note"]
    assert set(frame["note"]) == {"a note"}
    whole = made_up.index()
    for column in ("row", "run_json", "run_json_sha256", "weights_sha256", "teacher_sha256", "git_commit"):
        assert frame[column].fillna("").tolist() == whole[column].fillna("").tolist()
    assert frame["accuracy"].equals(whole["accuracy"])


def test_the_page_leads_from_a_cell_to_its_run_and_from_a_run_to_its_origin(written):
    pages = pd.read_html(written["html"], index_col=0, keep_default_na=False, thousands=None)
    cells, inputs, sessions = pages[0], pages[4], pages[5]
    assert [list(map(str, row)) for row in cells.reset_index().to_numpy()] == [
        ["CE, ViT", "0", "70.00", "irkd/runs/described/vit-ce/seed-0/run.json", "c" * 12, "GPU A"],
        ["CE, CNN", "", "not run", "", "", ""],
        ["KD, ViT", "0", "80.00", "irkd/runs/described/vit-kd/seed-0/run.json", "c" * 12, "GPU A"],
        [
            "KD, ViT",
            "1",
            "81.25",
            "irkd/runs/described/vit-kd/seed-1/run.json",
            f"{'c' * 12} (dirty)",
            "GPU A",
        ],
        ["KD, CNN", "", "not run", "", "", ""],
    ]
    assert list(inputs.index) == list(sessions.index)
    assert list(inputs.index) == ["vit-ce, seed 0", "vit-kd, seed 0", "vit-kd, seed 1", "vit, seed 0"]
    teacher = digest("described", "vit", 0, "best")[:12]
    assert inputs["teacher"].tolist() == ["none", *[f"vit, seed 0, best {teacher}"] * 2, "none"]
    assert sessions.loc["vit, seed 0"].map(str).tolist() == [
        *("GPU A", "bf16", "2.12.0", "2026-01-02 03:04:05", "1,500", "1")
    ]


def test_the_page_and_the_markdown_say_what_the_numbers_are(written):
    for form in ("md", "html"):
        text = written[form].read_text()
        assert "a note" in text
        assert "Accuracy (%), protocol: as released" in text
        assert "Paths are relative to the folder of results." in text
