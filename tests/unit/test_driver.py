"""The driver, which runs Snakemake; tests of its processes are in tests/system."""

import errno
from pathlib import Path

import pytest
from driver import lock


def test_a_file_system_without_locks_is_told_in_a_sentence(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    path = Path(".snakemake/driver.lock")
    with pytest.raises(SystemExit) as stop, lock.alone(path):
        pytest.fail("the lock is held")
    assert str(stop.value) == (
        f"{tmp_path / path}: cannot be locked (No locks available); use a checkout on a file system with"
        " locks, or `snakemake` itself, one at a time."
    )
