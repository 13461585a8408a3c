"""A study whose processes are killed at random moments, again and again."""

import contextlib
import itertools
import os
import random
import re
import signal
import time

import psutil
import pytest
from background import STUDENT, Background, processes_in
from workspace import Workspace

pytestmark = pytest.mark.faults

KILLS = 20
STAGES = [{"resolution": 8, "epochs": 4}, {"resolution": 16, "epochs": 8}]
# Set to the seed that a failed test has printed, the same moments are drawn again.
SEED = "FAULTS_SEED"
# Scripts of jobs of a kind, and seconds within which one of their processes is killed.
JOBS = {
    "training": (r"\.train\.py$", 6),
    "evaluation": (r"\.evaluate\.py$", 4),
    "page": (r"\.(make_\w+|plot\w*|index_runs)\.py$", 2),
}
# The driver is killed alone, which leaves its jobs behind, or with all of them.
VICTIMS = ("driver", "everything", *JOBS)
DRIVER_SECONDS = 25


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """A study of two students and a teacher that nobody has begun."""
    workspace = Workspace.create(
        tmp_path_factory.mktemp("studied") / "begun",
        select=["tiny-p4-ce", STUDENT],
        curricula={"progressive": STAGES},
    )
    workspace.prepare_data()
    return workspace


@pytest.fixture(scope="module")
def undisturbed(studied):
    """What the study produces when nothing disturbs it."""
    workspace = studied.copy(studied.path.with_name("undisturbed"))
    workspace.drive()
    return workspace.outcome()


def test_after_twenty_kills_of_anything_the_same_command_ends_with_the_bytes_of_an_unbroken_run(
    studied, undisturbed, tmp_path
):
    seed = int(os.environ.get(SEED, random.randrange(10**6)))
    print(f"{SEED}={seed}")
    draw, laps = random.Random(seed), itertools.count(1)
    kinds = {name.split("/")[0] for name in undisturbed}
    assert {"runs", "evaluation", "tables", "figures", "claims", "pairs"} <= kinds

    # A study that ends before the next kill is compared, and begun anew.
    workspace = studied.copy(tmp_path / f"lap-{next(laps)}")
    for victim in itertools.islice(itertools.cycle(VICTIMS), KILLS):
        while not killed(workspace, victim, draw):
            check(workspace, undisturbed)
            workspace = studied.copy(tmp_path / f"lap-{next(laps)}")
    workspace.drive()
    check(workspace, undisturbed)


def killed(workspace, victim, draw):
    """Start the driver and kill something at a random moment; False if the study is finished before."""
    driver = Background(workspace)
    script, seconds = JOBS.get(victim, (None, DRIVER_SECONDS))
    while driver.process.poll() is None:
        chosen = [driver.process]
        if script:
            time.sleep(0.02)
            chosen = jobs(driver, script)
        if chosen and outlives(process := draw.choice(chosen), moment := draw.uniform(0, seconds)):
            print(f"{workspace.path.name}: {victim} after {moment:.2f} s")
            for own in processes_in(workspace.path) if victim == "everything" else [process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    own.kill()
            break
    status = driver.end()
    # What was to be killed may have ended just before.
    assert status in (0, 1 if script else -signal.SIGKILL), driver.said
    return status != 0


def jobs(driver, script):
    """Processes of the driver's jobs that run a script of a name like this."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in driver.process.children(recursive=True):
            # One that has ended has no command any more.
            with contextlib.suppress(psutil.Error):
                found += [process] if re.search(script, " ".join(process.cmdline())) else []
    return found


def outlives(process, seconds):
    """Whether a process is alive after so many seconds."""
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        return True
    return False


def check(workspace, undisturbed):
    """Nothing is at work in a finished study, and it is what it is when nothing disturbs it."""
    for process in processes_in(workspace.path):
        process.wait(60)
    assert workspace.outcome() == undisturbed
    assert workspace.plan() == set()
