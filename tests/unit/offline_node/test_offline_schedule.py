"""What is run on a machine for a limited time: what can finish, and else what can be carried home begun."""

import math

import pytest
from distillation.core.errors import UserError
from offline_node import schedule
from offline_node.schedule import Begun, Job, Measured, Plan

START = 6.0


def planned(jobs, left, slots, room):
    return schedule.plan(jobs, left, slots, room, START)


def seconds(trainings, tests):
    """What so many seconds of training and so many tests take."""
    return trainings * schedule._MARGIN + tests * 2 * START + 1e-6  # sums of floats


def job(target, length, priority=None, needs=(), megabytes=0):
    return Job(target, length, priority or 1 / length, frozenset(needs), megabytes * 1e6)


TEACHER = job("teacher", 300, priority=10)
STUDENTS = [job(name, 100, 1 - place / 10, ["teacher"]) for place, name in enumerate("abc")]


def test_what_fits_is_run_in_the_order_of_priority_and_the_rest_waits():
    jobs = [job("long", 400), job("short", 100), job("middle", 200)]
    assert planned(jobs, seconds(300, 2), 1, -math.inf) == Plan(("short", "middle"), (), 1)
    assert planned(jobs, seconds(300, 2) - 1, 1, -math.inf) == Plan(("short",), (), 2)


def test_a_shorter_job_fills_what_a_longer_one_before_it_leaves():
    jobs = [job("teacher", 300, priority=10), job("long", 400), job("short", 50)]
    assert planned(jobs, seconds(350, 2), 1, -math.inf).finishing == ("teacher", "short")


def test_everything_fits_where_nothing_is_left():
    assert planned(STUDENTS[:0], 10, 1, -math.inf) == Plan((), (), 0)
    assert planned([TEACHER, *STUDENTS], seconds(600, 4), 1, -math.inf).left == 0


@pytest.mark.parametrize(("slots", "fitting"), [(1, 1), (2, 2), (3, 3), (8, 3)])
def test_jobs_run_side_by_side_where_there_are_slots(slots, fitting):
    jobs = [job(name, 100) for name in "abc"]
    assert len(planned(jobs, seconds(100, 1), slots, -math.inf).finishing) == fitting


def test_a_student_waits_for_its_teacher_and_does_not_run_without_it():
    jobs = [TEACHER, *STUDENTS]
    assert planned(jobs, seconds(400, 2), 3, -math.inf) == Plan(("teacher", "a", "b", "c"), (), 0)
    assert planned(jobs, seconds(400, 2), 1, -math.inf) == Plan(("teacher", "a"), (), 2)
    assert planned(jobs, seconds(400, 2) - 1, 3, -math.inf) == Plan(("teacher",), (), 3)
    assert planned(jobs, seconds(200, 2), 3, -math.inf) == Plan((), (), 4)


def test_a_slot_that_waits_for_a_teacher_takes_what_needs_none_and_still_ends_in_time():
    jobs = [TEACHER, STUDENTS[0], job("other", 250, priority=0.1)]
    plan = planned(jobs, seconds(400, 2), 2, -math.inf)
    assert plan == Plan(("teacher", "other", "a"), (), 0)


def test_where_nothing_can_finish_trainings_begin_whose_states_can_be_carried_together():
    jobs = [job("a", 500, megabytes=80), job("b", 600, megabytes=50), job("c", 700, megabytes=20)]
    assert planned(jobs, 300, 1, 100e6) == Plan((), ("a",), 2)
    assert planned(jobs, 300, 2, 100e6) == Plan((), ("a", "c"), 1)
    assert planned(jobs, 300, 3, 200e6) == Plan((), ("a", "b", "c"), 0)
    assert planned(jobs, 300, 3, 10e6) == Plan((), (), 3)


def test_nothing_begins_that_cannot_be_carried_that_waits_for_another_or_that_has_no_time_to_start():
    assert planned([job("a", 500)], 300, 1, -math.inf) == Plan((), (), 1)
    assert planned([TEACHER, STUDENTS[0]], 100, 2, 0) == Plan((), ("teacher",), 1)
    assert planned([job("a", 500)], 29, 1, 0) == Plan((), (), 1)
    assert planned([Job("test", 0, 1)], 10, 1, math.inf) == Plan((), (), 1)


def test_after_the_limit_nothing_is_run():
    assert planned([job("a", 100)], -math.inf, 1, math.inf) == Plan((), (), 1)


# --- the jobs of a plan ---------------------------------------------------------------------------


RUN = "results/irkd/runs/described/{}/seed-0"


def listed(rule, run, *inputs):
    folder = RUN.format(run)
    outputs = {"evaluate": [f"results/irkd/evaluation/described/{run}/seed-0.json"]}
    return {
        "rule": rule,
        "input": ["results/data/cifar10/manifest.json", *(f"{RUN.format(name)}/run.json" for name in inputs)],
        "output": outputs.get(rule, [f"{folder}/last.safetensors", f"{folder}/run.json"]),
        "wildcards": {"protocol": "described", "run": run, "seed": "0"},
        "priority": {"evaluate": 100}.get(rule, len(run)),
    }


TIMES = {"described/teacher": Measured(300, 340), "described/student": Measured(100, 86)}
TESTED = "results/irkd/evaluation/described/{}/seed-0.json"
OTHER = {"rule": "archive", "input": [], "output": ["results/irkd.tar.gz"], "wildcards": {}, "priority": 0}


def jobs_of(*jobs, begun=None):
    found = schedule.jobs_of([*jobs, OTHER], TIMES, "times.json", begun or {})
    return {job.target: job for job in found}


def test_a_network_is_asked_for_by_its_test_and_a_student_needs_its_teacher():
    jobs = jobs_of(
        listed("evaluate", "student", "teacher", "student"),
        listed("distill", "student", "teacher"),
        listed("train", "teacher"),
        listed("evaluate", "teacher", "teacher"),
    )
    student, teacher = (TESTED.format(run) for run in ("student", "teacher"))
    assert jobs == {
        student: Job(student, 100, 7, frozenset([teacher]), 86e6),
        teacher: Job(teacher, 300, 7, frozenset(), 340e6),
    }


def test_a_student_whose_teacher_is_trained_needs_nothing():
    jobs = jobs_of(listed("distill", "student", "teacher"), listed("evaluate", "teacher", "teacher"))
    assert jobs[f"{RUN.format('student')}/run.json"].needs == frozenset()


def test_a_network_of_which_no_test_is_asked_for_is_asked_for_by_its_record():
    assert list(jobs_of(listed("train", "teacher"))) == [f"{RUN.format('teacher')}/run.json"]


def test_a_network_that_is_trained_is_a_test_of_no_training():
    target = TESTED.format("student")
    assert jobs_of(listed("evaluate", "student", "student")) == {target: Job(target, 0, 100)}


@pytest.mark.parametrize(("said", "left"), [(40.0, 40), (None, 100), (700.0, 100)])
def test_a_training_that_was_begun_lacks_what_it_said_and_no_more_than_all(said, left):
    begun = {f"{RUN.format('student')}/run.json": Begun(said, 80_000_000)}
    (student,) = jobs_of(listed("distill", "student"), begun=begun).values()
    assert (student.seconds, student.growth) == (left, 6e6)


def test_trainings_without_a_time_are_named_with_what_to_do():
    with pytest.raises(UserError) as error:
        jobs_of(listed("train", "teacher"), listed("train", "other"), listed("train", "another"))
    assert str(error.value) == (
        "--times: times.json lacks described/another, described/other: run `make gpu-check` again with the"
        " same overlays."
    )
