"""Results on a full disk, where nothing can be written, behind a link, and copied."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from background import STUDENT

pytestmark = pytest.mark.faults

RUN = f"results/irkd/runs/described/{STUDENT}/seed-0/run.json"
# Mounts that nobody else sees and that end with the command, also for who is not root.
ALONE = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-euc"]


def test_where_nothing_can_be_written_no_job_starts_and_a_sentence_says_so(taught):
    before = taught.outcome()
    mount = "mount --bind results results && mount -o remount,bind,ro results && exec " + '"$@"'
    said = taught.call([*ALONE, mount, "bash", *taught.driver, RUN], status=1)
    assert f"{taught.path}/results/irkd/" in said
    assert "nothing can be written here; have it made writable, or set another folder in `pathvars`." in said
    assert "Error in rule" not in said
    assert "Traceback" not in said
    assert taught.outcome() == before
    # A plan writes nothing.
    taught.call([*ALONE, mount, "bash", *taught.driver, "-n", RUN])


def test_a_link_to_a_folder_that_is_gone_is_told(taught):
    results = taught.path / "results"
    results.rename(taught.path / "away")
    results.symlink_to("gone")
    said = taught.drive("data", status=1)
    assert f"{results}: this link leads to gone, which does not exist; create it" in said
    assert "Error in rule" not in said


def test_a_checkout_of_somebody_else_is_told(taught):
    mount = "mount --bind . . && mount -o remount,bind,ro . && cd . && exec " + '"$@"'
    at = f"cd {taught.path}/ && exec " + '"$@"'
    said = taught.call([*ALONE, mount, "bash", "bash", "-c", at, "bash", *taught.driver, RUN], status=1)
    assert said == (
        f"{taught.path}/.snakemake/driver.lock: cannot be written (Read-only file system); use a checkout of"
        " your own.\n"
    )


def test_a_disk_that_is_full_while_a_student_is_trained_is_a_sentence_and_once_there_is_room_it_goes_on(
    taught, unbroken
):
    size = sum(path.stat().st_size for path in (taught.path / "results").rglob("*") if path.is_file())
    full = f"""
        cp -a results kept
        mount -t tmpfs -o size={2 * size + 50_000_000} results results
        cp -a kept/. results
        head --bytes=1G /dev/zero > results/filling 2>/dev/null || true
        truncate --size=-100000 results/filling
        "$@" {RUN} && exit 3
        rm results/filling
        "$@" {RUN}
        cp -a results/. kept
    """
    said = taught.call([*ALONE, full, "bash", *taught.driver], seconds=600)
    assert "ERROR there is no space left" in said
    assert "free some and run the same command again: what was saved stays" in said
    assert "Traceback" not in said
    shutil.rmtree(taught.path / "results")
    (taught.path / "kept").rename(taught.path / "results")
    of_runs = {name for name in unbroken if name.startswith("runs/")}
    made = taught.outcome()
    assert {name: made.get(name) for name in of_runs} == {name: unbroken[name] for name in of_runs}


@pytest.fixture
def other_file_system(tmp_path):
    """A folder on another file system than the workspaces."""
    folder = Path("/dev/shm") / f"results-of-{os.getpid()}"
    folder.mkdir()
    assert folder.stat().st_dev != tmp_path.stat().st_dev
    yield folder
    shutil.rmtree(folder)


def test_results_that_are_copied_to_another_file_system_behind_a_link_are_not_made_again(
    finished, other_file_system, unbroken
):
    results = finished.path / "results"
    # Unlike `cp -a`, without the times.
    subprocess.run(["cp", "-r", results, other_file_system], check=True)
    shutil.rmtree(results)
    results.symlink_to(other_file_system / "results")
    assert finished.plan() == set()
    (finished.study / "tables/table1.md").unlink()
    finished.drive()
    assert finished.outcome() == unbroken


def test_a_workspace_that_is_copied_without_its_times_has_nothing_to_do(finished, tmp_path):
    subprocess.run(["cp", "-r", finished.path, tmp_path / "copied"], check=True)
    assert type(finished)(tmp_path / "copied").plan() == set()
