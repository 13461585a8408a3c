"""What further trainings cost, in the words of a plan."""

import json

import pytest
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import study
from distillation.study.costs import plan
from distillation.training import flops
from shipped import CONFIG

STUDY = study.resolve("irkd", CONFIG)
TRAININGS = [
    ("equal-operations", "tiny-p4-ce", TrainingSeed(0)),
    ("equal-operations", "tiny-p4-ce", TrainingSeed(1)),
]


@pytest.fixture
def check(tmp_path):
    """Write a check of a GPU."""

    def write(runs, device="NVIDIA H100", rehearsal=False):
        path = tmp_path / f"{device}.json"
        content = {"device": device, "rehearsal": rehearsal, "job_start_seconds": 10, "runs": runs}
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


def test_a_plan_says_how_many_trainings_and_operations_of_the_training_images():
    run = STUDY.training(*TRAININGS[0]).run
    counted = 2 * flops.training_flops(run, None, 45_000, [31])[0] / 1e15
    said = plan.words(STUDY, TRAININGS, [])
    assert said == f"2 trainings, about {counted:.1f} PFLOP; hours are estimated after `make gpu-check`"
    limited = study.merge(CONFIG, {"datasets": {"cifar10": {"limit": {"train": 450}}}})
    assert f"about {counted * 10:.0f} TFLOP" in plan.words(study.resolve("irkd", limited), TRAININGS, [])


def test_a_plan_has_the_hours_of_each_checked_gpu(check):
    runs = {"equal-operations/tiny-p4-ce": {"seconds": 1790}}
    checks = [check(runs), check(runs, "NVIDIA H200", rehearsal=True), check({}, "NVIDIA L4")]
    assert plan.words(STUDY, TRAININGS, checks).split("; ", 1)[1] == (
        "1.0 hours one after the other on NVIDIA H100; 1.0 hours one after the other on NVIDIA H200, which"
        " means nothing: the check was a rehearsal; the check of NVIDIA L4 does not know"
        " equal-operations/tiny-p4-ce; repeat `make gpu-check`"
    )
