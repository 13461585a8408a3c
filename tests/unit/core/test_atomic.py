import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from distillation.core.atomic import replacing

SCRIPTS = Path(__file__).parents[3] / "workflow_scripts"


def test_the_file_takes_its_place_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_the_temporary_lies_beside_the_file_and_keeps_to_itself(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with replacing(str(path)) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".file.txt.")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("old", [None, "old"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_no_temporary(tmp_path, old, error):
    path = tmp_path / "file.txt"
    if old:
        path.write_text(old)
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert [file.read_text() for file in tmp_path.iterdir()] == ([old] if old else [])


@pytest.mark.parametrize("old", [None, "old"])
def test_a_block_that_removes_the_temporary_leaves_the_old_file(tmp_path, old):
    path = tmp_path / "file.txt"
    if old:
        path.write_text(old)
    with pytest.raises(FileNotFoundError), replacing(path) as temporary:
        temporary.unlink()
    assert [file.read_text() for file in tmp_path.iterdir()] == ([old] if old else [])


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_permissions_are_those_of_any_new_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "file.txt") as temporary:
            temporary.write_text("new")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == mode


def killed_while_writing(path):
    code = f"""
import os
from distillation.core.atomic import replacing
with replacing({str(path)!r}) as temporary:
    with temporary.open("w") as file:
        file.write("half")
        file.flush()
        os._exit(9)
"""
    return subprocess.run([sys.executable, "-c", code], check=False, cwd=SCRIPTS).returncode


@pytest.mark.parametrize("old", [None, "old"])
def test_a_killed_writer_leaves_the_old_file_whole(tmp_path, old):
    path = tmp_path / "file.txt"
    if old:
        path.write_text(old)
    assert killed_while_writing(path) == 9
    assert (path.read_text() if path.exists() else None) == old


def test_two_writers_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "file.txt"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_deleted_when_nobody_can_be_writing_it_any_more(tmp_path):
    path, names = tmp_path / "file[1].txt", ("file[1].txt", "file1.txt", "file[1].txt.json")
    left = {name: tmp_path / f".{name}.partial-x" for name in names}
    fresh = tmp_path / ".file[1].txt.partial-fresh"
    for file in (fresh, *left.values()):
        file.touch()
    day_ago = time.time() - 24 * 3600 - 60
    for file in left.values():
        os.utime(file, (day_ago, day_ago))
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert set(tmp_path.iterdir()) == {path, fresh, left["file1.txt"], left["file[1].txt.json"]}
