"""The study vlm against its scripts, transcribed by hand."""

import copy
import re

import pytest
import yaml
from distillation.data.settings import Normalization
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import study
from distillation.study.configuration import ConfigurationError
from distillation.study.protocols import merge
from shipped import ROOT, STUDIES, demo

CONFIG = yaml.safe_load((STUDIES / "vlm/study.yaml").read_text(encoding="utf-8"))
# Means and standard deviations of the channels.
CIFAR = Normalization((0.507, 0.487, 0.441), (0.267, 0.256, 0.276))
IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

# Names in timm, and the tags of their weights: timm's defaults.
VIT_BASE = "vit_base_patch16_224", "augreg2_in21k_ft_in1k"
RESNET_152 = "resnet152", "a1h_in1k"
VIT_TINY = "vit_tiny_patch16_224", "augreg_in21k_ft_in1k"
RESNET_18 = "resnet18", "a1_in1k"
MOBILEVIT_S = "mobilevit_s", "cvnets_in1k"

# As the scripts ran: network, side, statistics, padding of crops, optimizer, rate, decay, batch.
RELEASED = {
    "vit-tiny-ce": (VIT_TINY, 224, CIFAR, 0, "adamw", 3e-4, 0.01, 128),
    "vit-tiny-from-vit": (VIT_TINY, 224, CIFAR, 0, "adamw", 3e-4, 0.01, 128),
    "resnet-18-ce": (RESNET_18, 224, IMAGENET, 0, "adam", 1e-3, 0.0, 128),
    "resnet-18-from-vit": (RESNET_18, 224, IMAGENET, 0, "adam", 1e-3, 0.0, 64),
    "mobilevit-s-ce": (MOBILEVIT_S, 256, CIFAR, 32, "adamw", 3e-4, 0.01, 64),
    "mobilevit-s-from-vit": (MOBILEVIT_S, 256, CIFAR, 32, "adamw", 3e-4, 0.01, 64),
    "vit-tiny-ce-again": (VIT_TINY, 224, CIFAR, 0, "adamw", 3e-4, 0.01, 128),
    "vit-tiny-from-resnet": (VIT_TINY, 224, CIFAR, 0, "adamw", 3e-4, 0.01, 64),
    "resnet-18-ce-with-crops": (RESNET_18, 224, CIFAR, 28, "adamw", 3e-4, 0.01, 128),
    "resnet-18-from-resnet": (RESNET_18, 224, CIFAR, 28, "adamw", 3e-4, 0.01, 64),
}
TEACHERS = {"vit-base": VIT_BASE, "resnet-152": RESNET_152}


def resolve(changes=None):
    return study.resolve("vlm", merge(copy.deepcopy(CONFIG), changes or {}))


@pytest.fixture(scope="module")
def vlm():
    return resolve()


def of_timm(run):
    """The network's name in timm and the tag of the weights that it starts from."""
    name, _, tag = run.start.name.partition(".")
    assert run.model.name == name
    return name, tag


def problem(changes):
    with pytest.raises(ConfigurationError) as error:
        resolve(changes)
    return error.value.errors


@pytest.mark.parametrize("run", RELEASED)
def test_each_row_as_released_is_trained_as_its_script_trains(vlm, run):
    own = vlm.training("released", run, TrainingSeed(0)).run
    optimizer, stage = own.optimizer, own.stages[0]
    found = (of_timm(own), own.model.image_size, own.normalization, own.augmentation.crop_padding)
    found += (optimizer.name, optimizer.lr, optimizer.weight_decay, own.batch_size)
    assert found == RELEASED[run]
    assert (stage.resolution, stage.epochs, len(own.stages)) == (own.model.image_size, 10, 1)
    assert (own.augmentation.flip, own.augmentation.used, own.precision) == (0.5, {}, "fp32")
    assert own.tests_each_epoch
    cosine = own.warmup_cosine
    assert (cosine and (cosine.warmup, cosine.stepped)) == ((0.0, "epoch") if "mobile" in run else None)
    terms = own.losses
    distilled = "from" in run
    assert terms.ce.weight == (0.5 if distilled else 1.0)
    assert (terms.kd and (terms.kd.weight, terms.kd.temperature)) == ((0.5, 4.0) if distilled else None)
    assert "split" not in CONFIG["datasets"][own.dataset]


@pytest.mark.parametrize("protocol", ["described", "released"])
def test_teachers_train_their_head_first_then_everything_at_a_low_rate(vlm, protocol):
    for run, network in TEACHERS.items():
        own = vlm.training(protocol, run, TrainingSeed(0)).run
        assert (of_timm(own), own.model.image_size, own.normalization) == (network, 224, CIFAR)
        assert [(each.resolution, each.epochs, each.lr, each.head_only) for each in own.stages] == [
            (224, 1, 3e-3, True),
            (224, 3, 1e-5, False),
        ]
        assert (own.optimizer.name, own.optimizer.weight_decay, own.batch_size) == ("adam", 0, 64)
        crops = 28 if (protocol, run) == ("released", "resnet-152") else 0
        assert own.augmentation.crop_padding == crops


def test_as_described_a_pair_differs_in_the_teacher_alone(vlm):
    pairs = {
        "vit-tiny-ce": ["vit-tiny-from-vit", "vit-tiny-from-resnet"],
        "resnet-18-ce": ["resnet-18-from-vit", "resnet-18-from-resnet"],
        "mobilevit-s-ce": ["mobilevit-s-from-vit"],
    }
    for alone, taught in pairs.items():
        first = vlm.training("described", alone, TrainingSeed(1)).run
        for run in taught:
            second = vlm.training("described", run, TrainingSeed(1)).run
            for key in vars(first):
                if key not in ("losses", "teacher", "teacher_resolution"):
                    assert getattr(first, key) == getattr(second, key), key
            assert of_timm(second) == RELEASED[run][0]
            assert second.normalization == CIFAR
    assert all(entry.selection == "best" for key, entry in vlm.entries.items() if key[0] == "described")
    assert not any(key == ("described", "vit-tiny-ce-again") for key in vlm.entries)


def test_both_baselines_of_vit_tiny_are_one_experiment(vlm):
    first, again = (
        vlm.training("released", run, TrainingSeed(2)).run for run in ("vit-tiny-ce", "vit-tiny-ce-again")
    )
    assert first == again


def test_teachers_are_asked_once_where_students_see_the_images_or_their_mirror_images(vlm):
    live = {key for key, entry in vlm.entries.items() if entry.teacher and not entry.stores_answers}
    assert live == {
        ("described", "mobilevit-s-from-vit"),
        ("released", "mobilevit-s-from-vit"),
        ("released", "resnet-18-from-resnet"),
    }
    assert vlm.training("released", "mobilevit-s-from-vit", TrainingSeed(0)).run.teacher_resolution == 224


def test_the_page_has_the_command_for_every_file_of_weights_of_the_study_and_of_its_demo():
    page = (ROOT / "docs/vlm.md").read_text(encoding="utf-8")
    names = [entry["name"] for own in (CONFIG, demo("vlm")) for entry in own["weights"].values()]
    assert re.findall(r"^    hf download timm/(\S+) model.safetensors$", page, re.MULTILINE) == names


# Bad input


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"students": {"vit-tiny-ce": {"set": {"start": "resnet-18"}}}},
            "vlm: students.vit-tiny-ce: start: its weights are those of resnet18 of timm, but this network is"
            " vit_tiny_patch16_224; name weights of this network, or remove this key",
        ),
        (
            {"students": {"vit-tiny-ce": {"set": {"teacher_resolution": 224}}}},
            "vlm: students.vit-tiny-ce: teacher_resolution: this run has no teacher; remove this key",
        ),
        (
            {"students": {"mobilevit-s-from-vit": {"set": {"teacher_resolution": 240}}}},
            "vlm: students.mobilevit-s-from-vit: teacher_resolution: of its teacher vit-base: 240 px, but it"
            " is built for 224 px; write that",
        ),
        (
            {"protocols": {"released": {"overrides": {"resnet-152": {"optimizer": {"restart": "never"}}}}}},
            "vlm: teachers.resnet-152 (released): stages.0: it has a rate or a part of its own, but the"
            " optimizer is carried through all stages; set `optimizer: {restart: stage}`",
        ),
        (
            {"datasets": {"cifar100-256": {"image_size": 240}}},
            "vlm: students.mobilevit-s-ce (described) (and 1 more): stages.0.resolution: 256 is too large;"
            " the images have 240 px",
        ),
        (
            {
                "claims": {
                    "stated": {
                        "same-architecture-is-best": {
                            "cases": [
                                {
                                    "label": "none",
                                    "run": "vit-tiny-ce",
                                    "against": "resnet-18-ce",
                                    "instead": {"described": {"against": "vit-tiny"}},
                                }
                            ]
                        }
                    }
                }
            },
            "vlm: claims.stated.same-architecture-is-best.cases.0.instead.described.against: no run"
            " 'vit-tiny' (did you mean 'vit-tiny-ce'?)",
        ),
        (
            {"weights": {"vit-tiny": {"name": "vit_tiny_patch16_224"}}},
            "vlm: weights.vit-tiny.name: 'vit_tiny_patch16_224' has the wrong form; expected: Name of the"
            " network in timm, a dot, and the tag of its weights.",
        ),
    ],
)
def test_what_does_not_fit_is_an_error_with_its_fix(changes, expected):
    assert expected in problem(changes)


def test_a_network_that_does_not_tell_its_head_cannot_train_it_alone():
    irkd = yaml.safe_load((STUDIES / "irkd/study.yaml").read_text(encoding="utf-8"))
    irkd["curricula"]["teacher"][0]["head_only"] = True
    with pytest.raises(
        ConfigurationError, match=r"stages.0.head_only: networks of the family 'vit' are trained"
    ):
        study.resolve("irkd", irkd)


def test_maps_are_compared_of_equal_views_only():
    irkd = yaml.safe_load((STUDIES / "irkd/study.yaml").read_text(encoding="utf-8"))
    irkd["students"]["tiny-p4-kd"]["set"] = {"teacher_resolution": 16}
    with pytest.raises(
        ConfigurationError, match=r"tiny-p4-kd.*: teacher_resolution: saliency maps of student"
    ):
        study.resolve("irkd", irkd)
