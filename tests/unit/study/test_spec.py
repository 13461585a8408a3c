import dataclasses
import hashlib
import json
import subprocess
import sys
import typing

import pytest
from distillation.networks.terms import TERMS
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec, study
from distillation.study.configuration import STUDY_FILE
from pydantic import ValidationError
from shipped import CONFIG as BASE
from shipped import ROOT

# Every field set, and none at its default.
FULL = {
    "seed": 3,
    "dataset": "cifar10",
    "normalization": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]},
    "model": {
        "family": "vit",
        "image_size": 32,
        "patch_size": 4,
        "width": 192,
        "depth": 12,
        "heads": 3,
        "mlp_width": 768,
        "classes": 10,
        "dropout": 0.1,
        "attention_dropout": 0.2,
        "without_final_norm": True,
        "stochastic_depth": 0.3,
        "largest_side": 64,
        "distillation_token": {
            "start": "random",
            "position": True,
            "without_head": True,
            "averages_heads": True,
        },
    },
    "losses": {
        "ce": {"weight": 1.0, "label_smoothing": 0.01},
        "kd": {"weight": 0.5, "temperature": 4.0},
        "saliency": {
            "weight": 0.8,
            "kind": "gradient",
            "student_layers": [0, 11],
            "teacher_layers": [1, 11],
            "over_layers": "sum",
            "teacher_maps": "untrained",
        },
    },
    "stages": [
        {"resolution": 12, "epochs": 10, "lr": 3e-3, "head_only": True},
        {"resolution": 32, "epochs": 20, "lr": 1e-5, "head_only": True},
    ],
    "augmentation": {
        "crop_padding": 4,
        "flip": 0.5,
        "auto_augment": 0.25,
        "weak_auto_augment": 0.75,
        "rand_augment": {"operations": 2, "magnitude": 9.0},
        "erasing": {"probability": 0.2, "scale": [0.02, 0.2], "ratio": [0.3, 3.3]},
    },
    "optimizer": {
        "name": "adamw",
        "lr": 3e-4,
        "weight_decay": 1e-4,
        "decay": "proper",
        "restart": "stage",
        "accumulation": 2,
    },
    "batch_size": 128,
    "precision": "bf16",
    "one_cycle": {
        "rising": 0.6,
        "initial_divisor": 20.0,
        "final_divisor": 5.0,
        "beta1_low": 0.85,
        "beta1_high": 0.95,
    },
    "mixing": {"mixup_alpha": 0.2, "cutmix_alpha": 1.0, "cutmix_share": 0.5},
    "teacher": {"run": "small-p4", "seed": 0, "weights": "best"},
    "views": {"training": "crop", "validation": "crop"},
    "early_stopping": {"patience": 3, "restore": "on-stop"},
    "warmup_cosine": {"warmup": 0.2, "stepped": "epoch"},
    "start": {"kind": "deit", "sha256": "649709d9"},
    "recorded_maps": {"kind": "class-map", "student_layers": [0, 2], "teacher_layers": [1, 3]},
    "teacher_resolution": 24,
    "tests_each_epoch": True,
    "weight_average": {"decay": 0.999},
    "fused": True,
}
OPTIONAL = (
    *("one_cycle", "mixing", "teacher", "early_stopping", "warmup_cosine", "start", "recorded_maps"),
    "weight_average",
)
SINGLE = ("teacher_resolution", "tests_each_epoch", "fused")
PLAIN = {
    key: value for key, value in FULL.items() if key not in (*OPTIONAL, *SINGLE, "augmentation", "views")
} | {
    "stages": [{"resolution": 12, "epochs": 10}, {"resolution": 32, "epochs": 20}],
    "optimizer": {key: value for key, value in FULL["optimizer"].items() if key != "accumulation"},
    "losses": {"ce": {"weight": 1.0}},
    "model": {k: v for k, v in FULL["model"].items() if k in list(FULL["model"])[:8]},
    "augmentation": {},
}


def trainings():
    return study.resolve("irkd", BASE).entries.values()


def nodes(value, path=()):
    """Path and value of everything inside nested dataclasses and tuples."""
    yield path, value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from nodes(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from nodes(entry, (*path, index))


def replaced(value, path, new):
    """A copy of nested dataclasses and tuples with another value at a path."""
    if not path:
        return new
    key, *rest = path
    if isinstance(value, tuple):
        return (*value[:key], replaced(value[key], rest, new), *value[key + 1 :])
    return dataclasses.replace(value, **{key: replaced(getattr(value, key), rest, new)})


def other(value, choices):
    """Another valid value: of the choices if there are some; None for an optional part."""
    if choices:
        return next(choice for choice in choices if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, tuple):
        return value[:-1]
    if dataclasses.is_dataclass(value):
        return None
    return value / 2 if isinstance(value, float) else value + 1


def choices_at(path):
    """The texts that are possible at a path of the full run, if they are listed."""
    *parents, last = path
    owner = spec.from_mapping(FULL)
    for step in parents:
        owner = owner[step] if isinstance(step, int) else getattr(owner, step)
    if isinstance(last, int):
        return ()
    annotation = type(owner).__pydantic_fields__[last].annotation
    return typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()


# The terms that the study uses; another one has tests of its own.
OTHER_TERMS = set(TERMS) - {"ce", "kd", "saliency"}
NODES = [
    (path, value)
    for path, value in nodes(spec.from_mapping(FULL))
    if path and not (path[0] == "losses" and OTHER_TERMS & set(path))
]
PARTS = (*OPTIONAL, "kd", "saliency", "distillation_token", "erasing", "stages", "student_layers")
SETTINGS = [
    (path, value)
    for path, value in NODES
    if path[-1] in PARTS or not (dataclasses.is_dataclass(value) or isinstance(value, tuple))
    # A name of which there is only one cannot be another.
    if len(choices_at(path)) != 1
    # The three colours and both ends of a range are changed one by one.
    if path[-1] not in ("mean", "std", "scale", "ratio")
]


def test_the_full_run_sets_every_field_of_the_specification():
    for path, value in NODES:
        assert value is not None, path
    fields = {path[-1] for path, _ in NODES if isinstance(path[-1], str)}
    kinds = {type(value) for _, value in nodes(spec.from_mapping(FULL)) if dataclasses.is_dataclass(value)}
    assert len(kinds) > 15
    assert fields == {field.name for kind in kinds for field in dataclasses.fields(kind)} - OTHER_TERMS


@pytest.mark.parametrize("mapping", [FULL, PLAIN], ids=["full", "plain"])
def test_a_run_survives_the_way_to_plain_values_and_back(mapping):
    run = spec.from_mapping(mapping)
    assert spec.to_mapping(run) == mapping
    assert spec.from_mapping(json.loads(json.dumps(spec.to_mapping(run)))) == run


def test_every_training_survives_the_way_to_plain_values_and_back():
    for entry in trainings():
        run = entry.resolve(TrainingSeed(0))
        assert spec.from_mapping(spec.to_mapping(run)) == run


@pytest.mark.parametrize(("path", "value"), SETTINGS, ids=[".".join(map(str, path)) for path, _ in SETTINGS])
def test_every_single_setting_counts_for_the_digest(path, value):
    run = spec.from_mapping(FULL)
    assert spec.digest(replaced(run, path, other(value, choices_at(path)))) != spec.digest(run)


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(entry) for key, entry in reversed(value.items())}
    return value


def respelled(value):
    """Whole floats written as integers."""
    if isinstance(value, dict):
        return {key: respelled(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [respelled(entry) for entry in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


@pytest.mark.parametrize("rewrite", [reordered, respelled])
def test_the_digest_does_not_depend_on_how_a_configuration_is_written(rewrite):
    assert json.dumps(rewrite(FULL)) != json.dumps(FULL)
    assert spec.digest(spec.from_mapping(rewrite(FULL))) == spec.digest(spec.from_mapping(FULL))


def test_fields_at_their_default_are_absent_and_spelling_them_out_changes_nothing():
    spelt_out = PLAIN | {
        "losses": {"ce": {"weight": 1.0, "label_smoothing": 0.0}, "kd": None, "saliency": None},
        "model": PLAIN["model"]
        | {"dropout": 0.0, "attention_dropout": 0, "without_final_norm": False, "distillation_token": None},
        "augmentation": {"crop_padding": 0, "flip": 0.0, "auto_augment": 0.0, "erasing": None},
        "optimizer": PLAIN["optimizer"] | {"accumulation": 1},
        "views": {"training": "scale", "validation": "scale"},
        **dict.fromkeys(OPTIONAL),
    }
    run = spec.from_mapping(spelt_out)
    assert spec.to_mapping(run) == PLAIN
    assert spec.digest(run) == spec.digest(spec.from_mapping(PLAIN))


def test_the_digest_is_that_of_compact_sorted_json():
    text = json.dumps(PLAIN, sort_keys=True, separators=(",", ":"))
    assert spec.digest(spec.from_mapping(PLAIN)) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "fault",
    [{"batch_sise": 1}, {"precision": "fp16"}, {"stages": 5}, {"optimizer": {"name": "adamw"}}],
    ids=["unknown field", "impossible value", "wrong type", "missing field"],
)
def test_a_mapping_that_is_no_run_is_refused(fault):
    with pytest.raises(ValidationError):
        spec.from_mapping(FULL | fault)


def parts(schema):
    """Every mapping inside a core schema of pydantic."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from parts(value)


@pytest.mark.parametrize("form", [spec.RUN, STUDY_FILE], ids=["run", "study"])
def test_no_setting_takes_a_value_of_another_type(form):
    scalars = [
        part for part in parts(form.core_schema) if part.get("type") in ("int", "float", "bool", "str")
    ]
    assert len(scalars) > 30
    assert [part for part in scalars if part.get("strict") is not True] == []


def test_epochs_are_those_of_all_stages():
    assert spec.from_mapping(FULL).epochs == 30


def test_no_two_trainings_are_the_same():
    made = [
        (entry, seed) for entry in trainings() if entry.protocol in BASE["reproduce"] for seed in entry.seeds
    ]
    assert len({spec.digest(entry.resolve(seed)) for entry, seed in made}) == len(made)


def test_planning_a_study_imports_nothing_heavy():
    code = (
        "import sys; from distillation.study import code_digest, configuration, spec, study;"
        " print(*sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "workflow_scripts",
    )
    loaded = set(result.stdout.split())
    assert "distillation.study.study" in loaded
    assert loaded & {"torch", "torchvision", "timm", "numpy", "pandas", "matplotlib", "safetensors"} == set()
