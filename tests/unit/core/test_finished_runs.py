"""Files of a finished run are used only if they are those of its record."""

import pytest
import record_files
from distillation.core import finished_runs
from distillation.core.errors import InputError

ROWS = "epoch,val_acc\n1,\n2,50.5\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "history.csv").write_text(ROWS)
    (tmp_path / "best.safetensors").write_text("weights")
    record_files.beside(tmp_path / "history.csv", tmp_path / "best.safetensors")
    return tmp_path


def message(read, path):
    with pytest.raises(InputError) as error:
        read(path)
    text = str(error.value)
    assert text.endswith(f"; {finished_runs.FIX}.")
    return text.removesuffix(f"; {finished_runs.FIX}.")


def test_the_files_of_a_record_are_used(folder):
    assert finished_runs.checked(folder / "best.safetensors") == folder / "best.safetensors"
    assert finished_runs.history(folder / "history.csv") == [
        {"epoch": "1", "val_acc": ""},
        {"epoch": "2", "val_acc": "50.5"},
    ]


@pytest.mark.parametrize("content", ["", "weight", "weighty", "weights of another run"])
def test_a_file_that_is_not_that_of_the_record_is_refused(folder, content):
    path = folder / "best.safetensors"
    path.write_text(content)
    expected = f"{path}: this file is not that of {folder / 'run.json'}"
    assert message(finished_runs.checked, path) == expected
    path.unlink()
    with pytest.raises(
        InputError, match="this file is missing; run the workflow again, which takes the run's"
    ):
        finished_runs.checked(path)
    (folder / "run.json").unlink()
    with pytest.raises(
        InputError, match=r"run.json: this file is missing; run the workflow again, which takes"
    ):
        finished_runs.checked(path)


def test_a_history_that_was_changed_is_refused(folder):
    path = folder / "history.csv"
    path.write_text(ROWS.replace("50.5", "60.5"))
    assert message(finished_runs.history, path) == f"{path}: this file is not that of {folder / 'run.json'}"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty"),
        (b"epoch,val_acc\n1,40\n2", "line 3 is cut off"),
        (b"epoch,val_acc\n1,40,3\n", "line 2 is cut off"),
        (b'epoch,val_acc\n1,"40\n', "unexpected end of data"),
        (
            b"epoch,val_acc\n\xff\n",
            "'utf-8' codec can't decode byte 0xff in position 14: invalid start byte",
        ),
    ],
)
def test_a_damaged_history_of_which_the_record_knows_no_digest_is_refused_too(folder, content, what):
    record_files.alone(folder / "run.json")
    path = folder / "history.csv"
    path.write_bytes(content)
    found = message(finished_runs.history, path)
    assert found in (
        f"{path}: this file is damaged, {what}",
        f"{path}: this file is damaged ({what})",
    )


def test_a_history_without_epochs_has_no_rows(folder):
    (folder / "history.csv").write_text("epoch,val_acc\n")
    record_files.beside(folder / "history.csv")
    assert finished_runs.history(folder / "history.csv") == []


def test_another_json_file_is_no_record(folder):
    path = folder / "run.json"
    path.write_text('{"spec": {}, "stages": []}')
    found = message(finished_runs.record, path)
    assert found == f"{path}: this file is no record of a run, it lacks sessions, sha256, weights"
