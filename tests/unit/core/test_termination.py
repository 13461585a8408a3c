"""Trainings that a scheduler asks to end."""

import itertools
import os
import signal

import pytest
from distillation.core import termination
from distillation.training import checkpoint, optimizers
from distillation.training.checkpoint import Checkpoint
from tiny_runs import RUNS, python, results, teacher_files, train

STOPPED = "tiny: stopped by SIGTERM; the next start continues after the last saved epoch"

# Says when the third epoch, the first of its stage, has begun, and stays in it for so many seconds.
TRAIN = """
import pathlib, time
import tiny_runs
from distillation.training import checkpoint, train
from distillation.training.learner import Learner
folder, teacher, seconds, within = sys.argv[1:]
# Nothing is saved between the ends of stages unless it must be.
checkpoint._SAVES_APART = 1e9
train._FINISHED_WITHIN = float(within)
step, calls = Learner._step, []
def slow(self, *arguments):
    calls.append(1)
    if len(calls) == 4 + 4 + 2:
        print("third epoch", flush=True)
        time.sleep(float(seconds))
    return step(self, *arguments)
Learner._step = slow
tiny_runs.train(tiny_runs.student_run(), pathlib.Path(folder), tiny_runs.teacher_files(pathlib.Path(teacher)))
"""


@pytest.mark.parametrize(
    ("seconds", "within", "saved"),
    [(600, -1e9, 2), (1, 25, 3)],
    ids=["at-once-where-it-takes-long", "after-its-epoch-where-that-ends-soon"],
)
def test_a_training_ends_at_sigterm_and_is_continued_to_the_same_bits(
    tmp_path, teacher, unbroken, caplog, seconds, within, saved
):
    process = python(TRAIN, tmp_path, teacher, str(seconds), str(within))
    assert process.stdout.readline() == "third epoch\n"
    process.terminate()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert said.splitlines()[-1] == STOPPED
    assert "Traceback" not in said

    caplog.set_level("INFO", logger="distillation")
    assert results(train(RUNS["saliency"], tmp_path, teacher_files(teacher))) == unbroken("saliency")[1]
    # Nobody holds the lock, and what was saved is there.
    assert f"tiny: continuing after epoch {saved} of 4" in caplog.messages
    assert not any("waiting" in line for line in caplog.messages)


@pytest.mark.parametrize("moment", ["report", "build_optimizer"])
def test_between_epochs_a_training_ends_at_sigterm_with_all_of_them_saved_and_begins_none(
    tmp_path, monkeypatch, unbroken, caplog, moment
):
    # The report after the first of two epochs of a stage, or the optimizer of the next stage.
    place, number = (Checkpoint, 2) if moment == "report" else (optimizers, 2)
    real, count = getattr(place, moment), itertools.count(1)

    def told_to_end(*arguments):
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments)

    monkeypatch.setattr(checkpoint, "_SAVES_APART", 1e9)
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(place, moment, told_to_end)
        train(RUNS["curriculum"], tmp_path)
    assert ended.value.code == 128 + signal.SIGTERM
    caplog.set_level("INFO", logger="distillation")
    assert results(train(RUNS["curriculum"], tmp_path)) == unbroken("curriculum")[1]
    saved = 1 if moment == "report" else 2
    assert f"tiny: continuing after epoch {saved} of 4" in caplog.messages


def test_a_training_told_to_end_in_its_last_epoch_is_finished(tmp_path, teacher, unbroken):
    last = TRAIN.replace("4 + 4 + 2", "4 + 4 + 4 + 2")
    process = python(last, tmp_path, teacher, "1", "25")
    assert process.stdout.readline() == "third epoch\n"
    process.terminate()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    assert results(train(RUNS["saliency"], tmp_path, teacher_files(teacher))) == unbroken("saliency")[1]


HOLD = """
import pathlib, time
from distillation.training.checkpoint import exclusive
with exclusive(pathlib.Path(sys.argv[1]) / "resume"):
    print("held", flush=True)
    time.sleep(600)
"""

WAIT = """
import logging, pathlib
import tiny_runs
logging.basicConfig(level=logging.INFO, format="%(message)s")
tiny_runs.train(tiny_runs.run(), pathlib.Path(sys.argv[1]))
"""


def test_a_training_that_waits_for_another_ends_at_sigterm_too(tmp_path):
    holder = python(HOLD, tmp_path)
    assert holder.stdout.readline() == "held\n"
    waiting = python(WAIT, tmp_path)
    try:
        assert "another process trains this run; waiting for it" in waiting.stderr.readline()
        waiting.terminate()
        assert waiting.communicate(timeout=60)[1] == f"{STOPPED}\n"
        assert waiting.returncode == 128 + signal.SIGTERM
        assert holder.poll() is None
    finally:
        for process in (holder, waiting):
            process.kill()
            process.communicate()


def test_after_a_training_sigterm_means_what_it_meant_before(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with termination.at_sigterm("stopped"):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
