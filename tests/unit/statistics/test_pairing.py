"""Trainings of several runs that belong together."""

from distillation.statistics import pairing
from distillation.statistics.training_seeds import TrainingSeed

CROSSED = [TrainingSeed(seed, teacher) for seed in (0, 1) for teacher in (0, 1)]


def paired(taught, **runs):
    shared = pairing.shared(runs, taught)
    return {str(seed): {name: str(one) for name, one in own.items()} for seed, own in shared.items()}


def test_pairs_are_of_the_seeds_that_all_runs_have():
    first, second = [TrainingSeed(0), TrainingSeed(2)], [TrainingSeed(3), TrainingSeed(2)]
    assert paired((), a=first, b=second) == {"2": {"a": "2", "b": "2"}}
    assert paired((), a=first, b=[]) == {}


def test_runs_with_teachers_are_paired_by_teacher_too():
    assert list(paired({"a", "b"}, a=CROSSED, b=CROSSED[1:])) == ["0-teacher-1", "1", "1-teacher-1"]


def test_a_run_without_a_teacher_is_paired_under_every_teacher():
    assert paired({"kd"}, kd=CROSSED, ce=[TrainingSeed(1), TrainingSeed(5)]) == {
        "1": {"kd": "1", "ce": "1"},
        "1-teacher-1": {"kd": "1-teacher-1", "ce": "1"},
    }


def test_that_only_one_teacher_is_finished_does_not_pair_its_students_with_those_of_others():
    assert list(paired({"a", "b"}, a=CROSSED, b=[TrainingSeed(0)])) == ["0"]
