"""The command for a machine without a network: its arguments, its limit and its data."""

import argparse
import json
import os
import signal
import sys
import tarfile
from types import SimpleNamespace

import pytest
from distillation.core import commit
from distillation.core.errors import UserError
from offline_node import command, limit, packages, schedule

ASKED = ["--", "archive"]


@pytest.fixture(autouse=True)
def handlers():
    """A limit takes the signals of the process for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--pack", "x"],
            'after "--", the arguments of snakemake are missing, such as: -- archive --cores 8',
        ),
        (ASKED, "the following arguments are required: --pack"),
        (["--pack", "x", "--minutes", "0", *ASKED], "argument --minutes: 0: expected more than 0"),
        (["--pack", "x", "--minutes", "soon", *ASKED], "argument --minutes: soon: expected a number"),
        (
            ["--pack", "x", "--state", "s", "--part-size", "0", *ASKED],
            "--part-size: 0 MiB, expected 1 or more",
        ),
        (
            ["--pack", "x", "--light", *ASKED],
            "--part-size, --carry and --light apply to the state: add --state STATE.tar",
        ),
        (
            ["--pack", "x", "--times", "t", *ASKED],
            "--times and --gpu-check need a time limit: add --minutes M",
        ),
        (
            ["--pack", "x", "--gpu-check", *ASKED],
            "--times and --gpu-check need a time limit: add --minutes M",
        ),
        (
            ["--pack", "x", "--gpu-check", "--times", "t", "--minutes", "9", *ASKED],
            "--gpu-check measures what --times reads: omit one of them",
        ),
        (["--pack", "x", "--carry", "0", *ASKED], "argument --carry: 0: expected more than 0"),
        (["--pack", "x", "--stat", "s", *ASKED], "unrecognized arguments: --stat s"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments, tmp_path)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"node.py: error: {message}"


def test_a_folder_without_wheels_ends_the_command_with_its_sentence(tmp_path, capsys):
    arguments = ["--wheels", str(tmp_path), "--pack", str(tmp_path / "out.tar.gz"), *ASKED]
    assert command.main(arguments, tmp_path) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}: not a folder of wheels: make it on a machine")


def test_the_commit_that_came_with_the_wheels_is_there_before_anything_runs(tmp_path, monkeypatch):
    home, carried = tmp_path / "home", tmp_path / "wheels"
    (home / "workflow_scripts").mkdir(parents=True)
    carried.mkdir()
    content = {"commit": "c" * 40, "dirty": False, "code": commit.sha256_of_all_code(home)}
    (carried / "commit.json").write_text(json.dumps(content), encoding="utf-8")
    found = []
    monkeypatch.setattr(packages, "check", lambda: None)
    monkeypatch.setattr(packages, "environment", lambda *_: sys.executable)
    monkeypatch.setattr(limit, "run", lambda *_: found.append(commit.of(home)) or 0)
    arguments = ["--wheels", str(carried), "--pack", str(tmp_path / "out.tar.gz"), *ASKED]
    assert command.main(arguments, home) == 0
    assert found == [{"commit": "c" * 40, "dirty": False}]


@pytest.fixture
def checking(tmp_path, monkeypatch):
    """Runs the command where a check of the GPU ends with a status; what ran, and the times then used."""
    ran, used = [], []

    def run(command_line, folder, until, meanwhile=None, environment=None):
        ran.append((command_line[1:3], command_line[5:], environment["PYTHONPATH"].split(os.pathsep)[0]))
        path = tmp_path / "results/bench/gpu-x/gpu-check.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        runs = {"described/a": {"seconds": 60, "state_mb": 9}}
        path.write_text(json.dumps({"runs": runs, "job_start_seconds": 7}), encoding="utf-8")
        return statuses.pop(0)

    statuses: list[int] = []
    monkeypatch.setattr(packages, "check", lambda: None)
    monkeypatch.setattr(packages, "environment", lambda *_: sys.executable)
    monkeypatch.setattr(limit, "run", run)
    monkeypatch.setattr(command, "_rounds", lambda options, times, *_: used.append(times) or (0, True))

    def call(status, *asked):
        statuses.append(status)
        arguments = ["--gpu-check", "--minutes", "9", "--pack", str(tmp_path / "out.tar.gz"), *asked]
        return command.main(arguments, tmp_path), ran, used

    return call


def test_a_check_of_the_gpu_alone_is_run_and_packed(checking, tmp_path):
    status, ran, used = checking(0)
    assert (status, used) == (0, [])
    assert ran == [(["-m", "bench.gpu_check"], [], str(tmp_path / "workflow_scripts"))]
    with tarfile.open(tmp_path / "out.tar.gz") as packed:
        assert "results/bench/gpu-x/gpu-check.json" in packed.getnames()


def test_a_check_of_the_gpu_gives_the_times_of_what_follows(checking):
    status, ran, used = checking(0, *ASKED, "--configfile", "mine.yaml")
    assert status == 0
    assert ran[0][1] == ["--config", "mine.yaml"]
    assert used == [schedule.Times({"described/a": schedule.Measured(60.0, 9.0)}, 7.0)]


def test_after_a_check_that_failed_nothing_is_trained_and_what_it_found_is_packed(checking, tmp_path):
    status, _, used = checking(1, *ASKED)
    assert (status, used) == (1, [])
    assert (tmp_path / "out.tar.gz").exists()


def test_data_are_linked_to_where_the_first_source_looks_and_linked_anew(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        command.link_data(tmp_path / name, tmp_path / "home/data/cifar10")
        assert (tmp_path / "home/data/cifar10").resolve() == tmp_path / name


def test_data_that_are_not_there_are_named(tmp_path):
    with pytest.raises(UserError) as error:
        command.link_data(tmp_path / "absent", tmp_path / "data/cifar10")
    expected = f"--data: {tmp_path}/absent does not exist: name the folder or archive with CIFAR-10."
    assert str(error.value) == expected


def test_data_of_the_checkout_are_not_replaced(tmp_path):
    place = tmp_path / "data/cifar10"
    place.mkdir(parents=True)
    with pytest.raises(UserError) as error:
        command.link_data(tmp_path, place)
    assert str(error.value) == f"--data: {place} exists already: omit --data, or remove that folder."


def test_a_command_that_ends_before_the_limit_has_its_own_status(tmp_path):
    for status in (0, 3):
        command_line = [sys.executable, "-c", f"raise SystemExit({status})"]
        assert limit.run(command_line, tmp_path, limit.Limit()) == status


@pytest.fixture
def a_minute_when_ready(tmp_path, monkeypatch):
    """A limit of a minute, which passes once there is a file "ready", however fast the machine is."""
    clock = SimpleNamespace(monotonic=lambda: 60.0 if (tmp_path / "ready").exists() else 0.0)
    monkeypatch.setattr(limit, "time", clock)
    return limit.Limit(1)


# Ends after its child, which has left word that it was told.
OBEDIENT = """
trap 'wait; exit 3' TERM
(trap 'touch told; exit' TERM; {ready}; sleep 60 & wait) &
wait
"""


@pytest.mark.parametrize("ready", ["touch ready", "kill -TERM $PPID"], ids=["time", "signal"])
def test_at_the_limit_a_command_and_its_children_are_told_to_end(tmp_path, a_minute_when_ready, ready):
    status = limit.run(["bash", "-c", OBEDIENT.format(ready=ready)], tmp_path, a_minute_when_ready)
    assert status == 3
    assert (tmp_path / "told").exists()
    assert a_minute_when_ready.reached()


def test_what_ends_by_the_signal_of_the_limit_has_the_status_that_a_shell_gives_it(
    tmp_path, a_minute_when_ready
):
    ended = limit.run(["bash", "-c", "touch ready; sleep 60"], tmp_path, a_minute_when_ready)
    assert ended == 128 + signal.SIGTERM


def test_while_a_command_is_at_work_something_else_is_done_again_and_again(tmp_path):
    calls = []
    command_line = [sys.executable, "-c", "import time; time.sleep(1)"]
    assert limit.run(command_line, tmp_path, limit.Limit(), lambda: calls.append(None)) == 0
    assert len(calls) > 1


def test_what_does_not_listen_is_killed(tmp_path, monkeypatch, a_minute_when_ready):
    monkeypatch.setattr(limit, "_GRACE_SECONDS", 0.2)
    deaf = ["bash", "-c", "trap '' TERM; touch ready; sleep 60 & sleep 60"]
    assert limit.run(deaf, tmp_path, a_minute_when_ready) == 128 + signal.SIGKILL


def test_a_state_that_is_too_heavy_is_not_written_and_an_earlier_one_stays(tmp_path, capsys):
    home, state = tmp_path / "home", tmp_path / "state.tar"
    file = home / "results/irkd/weights.pt"
    file.parent.mkdir(parents=True)
    one, two = ({"state.tar.sha256", *(f"state.tar.00{n}" for n in range(1, last + 1))} for last in (1, 2))
    for size, mebibytes, there, note in (
        (1.5, 1, set(), ""),
        (0.5, 1, one, None),
        (1.5, 1, one, "; an earlier one stays"),
        (1.5, 2, two, None),
    ):
        file.write_bytes(bytes(int(size * 2**20)))
        options = argparse.Namespace(state=state, carry=mebibytes, light=False, part_size=1)
        command._pack_state(options, home, home / "results")
        assert {path.name for path in tmp_path.glob("state.tar*")} == there
        refused = f"node: {state}: not written: the state has 1.5 MiB, and --carry allows 1 MiB{note}\n"
        assert (capsys.readouterr().out == refused) == (note is not None)
