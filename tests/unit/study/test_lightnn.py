"""The study lightnn against its notebook, transcribed by hand."""

import copy

import pytest
import yaml
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec, study
from distillation.study.configuration import ConfigurationError
from distillation.study.protocols import merge
from shipped import STUDIES

CONFIG = yaml.safe_load((STUDIES / "lightnn/study.yaml").read_text(encoding="utf-8"))
SEEDS = (0, 1, 2, 3, 4)


def resolve(changes=None):
    return study.resolve("lightnn", merge(copy.deepcopy(CONFIG), changes or {}))


@pytest.fixture(scope="module")
def lightnn():
    return resolve()


# Weights of CE, of KD and of the attention term, what its maps are made of, and whether it is a constant.
ROWS = {
    "light-ce": (1.0, None, None),
    "light-kd": (0.75, 0.25, None),
    "light-gradients": (0.75, None, (0.25, "gradients")),
    "light-activations": (0.75, None, (0.25, "activations")),
    "light-kd-gradients": (0.7, 0.2, (0.1, "gradients")),
}


@pytest.mark.parametrize("protocol", ["described", "released"])
@pytest.mark.parametrize("run", ROWS)
def test_each_row_has_the_loss_of_the_notebook(lightnn, protocol, run):
    losses = lightnn.training(protocol, run, TrainingSeed(0)).run.losses
    ce, kd, attention = ROWS[run]
    assert losses.ce.weight == ce
    assert losses.ce.label_smoothing == 0
    assert (losses.kd and (losses.kd.weight, losses.kd.temperature)) == (kd and (kd, 3.0))
    own = losses.attention
    assert (own and (own.weight, own.of)) == attention
    if own:
        assert own.normalized == (protocol == "described")
        assert own.constant == (protocol == "released" and own.of == "gradients")


@pytest.mark.parametrize("protocol", ["described", "released"])
@pytest.mark.parametrize("run", ROWS)
def test_every_row_is_trained_as_in_the_notebook(lightnn, protocol, run):
    own = lightnn.training(protocol, run, TrainingSeed(3)).run
    assert [(stage.resolution, stage.epochs) for stage in own.stages] == [(32, 10)]
    assert (own.optimizer.name, own.optimizer.lr, own.optimizer.weight_decay) == ("adam", 0.001, 0)
    assert (own.batch_size, own.precision, own.one_cycle, own.mixing) == (128, "fp32", None, None)
    assert own.augmentation == spec.Augmentation()
    assert own.normalization.mean == (0.485, 0.456, 0.406)
    assert own.normalization.std == (0.229, 0.224, 0.225)
    assert "split" not in CONFIG["datasets"][own.dataset]


@pytest.mark.parametrize("run", [run for run in ROWS if run != "light-ce"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_student_has_the_teacher_of_its_seed_which_as_released_was_never_trained(lightnn, run, seed):
    described, released = (
        lightnn.training(each, run, TrainingSeed(seed)) for each in ("described", "released")
    )
    assert (described.entry.teacher, described.teacher.seed) == (("described", "deep"), seed)
    assert (released.entry.teacher, released.teacher.seed) == (("released", "deep-untrained"), seed)
    assert described.teacher.epochs == 10
    assert released.teacher.epochs == 0
    assert described.teacher.model == released.teacher.model
    assert described.run.teacher.seed == released.run.teacher.seed == seed


def test_every_student_reads_the_stored_answers_of_its_teacher(lightnn):
    taught = [entry for entry in lightnn.entries.values() if entry.teacher]
    assert len(taught) == 8
    assert all(entry.stores_answers for entry in taught)
    assert not any(entry.stores_answers for entry in lightnn.entries.values() if not entry.teacher)


def test_light_ce_and_the_students_of_both_protocols_have_the_same_seeds(lightnn):
    assert {entry.seeds for entry in lightnn.entries.values()} == {tuple(map(TrainingSeed, SEEDS))}


# Bad input


def problem(changes):
    with pytest.raises(ConfigurationError) as error:
        resolve(changes)
    return error.value.errors


def test_a_seed_of_students_without_a_teacher_of_the_same_is_an_error():
    assert problem({"seeds": {"teachers": [0, 1]}}) == [
        "lightnn: seeds.teachers: no 2, a seed of students, which have teachers of the same; add it"
    ]


def test_only_a_single_stage_can_be_without_epochs():
    stages = [{"resolution": 32, "epochs": 0}, {"resolution": 32, "epochs": 1}]
    assert problem({"curricula": {"ten-epochs": stages}}) == [
        "lightnn: teachers.deep (and 5 more): stages.0.epochs: 0, but an untrained network has one stage;"
        " write 1 or more"
    ]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"of": "activations", "constant": True},
            "losses.attention: constant: only maps of gradients can be constants; remove this key",
        ),
        (
            {"weight": 0.0, "constant": True},
            "losses.attention: weight: 0, but a constant term needs a weight; write more than 0, or use"
            " another method",
        ),
    ],
)
def test_a_constant_term_is_one_of_gradients_with_a_weight(settings, text):
    changes = {
        "protocols": {"released": {"overrides": {"light-gradients": {"losses": {"attention": settings}}}}}
    }
    assert problem(changes) == [f"lightnn: students.light-gradients (released): {text}"]


def test_maps_that_cannot_be_averaged_to_those_of_the_teacher_are_an_error():
    three = {"models": {"light": {"convolutions": [[16], [16], [16], [16], [16]]}}}
    assert problem(three)[0] == (
        "lightnn: students.light-gradients (and 2 more): losses.attention: the last map of the student has"
        " 1 x 1 cells, that of its teacher 2 x 2; name a teacher whose map divides the student's"
    )


def test_a_network_without_a_last_map_cannot_have_an_attention_term():
    vit = {
        "models": {
            "light": {"family": "vit", "patch_size": 4, "width": 8, "depth": 2, "heads": 1, "mlp_width": 8},
        }
    }
    config = copy.deepcopy(CONFIG)
    config["models"]["light"] = vit["models"]["light"]
    with pytest.raises(ConfigurationError) as error:
        study.resolve("lightnn", config)
    assert any("the student has no feature 'last_map'" in text for text in error.value.errors)
