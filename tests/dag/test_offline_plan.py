"""Plans on a machine to which a state was brought: what was trained stays trained."""

import shutil
import sys
from pathlib import Path

import pytest
from offline_node import bundle, rounds, schedule
from workspace import Workspace, stats

GROUPS = {
    # Trainings without and with a teacher.
    "described-p4": (3, 3),
    "described-p2": (5, 6),
    "released-p4": (4, 3),
    "released-p2": (4, 6),
    "without-teacher": (7, 0),
    "seeds-1-2": (5 + 2 * 11, 2 * 18),
}


@pytest.fixture
def brought(finished, tmp_path):
    """Another copy of the workflow, all its files new, with the light state of the finished one."""
    elsewhere = Workspace.create(tmp_path / "elsewhere")
    shutil.copy2(finished.overlay, elsewhere.overlay)
    for path in elsewhere.path.rglob("*"):
        path.touch()
    bundle.pack_state(finished.path, finished.path / "results", tmp_path / "state.tar", None, light=True)
    bundle.unpack_state(elsewhere.path, tmp_path / "state.tar")
    return elsewhere


@pytest.mark.parametrize(("group", "trainings"), GROUPS.items())
def test_a_group_is_its_trainings_and_their_tests(workspace, group, trainings):
    counts = stats(
        workspace().snakemake("-n", "archive", configfile=f"studies/irkd/overlays/groups/{group}.yaml")
    )
    assert (counts["train"], counts.get("distill", 0)) == trainings
    assert counts["evaluate"] == sum(trainings)


def test_what_a_group_has_trained_the_whole_study_does_not_train_again(finished):
    finished.configure(select=[])
    planned = {job for job in finished.plan("students") if job.startswith("Training")}
    assert len(planned) == 11 + 1
    assert not {job for job in planned if "p4" in job and "tiny-p4-cl," not in job}


def test_with_a_light_state_nothing_but_the_archive_is_made(brought):
    assert not list(brought.path.rglob("arrays.safetensors"))
    assert brought.plan("archive") == {"Packing the results, irkd"}


def test_a_light_state_has_the_teacher_of_further_students(brought):
    brought.configure(seeds={"students": [0, 1]})
    brought.prepare_data()
    trainings = {job for job in brought.plan("archive") if job.startswith("Training")}
    assert len(trainings) == 4
    assert all(job.endswith("seed 1") for job in trainings)


def test_data_are_made_again_alone_and_nothing_that_used_them(brought):
    brought.configure(seeds={"students": [0, 1]})
    output = brought.snakemake("-n", "archive", "--until", "prepare_dataset")
    assert stats(output) == {"fetch_dataset": 1, "prepare_dataset": 1}


@pytest.mark.parametrize(
    "words", [["archive", "--cores", "2", "--configfile"], ["--quiet", "all", "--configfile"]]
)
def test_the_jobs_of_a_plan_are_known_by_file_with_their_teachers(workspace, words):
    path = workspace(select=["tiny-p4-ce", "tiny-p4-kd"]).path
    jobs = rounds.listed_jobs(Path(sys.executable), [*words, "tiny.yaml"], path)
    runs = ("small-p4", "tiny-p4-ce", "tiny-p4-kd")
    times = {f"described/{run}": schedule.Measured(100.0, 80.0) for run in runs}
    found = {job.target: job for job in schedule.jobs_of(jobs, times, "times.json", {})}
    tests = {run: f"results/irkd/evaluation/described/{run}/seed-0.json" for run in runs}
    assert set(found) == set(tests.values())
    assert {run: found[tests[run]].needs for run in runs} == {
        "small-p4": frozenset(),
        "tiny-p4-ce": frozenset(),
        "tiny-p4-kd": {tests["small-p4"]},
    }
    plan = schedule.plan(found.values(), 10_000, 1, 0, 6.0)
    assert plan.finishing == tuple(tests.values())


def test_the_chosen_files_of_a_round_are_made_and_no_more_whatever_was_asked_for(workspace):
    workspace = workspace(select=["tiny-p4-ce", "tiny-p4-cl", "tiny-p4-kd"])
    tests = [f"results/irkd/evaluation/described/{run}/seed-0.json" for run in ("tiny-p4-ce", "tiny-p4-cl")]
    asked = ["archive", "--cores", "2", "--resources", "gpu=2", "--configfile", "tiny.yaml"]
    driver = [sys.executable, "workflow_scripts/drive.py"]
    output = workspace.call([*driver, *asked, "--until", *tests, "--dry-run"])
    assert stats(output) == {"fetch_dataset": 1, "prepare_dataset": 1, "train": 2, "evaluate": 2}
