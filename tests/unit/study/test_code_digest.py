import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_runs
from distillation.core import components
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import code_digest, study
from shipped import CONFIG as BASE
from shipped import ROOT

SCRIPTS = ROOT / "workflow_scripts"
RUNS = {"teacher": "small-p2", "ce": "tiny-p4-ce", "kd": "tiny-p4-kd", "sal": "tiny-p4-kd-cl-sal"}
RELEASED = ("small-p2-50-pretrained", "custom-p2-kd-cl-sal", "tiny-p2-kd", "tiny-p4-ce", "tiny-p4-kd")
TRAININGS = set(RUNS)
JOBS = TRAININGS | {"evaluate", "prepare", "table", "figure"}


def resolved(protocol, runs):
    """Runs of a protocol by name, each with the network of its teacher."""
    found, pairs = study.resolve("irkd", BASE), {}
    for name, run in runs.items():
        teacher = found.teacher_of(protocol, run, TrainingSeed(0))
        pairs[name] = found.entries[protocol, run].resolve(TrainingSeed(0)), teacher and teacher.model
    return pairs


@pytest.fixture(scope="module")
def runs():
    return resolved("described", RUNS)


@pytest.fixture(scope="module")
def released():
    return resolved("released", {run: run for run in RELEASED})


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original") / "scripts"
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def tree(original, tmp_path):
    """A copy of the scripts and the library, to be edited."""
    return Path(shutil.copytree(original, tmp_path / "scripts"))


def digests(tree, runs):
    """The digest of each kind of job, as a fresh process would compute it from a tree."""
    place = importlib.util.spec_from_file_location(
        "fresh_code_digest", tree / "distillation/study/code_digest.py"
    )
    fresh = importlib.util.module_from_spec(place)
    place.loader.exec_module(fresh)
    of = {name: ("train.py", fresh.components_of(*run)) for name, run in runs.items()}
    of["evaluate"] = ("evaluate.py", ["networks.families.vit"])
    of |= {"prepare": ("prepare_dataset.py", []), "table": ("make_table.py", [])}
    of["figure"] = ("plot.py", ["pages.figures.learning_curves"])
    return {name: fresh.code_digest(tree / script, parts) for name, (script, parts) in of.items()}


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        ("distillation/networks/losses/saliency/compute.py", {"sal"}),
        ("distillation/networks/losses/saliency/__init__.py", {"sal"}),
        ("distillation/networks/losses/kd/compute.py", {"kd", "sal"}),
        ("distillation/networks/losses/kd/__init__.py", {"kd", "sal"}),
        ("distillation/networks/losses/ce/compute.py", TRAININGS),
        ("distillation/networks/saliency/gradient/compute.py", {"kd", "sal"}),
        ("distillation/networks/saliency/gradient/__init__.py", {"kd", "sal"}),
        ("distillation/data/augmentations/auto_augment/compute.py", {"teacher"}),
        ("distillation/data/level_operations.py", {"teacher"}),
        ("distillation/data/augmentations/rand_augment/compute.py", set()),
        ("distillation/data/augmentations/mixing/compute.py", {"teacher"}),
        ("distillation/networks/families/vit/compute.py", TRAININGS | {"evaluate"}),
        ("distillation/study/spec.py", TRAININGS | {"evaluate"}),
        ("distillation/training/train.py", TRAININGS),
        ("distillation/core/streams.py", TRAININGS),
        ("distillation/evaluation/evaluate.py", {"evaluate"}),
        ("distillation/data/datasets.py", TRAININGS | {"evaluate", "prepare"}),
        ("distillation/pages/tables.py", {"table"}),
        ("distillation/pages/figures/style.py", {"figure"}),
        ("distillation/pages/figures/learning_curves.py", {"figure"}),
        ("distillation/pages/figures/saliency.py", set()),
        ("distillation/core/errors.py", JOBS),
        ("distillation/__init__.py", JOBS),
        ("distillation/networks/losses/__init__.py", TRAININGS | {"evaluate"}),
        ("train.py", TRAININGS),
        ("plot.py", {"figure"}),
        ("make_table.py", {"table"}),
        ("distillation/study/study.py", set()),
        ("distillation/study/configuration.py", set()),
        ("distillation/study/code_digest.py", set()),
    ],
)
def test_an_edit_concerns_the_jobs_that_use_the_code_and_no_others(tree, runs, file, jobs):
    before = digests(tree, runs)
    with (tree / file).open("a") as module:
        module.write("\nEDITED = True\n")
    assert changed(before, digests(tree, runs)) == jobs


@pytest.mark.parametrize(
    ("component", "concerned"),
    [
        ("networks.saliency.class_map", {"custom-p2-kd-cl-sal", "tiny-p2-kd"}),
        ("networks.saliency.cls_attention", {"tiny-p4-kd"}),
        ("data.augmentations.erasing", {"tiny-p2-kd"}),
        ("networks.pretrained.deit", {"small-p2-50-pretrained"}),
        ("networks.pretrained.timm", set()),
    ],
)
def test_an_edit_of_maps_erasing_or_pretrained_weights_concerns_the_released_runs_that_use_them(
    tree, released, component, concerned
):
    before = digests(tree, released)
    with (tree / f"distillation/{component.replace('.', '/')}/compute.py").open("a") as module:
        module.write("\nEDITED = True\n")
    assert changed(before, digests(tree, released)) == concerned


def test_comments_blank_lines_docstrings_and_layout_do_not_count(tree, runs):
    before = digests(tree, runs)
    path = tree / "distillation/training/train.py"
    text = path.read_text()
    for old, new in (
        ('"""Train a run: stages', '"""Train one run: stages'),
        ('"""Train a run, or resume', '"""Train one run, or resume'),
        ('"""One training in', '"""A training in'),
        ("\n\n\nclass _Training", "\n\n# A comment.\n\n\n\nclass _Training"),
        (
            "training.complete(checkpoint, ending)",
            "training.complete(\n                checkpoint, ending\n            )  # now",
        ),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    assert changed(before, digests(tree, runs)) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "jobs"),
    [
        (
            "distillation/networks/saliency/gradient/compute.py",
            "_EPSILON_NORM = 1e-12",
            "_EPSILON_NORM = 1e-13",
            {"kd", "sal"},
        ),
        ("distillation/pages/tables.py", 'RUN = "run"', 'RUN = "was run"', {"table"}),
        (
            "distillation/training/train.py",
            "epoch == 1 or accuracy >",
            "epoch == 1 or accuracy >=",
            TRAININGS,
        ),
    ],
)
def test_a_constant_or_an_operator_counts(tree, runs, file, old, new, jobs):
    before = digests(tree, runs)
    text = (tree / file).read_text()
    assert old in text
    (tree / file).write_text(text.replace(old, new))
    assert changed(before, digests(tree, runs)) == jobs


def test_equal_trees_in_different_places_have_equal_digests(tree, runs):
    here = code_digest.code_digest(SCRIPTS / "train.py", code_digest.components_of(*runs["sal"]))
    assert digests(tree, runs)["sal"] == here


def test_the_order_of_components_does_not_count(runs):
    names = code_digest.components_of(*runs["sal"])
    forward, backward = (code_digest.code_digest(SCRIPTS / "train.py", n) for n in (names, names[::-1]))
    assert forward == backward


def test_a_component_without_a_module_is_an_error():
    with pytest.raises(FileNotFoundError):
        code_digest.code_digest(SCRIPTS / "train.py", ["networks.losses.none"])


# --- what a training really uses ------------------------------------------------------------------


def closure(script, names=()):
    """The dotted modules of the library that count for a script with these components."""
    files = code_digest._closure((SCRIPTS / script).resolve(), tuple(sorted(names)))
    parts = [file.relative_to(SCRIPTS).with_suffix("").parts for file in files]
    return {".".join(part for part in path if part != "__init__") for path in parts}


@pytest.mark.parametrize("kind", ["ce", "teacher", "kd", "sal"])
def test_a_training_loads_exactly_the_components_that_count_for_it(kind, teacher, tmp_path, monkeypatch):
    run = {
        "ce": tiny_runs.run(),
        "teacher": tiny_runs.teacher_run(),
        "kd": tiny_runs.student_run(losses=tiny_runs.Losses(ce=tiny_runs.CrossEntropy(1.0), kd=KD)),
        "sal": tiny_runs.student_run(),
    }[kind]
    loaded, load = set(), components.load

    def recording(package, name):
        loaded.add(f"{package}.{name}".replace("-", "_"))
        return load(package, name)

    monkeypatch.setattr(components, "load", recording)
    tiny_runs.train(run, tmp_path, tiny_runs.teacher_files(teacher) if run.teacher else None)
    assert loaded == set(code_digest.components_of(run, tiny_runs.MODEL if run.teacher else None))


KD = tiny_runs.Distillation(0.5, 4.0)


@pytest.mark.parametrize("name", ["teacher", "sal"])
def test_every_module_of_the_library_in_the_process_of_a_training_counts_for_it(runs, name):
    names = code_digest.components_of(*runs[name])
    tree = (SCRIPTS / "train.py").read_text()
    imports = "\n".join(line for line in tree.splitlines() if line.startswith("from distillation"))
    code = f"{imports}\nimport json, sys\nfrom distillation.core import components\n"
    code += f"for name in {names}: components.load(*name.rsplit('.', 1))\n"
    code += "print(json.dumps([name for name in sys.modules if name.split('.')[0] == 'distillation']))"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=SCRIPTS)
    loaded = set(json.loads(result.stdout.splitlines()[-1]))
    assert {"distillation.training.train", *(f"distillation.{part}" for part in names)} <= loaded
    assert loaded - closure("train.py", names) <= declarations()


def declarations():
    """Packages of components and the settings of each: all are read, and those of other runs do not count."""
    packages = ("data.augmentations", "networks.families", "networks.losses", "networks.saliency")
    packages += ("networks.pretrained",)
    own = {f"distillation.{package}" for package in packages}
    return own | {
        components.module_of(package, name) for package in packages for name in components.names(package)
    }
