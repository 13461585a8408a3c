"""Trainings as of networks that are fine-tuned: heads first, a rate for each stage, larger images, tests."""

import csv
import json
from dataclasses import replace
from itertools import pairwise

import pytest
import safetensors.torch
import tiny_runs
import torch
from distillation.core import streams
from distillation.data import views
from distillation.data.settings import Augmentation
from distillation.networks import models
from distillation.networks.answers import answer, resized
from distillation.networks.families.timm import TimmNetwork
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.terms import Losses
from distillation.study.spec import Optimizer, Stage, Teacher, WarmupCosine
from distillation.training.flops import training_flops_by_stage
from tiny_runs import arrays, run, saving_each_epoch, start_of, stopping_after, train
from torch.nn import functional

NETWORK = TimmNetwork(family="timm", name="test_resnet", image_size=48, classes=10)
ADAM = Optimizer("adam", lr=1e-3, weight_decay=0.0, decay="all", restart="stage")
HEAD_FIRST = run(
    model=NETWORK, optimizer=ADAM, stages=(Stage(48, 1, lr=0.01, head_only=True), Stage(48, 2, lr=1e-4))
)
TEACHER = run(model=replace(NETWORK, image_size=32), stages=(Stage(32, 1),))
LOSSES = Losses(ce=CrossEntropy(0.5), kd=Distillation(0.5, 4.0))


def weights(path):
    return safetensors.torch.load_file(path)


def rows(files):
    with files.history.open(newline="") as file:
        return list(csv.DictReader(file))


# The head first


def test_a_stage_of_the_head_changes_the_head_and_the_statistics_of_batch_norms_alone(tmp_path):
    head_only = replace(HEAD_FIRST, stages=HEAD_FIRST.stages[:1])
    after, before = weights(train(head_only, tmp_path).last), start_of(head_only).state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    head = {"network.fc.weight", "network.fc.bias"}
    assert head <= changed
    moving = {
        name for name in before if name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    }
    assert changed - head == moving


def test_the_next_stage_trains_everything_at_its_own_rate(tmp_path):
    files = train(HEAD_FIRST, tmp_path)
    assert [float(row["lr"]) for row in rows(files)] == [0.01, 1e-4, 1e-4]
    after, before = weights(files.last), start_of(HEAD_FIRST).state_dict()
    assert not any(
        torch.equal(before[name], after[name]) for name, _ in start_of(HEAD_FIRST).named_parameters()
    )


@pytest.mark.parametrize("saves", [1, 2])
def test_a_training_stopped_in_either_stage_ends_with_the_same_bytes(tmp_path, monkeypatch, saves):
    whole = tiny_runs.results(train(HEAD_FIRST, tmp_path / "whole"))
    with monkeypatch.context() as context:
        stopping_after(context, saves)
        with pytest.raises(KeyboardInterrupt):
            train(HEAD_FIRST, tmp_path / "stopped")
    saving_each_epoch(monkeypatch)
    assert tiny_runs.results(train(HEAD_FIRST, tmp_path / "stopped")) == whole


def test_a_stage_of_the_head_costs_little_more_than_classifying():
    head, everything = training_flops_by_stage(HEAD_FIRST, None)
    assert head < 0.4 * everything


def test_another_part_that_is_trained_is_another_graph(monkeypatch):
    from distillation.training.learner import Learner

    learner, forgotten = Learner(HEAD_FIRST, start_of(HEAD_FIRST), None, tiny_runs.CPU), []
    monkeypatch.setattr(learner._gradients, "forget", lambda: forgotten.append(True))
    for head_only, times in ((False, 0), (True, 1), (True, 1), (False, 2)):
        learner.train_head_only(head_only)
        assert len(forgotten) == times


# Rates


def test_a_rate_that_changes_after_every_epoch_is_torchs_cosine(tmp_path):
    cosine = run(
        stages=(Stage(8, 6),), optimizer=replace(ADAM, lr=3e-4), warmup_cosine=WarmupCosine(0.0, "epoch")
    )
    bowl = torch.nn.Linear(1, 1)
    theirs = torch.optim.Adam(bowl.parameters(), lr=3e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, T_max=6)
    expected = []
    for _ in range(6):
        expected.append(schedule.get_last_lr()[0])
        theirs.step()
        schedule.step()
    found = [float(row["lr"]) for row in rows(train(cosine, tmp_path))]
    assert found == pytest.approx(expected, rel=1e-12)
    assert all(one > other for one, other in pairwise(found))


# What a teacher sees


def test_a_teacher_sees_the_views_of_its_student_scaled_to_its_own_size(tmp_path):
    train(TEACHER, tmp_path / "teacher")
    student = run(
        model=NETWORK,
        losses=LOSSES,
        stages=(Stage(48, 1),),
        augmentation=Augmentation(),
        batch_size=64,
        teacher=Teacher("teacher", 0, "last"),
        teacher_resolution=32,
    )
    data = arrays()
    files = train(student, tmp_path / "student", tiny_runs.teacher_files(tmp_path / "teacher", "last"), data)
    order = torch.randperm(64, generator=streams.generator(0, "order", 1))
    shown = views.plain_view(data.train_images[order], 48, student.normalization, 48)
    small = functional.interpolate(shown, size=32, mode="bilinear", align_corners=False, antialias=False)
    teacher = models.build(TEACHER.model, torch.Generator())
    teacher.load_state_dict(weights(tmp_path / "teacher/last.safetensors"))
    guide = (teacher.eval()(small).logits / 4).log_softmax(1)
    own = (start_of(student).train()(shown).logits / 4).log_softmax(1)
    expected = functional.kl_div(own, guide, log_target=True, reduction="batchmean")
    assert float(rows(files)[0]["kl"]) == pytest.approx(expected.item(), rel=1e-5)
    assert json.loads(files.record.read_text())["teacher_test"]["images"] == 16


def test_views_of_the_teachers_size_are_left_as_they_are():
    images = torch.rand(2, 3, 32, 32)
    assert resized(images, 32) is images
    assert resized(images, None) is images
    network = start_of(TEACHER).eval()
    labels = torch.zeros(2, dtype=torch.int64)
    larger = torch.rand(2, 3, 48, 48)
    small = functional.interpolate(larger, size=32, mode="bilinear", align_corners=False)
    found = answer(network, larger, labels, (), side=32).logits
    assert torch.equal(found, network(small).logits)


# Tests after every epoch


def test_a_run_that_is_tested_after_every_epoch_is_trained_as_any_other_and_says_which_was_best(tmp_path):
    plain, tested = (run(tests_each_epoch=flag) for flag in (False, True))
    one, other = train(plain, tmp_path / "plain"), train(tested, tmp_path / "tested")
    for weights in ("last", "best"):
        first, second = (models.read(getattr(files, weights))[0] for files in (one, other))
        assert first.keys() == second.keys()
        assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert "test_correct" not in rows(one)[0]
    assert "best_test" not in json.loads(one.record.read_text())
    correct = [int(row["test_correct"]) for row in rows(other)]
    best = json.loads(other.record.read_text())["best_test"]
    assert best == {"global_epoch": 1 + correct.index(max(correct)), "correct": max(correct), "images": 16}
