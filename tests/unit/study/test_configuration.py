import copy
import itertools

import pytest
import yaml
from distillation.core.errors import UserError
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import studies, study
from shipped import CONFIG, ROOT, STUDIES, WORKFLOW, overlay

# The two files as one mapping, since none of their keys are the same.
BASE = WORKFLOW | {"studies": ["irkd"], "on_request": []} | CONFIG


def recorded_faults():
    """Path, value and error of each record of configuration_errors.txt."""
    text = (ROOT / "tests/golden/configuration_errors.txt").read_text()
    faults = []
    for line in text.splitlines():
        if line.startswith(" "):
            faults[-1][-1].append(line.strip())
        elif not line.startswith("#"):
            ((path, value),) = yaml.safe_load(line).items()
            faults.append((path, value, []))
    return [pytest.param(path, value, " ".join(words), id=path) for path, value, words in faults]


def changed(changes):
    """The shipped configuration with values set, or DELETED, by path such as "models.custom-p2.width"."""
    config = copy.deepcopy(BASE)
    for path, value in changes.items():
        *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
        node = config
        for key in parents:
            node = node[key]
        if value == "DELETED":
            del node[last]
        else:
            node[last] = value
    return config


def resolve(config):
    """The study of both files as one mapping."""
    own = {key: value for key, value in config.items() if key in WORKFLOW}
    content = {key: value for key, value in config.items() if key not in WORKFLOW}
    return studies.resolve_declared(own, {"irkd": content}, STUDIES, "config.yaml")["irkd"]


# Before an error: the file or the study that it is in.
PLACES = ("  config.yaml: ", "  irkd: ")


def errors(config):
    """The errors of a configuration, one a line, without the name of the file or study."""
    with pytest.raises(UserError) as caught:
        resolve(config)
    heading, *lines = str(caught.value).split("\n")
    noun = "error" if len(lines) == 1 else "errors"
    assert heading == f"{len(lines)} {noun} in the configuration:"
    assert all(line.startswith(PLACES) for line in lines)
    return [line.removeprefix(PLACES[0]).removeprefix(PLACES[1]) for line in lines]


def nodes(value, path=()):
    """The paths of everything inside nested mappings and lists."""
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        yield from nodes(entry, (*path, key))


@pytest.mark.parametrize("overlays", [[], [overlay("demo")]], ids=["alone", "with the demo"])
def test_the_shipped_configuration_has_no_error(overlays):
    resolved = study.resolve("irkd", study.merge(CONFIG, *overlays))
    assert {protocol for protocol, _ in resolved.entries} == set(BASE["protocols"])


@pytest.mark.parametrize(("path", "value", "line"), recorded_faults())
def test_a_single_fault_gives_one_line_of_exactly_this_text(path, value, line):
    assert errors(changed({path: value})) == [line]


def test_the_recorded_faults_cover_every_kind_of_error():
    lines = " ".join(fault.values[2] for fault in recorded_faults())
    for kind in (
        *(
            "unknown key",
            "is missing",
            "must be",
            "is not possible here",
            "wrong form",
            "too small",
            "too large",
        ),
        *(
            "must not be empty",
            "more than once",
            "exactly one of",
            "must contain",
            "is not an id",
            "entries; the",
        ),
        *("no model", "no method", "no recipe", "no teacher", "no curriculum", "no dataset", "no protocol"),
        *(
            "no run",
            "needs a teacher",
            "does not use",
            "same id",
            "label of",
            "columns",
            "patch size",
            "heads",
        ),
        *("no block", "layers of", "mixing", "loss", "distillation_token", "saliency_layers", "image size"),
    ):
        assert kind in lines, f"no recorded fault shows the error with {kind!r}"


def test_a_key_that_yaml_reads_as_a_number_is_to_be_put_in_quotes():
    models = {**BASE["models"], 5: BASE["models"]["custom-p2"]}
    assert errors(BASE | {"models": models}) == ["models: the key 5 must be text; put it in quotes"]


def test_an_unknown_data_set_is_named_with_the_nearest_known_one():
    expected = ["datasets.cifar10.format: 'cifar1000' is not possible here (did you mean 'cifar100'?)"]
    assert errors(changed({"datasets.cifar10.format": "cifar1000"})) == expected


def test_a_block_beyond_the_depth_of_a_network_is_refused():
    path = "recipes.student.losses.saliency"
    config = changed({f"{path}.student_layers": [0, 4], f"{path}.teacher_layers": [0, 4]})
    run = "students.custom-p2-kd-cl-sal"
    expected = f"{run} (described): losses.saliency.student_layers: no block 4 at depth 4; blocks are 0 to 3"
    assert errors(config) == [expected]


def test_a_network_of_a_teacher_with_unfit_patches_concerns_its_students_too():
    assert errors(changed({"models.vit-small-p4.patch_size": 5})) == [
        "teachers.small-p4: model.patch_size: 5 does not divide the image size 32; use one that does",
        "students.tiny-p4-kd-cl-sal (and 2 more): teacher: at 32 px the saliency maps of small-p4 have 6 x 6"
        " cells, those of the student 8 x 8; they are compared cell by cell, so name a teacher with maps of"
        " the same size",
    ]


WHOLE = BASE["datasets"]["cifar10"] | {"limit": {"train": 10}}


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (
            "split.holdout",
            50_000,
            "is too large; CIFAR-10 has 50000 training images, and at least one must be left",
        ),
        ("limit", {"train": 45_001}, "is too large; CIFAR-10 has 45000 images for it here"),
        ("limit", {"validation": 5001}, "is too large; CIFAR-10 has 5000 images for it here"),
        ("limit", {"test": 10_001}, "is too large; CIFAR-10 has 10000 images for it here"),
    ],
)
def test_more_images_than_a_data_set_has_are_refused(path, value, text):
    keys = [path, *value] if isinstance(value, dict) else [path]
    number = value if isinstance(value, int) else next(iter(value.values()))
    expected = f"datasets.cifar10.{'.'.join(keys)}: {number} {text}"
    assert errors(changed({f"datasets.cifar10.{path}": value})) == [expected]


def test_without_a_split_nothing_is_validated_and_what_needs_it_is_refused():
    changes = {
        "datasets.cifar10.split": "DELETED",
        "datasets.cifar10.limit": {"validation": 5},
    }
    assert errors(changed(changes)) == [
        "datasets.cifar10.limit.validation: without a split there are no images for it; remove this key"
    ]
    found = errors(changed({"datasets.cifar10.split": "DELETED"}))
    assert found and all(
        line.endswith("early_stopping: its data set has no split, so there is no validation; remove this key")
        for line in found
    )
    config = changed({"datasets.cifar10.split": "DELETED", "reproduce": ["described"]})
    for settings in (config["protocols"]["released"]["overrides"]).values():
        settings.pop("early_stopping", None)
    assert resolve(config).entries


def test_a_data_set_whose_format_has_no_sources_is_refused():
    assert errors(changed({"datasets.cifar10.format": "cifar100", "sources.cifar100": "DELETED"}))[-1] == (
        "datasets.cifar10.format: there are no sources for 'cifar100'; add them as `sources.cifar100`"
    )


def test_a_student_and_its_teacher_have_the_same_images():
    changes = {"datasets.whole": WHOLE, "students.tiny-p4-kd.set": {"dataset": "whole"}}
    assert errors(changed(changes)) == [
        "students.tiny-p4-kd: dataset: 'whole', but its teacher small-p4 learns from 'cifar10', which has"
        " other images; name the same for both, or make format, split and limit equal"
    ]


def test_a_student_may_see_the_images_of_its_teacher_larger_and_with_other_statistics():
    other = {"image_size": 48, "normalization": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}}
    dataset = changed({})["datasets"]["cifar10"] | other
    changes = {"datasets.larger": dataset, "students.tiny-p4-kd.set": {"dataset": "larger"}}
    study = resolve(changed(changes))
    own = study.training("described", "tiny-p4-kd", TrainingSeed(0))
    assert own.run.model.image_size == 48
    assert own.run.normalization.mean == (0.5, 0.5, 0.5)
    assert own.teacher.model.image_size == 32


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"ftp": "a"}, "sources.cifar10.0.ftp: unknown key (known: archive, local, md5, minutes, npm)"),
        ({"npm": "a", "mintues": 1}, "sources.cifar10.0.mintues: unknown key (did you mean 'minutes'?)"),
        (
            {"local": "a", "md5": "b" * 32},
            f"sources.cifar10.0: {{'local': 'a', 'md5': '{'b' * 32}'}} has md5, which belongs to an archive;"
            " remove it",
        ),
        (
            {"local": "a", "minutes": 3},
            "sources.cifar10.0: {'local': 'a', 'minutes': 3} has minutes, which is of a download; remove it",
        ),
    ],
)
def test_a_malformed_source_is_refused(source, text):
    assert text in errors(changed({"sources.cifar10": [source]}))


def test_an_average_of_weights_goes_with_stages_that_end_early_and_hand_on_what_is_trained():
    average = {"protocols.released.overrides.custom-p2-kd.weight_average": {"decay": 0.999}}
    own = resolve(changed(average)).training("released", "custom-p2-kd", TrainingSeed(0)).run
    assert own.early_stopping.restore == "never"
    assert own.weight_average.decay == 0.999


SMALLER = {"label": "x", "teacher": "small-p2", "protocols": ["described"]}


def test_a_student_without_compared_maps_may_have_a_teacher_with_other_patches():
    config = changed({"students.other": {"model": "vit-tiny-p4", "method": "kd", **SMALLER}})
    assert resolve(config).entries["described", "other"].records_maps is False


def test_a_run_that_has_maps_in_some_protocols_only_is_refused():
    changes = {
        "students.other": {"model": "vit-tiny-p2", "method": "kd", "label": "x", "teacher": "small-p2"},
        "protocols.released.overrides.other": {"teacher": "small-p4"},
    }
    assert errors(changed(changes)) == [
        "students.other: it has saliency maps in described, but not in released, where its teacher's have"
        " another size or are none; make it two runs, each with `protocols`"
    ]


def test_a_figure_of_the_maps_of_a_run_without_maps_is_refused():
    changes = {
        "students.other": {"model": "vit-tiny-p4", "method": "kd", **SMALLER},
        "figures.saliency-custom-p2.control": "other",
    }
    assert errors(changed(changes)) == [
        "figures.saliency-custom-p2.control: 'other' records no saliency maps, since its network and its"
        " teacher's do not both have maps of the same size; name another run"
    ]


def test_graphs_of_a_gpu_are_refused_on_a_cpu():
    expected = "execution.cuda_graphs: true, but execution.device is 'cpu', which has none; write auto"
    assert errors(changed({"execution.cuda_graphs": True, "execution.device": "cpu"})) == [expected]
    resolve(changed({"execution.cuda_graphs": True, "execution.device": "cuda"}))


TEN_FAULTS = {
    "modles": {},
    "seeds.students": "DELETED",
    "execution.device": "gpu",
    "models.custom-p2.width": "wide",
    "recipes.student.optimizer.lr": "3e-4",
    "recipes.teacher.augmentation.flip": 2,
    "methods.cl.curriculum": "progresive",
    "select": ["tiny"],
    "students.tiny-p4-kd.teacher": "small-p5",
    "tables.table1.rows.1.runs": ["custom-p2-cl"],
}


def test_ten_faults_are_reported_at_once_and_each_names_its_file_or_study():
    with pytest.raises(UserError) as caught:
        resolve(changed(TEN_FAULTS))
    heading, *lines = str(caught.value).split("\n")
    assert heading == "10 errors in the configuration:"
    places = dict(line.strip().split(": ")[:2][::-1] for line in lines)
    assert places == {path: "config.yaml" if path.startswith("execution") else "irkd" for path in TEN_FAULTS}


def test_faults_of_settings_that_do_not_fit_are_reported_at_once():
    changes = {
        "models.custom-p2.heads": 5,
        "curricula.progressive.0.resolution": 15,
        "recipes.student.losses.saliency.student_layers": [0, 1],
    }
    lines = errors(changed(changes))
    assert [sum(word in line for line in lines) for word in ("heads", "stages.0", "layers")] == [1, 2, 2]


def test_a_fault_that_differs_by_protocol_names_the_protocol():
    other = {"label": "other", "selection": "last", "overrides": {"tiny-p2-ce": {"model": {"heads": 5}}}}
    config = changed({"protocols.other": other, "reproduce": ["described", "other"]})
    assert errors(config) == [
        "students.tiny-p2-ce (other): model.heads: 5 heads do not divide a width of 192; change one"
    ]


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("seeds.students", [1.0], "seeds.students.0: 1.0 must be a whole number"),
        ("seeds.students", [-1], "seeds.students.0: -1 is too small; the minimum is 0"),
        ("execution.cuda_graphs", 1, "execution.cuda_graphs: 1 must be auto, true or false"),
        ("execution.threads", 1.0, "execution.threads: 1.0 must be a whole number"),
        (
            "datasets.cifar10.limit",
            {"train": 33.0},
            "datasets.cifar10.limit.train: 33.0 must be a whole number",
        ),
        (
            "datasets.cifar10.split.seed",
            2**64 - 1,
            "datasets.cifar10.split.seed: 18446744073709551615 is too large;"
            " the maximum is 9223372036854775807",
        ),
        (
            "recipes.student.optimizer.lr",
            float("nan"),
            "recipes.student.optimizer.lr: nan must be a finite number",
        ),
        (
            "recipes.student.optimizer.weight_decay",
            float("inf"),
            "recipes.student.optimizer.weight_decay: inf must be a finite number",
        ),
        (
            "datasets.cifar10.normalization.std",
            [0, 0.2, 0.2],
            "datasets.cifar10.normalization.std.0: 0 is too small; it must be above 0",
        ),
        (
            "recipes.student.augmentation.flip",
            True,
            "recipes.student.augmentation.flip: true must be a number",
        ),
        ("execution.slow_bf16", "no thanks", "execution.slow_bf16: 'no thanks' must be true or false"),
        ("students.tiny-p4-kd.teacher", None, "students.tiny-p4-kd.teacher: null must be text"),
    ],
)
def test_values_that_yaml_lets_pass_and_a_job_would_stumble_over_are_refused(path, value, text):
    assert errors(changed({path: value})) == [text]


# Every second key is deleted, and an odd number of values meets the many entries of a kind in turns.
VALUES = [None, 5, "x", [], {}, [["x"]], True, -1, 0.5, {"x": 1}, [None]]
WRONG = itertools.cycle(value for wrong in VALUES for value in ("DELETED", wrong))


def test_whatever_is_wrong_ends_in_a_user_error_and_nothing_else():
    refused = 0
    for path in nodes(BASE):
        try:
            resolve(changed_at(path, next(WRONG)))
        except UserError as error:
            refused += 1
            assert all(line.startswith(PLACES) for line in str(error).split("\n")[1:])
    assert refused > 1000


def changed_at(path, value):
    config = copy.deepcopy(BASE)
    node = config
    for key in path[:-1]:
        node = node[key]
    if value == "DELETED":
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return config


@pytest.mark.parametrize("name", ["check", "pretrained"])
def test_the_other_shipped_overlays_have_no_error(name):
    resolved = study.resolve("irkd", study.merge(CONFIG, overlay(name)))
    teachers = {entry.run for entry in resolved.chosen("teacher") if entry.protocol == "released"}
    expected = {
        "check": set(),
        "pretrained": {"small-p2-50-pretrained", "small-p2-65-pretrained", "small-p4"},
    }
    assert teachers == expected[name]
