"""Plans on a machine to which a state was brought: what was trained stays trained."""

import shutil

import pytest
from offline_node import luggage
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
    luggage.pack_state(finished.path, finished.path / "results", tmp_path / "state.tar", None, light=True)
    luggage.unpack_state(elsewhere.path, tmp_path / "state.tar")
    return elsewhere


@pytest.mark.parametrize(("group", "trainings"), GROUPS.items())
def test_a_group_is_its_trainings_and_their_tests(workspace, group, trainings):
    counts = stats(workspace().snakemake("-n", "archive", configfile=f"config/groups/{group}.yaml"))
    assert (counts["train"], counts.get("distill", 0)) == trainings
    assert counts["evaluate"] == sum(trainings)


def test_what_a_group_has_trained_the_whole_study_does_not_train_again(finished):
    finished.configure(select=[])
    planned = {job for job in finished.plan("students") if job.startswith("Training")}
    assert len(planned) == 11 + 1
    assert not {job for job in planned if "p4" in job and "tiny-p4-cl," not in job}


def test_with_a_light_state_nothing_but_the_archive_is_made(brought):
    assert not list(brought.path.rglob("arrays.safetensors"))
    assert brought.plan("archive") == {"Packing the results"}


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
