"""Runs that are stopped, finished before, changed, or trained twice at once."""

import json
import logging
from dataclasses import replace

import pytest
from tiny_runs import (
    EPOCHS,
    RUNS,
    arrays,
    python,
    results,
    run,
    stopping_after,
    student_run,
    taught,
    teacher_files,
    train,
)


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, logger="distillation")


def first_epochs(folder):
    """The epoch from which each process went on."""
    return [s["from_epoch"] for s in json.loads((folder / "run.json").read_text())["sessions"]]


def epoch_lines(caplog):
    return [line for line in caplog.messages if " px epoch " in line]


# Stopped and continued

STOPS = [(name, after) for name, epochs in EPOCHS.items() for after in range(1, epochs + 1)]


@pytest.mark.parametrize(("name", "after"), STOPS)
def test_a_run_stopped_after_any_epoch_ends_as_the_unbroken_one(
    tmp_path, monkeypatch, caplog, teacher, unbroken, name, after
):
    _, expected = unbroken(name)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stopping_after(patch, after)
        train(RUNS[name], tmp_path, taught(name, teacher))
    assert not (tmp_path / "run.json").exists()
    caplog.clear()
    assert results(train(RUNS[name], tmp_path, taught(name, teacher))) == expected
    assert f"tiny: continuing after epoch {after} of {RUNS[name].epochs}" in caplog.messages
    assert len(epoch_lines(caplog)) == EPOCHS[name] - after
    assert first_epochs(tmp_path) == [1, after + 1]


@pytest.mark.parametrize("name", RUNS)
def test_a_run_stopped_after_every_epoch_ends_as_the_unbroken_one(
    tmp_path, monkeypatch, teacher, unbroken, name
):
    for _ in range(EPOCHS[name]):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            stopping_after(patch, 1)
            train(RUNS[name], tmp_path, taught(name, teacher))
    _, expected = unbroken(name)
    assert results(train(RUNS[name], tmp_path, taught(name, teacher))) == expected
    assert first_epochs(tmp_path) == list(range(1, EPOCHS[name] + 2))


KILL = """
import os, pathlib, signal
import tiny_runs
from distillation.training.learner import Learner
step, calls = Learner._step, []
def deadly(self, *arguments):
    calls.append(1)
    if len(calls) == 4 + 4 + 2:  # the second step of the third epoch
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *arguments)
Learner._step = deadly
folder, teacher = map(pathlib.Path, sys.argv[1:])
tiny_runs.train(tiny_runs.student_run(), folder, tiny_runs.teacher_files(teacher))
"""


def test_a_process_killed_in_the_middle_of_an_epoch_is_continued_to_the_same_bits(
    tmp_path, teacher, unbroken, caplog
):
    process = python(KILL, tmp_path, teacher)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == -9, errors
    caplog.clear()
    assert results(train(RUNS["saliency"], tmp_path, teacher_files(teacher))) == unbroken("saliency")[1]
    assert "tiny: continuing after epoch 2 of 4" in caplog.messages


# Finished or changed


@pytest.mark.parametrize("deleted", [False, True], ids=["in-place", "deleted"])
def test_a_finished_run_is_written_once_more_instead_of_trained(tmp_path, teacher, caplog, deleted):
    files = train(student_run(), tmp_path, teacher_files(teacher))
    before = {path: path.read_bytes() for path in files.files().values()}
    if deleted:
        for path in before:
            path.unlink()
    caplog.clear()
    train(student_run(), tmp_path, teacher_files(teacher))
    assert {path: path.read_bytes() for path in before} == before
    assert caplog.messages == [
        "tiny: already trained with the same settings, code and data; writing its files"
    ]


@pytest.mark.parametrize("finished", [True, False], ids=["finished", "stopped"])
@pytest.mark.parametrize("changed", ["code", "spec", "data", "teacher"])
def test_a_change_of_anything_that_decides_the_result_starts_anew(
    tmp_path, monkeypatch, teacher, caplog, changed, finished
):
    arguments = {"run": student_run(), "teacher": teacher_files(teacher), "data": arrays(), "code": "code"}
    if finished:
        train(folder=tmp_path, **arguments)
    else:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            stopping_after(patch, 2)
            train(folder=tmp_path, **arguments)
    caplog.clear()
    arguments |= {
        "code": {"code": "changed"},
        "spec": {"run": student_run(batch_size=32)},
        "data": {"data": replace(arrays(), sha256="e" * 64)},
        "teacher": {"teacher": teacher_files(teacher, "last")},
    }[changed]
    train(folder=tmp_path, **arguments)
    assert len(epoch_lines(caplog)) == 4
    assert sum("is ignored" in line for line in caplog.messages) == 1
    assert first_epochs(tmp_path) == [1]


# Side by side

SLOW = """
import pathlib, time
import tiny_runs
from distillation.training.learner import Learner
epoch, folder = Learner.epoch, pathlib.Path(sys.argv[1])
def slow(self, *arguments):
    print("training", flush=True)
    while not (folder / "go").exists():
        time.sleep(0.01)
    return epoch(self, *arguments)
Learner.epoch = slow
tiny_runs.train(tiny_runs.run(), folder)
"""


def test_of_two_trainers_of_a_run_the_second_waits_and_writes_what_the_first_made(tmp_path, caplog, unbroken):
    _, expected = unbroken("curriculum")
    caplog.clear()
    first = python(SLOW, tmp_path)

    class LetGo(logging.Handler):
        def emit(self, record):
            (tmp_path / "go").touch()

    handler = LetGo()
    logging.getLogger("distillation.training.checkpoint").addHandler(handler)
    try:
        assert first.stdout.readline() == "training\n"
        files = train(run(), tmp_path)
    finally:
        logging.getLogger("distillation.training.checkpoint").removeHandler(handler)
        (tmp_path / "go").touch()
        errors = first.communicate(timeout=60)[1]
    assert first.returncode == 0, errors
    assert results(files) == expected
    assert "waiting for it" in caplog.messages[0]
    assert "already trained" in caplog.messages[1]
    assert len(caplog.messages) == 2
