"""The average of the weights over a training: what it is, what is judged by it, and what it leaves alone."""

import csv
import json
from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.core import streams
from distillation.evaluation import whole_images
from distillation.networks import models
from distillation.networks.families.cnn import ConvolutionalNetwork
from distillation.networks.families.timm import TimmNetwork
from distillation.study.spec import EarlyStopping, Optimizer, Stage, WeightAverage
from distillation.training import averaging
from distillation.training.checkpoint import Checkpoint
from distillation.training.learner import Learner
from safetensors.torch import load_file
from tiny_runs import arrays, results, run, saving_each_epoch, start_of, stopping_after, train
from torch.optim.optimizer import register_optimizer_step_post_hook

# Enough validation images to tell weights apart that are nearly the same.
DATA = arrays(validation=200, test=100)
DECAY = 0.9
EACH = WeightAverage(DECAY)
PLAIN = run(weight_average=EACH, tests_each_epoch=True)
ACCUMULATED = tiny_runs.fine_tuning_run(
    weight_average=EACH, tests_each_epoch=True, early_stopping=EarlyStopping(8, "never")
)
RESNET = TimmNetwork(family="timm", name="test_resnet", image_size=48, classes=10)
# With batch norms, and with parameters that an optimizer does not have.
HEAD_FIRST = run(
    model=RESNET,
    optimizer=Optimizer("adam", lr=1e-3, weight_decay=0.0, decay="all", restart="stage"),
    stages=(Stage(48, 1, lr=0.01, head_only=True), Stage(48, 2, lr=1e-3)),
    weight_average=EACH,
    tests_each_epoch=True,
)
AVERAGED = {"plain": PLAIN, "accumulated": ACCUMULATED, "head-first": HEAD_FIRST}
CNN = ConvolutionalNetwork(family="cnn", image_size=32, convolutions=((4,), (8,)), hidden_width=8, classes=10)


def copied(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def watched(monkeypatch, of_run, folder):
    """The files of a training, its trained weights after each update, and its updates until each epoch."""
    trained, ends, epoch = [], [], Learner.epoch

    def watching(self, *arguments):
        hook = register_optimizer_step_post_hook(lambda *_: trained.append(copied(self.model)))
        try:
            return epoch(self, *arguments)
        finally:
            hook.remove()
            ends.append(len(trained))

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "epoch", watching)
        return train(of_run, folder, data=DATA), trained, ends


def recurrence(of_run, trained):
    """The averages after each update: parameters and statistics by the formula, counts as they are."""
    averages, last = [], copied(start_of(of_run))
    for weights in trained:
        last = {
            name: DECAY * last[name] + (1 - DECAY) * value if value.is_floating_point() else value
            for name, value in weights.items()
        }
        averages.append(last)
    return averages


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)


def network(of_run, weights):
    """The network of a run with other weights."""
    made = models.build(of_run.model, torch.Generator())
    made.load_state_dict(weights)
    return made


def rows(files):
    with files.history.open(newline="") as file:
        return list(csv.DictReader(file))


# What the average is


@pytest.mark.parametrize("name", AVERAGED)
def test_the_last_and_the_best_weights_are_the_average_of_all_updates_until_their_epoch(
    tmp_path, monkeypatch, name
):
    files, trained, ends = watched(monkeypatch, AVERAGED[name], tmp_path)
    averages = recurrence(AVERAGED[name], trained)
    best = json.loads(files.record.read_text())["weights"]["best"]["global_epoch"]
    assert_close(load_file(files.last), averages[-1])
    assert_close(load_file(files.best), averages[ends[best - 1] - 1])
    a_weight = next(start_of(AVERAGED[name]).named_parameters())[0]
    assert (averages[-1][a_weight] - trained[-1][a_weight]).abs().max() > 1e-4


@pytest.mark.parametrize("name", AVERAGED)
def test_validation_and_test_accuracy_of_every_epoch_are_those_of_the_average(tmp_path, monkeypatch, name):
    of_run = AVERAGED[name]
    files, trained, ends = watched(monkeypatch, of_run, tmp_path)
    sides = [stage.resolution for stage in of_run.stages for _ in range(stage.epochs)]
    accuracies = {}
    for whose, weights in (("average", recurrence(of_run, trained)), ("trained", trained)):
        judged = [(network(of_run, weights[end - 1]), side) for end, side in zip(ends, sides, strict=True)]
        accuracies[whose] = [
            (
                whole_images.validation_accuracy(one, of_run, DATA, side),
                whole_images.right_test_images(one, of_run, DATA),
            )
            for one, side in judged
        ]
    found = [(float(row["val_acc"]), int(row["test_correct"])) for row in rows(files)]
    assert found == accuracies["average"]
    assert accuracies["average"] != accuracies["trained"]


def test_recorded_maps_are_those_of_the_average(unbroken, teacher, tmp_path):
    averaged = unbroken("averaged")[1]
    plain = results(
        train(tiny_runs.averaged_run(weight_average=None), tmp_path, tiny_runs.teacher_files(teacher))
    )
    assert averaged["saliency.npz"] != plain["saliency.npz"]


@pytest.mark.parametrize(
    "model", [tiny_runs.STUDENT, RESNET, CNN], ids=lambda model: f"{model.family}-{model.image_size}"
)
def test_the_average_is_a_network_of_its_own_that_draws_nothing_and_shares_counts(model):
    trained = models.build(model, streams.generator(0, "init"))
    before = torch.get_rng_state()
    average = averaging.start(trained)
    assert torch.equal(before, torch.get_rng_state())
    images = torch.rand(4, 3, model.image_size, model.image_size)
    at_first = average(images).logits
    assert torch.equal(at_first, trained.eval()(images).logits)
    assert not at_first.requires_grad
    with torch.no_grad():
        for value in trained.parameters():
            value.add_(1)
    assert torch.equal(average(images).logits, at_first)
    trained.train()(images)
    moved = dict(trained.named_buffers())
    for name, value in average.named_buffers():
        assert torch.equal(value, moved[name]) is not value.is_floating_point()
    assert average.state_dict().keys() == trained.state_dict().keys()


# What it leaves alone


@pytest.mark.parametrize("name", AVERAGED)
def test_an_average_changes_nothing_of_what_is_trained(tmp_path, monkeypatch, name):
    averaged, trained, _ = watched(monkeypatch, AVERAGED[name], tmp_path / "averaged")
    without = replace(AVERAGED[name], weight_average=None)
    plain, alone, _ = watched(monkeypatch, without, tmp_path / "plain")
    assert len(trained) == len(alone)
    for one, other in zip(trained, alone, strict=True):
        assert all(torch.equal(one[key], value) for key, value in other.items())
    measures = [
        [(row["train_acc"], row["loss"], row["lr"]) for row in rows(files)] for files in (averaged, plain)
    ]
    assert measures[0] == measures[1]
    stored = load_file(plain.last)
    assert all(torch.equal(stored[key], value) for key, value in alone[-1].items())


@pytest.mark.parametrize("average", [None, EACH], ids=["without", "with"])
def test_a_checkpoint_holds_an_average_if_the_run_has_one(tmp_path, monkeypatch, average):
    saving_each_epoch(monkeypatch)
    keys, save = [], Checkpoint.save
    monkeypatch.setattr(
        Checkpoint, "save", lambda self, state: keys.append(state.keys()) or save(self, state)
    )
    train(run(weight_average=average), tmp_path)
    own = {"model", "optimizer", "schedule", "history", "best", "sessions", "saliency", "teacher_test"}
    assert keys == [own | ({"average"} if average else set())] * 4


# Stopped and continued


@pytest.mark.parametrize("saves", [1, 2])
@pytest.mark.parametrize("name", AVERAGED)
def test_an_averaged_training_that_was_stopped_ends_with_the_same_bytes(tmp_path, monkeypatch, name, saves):
    whole = results(train(AVERAGED[name], tmp_path / "whole", data=DATA))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stopping_after(patch, saves)
        train(AVERAGED[name], tmp_path / "stopped", data=DATA)
    assert results(train(AVERAGED[name], tmp_path / "stopped", data=DATA)) == whole


# Without validation images


def test_without_validation_images_the_best_weights_are_the_last_average(tmp_path):
    data = arrays(validation=0)
    averaged = train(run(weight_average=EACH), tmp_path / "averaged", data=data)
    plain = train(run(), tmp_path / "plain", data=data)
    assert averaged.best.read_bytes() == averaged.last.read_bytes()
    assert averaged.last.read_bytes() != plain.last.read_bytes()
