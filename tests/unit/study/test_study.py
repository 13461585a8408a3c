import copy

import pytest
from distillation.core.errors import InputError, UserError
from distillation.networks import map_settings
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.saliency import Saliency
from distillation.networks.pretrained.deit import DeitWeights
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec, study
from shipped import CONFIG as BASE
from shipped import overlay

DEMO = overlay("demo")


def resolve(*overlays):
    return study.resolve("irkd", study.merge(BASE, *overlays))


def digests(resolved, protocol):
    return {
        (run, seed): spec.digest(entry.resolve(seed))
        for (name, run), entry in resolved.entries.items()
        if name == protocol
        for seed in entry.seeds
    }


# --- the study of the paper, transcribed by hand --------------------------------------------------

# Patch size, width, depth, heads, width of the MLP, dropout, attention dropout.
CUSTOM_P2 = (2, 128, 4, 4, 256, 0.0, 0.0)
TINY_P2 = (2, 192, 12, 3, 768, 0.1, 0.1)
TINY_P4 = (4, 192, 12, 3, 768, 0.1, 0.0)
SMALL_P2 = (2, 384, 12, 6, 1536, 0.1, 0.1)
SMALL_P4 = (4, 384, 12, 6, 1536, 0.1, 0.1)
# Pixels and epochs of each stage.
FIXED = ((32, 60),)
PROGRESSIVE = ((12, 10), (16, 10), (20, 10), (24, 10), (28, 10), (32, 10))
LONG = ((32, 135),)
# Blocks compared: of the student, of the teacher.
OUTLINE = ((0, 1, 3), (0, 1, 11))
TWELVE = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))

# Network, stages, whether there is a KD term, blocks of the saliency term, teacher.
PAPER = {
    "small-p2": (SMALL_P2, LONG, False, None, None),
    "small-p4": (SMALL_P4, LONG, False, None, None),
    "custom-p2-ce": (CUSTOM_P2, FIXED, False, None, None),
    "custom-p2-cl": (CUSTOM_P2, PROGRESSIVE, False, None, None),
    "custom-p2-kd": (CUSTOM_P2, FIXED, True, None, "small-p2"),
    "custom-p2-kd-cl": (CUSTOM_P2, PROGRESSIVE, True, None, "small-p2"),
    "custom-p2-kd-cl-sal": (CUSTOM_P2, PROGRESSIVE, True, OUTLINE, "small-p2"),
    "tiny-p2-ce": (TINY_P2, FIXED, False, None, None),
    "tiny-p2-cl": (TINY_P2, PROGRESSIVE, False, None, None),
    "tiny-p2-kd": (TINY_P2, FIXED, True, None, "small-p2"),
    "tiny-p2-kd-cl": (TINY_P2, PROGRESSIVE, True, None, "small-p2"),
    "tiny-p2-kd-cl-sal": (TINY_P2, PROGRESSIVE, True, TWELVE, "small-p2"),
    "tiny-p4-ce": (TINY_P4, FIXED, False, None, None),
    "tiny-p4-cl": (TINY_P4, PROGRESSIVE, False, None, None),
    "tiny-p4-kd": (TINY_P4, FIXED, True, None, "small-p4"),
    "tiny-p4-kd-cl": (TINY_P4, PROGRESSIVE, True, None, "small-p4"),
    "tiny-p4-kd-cl-sal": (TINY_P4, PROGRESSIVE, True, TWELVE, "small-p4"),
}


def expected(run, seed):
    """A run as the paper has it; what the paper leaves open as study.yaml says it was decided."""
    (patch, width, depth, heads, mlp, dropout, attention), stages, kd, layers, teacher = PAPER[run]
    trains_from_scratch = run.startswith("small")
    saliency = layers and Saliency(
        weight=0.8, kind="gradient", student_layers=layers[0], teacher_layers=layers[1], over_layers="sum"
    )
    return spec.Run(
        seed=seed,
        dataset="cifar10",
        normalization=spec.Normalization(mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010)),
        model=Model(
            family="vit",
            image_size=32,
            patch_size=patch,
            width=width,
            depth=depth,
            heads=heads,
            mlp_width=mlp,
            classes=10,
            dropout=dropout,
            attention_dropout=attention,
            without_final_norm=False,
            distillation_token=DistillationToken(start="random", position=True) if kd else None,
        ),
        losses=spec.Losses(
            ce=CrossEntropy(weight=1.0, label_smoothing=0.01 if trains_from_scratch else 0.0),
            kd=Distillation(weight=0.5, temperature=4.0) if kd else None,
            saliency=saliency,
        ),
        stages=tuple(spec.Stage(resolution, epochs) for resolution, epochs in stages),
        augmentation=spec.Augmentation(
            crop_padding=4, flip=0.5, auto_augment=0.5 if trains_from_scratch else 0.0
        ),
        optimizer=spec.Optimizer(
            name="adamw",
            lr=4e-4 if trains_from_scratch else 3e-4,
            weight_decay=2e-4 if trains_from_scratch else 1e-4,
            decay="proper",
            restart="never" if trains_from_scratch else "stage",
        ),
        batch_size=128,
        precision="bf16",
        one_cycle=spec.OneCycle(
            rising=0.6, initial_divisor=20.0, final_divisor=5.0, beta1_low=0.85, beta1_high=0.95
        )
        if trains_from_scratch
        else None,
        mixing=spec.Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, cutmix_share=0.5)
        if trains_from_scratch
        else None,
        teacher=spec.Teacher(run=teacher, seed=0, weights="best") if teacher else None,
    )


@pytest.mark.parametrize("run", PAPER)
def test_a_described_run_is_that_of_the_paper(run):
    entry = resolve().entries["described", run]
    for seed in entry.seeds:
        assert entry.resolve(seed) == expected(run, seed.number)


def of_protocol(resolved, protocol):
    """Entries of a protocol by run."""
    return {run: entry for (name, run), entry in resolved.entries.items() if name == protocol}


def test_the_described_protocol_has_the_runs_of_the_paper_and_no_others():
    assert list(of_protocol(resolve(), "described")) == list(PAPER)


def test_students_have_three_seeds_and_teachers_one():
    for (protocol, run), entry in resolve().entries.items():
        assert entry.role == ("teacher" if run.startswith("small") else "student")
        seeds = (0,) if entry.role == "teacher" else (0, 1, 2)
        assert entry.seeds == tuple(map(TrainingSeed, seeds))
        assert (entry.protocol, entry.run) == (protocol, run)


def test_described_runs_are_tested_at_their_best_and_learn_from_the_one_teacher_of_their_patch_size():
    for run, entry in of_protocol(resolve(), "described").items():
        assert entry.selection == "best"
        assert entry.teacher == (("described", PAPER[run][4]) if PAPER[run][4] else None)


def test_the_demo_has_the_same_runs_at_another_size():
    resolved = resolve(DEMO)
    assert resolved.entries.keys() == resolve().entries.keys()
    assert resolved.config["note"] == "demo budget, not comparable"
    for run, entry in of_protocol(resolved, "described").items():
        small = entry.resolve(TrainingSeed(0))
        assert small.epochs == (2 if PAPER[run][1] in (FIXED, LONG) else 3)
        assert small.precision == "fp32"
        assert (small.losses.kd, small.teacher) == (expected(run, 0).losses.kd, expected(run, 0).teacher)


# --- merging --------------------------------------------------------------------------------------


def test_mappings_are_merged_key_by_key_at_every_depth():
    base = {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": 4}
    assert study.merge(base, {"a": {"b": {"d": 5}}}) == {"a": {"b": {"c": 1, "d": 5}, "e": 3}, "f": 4}


def test_lists_and_values_are_replaced_and_the_last_overlay_wins():
    merged = study.merge({"a": [1, 2], "b": 1}, {"a": [3]}, {"b": 2}, {"b": {"c": 3}})
    assert merged == {"a": [3], "b": {"c": 3}}


def test_merging_leaves_its_arguments_as_they_were():
    base, overlay = {"a": {"b": [1]}}, {"a": {"c": {"d": 1}}}
    before = copy.deepcopy((base, overlay))
    study.merge(base, overlay)["a"]["c"] = 7
    assert (base, overlay) == before


def test_resolving_leaves_the_configuration_as_it_was():
    study.resolve("irkd", config := copy.deepcopy(BASE))
    assert config == BASE


@pytest.mark.parametrize("part", ["one_cycle", "mixing"])
def test_null_removes_an_optional_part_of_a_recipe(part):
    run = (
        resolve({"recipes": {"teacher": {part: None}}})
        .entries["described", "small-p2"]
        .resolve(TrainingSeed(0))
    )
    assert getattr(run, part) is None
    assert spec.to_mapping(run) == {
        k: v for k, v in spec.to_mapping(expected("small-p2", 0)).items() if k != part
    }


# --- choosing -------------------------------------------------------------------------------------


ALONE = {"reproduce": ["described"]}


def test_an_empty_selection_means_every_student_and_the_teachers_they_need():
    assert {entry.run for entry in resolve(ALONE).chosen()} == set(PAPER)
    assert [entry.run for entry in resolve(ALONE).chosen("teacher")] == ["small-p2", "small-p4"]
    released = resolve({"reproduce": ["released"]})
    needed = ["small-p2-50-scratch", "small-p2-65-scratch", "small-p4"]
    assert [entry.run for entry in released.chosen("teacher")] == needed


def test_a_teacher_of_nobody_is_trained_where_it_is_selected():
    resolved = resolve({"select": ["small-p2-50-pretrained"]})
    assert [(entry.protocol, entry.run) for entry in resolved.chosen()] == [
        ("released", "small-p2-50-pretrained")
    ]


def test_a_selected_student_brings_its_teacher_and_nothing_else():
    resolved = resolve(ALONE, {"select": ["tiny-p4-kd"]})
    assert [entry.run for entry in resolved.chosen()] == ["small-p4", "tiny-p4-kd"]
    assert [entry.run for entry in resolved.chosen("student")] == ["tiny-p4-kd"]
    both = resolve({"select": ["tiny-p4-kd"]})
    assert [(entry.protocol, entry.run) for entry in both.chosen("student")] == [
        ("described", "tiny-p4-kd"),
        ("released", "tiny-p4-kd"),
    ]


def test_a_run_can_be_selected_in_one_protocol_alone():
    resolved = resolve({"select": ["described/tiny-p4-kd", "tiny-p4-ce"]})
    assert [(entry.protocol, entry.run) for entry in resolved.chosen()] == [
        ("described", "small-p4"),
        ("described", "tiny-p4-ce"),
        ("described", "tiny-p4-kd"),
        ("released", "tiny-p4-ce"),
    ]


# --- protocols ------------------------------------------------------------------------------------


def changed_runs(*overlays):
    before, after = digests(resolve(), "described"), digests(resolve(*overlays), "described")
    assert before.keys() == after.keys()
    return {run for run, seed in before if before[run, seed] != after[run, seed]}


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({"losses": {"kd": {"temperature": 2.0}}}, lambda run: run.losses.kd.temperature == 2.0),
        ({"model": {"dropout": 0.3}}, lambda run: run.model.dropout == 0.3),
        ({"stages": [{"resolution": 32, "epochs": 7}]}, lambda run: run.epochs == 7),
        ({"optimizer": {"restart": "never"}}, lambda run: run.optimizer.restart == "never"),
        (
            {"distillation_token": {"start": "zeros"}},
            lambda run: run.model.distillation_token.start == "zeros",
        ),
    ],
    ids=["loss", "model", "stages", "optimizer", "token"],
)
@pytest.mark.parametrize("place", ["protocol", "set"])
def test_settings_of_one_run_change_that_run_alone(settings, read, place):
    overlay = {
        "protocol": {"protocols": {"described": {"overrides": {"tiny-p2-kd": settings}}}},
        "set": {"students": {"tiny-p2-kd": {"set": settings}}},
    }[place]
    assert changed_runs(overlay) == {"tiny-p2-kd"}
    assert read(resolve(overlay).entries["described", "tiny-p2-kd"].resolve(TrainingSeed(1)))


def test_a_part_of_the_one_cycle_can_be_changed_alone():
    overlay = {"protocols": {"described": {"overrides": {"small-p4": {"one_cycle": {"rising": 0.3}}}}}}
    cycle = resolve(overlay).entries["described", "small-p4"].resolve(TrainingSeed(0)).one_cycle
    assert (cycle.rising, cycle.initial_divisor) == (0.3, 20.0)


def test_a_protocol_outranks_the_settings_of_the_run():
    overlay = {
        "students": {"tiny-p2-ce": {"set": {"batch_size": 64, "precision": "fp32"}}},
        "protocols": {"described": {"overrides": {"tiny-p2-ce": {"batch_size": 32}}}},
    }
    run = resolve(overlay).entries["described", "tiny-p2-ce"].resolve(TrainingSeed(0))
    assert (run.batch_size, run.precision) == (32, "fp32")


OTHER = {
    "protocols": {
        "other": {"label": "x", "selection": "last", "overrides": {"custom-p2-ce": {"batch_size": 64}}}
    },
    "reproduce": ["described", "other"],
}


def test_a_second_protocol_has_entries_of_its_own_and_leaves_those_of_the_first_alone():
    resolved = resolve(OTHER)
    assert list(of_protocol(resolved, "other")) == list(PAPER)
    assert digests(resolved, "described") == digests(resolve(), "described")
    assert resolved.entries["other", "custom-p2-ce"].resolve(TrainingSeed(0)).batch_size == 64


def test_students_learn_from_the_weights_that_their_teachers_protocol_selects():
    entries = resolve(OTHER).entries
    assert entries["other", "tiny-p2-kd"].resolve(TrainingSeed(0)).teacher == spec.Teacher(
        "small-p2", 0, "last"
    )
    assert entries["described", "tiny-p2-kd"].resolve(TrainingSeed(0)).teacher == spec.Teacher(
        "small-p2", 0, "best"
    )
    own = {"protocols": {"other": {"overrides": {"small-p2": {"selection": "best"}}}}}
    entries = resolve(OTHER, own).entries
    assert entries["other", "tiny-p2-kd"].resolve(TrainingSeed(0)).teacher.weights == "best"
    assert entries["other", "tiny-p4-kd"].resolve(TrainingSeed(0)).teacher.weights == "last"
    assert entries["other", "small-p2"].selection == "best"


def test_the_first_seed_of_the_teachers_teaches_every_seed_of_the_students():
    entry = resolve({"seeds": {"teachers": [5, 0]}}).entries["described", "tiny-p2-kd"]
    assert {entry.resolve(TrainingSeed(seed)).teacher.seed for seed in (0, 1, 2)} == {5}


CROSSED = {"seeds": {"students": [0, 1], "teachers": [0, 3], "taught_by": "each"}}


def test_with_several_teachers_every_student_that_has_one_is_trained_with_each():
    entries = resolve(CROSSED).entries
    taught, alone = entries["described", "tiny-p2-kd"], entries["described", "tiny-p2-ce"]
    assert [str(seed) for seed in taught.seeds] == ["0", "1", "0-teacher-3", "1-teacher-3"]
    assert [(taught.resolve(seed).seed, taught.resolve(seed).teacher.seed) for seed in taught.seeds] == [
        (0, 0),
        (1, 0),
        (0, 3),
        (1, 3),
    ]
    assert [str(seed) for seed in alone.seeds] == ["0", "1"]
    assert [str(seed) for seed in entries["described", "small-p2"].seeds] == ["0", "3"]


def test_several_teachers_change_no_training_that_one_teacher_gives():
    after = resolve(CROSSED).entries
    for place, entry in resolve({"seeds": {"students": [0, 1]}}).entries.items():
        for seed in entry.seeds:
            assert seed in after[place].seeds
            assert spec.digest(after[place].resolve(seed)) == spec.digest(entry.resolve(seed))


@pytest.mark.parametrize(
    ("overlay", "run"), [({}, "tiny-p2-kd"), (CROSSED, "tiny-p2-ce"), (CROSSED, "small-p2")]
)
def test_a_training_that_is_not_one_for_each_teacher_is_refused_with_the_seed_to_name(overlay, run):
    message = (
        rf"described/{run}, seed 0-teacher-3: it is not trained with each teacher; name seed 0, or set"
        r" `seeds.taught_by: each` if it has a teacher\."
    )
    with pytest.raises(InputError, match=message):
        resolve(overlay).entries["described", run].resolve(TrainingSeed(0, 3))


# --- layers of saliency maps ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "depth", "indices"),
    [
        (["first", "second", "last"], 12, [0, 1, 11]),
        (["last", "first"], 4, [3, 0]),
        (["first", 2, "last"], 4, [0, 2, 3]),
        ([5, 3], 12, [5, 3]),
        ("all", 3, [0, 1, 2]),
    ],
)
def test_layers_are_named_by_place_by_number_or_all_at_once(layers, depth, indices):
    assert map_settings.layer_indices(layers, depth) == indices


def test_the_layers_of_a_loss_outrank_those_of_the_network():
    saliency = {"student_layers": [1, 2, 3], "teacher_layers": [0, 5, "last"]}
    overlay = {"students": {"tiny-p2-kd-cl-sal": {"set": {"losses": {"saliency": saliency}}}}}
    resolved = (
        resolve(overlay).entries["described", "tiny-p2-kd-cl-sal"].resolve(TrainingSeed(0)).losses.saliency
    )
    assert (resolved.student_layers, resolved.teacher_layers) == ((1, 2, 3), (0, 5, 11))


# --- the runs of a protocol -----------------------------------------------------------------------


def test_a_run_that_no_protocol_to_reproduce_has_cannot_be_asked_for():
    with pytest.raises(UserError) as error:
        resolve({"reproduce": ["released"], "select": ["tiny-p2-ce"]})
    line = "select: no protocol in `reproduce` (released) has 'tiny-p2-ce'; add one that does"
    assert line in str(error.value)


def test_the_runs_of_a_listed_protocol_are_those_it_overrides():
    runs = of_protocol(resolve(), "released")
    assert set(runs) == set(BASE["protocols"]["released"]["overrides"])
    assert {"small-p2", "tiny-p2-ce", "tiny-p2-cl"} & set(runs) == set()


def derived(**changes):
    other = {"label": "other", "base": "described", "runs": "listed", **changes}
    return resolve({"protocols": {"other": other}})


def test_a_protocol_takes_over_what_its_base_says():
    base = {"described": {"overrides": {"tiny-p4-kd": {"batch_size": 64, "precision": "fp32"}}}}
    other = {"label": "x", "base": "described", "overrides": {"tiny-p4-kd": {"batch_size": 32}}}
    entry = resolve({"protocols": {**base, "other": other}}).entries["other", "tiny-p4-kd"]
    run = entry.resolve(TrainingSeed(0))
    assert (run.batch_size, run.precision, entry.selection) == (32, "fp32", "best")


def test_the_teacher_of_a_base_teaches_where_a_protocol_has_none_of_its_own():
    resolved = derived(overrides={"tiny-p4-kd": {"batch_size": 64}})
    assert list(of_protocol(resolved, "other")) == ["tiny-p4-kd"]
    assert resolved.entries["other", "tiny-p4-kd"].teacher == ("described", "small-p4")
    assert [(e.protocol, e.run) for e in resolved.chosen(protocols=["other"])] == [
        ("described", "small-p4"),
        ("other", "tiny-p4-kd"),
    ]


def test_a_teacher_of_its_own_teaches_in_a_protocol():
    resolved = derived(overrides={"small-p4": {"batch_size": 64}, "tiny-p4-kd": {}})
    assert resolved.entries["other", "tiny-p4-kd"].teacher == ("other", "small-p4")


def test_a_protocol_that_is_not_to_be_reproduced_is_resolved_and_not_chosen():
    resolved = derived(overrides={"tiny-p4-kd": {"batch_size": 64}})
    assert ("other", "tiny-p4-kd") in resolved.entries
    assert {entry.protocol for entry in resolved.chosen()} == {"described", "released"}


def test_recipes_of_a_protocol_concern_every_run_of_the_recipe():
    resolved = resolve({"protocols": {"described": {"recipes": {"student": {"batch_size": 64}}}}})
    sizes = {
        entry.role: entry.resolve(TrainingSeed(0)).batch_size
        for entry in of_protocol(resolved, "described").values()
    }
    assert sizes == {"teacher": 128, "student": 64}


def test_weights_to_start_from_are_named_by_their_sum_and_not_by_their_path():
    entry = resolve().entries["released", "small-p2-50-pretrained"]
    assert entry.resolve(TrainingSeed(0)).start == DeitWeights(kind="deit", sha256="649709d9")
    assert entry.pretrained == "deit-small"
    moved = resolve({"weights": {"deit-small": {"file": "elsewhere.pth"}}})
    assert digests(moved, "released") == digests(resolve(), "released")
