import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from distillation.core import logs

SCRIPTS = Path(__file__).parents[3] / "workflow_scripts"
HEAD = "import logging\nfrom distillation.core import errors, logs\nlogs.to_file_and_stderr({log!r})\n"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"


def script(log, code):
    """A script of the pipeline that reports to a file, as a process that has ended."""
    command = [sys.executable, "-c", HEAD.format(log=str(log)) + code]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRIPTS)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs" / "rule" / "run.log"


def test_reports_go_to_the_file_and_to_stderr_with_the_time(log):
    ended = script(
        log, "logging.getLogger('distillation.x').info('epoch %d, 50 %% µs', 3); logging.debug('no')"
    )
    assert re.fullmatch(rf"{TIME} INFO epoch 3, 50 % µs\n", log.read_text(encoding="utf-8"))
    assert ended.stderr == log.read_text(encoding="utf-8")
    assert (ended.stdout, ended.returncode) == ("", 0)


@pytest.mark.parametrize("kind", ["UserError", "InputError", "SourceError"])
def test_an_error_that_a_user_can_mend_is_one_sentence(log, kind):
    ended = script(log, f"raise errors.{kind}('Set the device to cpu.')")
    assert re.fullmatch(rf"{TIME} ERROR Set the device to cpu\.\n", log.read_text())
    assert ended.stderr == log.read_text()
    assert ended.returncode == 1


def test_a_percent_sign_in_an_error_is_text(log):
    script(log, "raise errors.UserError('100 %s of it')")
    assert log.read_text().endswith("100 %s of it\n")


def test_any_other_exception_leaves_its_traceback(log):
    ended = script(log, "def f():\n    return 1 / 0\nf()")
    lines = log.read_text().splitlines()
    assert re.fullmatch(rf"{TIME} CRITICAL the script stopped on an unexpected error", lines[0])
    assert lines[1] == "Traceback (most recent call last):"
    assert any(line.strip().startswith('File "<string>"') and line.endswith("in f") for line in lines)
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert ended.stderr == log.read_text()
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("error", "where"),
    [
        ("OSError(errno.ENOSPC, 'No space left on device')", ""),
        ("OSError(errno.EDQUOT, 'Disk quota exceeded', '/results/state.pt')", " at /results/state.pt"),
    ],
)
def test_a_full_disk_is_one_sentence(log, error, where):
    ended = script(log, f"import errno\nraise {error}")
    [line] = log.read_text().splitlines()
    assert f" ERROR there is no space left{where} (" in line
    assert line.endswith("); free some and run the same command again: what was saved stays")
    assert (ended.stderr, ended.returncode) == (log.read_text(), 1)


def test_where_the_log_itself_has_no_space_the_sentence_still_stands_on_stderr():
    ended = script("/dev/full", "import errno\nraise OSError(errno.ENOSPC, 'No space left on device')")
    [line] = ended.stderr.splitlines()
    assert " ERROR there is no space left (No space left on device); free some" in line


def test_an_interruption_is_one_word(log):
    ended = script(log, "raise KeyboardInterrupt")
    assert re.fullmatch(rf"{TIME} ERROR interrupted\n", log.read_text())
    assert ended.returncode != 0


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
@pytest.mark.parametrize("drawn", [True, False], ids=["drawn", "plain"])
def test_only_a_terminal_that_another_draws_on_is_spared(log, monkeypatch, terminal, drawn):
    monkeypatch.delenv(logs.DRAWN, raising=False)
    if drawn:
        monkeypatch.setenv(logs.DRAWN, "snakemake")
    code = HEAD.format(log=str(log)) + "logging.info('here')"
    command = [sys.executable, "-c", code]
    ends = pty.openpty() if terminal else os.pipe()
    subprocess.run(command, check=True, cwd=SCRIPTS, stderr=ends[1])
    os.write(ends[1], b".")
    said = os.read(ends[0], 1000).decode()
    assert ("here" in said) != (terminal and drawn)
    assert "here" in log.read_text()


def test_a_script_that_runs_again_starts_its_file_afresh(log):
    script(log, "logging.info('one')")
    script(log, "logging.info('two')")
    assert re.fullmatch(rf"{TIME} INFO two\n", log.read_text())


def test_a_file_that_cannot_be_written_stops_the_script(tmp_path):
    (tmp_path / "taken").write_text("")
    ended = script(tmp_path / "taken" / "run.log", "print('not reached')")
    assert (ended.stdout, ended.returncode) == ("", 1)
    assert "Error" in ended.stderr
