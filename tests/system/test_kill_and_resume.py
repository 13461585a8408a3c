import signal

import pytest

pytestmark = pytest.mark.faults

CONTINUING = "continuing after epoch"
WAITING = "another process trains this run; waiting for it"
# In the second stage, so that optimizer and schedule are not those of the beginning; the end of the first
# was saved.
SAVED, EPOCH = "(8/32)", "(12/32)"


def test_a_killed_training_continues_and_ends_with_the_bytes_of_an_unbroken_one(taught, start, unbroken):
    run = start()
    run.until_logged(EPOCH)
    run.training().kill()
    assert run.end() != 0
    assert not (taught.study / "tables").exists()

    taught.drive()
    log = taught.log("distill/described/tiny-p4-kd-cl-sal/seed-0.log")
    assert CONTINUING in log
    assert SAVED not in log
    assert taught.outcome() == unbroken
    assert taught.plan() == set()


def test_after_a_killed_driver_the_next_waits_for_the_orphaned_training_and_ends_alike(
    taught, start, unbroken
):
    first = start()
    first.until_logged(EPOCH)
    orphan = first.training()
    # Held still, it is there for sure when the next run comes to it.
    orphan.suspend()
    first.process.kill()
    assert first.end() == -signal.SIGKILL

    second = start()
    second.until_logged(WAITING)
    orphan.resume()
    assert second.end() == 0, second.said
    log = taught.log("distill/described/tiny-p4-kd-cl-sal/seed-0.log")
    assert "already trained with the same settings, code and data" in log
    assert taught.outcome() == unbroken
    assert taught.plan() == set()
