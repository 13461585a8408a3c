"""The shipped controls change what they say and nothing else."""

from collections import Counter
from itertools import pairwise

import pytest
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec, study
from distillation.training import flops
from shipped import CONFIG

STUDY = study.resolve("irkd", CONFIG)
IMAGES = 45_000
ORDERS = ("descending-resolutions", "mixed-resolutions", "random-resolutions")


def operations(protocol, run):
    training = STUDY.training(protocol, run, TrainingSeed(0))
    epochs = [stage.epochs for stage in training.run.stages]
    return sum(flops.training_flops(training.run, training.teacher_model, IMAGES, epochs))


def epochs_by_resolution(run):
    found = Counter()
    for stage in run.stages:
        found[stage.resolution] += stage.epochs
    return found


@pytest.mark.parametrize("network", ["custom-p2", "tiny-p4"])
@pytest.mark.parametrize(("fixed", "curriculum"), [("ce", "cl"), ("kd", "kd-cl")])
def test_fixed_resolution_has_the_operations_of_the_curriculum_to_half_an_epoch(network, fixed, curriculum):
    ours, theirs = f"{network}-{fixed}", f"{network}-{curriculum}"
    epoch = operations("described", ours) / 60
    difference = operations("equal-operations", ours) - operations("described", theirs)
    assert abs(difference) <= epoch / 2


@pytest.mark.parametrize("run", ["custom-p2-cl", "tiny-p4-cl"])
@pytest.mark.parametrize("protocol", ORDERS)
def test_other_orders_have_the_epochs_of_the_curriculum_and_end_as_it_does(protocol, run):
    own, curriculum = (
        STUDY.entries[each, run].resolve(TrainingSeed(0)) for each in (protocol, "optimizer-carried")
    )
    assert epochs_by_resolution(own) == epochs_by_resolution(curriculum)
    assert own.stages[-1] == curriculum.stages[-1]
    assert spec.to_mapping(own) | {"stages": None} == spec.to_mapping(curriculum) | {"stages": None}
    assert operations(protocol, run) == operations("optimizer-carried", run)


def test_the_orders_are_what_they_are_called():
    sides = {
        order: [
            stage.resolution for stage in STUDY.entries[order, "tiny-p4-cl"].resolve(TrainingSeed(0)).stages
        ]
        for order in ORDERS
    }
    assert sides["descending-resolutions"] == [28, 24, 20, 16, 12, 32]
    assert sides["mixed-resolutions"] == [*([12, 16, 20, 24, 28] * 10), 32]
    in_random_order = sides["random-resolutions"]
    assert len(in_random_order) == 51
    assert 15 < sum(one < other for one, other in pairwise(in_random_order)) < 30


@pytest.mark.parametrize("run", ["custom-p2-kd-cl-sal", "tiny-p4-kd-cl-sal"])
@pytest.mark.parametrize(
    ("protocol", "maps"),
    [("maps-of-another-image", "of-another-image"), ("maps-of-an-untrained-network", "untrained")],
)
def test_controls_of_the_saliency_term_change_its_maps_alone(protocol, maps, run):
    control, own = (
        spec.to_mapping(STUDY.entries[each, run].resolve(TrainingSeed(0))) for each in (protocol, "described")
    )
    assert control["losses"]["saliency"].pop("teacher_maps") == maps
    assert control == own
    assert STUDY.entries[protocol, run].teacher == ("described", own["teacher"]["run"])


def test_the_better_teacher_sees_64_px_first_and_teaches_vit_tiny_p2():
    teacher = STUDY.entries["better-p2-teacher", "small-p2"].resolve(TrainingSeed(0))
    assert [(stage.resolution, stage.epochs) for stage in teacher.stages] == [(64, 27), (32, 108)]
    assert teacher.epochs == STUDY.entries["described", "small-p2"].resolve(TrainingSeed(0)).epochs
    taught = [
        key for key, entry in STUDY.entries.items() if entry.teacher == ("better-p2-teacher", "small-p2")
    ]
    assert taught == [("better-p2-teacher", f"tiny-p2-{method}") for method in ("kd", "kd-cl", "kd-cl-sal")]


def test_the_stronger_recipe_keeps_networks_terms_stages_and_teachers():
    runs = [run for protocol, run in STUDY.entries if protocol == "stronger-recipe"]
    assert len(runs) == 10
    for run in runs:
        stronger, described = (STUDY.entries[protocol, run] for protocol in ("stronger-recipe", "described"))
        own, other = stronger.resolve(TrainingSeed(0)), described.resolve(TrainingSeed(0))
        assert stronger.teacher == described.teacher
        assert (own.model, own.losses, own.stages) == (other.model, other.losses, other.stages)
        assert own.mixing and own.augmentation.rand_augment and own.weight_average and own.warmup_cosine
