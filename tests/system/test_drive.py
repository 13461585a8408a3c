import os
import signal

import pytest
from background import processes_in
from workspace import PLAIN

pytestmark = pytest.mark.faults

STUDENT = "results/irkd/runs/described/tiny-p4-kd-cl-sal/seed-0/run.json"
EPOCH, LATER = "(3/32)", "(32/32)"
STOPPED = "Stopped; the same command goes on from here: trainings from their last save."


def test_a_second_driver_leaves_the_first_alone(taught, start):
    first = start(STUDENT)
    first.until_logged(EPOCH)
    said = taught.drive(STUDENT, status=1)
    assert said == f"Another run is active in {taught.path}; wait until it ends.\n"
    first.until_logged(LATER)


# As a terminal does, to all processes of the group; `kill` and schedulers, to the driver alone or to all.
STOPS = {
    "Ctrl-C": (signal.SIGINT, os.killpg),
    "SIGINT to the driver": (signal.SIGINT, os.kill),
    "SIGTERM to the driver": (signal.SIGTERM, os.kill),
    "SIGTERM to all": (signal.SIGTERM, os.killpg),
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_driver_that_is_stopped_ends_its_jobs_says_how_to_go_on_and_the_same_command_does(
    taught, start, stop
):
    # So long that it cannot end before the signal comes.
    taught.configure(curricula={"progressive": [{"resolution": 8, "epochs": 1000}]})
    first = start(STUDENT)
    first.until_logged("(3/1000)")
    number, send = STOPS[stop]
    send(first.process.pid, number)
    assert first.end() == 128 + number
    assert first.said.splitlines()[-1] == STOPPED
    for process in processes_in(taught.path):
        process.wait(10)
    start(STUDENT).until_logged("continuing after epoch")


def test_a_driver_that_is_stopped_before_it_has_a_job_says_how_to_go_on(taught, start):
    first = start(STUDENT)
    first.until(lambda: "config.yaml" in first.said, "the configuration")
    first.process.terminate()
    assert first.end() == 128 + signal.SIGTERM
    assert first.said.splitlines()[-1] == STOPPED


def test_a_lock_that_a_killed_snakemake_left_stops_nothing_and_a_live_one_is_left_alone(taught, start):
    first = start("--configfile=tiny.yaml", "--cores=2", STUDENT, driver=PLAIN)
    # The file is there a moment before the name of what it locks is in it.
    locked = (taught.path / ".snakemake/locks").glob
    first.until(lambda: any(STUDENT in lock.read_text() for lock in locked("*.output.lock")), "its lock")
    first.process.kill()
    first.end()
    for process in processes_in(taught.path):
        process.kill()
    assert "Directory cannot be locked" in taught.snakemake("--cores", "1", STUDENT, status=1)
    locks = sorted((taught.path / ".snakemake/locks").glob("*"))
    taught.drive("data")
    assert sorted((taught.path / ".snakemake/locks").glob("*")) == locks != []


@pytest.mark.parametrize(
    ("arguments", "status"), [(["data"], 0), (["no-such-target"], 1), (["data", "--no-such-option"], 2)]
)
def test_the_exit_status_is_that_of_snakemake(taught, arguments, status):
    taught.drive(*arguments, status=status)


def test_the_exit_status_of_a_failed_job_is_passed_on(taught):
    path = "workflow_scripts/distillation/networks/losses/kd/compute.py"
    taught.edit(path, "from torch import", "raise SystemExit(3)\nfrom torch import")
    taught.drive(STUDENT, status=1)
