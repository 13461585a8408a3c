"""What survives a killed run, and that two processes never share a folder."""

import errno
import fcntl
import itertools
import json
import logging
import os
import random
import shutil
import sys

import pytest
import record_files
import torch
from distillation.core.atomic import replacing
from distillation.core.errors import UserError
from distillation.training import checkpoint
from distillation.training.checkpoint import Checkpoint, exclusive, key_of
from tiny_runs import CPU, python
from torch import nn

PARTS = {"spec": "a", "code": "b", "data": "c", "teacher": None}
KEY = key_of(PARTS)


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, logger="distillation")


def stepped():
    """A network, its optimizer and schedule after three steps."""
    network = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=10)
    for _ in range(3):
        step(network, optimizer, schedule)
    return network, optimizer, schedule


def step(network, optimizer, schedule):
    optimizer.zero_grad()
    network(torch.ones(4, 3)).square().sum().backward()
    optimizer.step()
    schedule.step()


def written(folder, **contents):
    folder.mkdir(exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)
    return {name: folder / name for name in contents}


# Keys


def test_a_key_depends_on_every_part_and_not_on_their_order():
    assert key_of(dict(reversed(PARTS.items()))) == KEY
    others = {key_of(PARTS | {name: "x"}) for name in PARTS}
    assert len(others | {KEY}) == 5


# State


def test_a_state_comes_back_with_optimizer_and_schedule_and_training_goes_on_as_if_unbroken(tmp_path):
    moving = stepped()
    rows = [{"loss": 0.1, "kl": None, "stage_px": 8}]
    state = {str(i): part.state_dict() for i, part in enumerate(moving)} | {"history": rows}
    Checkpoint(tmp_path, KEY).save(state)
    loaded, fresh = Checkpoint(tmp_path, KEY).load(CPU), stepped()
    for index, part in enumerate(fresh):
        part.load_state_dict(loaded[str(index)])
    assert loaded["history"] == rows
    for _ in range(4):
        step(*moving)
        step(*fresh)
    assert torch.equal(moving[0].weight, fresh[0].weight)
    assert moving[2].get_last_lr() == fresh[2].get_last_lr()


def test_without_a_state_there_is_nothing_to_load_and_nothing_to_say(tmp_path, caplog):
    assert Checkpoint(tmp_path, KEY).load(CPU) is None
    assert caplog.messages == []


def test_a_later_state_replaces_the_earlier_one(tmp_path):
    saved = Checkpoint(tmp_path, KEY)
    saved.save({"epoch": 1})
    saved.save({"epoch": 2})
    assert saved.load(CPU) == {"epoch": 2}
    assert len(list((tmp_path / KEY[:16]).iterdir())) == 1


def test_state_of_another_key_is_set_aside_with_one_line_and_stays(tmp_path, caplog):
    old = key_of(PARTS | {"code": "older"})
    Checkpoint(tmp_path, old).save({"epoch": 7})
    new = Checkpoint(tmp_path, KEY)
    assert new.load(CPU) is None
    [line] = caplog.messages
    assert "is ignored" in line
    assert old[:16] in line
    new.save({"epoch": 1})
    Checkpoint(tmp_path, KEY)
    assert len(caplog.messages) == 1
    assert Checkpoint(tmp_path, old).load(CPU) == {"epoch": 7}


class Clock:
    """A time that passes by what it is told."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(checkpoint.time, "monotonic", lambda: self.now)


def test_states_are_saved_at_once_or_twenty_times_what_a_save_takes_apart(tmp_path, monkeypatch, caplog):
    clock, written = Clock(monkeypatch), []

    def slowly(state, path):
        clock.now += 0.5
        written.append(state["state"]["epoch"])

    monkeypatch.setattr(torch, "save", slowly)
    saved = Checkpoint(tmp_path, KEY)
    assert saved.save_if_due(lambda: {"epoch": 1})
    for _ in (2, 3):
        clock.now += 4.0
        assert not saved.save_if_due(lambda: {"epoch": None})
    clock.now += 2.0
    assert saved.save_if_due(lambda: {"epoch": 4})
    clock.now += 1.0
    assert saved.save_if_due(lambda: {"epoch": 5}, at_once=True)
    clock.now += 9.9
    assert not saved.save_if_due(lambda: {"epoch": 6})
    assert written == [1, 4, 5]
    assert saved.save_seconds == 0.5
    assert caplog.messages == [
        "a save takes 0.5 s, so the state is saved about every 10 s and at the end of a stage; a killed"
        " training repeats the epochs since its last save"
    ]


def test_where_epochs_are_long_every_state_is_saved_and_nothing_is_said(tmp_path, monkeypatch, caplog):
    clock = Clock(monkeypatch)
    saved = Checkpoint(tmp_path, KEY)
    for _ in range(3):
        clock.now += 60
        assert saved.save_if_due(lambda: {"epoch": 1})
    assert caplog.messages == []


@pytest.mark.parametrize("content", [b"", b"no state", None], ids=["empty", "garbage", "truncated"])
def test_a_state_that_cannot_be_read_is_named_with_what_to_do(tmp_path, content):
    saved = Checkpoint(tmp_path, KEY)
    saved.save({"weights": torch.zeros(1000)})
    path = tmp_path / KEY[:16] / "state.pt"
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    with pytest.raises(
        UserError, match=r"(?s)state\.pt: cannot be read .*; delete it to train this run from the beginning\."
    ):
        saved.load(CPU)


def test_a_state_in_which_a_bit_has_changed_is_never_used_as_another(tmp_path):
    saved, state = Checkpoint(tmp_path, KEY), {"weights": torch.randn(40, 40), "rows": [{"loss": 0.5}] * 9}
    saved.save(state)
    path, rng = tmp_path / KEY[:16] / "state.pt", random.Random(0)
    whole, refused = path.read_bytes(), []
    assert torch.equal(saved.load(CPU)["weights"], state["weights"])
    for _ in range(200):
        changed = bytearray(whole)
        changed[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        try:
            loaded = saved.load(CPU)
        except UserError as error:
            refused.append(str(error))
        else:
            # In the room between its parts, or a date.
            assert torch.equal(loaded["weights"], state["weights"])
            assert loaded["rows"] == state["rows"]
    assert len(refused) > 100
    assert any("this file is damaged" in line for line in refused)
    assert all(line.endswith("; delete it to train this run from the beginning.") for line in refused)


def test_a_state_that_lies_in_the_place_of_another_run_is_refused(tmp_path):
    other = key_of(PARTS | {"code": "older"})
    Checkpoint(tmp_path, other).save({"epoch": 7})
    (tmp_path / other[:16]).rename(tmp_path / KEY[:16])
    with pytest.raises(
        UserError, match=r"state\.pt: this state is of other settings, code or data; delete it"
    ):
        Checkpoint(tmp_path, KEY).load(CPU)


def test_memory_that_runs_out_while_a_state_is_read_does_not_advise_to_delete_it(tmp_path, monkeypatch):
    def run_out(*_, **__):
        raise torch.OutOfMemoryError

    saved = Checkpoint(tmp_path, KEY)
    saved.save({"epoch": 1})
    monkeypatch.setattr(torch, "load", run_out)
    with pytest.raises(torch.OutOfMemoryError):
        saved.load(CPU)


def test_a_write_that_fails_leaves_the_last_state_whole(tmp_path, monkeypatch):
    saved = Checkpoint(tmp_path, KEY)
    saved.save({"epoch": 1})

    def half(state, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        saved.save({"epoch": 2})
    assert saved.load(CPU) == {"epoch": 1}


def test_what_a_killed_writer_left_is_removed_and_the_state_is_kept(tmp_path):
    folder = tmp_path / "run/resume"
    Checkpoint(folder, KEY).save({"epoch": 1})
    targets = folder / KEY[:16] / "state.pt", folder.parent / "best.safetensors"
    left = []
    for target in targets:
        with pytest.raises(KeyboardInterrupt), replacing(target) as temporary:
            raise KeyboardInterrupt
        temporary.write_bytes(b"half")  # as SIGKILL would leave it
        left.append(temporary)
    assert Checkpoint(folder, KEY).load(CPU) == {"epoch": 1}
    assert not any(path.exists() for path in left)


# Result


def finished(folder, weights="weights"):
    """The files of a finished run, by name, the record last."""
    files = {name: folder / f"{name}.csv" for name in ("last", "best", "history")}
    folder.mkdir(exist_ok=True)
    for path in files.values():
        path.write_text(weights)
    return files | {"record": record_files.beside(*files.values())}


def stored(folder):
    """The stored result of `KEY` in the folder of a run."""
    return folder / "resume" / KEY[:16] / "result"


def test_a_kept_result_is_written_again_after_its_files_are_gone(tmp_path):
    files = finished(tmp_path / "out")
    contents = {name: path.read_bytes() for name, path in files.items()}
    saved = Checkpoint(tmp_path / "resume", KEY)
    saved.save({"epoch": 1})
    saved.store_result(files)
    assert saved.load(CPU) is None
    for path in files.values():
        path.unlink()
    assert Checkpoint(tmp_path / "resume", KEY).write_stored_result(files)
    assert {name: path.read_bytes() for name, path in files.items()} == contents


@pytest.mark.parametrize("ended", ["kept", "emitted"])
def test_a_report_is_there_until_the_result_is(tmp_path, ended):
    files = finished(tmp_path / "out")
    saved = Checkpoint(tmp_path / "resume", KEY)
    report = tmp_path / "resume" / KEY[:16] / "progress.json"
    if ended == "emitted":
        saved.store_result(files)
    saved.report({"done": 1})
    assert json.loads(report.read_text()) == {"done": 1}
    saved.store_result(files) if ended == "kept" else saved.write_stored_result(files)
    assert not report.exists()


def test_before_a_result_is_kept_there_is_none(tmp_path):
    files = finished(tmp_path / "out")
    saved = Checkpoint(tmp_path / "resume", KEY)
    saved.save({"epoch": 1})
    assert not saved.write_stored_result({"last": tmp_path / "elsewhere"})
    saved.store_result(files)
    assert not Checkpoint(tmp_path / "resume", key_of(PARTS | {"data": "x"})).write_stored_result(files)


def test_whatever_happens_to_the_outputs_does_not_change_the_kept_result(tmp_path):
    files = finished(tmp_path / "out")
    Checkpoint(tmp_path / "resume", KEY).store_result(files)
    for damage in (
        lambda path: path.write_text("of another run"),
        lambda path: path.open("a").write(" written to"),
        lambda path: os.truncate(path, 2),
    ):
        damage(files["last"])
        assert files["last"].read_text() != "weights"
        assert Checkpoint(tmp_path / "resume", KEY).write_stored_result(files)
        assert files["last"].read_text() == "weights"


@pytest.mark.parametrize("name", ["last", "best", "history", "record"])
@pytest.mark.parametrize("kind", ["cut off", "changed", "empty", "missing"])
def test_a_kept_result_that_is_damaged_is_deleted_and_never_written(tmp_path, caplog, name, kind):
    files = finished(tmp_path / "out")
    Checkpoint(tmp_path / "resume", KEY).store_result(files)
    own = stored(tmp_path) / name
    content = own.read_bytes()
    own.unlink() if kind == "missing" else own.write_bytes(
        {"cut off": content[:-3], "changed": content.replace(b"e", b"o", 1), "empty": b""}[kind]
    )
    for path in files.values():
        path.unlink()
    assert not Checkpoint(tmp_path / "resume", KEY).write_stored_result(files)
    assert "the stored result is damaged, so the run is trained again" in caplog.text
    assert not stored(tmp_path).exists()
    assert not any(path.exists() for path in files.values())


def killed_before(line, function):
    """Call a function in a process that ends before a line of checkpoint or shutil; whether it did."""
    lines, modules, killed = itertools.count(), {checkpoint.__file__, shutil.__file__}, 9

    def trace(frame, event, _):
        if event == "line" and next(lines) == line:
            # As a kill does: nothing is tidied up.
            os._exit(killed)
        return trace if frame.f_code.co_filename in modules else None

    child = os.fork()
    if not child:
        sys.settrace(trace)
        try:
            function()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, killed)
    return status == killed


def test_a_kill_at_any_point_while_a_result_is_kept_leaves_the_state_or_the_result(tmp_path):
    files, ends = finished(tmp_path / "out"), set()
    for line in itertools.count():
        folder = tmp_path / f"resume-{line}"
        saved = Checkpoint(folder, KEY)
        saved.save({"epoch": 9})
        killed = killed_before(line, lambda saved=saved: saved.store_result(files))
        again = Checkpoint(folder, KEY)
        state, result = again.load(CPU) == {"epoch": 9}, again.write_stored_result(files)
        assert state or result, f"killed before line {line}"
        ends.add((state, result))
        if not killed:
            break
    assert ends == {(True, False), (True, True), (False, True)}


def test_a_result_half_kept_by_a_killed_process_is_none_and_is_kept_anew(tmp_path):
    files = finished(tmp_path / "out")
    saved = Checkpoint(tmp_path / "resume", KEY)
    saved.save({"epoch": 1})
    partial = tmp_path / "resume" / KEY[:16] / "result.partial"
    partial.mkdir()
    (partial / "last").write_text("half")
    again = Checkpoint(tmp_path / "resume", KEY)
    assert not again.write_stored_result(files)
    assert again.load(CPU) == {"epoch": 1}
    again.store_result(files)
    assert again.write_stored_result(files)
    assert files["last"].read_text() == "weights"
    assert not partial.exists()


# One process a folder

HOLD = """
import pathlib, time
from distillation.training.checkpoint import exclusive
with exclusive(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_waits_with_one_line_until_the_first_has_died(tmp_path, caplog):
    first = python(HOLD, tmp_path / "resume")

    class KillFirst(logging.Handler):
        def emit(self, record):
            assert "another process trains this run; waiting for it" in record.getMessage()
            assert first.poll() is None
            first.kill()

    handler = KillFirst()
    logging.getLogger("distillation.training.checkpoint").addHandler(handler)
    try:
        assert first.stdout.readline() == "held\n"
        with exclusive(tmp_path / "resume"):
            assert first.wait(10) == -9
        assert len(caplog.messages) == 1
    finally:
        logging.getLogger("distillation.training.checkpoint").removeHandler(handler)
        first.kill()
        first.communicate()


def test_a_folder_is_free_again_after_its_holder_fails(tmp_path, caplog):
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path):
        raise ZeroDivisionError
    with exclusive(tmp_path):
        pass
    assert caplog.messages == []


def test_a_file_system_without_locks_is_named_with_what_to_do(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "no flock here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(UserError, match=r"cannot lock this folder \(.*no flock here\); .*`pathvars: results`"),
        exclusive(tmp_path),
    ):
        pass
