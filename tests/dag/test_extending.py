"""docs/extending.md, followed: its files, written into a copy of the repository, plan, pass and train."""

import csv
import json
import shutil
import sys

import numpy
import pytest
import yaml
from distillation.core import checksums
from extending_page import FILES, STUDY, write
from workspace import REPOSITORY

TERM = [name for name in FILES if "attention" in name]
OTHERS = [
    f"tests/unit/{name}.py"
    for name in (
        "study/test_configuration",
        "study/test_spec",
        "training/test_history",
        "training/test_learner",
    )
]
FAMILY = [name for name in FILES if "cnn" in name or "shapes" in name]
WEIGHTS = [name for name in FILES if "saved" in name]


def use(workspace, name):
    """Merge a configuration of the page into the workspace's, which selects its runs."""
    changes = yaml.safe_load(FILES[name])
    selected = yaml.safe_load(workspace.overlay.read_text())["irkd"]["select"]
    workspace.merge(changes)
    workspace.configure(select=[*selected, *changes["irkd"]["students"]])


def test_the_page_has_a_student_a_term_a_family_with_a_data_set_a_kind_of_weights_and_a_study():
    assert {name for name in FILES if name.endswith(".yaml")} == {
        *("temperature.yaml", "attention-transfer.yaml", "shapes.yaml", "saved.yaml", STUDY, "both.yaml")
    }
    assert len(TERM) == 3 + 1
    assert len(FAMILY) == 5 + 1
    assert len(WEIGHTS) == 3 + 1
    assert len(FILES) == 1 + len(TERM) + len(FAMILY) + len(WEIGHTS) + 2


def test_a_student_plans_its_training_its_evaluation_and_the_pages_of_every_run(finished):
    use(finished, "temperature.yaml")
    student = "tiny-p4-kd-t2"
    plan = finished.plan()
    expected = {
        f"Training {student} with its teacher, described, seed 0",
        f"Evaluating {student}, described, seed 0",
    }
    assert {job for job in plan if job.startswith(("Training", "Evaluating"))} == expected


@pytest.fixture
def extended(finished):
    """A finished study to which the files of the loss term were added."""
    write(finished, TERM)
    return finished


def test_a_new_term_reruns_nothing(extended):
    assert {job for job in extended.plan() if job.startswith(("Training", "Evaluating"))} == set()


def test_a_run_with_the_new_term_trains_beside_another_term_with_other_features(extended):
    use(extended, "attention-transfer.yaml")
    run = "tiny-p4-kd-sal-at"
    trainings = {job for job in extended.plan() if "Training" in job}
    assert trainings == {f"Training {run} with its teacher, described, seed 0"}
    evaluation = f"results/irkd/evaluation/described/{run}/seed-0.json"
    extended.snakemake("--cores", "2", evaluation)
    assert json.loads((extended.path / evaluation).read_text())["images"] > 0
    with (extended.run_folder(run) / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row[column]) > 0 for row in rows for column in ("attention_transfer", "saliency_loss"))
    assert "attention_transfer " in extended.log(f"distill/described/{run}/seed-0.log")


def after_tests(workspace, names, passed):
    """Run the page's own tests, then make the reference of all keys anew; that page."""
    shutil.copytree(REPOSITORY / "tests", workspace.path / "tests", dirs_exist_ok=True)
    own = [name for name in names if name.startswith("tests/")]
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    assert f"{passed} passed" in workspace.call([*pytest, *own])
    code = [name for name in names if name.endswith(".py")]
    for linter in (["check"], ["format", "--check"]):
        workspace.call([sys.executable, "-m", "ruff", *linter, "--no-cache", *code])
    workspace.call([sys.executable, "workflow_scripts/write_settings.py"])
    # No other test names all components of a kind.
    workspace.call([*pytest, *OTHERS])
    return (workspace.path / "docs/configuration.md").read_text()


def test_its_own_test_passes_and_its_settings_are_documented(extended):
    assert "## Attention transfer" in after_tests(extended, TERM, passed=1)


def test_a_fault_in_its_settings_is_refused_like_any_other(extended):
    use(extended, "attention-transfer.yaml")
    extended.configure(recipes={"student": {"losses": {"attention_transfer": {"student_block": -1}}}})
    text = "recipes.student.losses.attention_transfer.student_block: -1 is too small; the minimum is 0"
    assert text in extended.snakemake("-n", status=1)


# --- a family of networks with a data set ---------------------------------------------------------

SHAPES = ("shapes-teacher", "shapes-cnn-ce", "shapes-cnn-kd")


@pytest.fixture
def drawn(finished):
    """A finished study to which the files of the family and of the data set were added, and its images."""
    write(finished, FAMILY)
    rng = numpy.random.default_rng(0)
    parts = {}
    for part, count in (("train", 120), ("test", 40)):
        parts[f"{part}_labels"] = rng.integers(3, size=count)
        parts[f"{part}_images"] = rng.integers(256, size=(count, 3, 32, 32), dtype=numpy.uint8)
    (finished.path / "data/shapes").mkdir(parents=True)
    numpy.savez(finished.path / "data/shapes/shapes.npz", **parts)
    return finished


def test_a_new_family_and_a_new_data_set_rerun_nothing(drawn):
    assert {job for job in drawn.plan() if job.startswith(("Training", "Evaluating"))} == set()


def test_a_network_of_the_new_family_learns_from_a_vision_transformer_on_the_new_data_set(drawn):
    use(drawn, "shapes.yaml")
    plan = drawn.plan("described")
    assert {job for job in plan if not job.startswith(("Training", "Evaluating"))} == {
        *("Obtaining shapes", "Splitting shapes into arrays")
    }
    assert {job for job in plan if job.startswith("Training")} == {
        "Training shapes-teacher, described, seed 0",
        "Training shapes-cnn-ce, described, seed 0",
        "Training shapes-cnn-kd with its teacher, described, seed 0",
    }
    drawn.snakemake("--cores", "2", "described", "tables", "figures", "claims")
    records = {run: json.loads((drawn.run_folder(run) / "run.json").read_text()) for run in SHAPES}
    assert {record["spec"]["dataset"] for record in records.values()} == {"shapes"}
    assert not (drawn.run_folder("shapes-cnn-kd") / "saliency.npz").exists()
    assert "kl " in drawn.log("distill_without_maps/described/shapes-cnn-kd/seed-0.log")
    evaluation = drawn.study / "evaluation/described/shapes-cnn-kd/seed-0.json"
    assert json.loads(evaluation.read_text())["images"] == 40
    switches = (drawn.study / "switches/switches.md").read_text()
    assert "3 layers of 32, 64, 128 channels" in switches
    assert drawn.plan("described") == set()


def test_a_changed_file_without_an_md5_is_another_data_set_and_one_that_is_touched_is_not(drawn):
    use(drawn, "shapes.yaml")
    drawn.snakemake("--cores", "2", "data")
    arrays = drawn.path / "results/data/shapes/arrays.safetensors"
    first, file = arrays.read_bytes(), drawn.path / "data/shapes/shapes.npz"
    file.touch()
    assert drawn.plan("data") == set()
    with numpy.load(file) as found:
        changed = {name: found[name] for name in found} | {"train_images": 255 - found["train_images"]}
    numpy.savez(file, **changed)
    assert drawn.plan("data") == {"Obtaining shapes", "Splitting shapes into arrays"}
    drawn.snakemake("--cores", "2", "data")
    assert arrays.read_bytes() != first
    assert "Training shapes-cnn-ce, described, seed 0" in drawn.plan("described")


@pytest.mark.parametrize(
    ("part", "value", "text"),
    [
        ("train_labels", numpy.full(120, 3), "train_labels are 3 to 3, expected 0 to 2"),
        (
            "test_labels",
            numpy.zeros(39, int),
            "test_labels are int64 of shape [39], expected whole numbers of",
        ),
        ("test_labels", numpy.zeros(40), "test_labels are float64 of shape [40], expected whole numbers"),
        ("test_images", numpy.zeros((40, 3, 28, 28), "u1"), "test_images are uint8 of shape [40, 3, 28, 28]"),
        ("train_images", numpy.zeros((120, 3, 32, 32)), "train_images are float64 of shape"),
    ],
)
def test_images_and_labels_that_are_not_those_of_the_format_are_refused(drawn, part, value, text):
    use(drawn, "shapes.yaml")
    file = drawn.path / "data/shapes/shapes.npz"
    with numpy.load(file) as found:
        numpy.savez(file, **({name: found[name] for name in found} | {part: value}))
    drawn.snakemake("--cores", "2", "data", status=1)
    log = (drawn.path / "results/data/shapes/prepare.log").read_text()
    assert text in log
    assert "Traceback" not in log


def test_an_edit_of_the_new_family_reruns_its_runs_and_their_evaluations_alone(drawn):
    use(drawn, "shapes.yaml")
    drawn.snakemake("--cores", "2", "described")
    family = "workflow_scripts/distillation/networks/families/small_cnn"
    drawn.edit(f"{family}/compute.py", "nn.ReLU()", "nn.ReLU6()")
    assert drawn.plan("described") == {
        "Training shapes-cnn-ce, described, seed 0",
        "Training shapes-cnn-kd with its teacher, described, seed 0",
        "Evaluating shapes-cnn-ce, described, seed 0",
        "Evaluating shapes-cnn-kd, described, seed 0",
    }


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"method": "kd-cl-sal"},
            "losses.saliency: its student is of the family 'small-cnn', whose networks have no saliency maps;"
            " use another network, or do without maps",
        ),
        (
            {"set": {"start": "deit-small"}},
            "start: its deit weights are those of a network of the family 'vit', but this one is of the"
            " family 'small-cnn'; remove this key, or use another model",
        ),
        ({"set": {"model": {"channels": [0]}}}, "model.channels.0: 0 is too small; the minimum is 1"),
        ({"set": {"model": {"classes": 2}}}, "model.classes: unknown key (known: channels, family)"),
        (
            {"set": {"distillation_token": {"start": "zeros", "position": True}}},
            "distillation_token: set for this run, but not of networks of the family 'small-cnn'; remove it",
        ),
        (
            {"set": {"stages": [{"resolution": 4, "epochs": 1}]}},
            "stages.0.resolution: 4 is too small; write 8 or more",
        ),
    ],
    ids=["maps", "weights", "settings", "classes", "token", "resolution"],
)
def test_what_the_new_family_cannot_do_is_refused_when_runs_are_planned(drawn, changes, text):
    use(drawn, "shapes.yaml")
    drawn.configure(students={"shapes-cnn-kd": changes})
    assert text in drawn.snakemake("-n", status=1)


def test_its_own_tests_pass_and_its_settings_are_documented(drawn):
    page = after_tests(drawn, FAMILY, passed=7)
    assert "`cifar10`, `cifar100`, `shapes`" in page
    assert "## Small network" in page


def test_a_term_may_not_name_features_that_a_network_lacks(extended):
    use(extended, "attention-transfer.yaml")
    extended.configure(recipes={"student": {"losses": {"attention_transfer": {"student_block": 7}}}})
    text = (
        "losses.attention_transfer: the student has no feature 'leaving.7': no block 7 at depth 3; blocks are"
        " 0 to 2"
    )
    assert text in extended.snakemake("-n", status=1)


# --- a kind of published weights -------------------------------------------------------------------

CONTINUED = "tiny-p4-continued"


@pytest.fixture
def continued(finished):
    """A finished study to which the files of the kind were added, and a file of weights that it saved."""
    write(finished, WEIGHTS)
    use(finished, "saved.yaml")
    (finished.path / "weights").mkdir(exist_ok=True)
    saved = finished.path / "weights/earlier.safetensors"
    shutil.copy(finished.run_folder("tiny-p4-ce") / "last.safetensors", saved)
    finished.configure(weights={"earlier": {"sha256": checksums.sha256(saved)}})
    return finished


def test_a_new_kind_of_weights_is_checked_once_and_reruns_nothing(continued):
    trainings = {job for job in continued.plan("described") if not job.startswith("Evaluating")}
    assert trainings == {
        "Checking the published weights earlier, irkd",
        f"Training {CONTINUED}, described, seed 0",
    }


def test_a_run_starts_from_weights_of_the_new_kind_and_records_them(continued):
    saved = continued.path / "weights/earlier.safetensors"
    record = continued.run_folder(CONTINUED) / "run.json"
    continued.snakemake("--cores", "2", str(record.relative_to(continued.path)))
    assert json.loads(record.read_text())["sha256"]["pretrained"] == checksums.sha256(saved)


def test_without_the_file_of_the_new_kind_planning_stops_with_the_fix(continued):
    (continued.path / "weights/earlier.safetensors").unlink()
    text = f"{CONTINUED} starts from these weights, but the file does not exist; copy it from the training"
    assert text in continued.snakemake("-n", "described", status=1)


def test_its_own_test_passes_and_the_new_kind_is_documented(continued):
    assert "## Saved file" in after_tests(continued, WEIGHTS, passed=1)
