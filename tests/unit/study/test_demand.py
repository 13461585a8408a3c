"""What trainings ask of a cluster."""

from dataclasses import replace

import pytest
import yaml
from distillation.data import settings
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import study
from distillation.study.costs import demand
from distillation.study.spec import Stage
from distillation.training import flops
from shipped import CONFIG, ROOT, STUDIES

STUDY = study.resolve("irkd", CONFIG)
VLM = study.resolve("vlm", yaml.safe_load((STUDIES / "vlm/study.yaml").read_text(encoding="utf-8")))
IMAGES = 50_000


def training(name):
    """A run of the study and the network of its teacher."""
    run = STUDY.entries["described", name].resolve(TrainingSeed(0))
    return run, run.teacher and STUDY.entries["described", run.teacher.run].resolve(TrainingSeed(0)).model


def minutes(name, device="cuda", **changes):
    run, teacher = training(name)
    return demand.training_minutes(replace(run, **changes), teacher, IMAGES, device)


@pytest.mark.parametrize("name", ["custom-p2-cl", "tiny-p4-kd-cl", "tiny-p2-kd"])
def test_flops_of_a_training_are_those_that_torch_counts(name):
    run, teacher = training(name)
    counted = sum(flops.training_flops(run, teacher, IMAGES, [stage.epochs for stage in run.stages]))
    assert demand.training_flops(run, teacher, IMAGES) == pytest.approx(counted, rel=0.03)


PLANNED = ("described", "maps-of-an-untrained-network", "better-p2-teacher")


@pytest.mark.parametrize(
    "entry",
    [entry for entry in STUDY.entries.values() if entry.protocol in PLANNED],
    ids=lambda entry: f"{entry.protocol}/{entry.run}",
)
def test_the_operations_of_a_plan_are_nearly_those_that_torch_counts(entry):
    own = STUDY.training(entry.protocol, entry.run, TrainingSeed(0))
    counted = flops.training_flops(
        own.run, own.teacher_model, IMAGES, [stage.epochs for stage in own.run.stages]
    )
    assert demand.operations(own.run, own.teacher_model, IMAGES) == pytest.approx(sum(counted), rel=0.1)


def test_saliency_costs_more_than_torch_counts():
    run, teacher = training("tiny-p4-kd-cl-sal")
    assert demand.training_flops(run, teacher, IMAGES) > sum(
        flops.training_flops(run, teacher, IMAGES, [stage.epochs for stage in run.stages])
    )


def test_the_study_asks_for_time_by_what_its_runs_compute():
    asked = {name: minutes(name) for protocol, name in STUDY.entries if protocol == "described"}
    assert (
        (min(asked.values()), max(asked.values())) == (asked["custom-p2-cl"], asked["small-p2"]) == (40, 270)
    )
    said = "40 minutes for the smallest student, four and a half hours for the largest teacher"
    assert said in " ".join((ROOT / "docs/cluster.md").read_text().split())
    assert asked["tiny-p2-kd-cl"] < asked["tiny-p2-kd"] < asked["small-p2"]


def test_the_images_of_a_run_are_those_of_its_data_set():
    assert {entry.images for entry in STUDY.entries.values()} == {IMAGES}


def test_more_epochs_and_less_precision_take_more_time():
    assert minutes("small-p4", stages=(Stage(32, 270),)) > minutes("small-p4")
    assert minutes("small-p4", precision="fp32") > minutes("small-p4")
    assert minutes("small-p4", device="cpu") > 100 * minutes("small-p4")


def test_memory_of_the_host_holds_the_process_and_the_images_and_on_a_cpu_the_batch():
    run, _ = training("small-p2")
    assert demand.memory_mb(run, IMAGES, "cuda") == 8000
    # A step of this training was seen to take 20 GB on a CPU.
    assert 20_000 < demand.memory_mb(run, IMAGES, "cpu") < 40_000
    assert demand.memory_mb(replace(run, batch_size=64), IMAGES, "cpu") < demand.memory_mb(run, IMAGES, "cpu")


def test_of_large_images_the_host_holds_those_that_are_made_at_once_and_no_whole_epoch():
    run = VLM.entries["released", "vit-tiny-ce"].resolve(TrainingSeed(0))
    together, side = settings.VIEWS_AT_ONCE, run.model.image_size
    assert side == 224
    # The views made at once and the last ones of an epoch, beside the process.
    assert demand.memory_mb(run, IMAGES, "cuda") * 1e6 == pytest.approx(6e9 + 2 * together, abs=1e9)
    small = replace(run, stages=(Stage(32, 1),))
    enlarged = IMAGES * 3 * side**2
    assert demand.memory_mb(small, IMAGES, "cuda") * 1e6 == pytest.approx(
        6e9 + enlarged + IMAGES * 3 * 32**2 * 4, abs=1e9
    )


def test_a_batch_of_views_is_held_however_large_it_is():
    run = replace(VLM.entries["released", "vit-tiny-ce"].resolve(TrainingSeed(0)), batch_size=8192)
    assert demand.memory_mb(run, IMAGES, "cuda") * 1e6 > 6e9 + 8192 * 3 * 224**2 * 4


def test_a_network_is_tested_before_any_is_trained_teachers_come_before_students_and_short_before_long():
    chosen = [key for key in STUDY.entries if key[0] in ("described", "released")]
    priorities = {}
    for protocol, name in chosen:
        entry, teacher = STUDY.entries[protocol, name], STUDY.teacher_of(protocol, name, TrainingSeed(0))
        network = teacher and teacher.model
        priorities[protocol, name] = demand.training_priority(
            entry.resolve(TrainingSeed(0)), entry.role, network, IMAGES
        )
    order = sorted(chosen, key=lambda key: -priorities[key])
    roles = [STUDY.entries[key].role for key in order]
    assert roles == sorted(roles, reverse=True)
    assert max(priorities.values()) < demand.EVALUATION_PRIORITY
    assert all(type(priority) is int and priority > 0 for priority in priorities.values())
    described = [name for protocol, name in order if protocol == "described"]
    assert described[:3] == ["small-p4", "small-p2", "custom-p2-cl"]
    assert described[-1] == "tiny-p2-kd-cl-sal"
    # fp32 takes longer than bf16.
    for name in ("custom-p2-cl", "custom-p2-ce", "tiny-p4-ce", "tiny-p4-kd"):
        assert priorities["described", name] > priorities["released", name]
