"""Which GPU a job takes."""

import subprocess
import sys
from pathlib import Path

import pytest
from distillation.core import devices

LIBRARY = Path(devices.__file__).parents[2]
JOB = """
import sys
from pathlib import Path
from distillation.core import devices
print(devices.claim(["first", "second"], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def job(tmp_path):
    """Start a process that takes one of two GPUs and holds it; its process and the index."""
    processes = []

    def begin():
        process = subprocess.Popen(
            [sys.executable, "-c", JOB, tmp_path / "locks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(LIBRARY)},
            text=True,
        )
        processes.append(process)
        return process, int(process.stdout.readline())

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_jobs_spread_over_the_gpus_before_they_share_one(job):
    assert [job()[1] for _ in range(5)] == [0, 1, 0, 1, 0]


def test_the_gpu_of_a_killed_job_is_free_at_once(job):
    job()
    second, index = job()
    assert index == 1
    job()
    second.kill()
    second.wait()
    assert job()[1] == 1


def test_locks_are_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "_HELD", [])
    devices.claim(["only"], tmp_path / "locks")
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700
    for lock in devices._HELD:
        lock.close()
