"""Two folders of results held to each other, run by run."""

import json
import shutil
import subprocess
import sys

import evaluation_files
import pytest
import record_files
from distillation.core import records
from distillation.pages.documents import markdown
from distillation.results import comparison
from shipped import ROOT

SESSION = {"name": "GPU A", "torch_build": "2.12.0", "started": "2026-01-02T03:04:05+00:00"}
RECORD = {
    "study": "irkd",
    "protocol": "described",
    "run": "tiny",
    "seed": "0",
    "spec": {
        "batch_size": 128,
        "augmentation": {},
        "losses": {"ce": {"weight": 1.0}, "saliency": {"layers": [0, 1]}},
        "stages": [{"resolution": 8, "epochs": 2}, {"resolution": 16, "epochs": 3}],
    },
    "sha256": {"spec": "a" * 64, "code": "b" * 64, "data": "c" * 64, "teacher": None},
    "weights": {name: {"sha256": "d" * 64} for name in ("last", "best")},
    "sessions": [SESSION],
}
EQUAL = ["Settings: 0", "Code, inputs and weights: 0", "Test accuracy (%): 0", "Device and torch: 0"]


def write(results, study="irkd", run="tiny", accuracy=70.0, selection="best", **changes):
    """Write a run's record below a folder of results and, with an accuracy, its evaluation."""
    place = f"described/{run}/seed-0"
    path = results / study / "runs" / place / "run.json"
    record_files.alone(path, **{**RECORD, "study": study, "run": run, **changes})
    if accuracy is not None:
        evaluation_files.write(
            results / study / f"evaluation/{place}.json", accuracy, last=50.0, selection=selection
        )
    return path


@pytest.fixture
def a(tmp_path):
    write(tmp_path / "a")
    return tmp_path / "a"


@pytest.fixture
def b(tmp_path):
    return tmp_path / "b"


def call(*words):
    """Exit status of the script, what it prints, and what it says of errors."""
    command = [sys.executable, ROOT / "workflow_scripts/compare.py", *words]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    return done.returncode, done.stdout, done.stderr


def found(a, b):
    """What differs, by kind and name."""
    rows = comparison.differing(comparison.compare(a, b))
    return {
        (kind, name): sides for kind, name, *sides in rows[["kind", "name", "A", "B"]].to_numpy().tolist()
    }


def test_a_run_with_the_same_content_does_not_differ_whatever_its_times(a, b):
    write(b, sessions=[SESSION | {"started": "2027-01-01T00:00:00+00:00"}], stages=[{"seconds": 1.0}])
    assert found(a, b) == {}


@pytest.mark.parametrize(
    ("spec", "name", "sides"),
    [
        ({"batch_size": 64}, "batch_size", ["128", "64"]),
        ({"precision": "bf16"}, "precision", ["absent", '"bf16"']),
        ({"losses": {**RECORD["spec"]["losses"], "ce": {"weight": 0.5}}}, "losses.ce.weight", ["1.0", "0.5"]),
        (
            {"losses": {"ce": {"weight": 1.0}, "saliency": {"layers": [0, 2]}}},
            "losses.saliency.layers.1",
            ["1", "2"],
        ),
        (
            {"stages": [{"resolution": 8, "epochs": 2}, {"resolution": 16, "epochs": 4}]},
            "stages.1.epochs",
            ["3", "4"],
        ),
    ],
)
def test_a_setting_that_differs_is_told_by_its_dotted_key_with_both_values(a, b, spec, name, sides):
    write(b, spec={**RECORD["spec"], **spec})
    assert found(a, b) == {("settings", name): sides}


def test_an_empty_block_of_settings_is_not_an_absent_one(a, b):
    write(b, spec={key: value for key, value in RECORD["spec"].items() if key != "augmentation"})
    assert found(a, b) == {("settings", "augmentation"): ["{}", "absent"]}


@pytest.mark.parametrize("name", ["code", "data", "teacher", "pretrained"])
def test_another_code_data_teacher_or_start_differs(a, b, name):
    write(b, sha256={**RECORD["sha256"], name: "e" * 64})
    assert found(a, b) == {("digests", name): [RECORD["sha256"].get(name) or "absent", "e" * 64]}


def test_a_digest_of_settings_that_are_equal_is_not_compared(a, b):
    write(b, sha256={**RECORD["sha256"], "spec": "e" * 64})
    assert found(a, b) == {}


def test_other_weights_differ_though_they_are_as_accurate(a, b):
    write(b, weights={**RECORD["weights"], "last": {"sha256": "e" * 64}})
    assert found(a, b) == {("digests", "last weights"): ["d" * 64, "e" * 64]}


def test_accuracies_are_those_of_the_selected_weights_with_their_difference_in_points(a, b):
    write(b, accuracy=69.5)
    assert found(a, b) == {("accuracy", ""): ["70.00 (7000 of 10000, best)", "69.50 (6950 of 10000, best)"]}
    page = markdown(comparison.document(comparison.compare(a, b), a, b))
    [line] = [line for line in page.splitlines() if line.startswith("| irkd, described, tiny, seed 0")]
    assert line.split("|")[-2].strip() == "-0.50"


def test_points_are_those_of_the_counts_not_of_rounded_percentages(a, b):
    for results, correct in ((a, 104), (b, 112)):
        content = evaluation_files.content(0.0)
        content |= {"images": 300, "weights": {"best": {"correct": correct}}}
        write(results)
        path = results / "irkd/evaluation/described/tiny/seed-0.json"
        path.write_text(json.dumps(content), encoding="utf-8")
    page = markdown(comparison.document(comparison.compare(a, b), a, b))
    assert "34.67 (104 of 300, best) | 37.33 (112 of 300, best) | +2.67 " in page


def test_another_selection_of_weights_differs(a, b):
    write(b, selection="last", accuracy=70.0)
    assert found(a, b) == {("accuracy", ""): ["70.00 (7000 of 10000, best)", "50.00 (5000 of 10000, last)"]}


def test_a_run_that_was_not_tested_differs_from_one_that_was_and_has_no_difference_in_points(a, b):
    write(b, accuracy=None)
    assert found(a, b) == {("accuracy", ""): ["70.00 (7000 of 10000, best)", "absent"]}
    page = markdown(comparison.document(comparison.compare(a, b), a, b))
    assert "| absent" in page
    assert "| -      " in page
    assert "nan" not in page


def test_runs_in_one_folder_alone_are_told_and_not_compared_further(a, b):
    write(a, run="in-a")
    write(b)
    write(b, run="in-b")
    rows = comparison.differing(comparison.compare(a, b))
    assert rows[["run", "kind", "A", "B"]].values.tolist() == [
        ["in-a", "run", "present", "absent"],
        ["in-b", "run", "absent", "present"],
    ]
    assert call(a, b)[:2] == (
        1,
        "\n".join(["1 of 3 runs are in both folders; those that differ:", *EQUAL]) + "\n",
    )


def test_a_folder_of_studies_is_compared_study_by_study_and_a_study_wherever_it_lies(a, b):
    write(a, study="lightnn")
    write(b)
    write(b, study="lightnn", spec={**RECORD["spec"], "batch_size": 64})
    rows = comparison.differing(comparison.compare(a, b))
    assert rows[["study", "name"]].values.tolist() == [["lightnn", "batch_size"]]
    (b / "irkd").rename(b / "moved")
    assert found(a / "irkd", b / "moved") == {}


def test_the_stored_result_of_a_run_and_a_training_that_has_begun_are_no_runs(a, b):
    path = write(b)
    (path.parent / "resume/result").mkdir(parents=True)
    shutil.copy(path, path.parent / "resume/result/run.json")
    (b / "irkd/runs/described/begun/seed-0/resume").mkdir(parents=True)
    assert found(a, b) == {}


def test_another_device_or_torch_is_shown_and_no_difference(a, b, tmp_path):
    write(b, sessions=[SESSION, SESSION, SESSION | {"name": "GPU B", "torch_build": "2.13.0"}])
    assert found(a, b) == {
        ("machine", "device"): ["GPU A", "GPU A + GPU B"],
        ("machine", "torch"): ["2.12.0", "2.12.0 + 2.13.0"],
    }
    status, said, _ = call(a, b, "--page", tmp_path / "page.md")
    assert status == 0
    assert said.splitlines() == [
        "1 of 1 runs are in both folders; those that differ:",
        *EQUAL[:3],
        "Device and torch: 1 (device, torch)",
    ]
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "### Device and torch" in page
    assert "GPU A + GPU B" in page


def test_a_difference_is_status_1_and_is_told_in_a_line_and_on_the_page(a, b, tmp_path):
    write(b, spec={**RECORD["spec"], "batch_size": 64}, sha256={**RECORD["sha256"], "code": "e" * 64})
    status, said, _ = call(a, b, "--page", tmp_path / "new/page.md")
    assert status == 1
    assert said.splitlines()[1:3] == ["Settings: 1 (batch_size)", "Code, inputs and weights: 1 (code)"]
    page = (tmp_path / "new/page.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    assert ["irkd, described, tiny, seed 0", "batch_size", "128", "64"] in cells
    assert ["irkd, described, tiny, seed 0", "code", "b" * 12, "e" * 12] in cells
    assert f"A: {a}, B: {b}" in page


def test_the_committed_evidence_does_not_differ_from_itself():
    kept = ROOT / "results/reference/irkd"
    status, said, errors = call(kept, kept)
    runs = len(list(kept.glob("runs/*/*/seed-*/run.json")))
    assert runs > 10
    assert (status, errors) == (0, "")
    assert said.splitlines() == [f"{runs} of {runs} runs are in both folders; those that differ:", *EQUAL]


def absent(b):
    return f"{b}: it cannot be read (No such file or directory); name another."


def a_file(b):
    b.touch()
    return f"{b}: it cannot be read (Not a directory); name another."


def without_runs(b):
    (b / "irkd/runs").mkdir(parents=True)
    return f"{b}: no finished run is here; name the folder of a study or of several."


def damaged(b):
    path = write(b)
    path.write_text("{", encoding="utf-8")
    return f"{path}: this file is damaged, it is not JSON in UTF-8; delete it and "


def damaged_evaluation(b):
    write(b)
    path = b / "irkd/evaluation/described/tiny/seed-0.json"
    path.write_text("", encoding="utf-8")
    return f"{path}: this file is damaged, it is empty; delete it and "


def incomplete(b):
    path = write(b, sessions=[{}])
    return f"{path}: it or its evaluation is incomplete (KeyError('name')); delete it and "


def twice(b):
    path, other = write(b), b / "irkd-copy"
    shutil.copytree(b / "irkd", other)
    copied = other / path.relative_to(b / "irkd")
    return f"{copied}: {path} is of this run too; compare study by study."


@pytest.mark.parametrize(
    "wrong", [absent, a_file, without_runs, damaged, damaged_evaluation, incomplete, twice]
)
def test_what_cannot_be_read_is_status_2_and_a_sentence(a, b, wrong):
    expected = wrong(b)
    for sides in ((a, b), (b, a)):
        status, said, errors = call(*sides)
        assert (status, said) == (2, "")
        assert errors.startswith(expected)
        assert errors.count("\n") == 1


def test_a_page_that_cannot_be_written_is_status_2_and_a_sentence(a, tmp_path):
    (tmp_path / "file").touch()
    status, said, errors = call(a, a, "--page", tmp_path / "file/page.md")
    assert (status, said) == (2, "")
    assert errors == f"{tmp_path}/file/page.md: this page cannot be written (File exists); name another.\n"


def test_a_record_of_an_older_version_that_has_its_seed_as_a_number_is_the_same_run(a, b):
    path = write(b)
    content = records.read(path, "")
    path.unlink()
    records.write(path, {**content, "seed": 0})
    assert found(a, b) == {}
