"""Whole trainings: their bits, their stages and what they write."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_runs
import torch
from distillation.core import checksums, components
from distillation.core.errors import UserError
from distillation.data import views
from distillation.evaluation import predictions
from distillation.study import spec
from distillation.study.spec import EarlyStopping, Stage, Teacher
from distillation.training import learner
from distillation.training.checkpoint import Checkpoint
from distillation.training.flops import inference_flops
from safetensors.torch import load_file
from tiny_runs import (
    RUNS,
    arrays,
    results,
    run,
    saving_each_epoch,
    stopping_after,
    student_run,
    taught,
    teacher_files,
    train,
)


def record(folder):
    return json.loads((folder / "run.json").read_text())


# Repeated


@pytest.mark.parametrize("name", RUNS)
def test_the_same_run_gives_the_same_bytes_and_another_seed_does_not(tmp_path, teacher, unbroken, name):
    again = results(train(RUNS[name], tmp_path / "again", taught(name, teacher)))
    other = results(train(replace(RUNS[name], seed=1), tmp_path / "other", taught(name, teacher)))
    assert again == unbroken(name)[1]
    assert all(other[key] != value for key, value in again.items())


# Without validation images


WHOLE = arrays(train=64, validation=0)


def test_without_validation_images_the_best_weights_are_the_last_and_the_record_says_so(tmp_path):
    files = train(run(), tmp_path, data=WHOLE)
    assert files.best.read_bytes() == files.last.read_bytes()
    written = record(tmp_path)
    assert {key: written["weights"]["best"][key] for key in ("global_epoch", "val_acc")} == {
        "global_epoch": 4,
        "val_acc": None,
    }
    assert written["weights"]["best"] == written["weights"]["last"]
    assert {row["val_acc"] for row in results(files)["history"]} == {""}


def test_validation_images_do_not_change_what_is_learnt(tmp_path):
    with_them = train(run(), tmp_path / "validated")
    without = train(
        run(),
        tmp_path / "whole",
        data=replace(
            arrays(),
            **{
                f"validation_{what}": getattr(arrays(), f"validation_{what}")[:0]
                for what in ("images", "labels")
            },
        ),
    )
    assert with_them.last.read_bytes() == without.last.read_bytes()


def test_a_training_without_validation_images_continues_after_an_interruption(tmp_path, monkeypatch):
    unbroken = results(train(run(), tmp_path / "unbroken", data=WHOLE))
    with monkeypatch.context() as patched:
        stopping_after(patched, 3)
        with pytest.raises(KeyboardInterrupt):
            train(run(), tmp_path / "broken", data=WHOLE)
    assert results(train(run(), tmp_path / "broken", data=WHOLE)) == unbroken


# Stages


@pytest.mark.parametrize(("restart", "steps"), [("stage", [4, 8, 4, 8]), ("never", [4, 8, 12, 16])])
def test_the_optimizer_lives_for_a_stage_or_for_the_run(tmp_path, monkeypatch, restart, steps):
    seen, save = [], Checkpoint.save
    saving_each_epoch(monkeypatch)

    def watched(self, state):
        seen.append({int(entry["step"]) for entry in state["optimizer"]["state"].values()})
        save(self, state)

    monkeypatch.setattr(Checkpoint, "save", watched)
    train(run(optimizer=replace(tiny_runs.ADAMW, restart=restart)), tmp_path)
    assert seen == [{count} for count in steps]


@pytest.mark.parametrize(("restart", "lowest"), [("stage", [1, 3]), ("never", [3])])
def test_a_cycle_spans_the_life_of_its_optimizer(tmp_path, restart, lowest):
    changed = run(one_cycle=tiny_runs.CYCLE, optimizer=replace(tiny_runs.ADAMW, restart=restart))
    rows = results(train(changed, tmp_path))["history"]
    end = tiny_runs.ADAMW.lr / 20 / 5
    assert [i for i, row in enumerate(rows) if float(row["lr"]) == pytest.approx(end)] == lowest


@pytest.mark.parametrize("stop", [None, 2, 4], ids=["unbroken", "stopped-before", "stopped-after"])
def test_the_best_weights_are_the_earliest_of_the_best_epochs_of_the_last_stage(tmp_path, monkeypatch, stop):
    accuracies, weights, save = [90.0, 80.0, 50.0, 60.0, 60.0, 55.0], {}, Checkpoint.save
    monkeypatch.setattr(predictions, "accuracy", lambda *_: accuracies[len(weights)])
    saving_each_epoch(monkeypatch)

    def watched(self, state):
        weights[len(state["history"])] = {name: value.clone() for name, value in state["model"].items()}
        save(self, state)

    monkeypatch.setattr(Checkpoint, "save", watched)
    staged = run(stages=(Stage(8, 2), Stage(12, 4)))
    if stop:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            stopping_after(patch, stop)
            train(staged, tmp_path)
    files = train(staged, tmp_path)
    for path, number, accuracy in ((files.best, 4, 60.0), (files.last, 6, 55.0)):
        stored = load_file(path)
        assert all(torch.equal(stored[name], value) for name, value in weights[number].items())
        assert not torch.equal(stored["head.weight"], weights[number - 1]["head.weight"])
        entry = record(tmp_path)["weights"][path.stem]
        assert (entry["global_epoch"], entry["val_acc"]) == (number, accuracy)


@pytest.mark.parametrize(
    ("restore", "patience", "lasts", "handed_on"),
    [("never", 2, 3, 3), ("on-stop", 2, 3, 1), ("on-stop", 9, 4, 4), ("always", 9, 4, 1)],
)
def test_a_stage_hands_on_its_last_or_its_best_weights(
    tmp_path, monkeypatch, restore, patience, lasts, handed_on
):
    """Of a first stage whose best epoch is its first."""
    before, after, epoch = [], [], learner.Learner.epoch

    def watched(self, *arguments):
        before.append(self.model.state_dict()["head.weight"].clone())
        measures = epoch(self, *arguments)
        after.append(self.model.state_dict()["head.weight"].clone())
        return measures

    monkeypatch.setattr(learner.Learner, "epoch", watched)
    monkeypatch.setattr(predictions, "accuracy", lambda *_: 50.0 - len(after))
    stages = (Stage(8, 4), Stage(12, 1))
    train(run(stages=stages, early_stopping=EarlyStopping(patience, restore)), tmp_path)
    assert len(after) == lasts + 1
    assert torch.equal(before[lasts], after[handed_on - 1])


@pytest.mark.parametrize(("restore", "last"), [("never", 3), ("always", 1)])
def test_the_record_says_which_epoch_the_last_weights_are_of(tmp_path, monkeypatch, restore, last):
    done, epoch = [], learner.Learner.epoch
    monkeypatch.setattr(learner.Learner, "epoch", lambda *a: done.append(1) or epoch(*a))
    monkeypatch.setattr(predictions, "accuracy", lambda *_: 50.0 - len(done))
    files = train(run(stages=(Stage(8, 3),), early_stopping=EarlyStopping(9, restore)), tmp_path)
    entry = record(tmp_path)["weights"]["last"]
    assert (entry["global_epoch"], entry["val_acc"]) == (last, 50.0 - last)
    assert (files.last.read_bytes() == files.best.read_bytes()) is (restore == "always")


def test_the_cost_of_a_run_that_stopped_early_is_that_of_the_epochs_it_had(unbroken):
    folder, found = unbroken("released")
    stages = [(s["resolution"], s["epochs"], s["images"]) for s in record(folder)["stages"]]
    assert stages == [(8, 2, 128), (12, 2, 128)]
    assert [row["epoch"] for row in found["history"]] == ["1", "2", "1", "2"]


def test_maps_are_recorded_at_the_epoch_that_ended_a_stage(unbroken):
    with np.load(unbroken("released")[0] / "saliency.npz") as maps:
        moments = {name.rsplit("-", 1)[0] for name in maps.files if name.startswith("stage")}
        assert moments == {f"stage{s}-{px}px-epoch{e}" for s, px in ((1, 8), (2, 12)) for e in (1, 2)}
        assert maps["stage2-12px-epoch2-student"].shape == (2, 8, 3, 3)
        assert maps["view"] == "crop"


# The record


def test_the_record_says_what_was_trained_from_what_and_vouches_for_the_weights(unbroken, teacher):
    folder, _ = unbroken("saliency")
    content = record(folder)
    assert (content["protocol"], content["run"], content["seed"]) == ("described", "tiny", "0")
    assert spec.from_mapping(content["spec"]) == student_run()
    assert content["sha256"] == {
        "spec": spec.digest(student_run()),
        "code": "code",
        "data": arrays().sha256,
        "teacher": checksums.sha256(teacher / "best.safetensors"),
    }
    for which in ("last", "best"):
        assert content["weights"][which]["sha256"] == checksums.sha256(folder / f"{which}.safetensors")
    others = {"history": "history.csv", "saliency": "saliency.npz"}
    assert content["files"] == {name: checksums.sha256(folder / file) for name, file in others.items()}
    stored = load_file(folder / "last.safetensors")
    assert content["parameters"] == sum(value.numel() for value in stored.values())
    assert content["inference_flops"] == inference_flops(tiny_runs.STUDENT, 32)
    stages = [(s["resolution"], s["epochs"], s["images"]) for s in content["stages"]]
    assert stages == [(8, 2, 128), (12, 2, 128)]
    assert all(
        stage["images_per_second"] == stage["images"] / stage["seconds"] for stage in content["stages"]
    )
    assert all(stage["training_flops"] > 0 < stage["peak_memory_mb"] for stage in content["stages"])
    [session] = content["sessions"]
    assert (session["from_epoch"], session["device"], session["cpu_threads"]) == (1, "cpu", 1)
    assert session["packages"]["torch"] == torch.__version__.split("+")[0]


def test_a_run_without_a_teacher_records_none_and_no_maps(unbroken):
    folder, _ = unbroken("curriculum")
    assert record(folder)["sha256"]["teacher"] is None
    assert not (folder / "saliency.npz").exists()


def test_the_maps_of_every_stage_are_written(unbroken):
    with np.load(unbroken("saliency")[0] / "saliency.npz") as maps:
        assert maps["stage1-8px-epoch1-student"].shape == (3, 8, 2, 2)
        assert maps["stage2-12px-epoch2-teacher"].shape == (3, 8, 3, 3)


@pytest.mark.parametrize("name", ["curriculum", "one-cycle"])
def test_a_run_without_a_teacher_loads_no_code_of_distillation_or_saliency(tmp_path, monkeypatch, name):
    asked, load = set(), components.load

    def recording(package, module):
        asked.add(f"{package}.{module}")
        return load(package, module)

    monkeypatch.setattr(components, "load", recording)
    train(RUNS[name], tmp_path)
    augmentations = {"data.augmentations.mixing", "data.augmentations.auto_augment"}
    expected = {"networks.families.vit", "networks.losses.ce"}
    expected |= augmentations if name == "one-cycle" else set()
    assert asked == expected


# Rows of a table pair over seeds


def test_runs_of_a_seed_share_their_start_and_the_order_and_crops_of_their_first_epoch(
    tmp_path, monkeypatch, teacher
):
    starts, shown, epoch, view = [], [], learner.Learner.epoch, views.training_view

    def watched(self, images, labels, stage, number, *rest):
        if number == 1:
            starts.append({name: value.clone() for name, value in self.model.state_dict().items()})
        return epoch(self, images, labels, stage, number, *rest)

    def recorded(images, augmentation, resolution, normalization, generator, kind, _reuse):
        whole = view(images, augmentation, 32, normalization, generator.clone_state())
        shown.append((images, whole.pixels))
        return view(images, augmentation, resolution, normalization, generator, kind)

    monkeypatch.setattr(learner.Learner, "epoch", watched)
    monkeypatch.setattr(views, "training_view", recorded)
    fixed = (Stage(16, 1),)
    kd = replace(student_run().losses, saliency=None)
    train(run(), tmp_path / "cl")
    train(run(stages=fixed), tmp_path / "ce")
    train(
        student_run(stages=fixed, losses=kd, teacher=Teacher("teacher", 0, "best")),
        tmp_path / "kd",
        teacher_files(teacher),
    )
    train(run(stages=fixed, seed=1), tmp_path / "other")
    first = [shown[0], *shown[4:]]
    for index in (1, 2):
        assert all(torch.equal(*pair) for pair in zip(first[0], first[index], strict=True))
        assert all(torch.equal(starts[index][name], value) for name, value in starts[0].items())
    assert not torch.equal(first[0][0], first[3][0])
    assert not torch.equal(starts[0]["head.weight"], starts[3]["head.weight"])


def test_bf16_without_instructions_for_it_stops_before_anything_is_made_unless_it_is_wanted(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with pytest.raises(UserError, match="set `precision: fp32` in the recipes"):
        train(run(precision="bf16"), tmp_path / "unasked")
    assert not list(tmp_path.iterdir())
    train(run(precision="bf16"), tmp_path / "wanted", slow_bf16=True)
    assert record(tmp_path / "wanted")["sha256"]["spec"] == spec.digest(run(precision="bf16"))
