"""The driver, which runs Snakemake; tests of its processes are in tests/system."""

import errno

import drive
import pytest


def test_a_file_system_without_locks_is_told_in_a_sentence(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drive.fcntl, "flock", refuse)
    with pytest.raises(SystemExit) as stop:
        drive.main([])
    lock = tmp_path / ".snakemake/driver.lock"
    assert str(stop.value) == (
        f"{lock}: cannot be locked (No locks available); use a checkout on a file system with locks, or"
        " `snakemake` itself, one at a time."
    )
