"""Overlays that split the study into parts: the same runs as those of the whole."""

import pytest
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec, study
from shipped import CONFIG as BASE
from shipped import ROOT, STUDIES, overlay

GROUPS = sorted((STUDIES / "irkd/overlays/groups").glob("*.yaml"))
# Its runs are of other groups too.
TEACHERLESS = "without-teacher"
FIRST_SEED = ["described-p2", "described-p4", "released-p2", "released-p4"]


def hashes(*groups):
    """By protocol, run and seed, what the chosen trainings of a study are named by."""
    config = study.merge(BASE, *(overlay(f"groups/{path.stem}") for path in groups))
    resolved = study.resolve("irkd", config)
    return {
        (entry.protocol, entry.run, seed): spec.digest(entry.resolve(seed))
        for entry in resolved.chosen()
        for seed in resolved.seeds_of(entry)
    }


@pytest.fixture(scope="module")
def whole():
    return hashes()


def test_the_groups_are_those_that_are_documented():
    assert [path.stem for path in GROUPS] == [*FIRST_SEED, "seeds-1-2", TEACHERLESS]
    page = (ROOT / "docs/offline-node.md").read_text()
    assert all(f"studies/irkd/overlays/groups/{path.name}" in page for path in GROUPS)


@pytest.mark.parametrize("group", GROUPS, ids=lambda path: path.stem)
def test_a_group_changes_no_run_and_brings_its_teachers(whole, group):
    runs = hashes(group)
    assert runs.items() <= whole.items()
    teachers = {run for _, run, _ in runs if run in BASE["teachers"]}
    assert bool(teachers) == (group.stem != TEACHERLESS)
    if group.stem in FIRST_SEED:
        protocol, _, patch = group.stem.partition("-")
        assert {key[0] for key in runs} == {protocol}
        assert all(f"-{patch}" in run for _, run, _ in runs)
        assert {seed for _, _, seed in runs} == {TrainingSeed(0)}


def test_the_other_groups_together_are_the_study_and_no_student_is_in_two(whole):
    groups = [hashes(group) for group in GROUPS if group.stem != TEACHERLESS]
    assert set().union(*groups) == set(whole)
    students = [key for runs in groups for key in runs if key[1] in BASE["students"]]
    assert len(students) == len(set(students))


def test_the_group_without_a_teacher_is_its_students_as_described_and_all_but_one_as_released():
    (group,) = (path for path in GROUPS if path.stem == TEACHERLESS)
    described = ["custom-p2-ce", "custom-p2-cl", "tiny-p4-ce", "tiny-p4-cl"]
    expected = [("described", run) for run in described] + [("released", run) for run in described[:3]]
    assert set(hashes(group)) == {(*place, TrainingSeed(0)) for place in expected}
