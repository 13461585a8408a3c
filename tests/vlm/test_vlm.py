"""The study vlm from end to end: its demo on made-up images and random weights in a cache."""

import csv
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import yaml
from distillation.core import checksums
from safetensors.torch import save_file
from shipped import STUDIES
from workspace import Workspace, batches_in

DEMO = STUDIES / "vlm/overlays/demo.yaml"
NAMES = [
    entry["name"] for entry in yaml.safe_load(DEMO.read_text(encoding="utf-8"))["vlm"]["weights"].values()
]
OVERLAY = "studies/vlm/overlays/demo.yaml"


def release(folder):
    """Files as those of the binary release of CIFAR-100, whose colours hint at the class."""
    rng = np.random.default_rng(0)
    hues = rng.integers(256, size=(100, 3))
    folder.mkdir()
    for name, count in (("train.bin", 50_000), ("test.bin", 10_000)):
        labels = rng.integers(100, size=count)
        pixels = hues[labels][:, :, None] // 2 + rng.integers(128, size=(count, 3, 1024))
        parts = [labels[:, None] // 5, labels[:, None], pixels.reshape(count, -1)]
        np.concatenate(parts, axis=1).astype(np.uint8).tofile(folder / name)


def cached(home, name):
    """Where timm's cache has the weights of this name."""
    return home / f"hub/models--timm--{name}/snapshots/{'1' * 40}/model.safetensors"


def cache(home, name, **changes):
    """Random weights in timm's cache, as if they had been downloaded."""
    torch.manual_seed(3)
    network = timm.create_model(name.partition(".")[0], pretrained=False, **changes)
    file = cached(home, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    (file.parents[2] / "refs").mkdir(exist_ok=True)
    (file.parents[2] / "refs/main").write_text("1" * 40)
    save_file(network.state_dict(), file)


class Vlm(Workspace):
    """A workspace of the study vlm, with a cache of its own."""

    @property
    def home(self):
        return self.path / "cache"

    def run(self, *arguments, status=0, seconds=300):
        environment = {"HF_HOME": str(self.home)}
        options = {"status": status, "environment": environment, "seconds": seconds}
        return self.snakemake(*arguments, configfile=OVERLAY, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    workspace = Vlm.create(tmp_path_factory.mktemp("vlm") / "made")
    release(workspace.path / "cifar-100-binary")
    workspace.edit("config.yaml", "local: data/cifar100", "local: cifar-100-binary")
    for name in NAMES:
        cache(workspace.home, name)
    return workspace


@pytest.fixture(scope="module")
def finished(made):
    made.run("--cores", "2", "vlm", seconds=900)
    return made


@pytest.fixture
def broken(made, tmp_path):
    """A copy without results, to break."""
    ignored = shutil.ignore_patterns("results", ".snakemake", "cifar-100-binary")
    shutil.copytree(made.path, tmp_path / "broken", symlinks=True, ignore=ignored)
    return Vlm(tmp_path / "broken")


def records(finished, protocol):
    folder = finished.path / "results/demo/vlm/runs" / protocol
    return {path.parent.parent.name: json.loads(path.read_text()) for path in folder.glob("*/*/run.json")}


# From end to end


def test_every_row_and_both_teachers_are_trained_and_tested_and_nothing_is_left_to_do(finished):
    results = finished.path / "results/demo/vlm"
    assert {name: len(records(finished, name)) for name in ("described", "released")} == {
        "described": 10,
        "released": 12,
    }
    table = pd.read_csv(results / "tables/accuracies.csv")
    assert (table["status"] == "run").all()
    assert len(table) == 24
    assert "Nothing to be done" in finished.run("--cores", "2", "vlm")
    text = (results / "tables/accuracies.md").read_text()
    released = text.partition("as released")[2]
    assert "Best test accuracy of an epoch, chosen on the test set and therefore not in the table" in released
    assert (results / "claims/claims.md").is_file()


def test_all_does_not_train_it(finished):
    plan = finished.snakemake("-n", "all", configfile="config.yaml")
    assert "Training light-ce, described, seed 0" in plan
    assert "vit-tiny-ce" not in plan


def test_each_teacher_is_tested_with_its_students_views_before_they_learn(finished):
    for protocol in ("described", "released"):
        for run, record in records(finished, protocol).items():
            assert (record["teacher_test"] is not None) == ("from" in run)


def test_only_runs_as_released_are_tested_after_every_epoch(finished):
    for protocol, tested in (("described", False), ("released", True)):
        for run, record in records(finished, protocol).items():
            [file] = (finished.path / f"results/demo/vlm/runs/{protocol}/{run}").glob("*/history.csv")
            with file.open(newline="") as rows:
                history = list(csv.DictReader(rows))
            assert ("test_correct" in history[0]) == ("best_test" in record) == tested
            assert record["weights"]["last"]["global_epoch"] == len(history) == 2
            assert (record["weights"]["best"]["val_acc"] is None) == tested


def test_the_checksums_of_the_weights_are_recorded(finished):
    for protocol in ("described", "released"):
        for record in records(finished, protocol).values():
            file = cached(finished.home, record["spec"]["start"]["name"])
            assert record["sha256"]["pretrained"] == checksums.sha256(file)


def test_both_baselines_of_vit_tiny_are_the_same_bits(finished):
    found = records(finished, "released")
    first, again = (found[run]["weights"]["last"]["sha256"] for run in ("vit-tiny-ce", "vit-tiny-ce-again"))
    assert first == again


def test_answers_to_mirrored_images_are_stored_for_those_who_see_them(finished):
    stored = {
        str(path.relative_to(finished.path / "results/demo/vlm/answers"))
        for path in (finished.path / "results/demo/vlm/answers").rglob("*.safetensors")
    }
    assert stored == {
        "described/vit-base/seed-0/cifar100-160px-mirrored.safetensors",
        "described/resnet-152/seed-0/cifar100-160px-mirrored.safetensors",
        "released/vit-base/seed-0/cifar100-whole-160px-mirrored.safetensors",
        "released/vit-base/seed-0/cifar100-whole-imagenet-160px-mirrored.safetensors",
        "released/resnet-152/seed-0/cifar100-whole-160px-mirrored.safetensors",
    }


# Bad input, before any training


def test_missing_weights_stop_the_plan_with_the_command_that_gets_them(broken):
    cached(broken.home, "test_vit.r160_in1k").unlink()
    said = broken.run("-n", "vlm", status=1)
    assert "vit-base starts from these weights, but the file does not exist; run `hf download" in said
    assert "timm/test_vit.r160_in1k model.safetensors` where there is internet" in said


@pytest.mark.parametrize("wrong", ["another network", "another number of classes", "a part of the file"])
def test_a_file_that_is_not_that_of_its_name_is_refused_before_any_training(broken, wrong):
    name = "test_vit3.r160_in1k"
    file = cached(broken.home, name)
    if wrong == "another network":
        shutil.copy(cached(broken.home, "test_vit.r160_in1k"), file)
    elif wrong == "another number of classes":
        cache(broken.home, name, num_classes=21_843)
    else:
        file.write_bytes(file.read_bytes()[:5000])
    said = broken.run("--cores", "1", "results/demo/vlm/weights/vit-tiny.json", status=1)
    assert f"these are not the weights {name} of timm, with 1000 classes (" in said
    assert "supply the file that timm publishes under this name" in said
    assert not (broken.path / "results/demo/vlm/runs").exists()
    assert "weights/vit-tiny.json" in broken.run("-n", "vlm")


def test_a_tag_that_this_timm_does_not_have_is_refused(broken):
    overlay = broken.path / OVERLAY
    overlay.write_text(overlay.read_text().replace("test_vit3.r160_in1k", "test_vit3.r999_in1k"))
    cache(broken.home, "test_vit3.r999_in1k")
    said = broken.run("--cores", "1", "results/demo/vlm/weights/vit-tiny.json", status=1)
    assert "has no weights 'r999_in1k' of test_vit3 (did you mean test_vit3.r160_in1k?)" in said


def test_cifar_10_in_the_place_of_cifar_100_is_refused(broken):
    batches_in(broken.path / "cifar-100-binary")
    said = broken.run("--cores", "1", "results/downloads/cifar100/source.json", status=1)
    assert "CIFAR-100" in said
