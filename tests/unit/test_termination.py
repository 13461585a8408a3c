"""Trainings that a scheduler asks to end."""

import signal

from irkd import termination
from tiny_runs import RUNS, python, results, teacher_files, train

STOPPED = "tiny: stopped by SIGTERM; the next start continues after the last finished epoch"

# Says when the third epoch has begun, and stays in it.
TRAIN = """
import pathlib, time
import tiny_runs
from irkd.epochs import Learner
step, calls = Learner._step, []
def slow(self, *arguments):
    calls.append(1)
    if len(calls) == 4 + 4 + 2:
        print("third epoch", flush=True)
        time.sleep(60)
    return step(self, *arguments)
Learner._step = slow
folder, teacher = map(pathlib.Path, sys.argv[1:])
tiny_runs.train(tiny_runs.student_run(), folder, tiny_runs.teacher_files(teacher))
"""


def test_a_training_ends_at_sigterm_at_once_and_is_continued_to_the_same_bits(
    tmp_path, teacher, unbroken, caplog
):
    process = python(TRAIN, tmp_path, teacher)
    assert process.stdout.readline() == "third epoch\n"
    process.terminate()
    said = process.communicate(timeout=10)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert said.splitlines()[-1] == STOPPED
    assert "Traceback" not in said

    caplog.set_level("INFO", logger="irkd")
    assert results(train(RUNS["saliency"], tmp_path, teacher_files(teacher))) == unbroken("saliency")[1]
    # Nobody holds the lock, and the two finished epochs are there.
    assert "tiny: continuing after epoch 2 of 4" in caplog.messages
    assert not any("waiting" in line for line in caplog.messages)


HOLD = """
import pathlib, time
from irkd.checkpoint import exclusive
with exclusive(pathlib.Path(sys.argv[1]) / "resume"):
    print("held", flush=True)
    time.sleep(60)
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
        assert waiting.communicate(timeout=10)[1] == f"{STOPPED}\n"
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
