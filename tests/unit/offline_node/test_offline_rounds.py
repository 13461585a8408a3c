"""Rounds of work before a limit, and what they are planned with."""

import json

import pytest
from distillation.core.errors import UserError
from offline_node import rounds
from offline_node.schedule import Begun, Measured, Plan, Times


class Limit:
    """A limit that is as far away as it is told."""

    def __init__(self, seconds):
        self.seconds = seconds

    def seconds_left(self):
        return self.seconds

    def reached(self):
        return self.seconds <= 0


def run(*plans, statuses=(), rules=(), limit=None):
    """The outcome of rounds with these plans; what was executed, the seconds planned for, what was said."""
    plans, statuses = iter(plans), iter(statuses)
    executed, asked, said = [], [], []

    def execute(more):
        executed.append(more)
        return next(statuses, 0)

    def planned(_, seconds):
        asked.append(seconds)
        return next(plans)

    listed = [{"rule": rule} for rule in rules]
    outcome = rounds.run(lambda: listed, execute, limit or Limit(100), planned, said.append)
    return outcome, executed, asked, said


def test_what_fits_is_asked_for_until_everything_does():
    outcome, executed, *_ = run(Plan(("a", "b"), (), 2), Plan(("c",), (), 1), Plan(("d",), (), 0))
    assert outcome == (0, True)
    assert executed == [["--until", "a", "b"], ["--until", "c"], []]


def test_where_no_training_is_left_the_rest_is_made():
    assert run(Plan((), (), 0))[:2] == ((0, True), [[]])


def test_where_nothing_fits_and_nothing_can_be_carried_nothing_is_started():
    assert run(Plan(("a",), (), 2), Plan((), (), 2))[:2] == ((0, False), [["--until", "a"]])


def test_what_cannot_finish_is_begun_in_a_round_of_its_own_and_each_round_is_said():
    outcome, executed, _, said = run(
        Plan(("results/irkd/evaluation/described/a/seed-0.json",), (), 2),
        Plan((), ("results/irkd/runs/described/b/seed-0/run.json",), 0),
        statuses=[0, 143],
    )
    assert outcome == (143, False)
    assert len(executed) == 2
    assert said == [
        "95 s left: to finish described/a/seed-0; 2 more have to wait",
        "95 s left: to begin, as nothing can finish, described/b/seed-0; 0 more have to wait",
    ]


def test_a_round_that_fails_or_reaches_the_limit_is_the_last():
    assert run(Plan(("a",), (), 1), statuses=[1])[0] == (1, False)
    limit = Limit(100)
    plan = Plan(("a",), (), 1)
    limit.reached = lambda: True
    assert run(plan, limit=limit)[0] == (0, False)


def test_the_start_of_a_round_and_data_that_are_missing_take_their_time():
    assert run(Plan((), (), 0))[2] == [95]
    assert run(Plan((), (), 0), rules=["prepare_dataset"])[2] == [75]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (["archive", "--cores", "8"], 1),
        (["archive", "--resources", "gpu=3", "--cores", "8"], 3),
        (["--resources", "mem_mb=1000", "gpu=2"], 2),
        (["--resources=gpu=4"], 4),
        (["--res", "gpu=2", "--res", "gpu=5"], 5),
        (["--set-resources", "train:gpu=2"], 1),
    ],
)
def test_slots_are_the_gpus_that_snakemake_is_given(asked, count):
    assert rounds.slots(asked) == count


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        (["archive", "--cores", "8"], []),
        (["archive", "--configfile", "a.yaml", "b.yaml", "--cores", "8"], ["a.yaml", "b.yaml"]),
        (["--configfile=a.yaml", "--cores", "8", "archive"], ["a.yaml"]),
        (["--configfiles", "a.yaml", "--configfile", "b.yaml"], ["b.yaml"]),
    ],
)
def test_overlays_are_what_snakemake_is_given(asked, files):
    assert rounds.overlays(asked) == files


def test_times_are_read_by_run(tmp_path):
    path = tmp_path / "gpu-check.json"
    runs = {"described/a": {"seconds": 105, "state_mb": 86.0, "epochs": 60}}
    content = {"device": "x", "runs": runs, "job_start_seconds": 7}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert rounds.read_times(path) == Times({"described/a": Measured(105.0, 86.0)}, 7.0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("[", "has invalid content (Expecting value: line 1 column 2 (char 1))"),
        ("{}", "lacks the key 'runs'"),
        ('{"runs": {"described/a": {"seconds": 1}}}', "lacks the key 'state_mb'"),
        ('{"runs": {}}', "lacks the key 'job_start_seconds'"),
        ('{"runs": {"described/a": 1}}', "has invalid content ('int' object is not subscriptable)"),
        ('{"runs": []}', "has invalid content ('list' object has no attribute 'items')"),
    ],
)
def test_times_that_cannot_be_read_are_named_with_what_to_do(tmp_path, content, text):
    path = tmp_path / "gpu-check.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as error:
        rounds.read_times(path)
    assert str(error.value) == f"--times: {path} {text}: run `make gpu-check` on such a machine to write it."


def test_a_training_that_was_begun_is_known_by_what_it_said_last_and_what_it_weighs(tmp_path):
    run = "results/irkd/runs/described/{}/seed-0"
    # Two epochs of five seconds were done after the last save.
    told = {"seconds_left": 30.0, "seconds_an_epoch": 5.0, "done": 9, "saved": 7}
    for name, report in (("a", told), ("b", {}), ("c", None)):
        folder = tmp_path / run.format(name) / "resume/0123"
        folder.mkdir(parents=True)
        (folder / "state.pt").write_bytes(bytes(1000))
        if report is not None:
            (folder / "progress.json").write_text(json.dumps(report), encoding="utf-8")
    (tmp_path / run.format("d") / "resume/0123/result").mkdir(parents=True)
    found = rounds.begun(tmp_path, tmp_path / "results")
    assert {name: found[f"{run.format(name)}/run.json"] for name in "abc"} == {
        "a": Begun(40.0, 1000 + len(json.dumps(told))),
        "b": Begun(None, 1002),
        "c": Begun(None, 1000),
    }
    assert len(found) == 3
