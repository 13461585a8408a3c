"""Trainings that cannot go on: what they say, and that the last good state stays."""

import json

import pytest
import torch
from distillation.core.errors import UserError
from distillation.training import learner
from distillation.training.learner import Learner
from tiny_runs import RUNS, results, run, saving_each_epoch, start_of, train

STEPS = 4


def failing(monkeypatch, step, how):
    """Have something done to a learner after a step of a training, counted from 1."""
    real, count = Learner._step, iter(range(1, 1000))

    def counted(self, *arguments):
        real(self, *arguments)
        if next(count) == step:
            how(self)

    monkeypatch.setattr(Learner, "_step", counted)


def spoil_sum(one):
    one._gradients.sums["total"].add_(float("nan"))


def spoil_gradient(one):
    next(one.model.parameters()).grad.view(-1)[0] = float("inf")


def run_out_on_a_gpu(_):
    raise torch.OutOfMemoryError("CUDA out of memory.")


def run_out_on_a_cpu(_):
    torch.empty(2**50)


def stopped(monkeypatch, folder, step, how):
    """What a training says that fails after a step."""
    with monkeypatch.context() as patch, pytest.raises(UserError) as error:
        saving_each_epoch(patch)
        failing(patch, step, how)
        train(RUNS["curriculum"], folder)
    return str(error.value)


@pytest.mark.parametrize(
    ("step", "how", "said"),
    [
        (
            2 * STEPS + 3,
            spoil_sum,
            "the loss is no longer finite at step 3 of 4 of epoch 3, in the stage of 12 px (total)",
        ),
        # By the last update of an epoch, after which there is no loss.
        (
            3 * STEPS,
            spoil_gradient,
            "a weight or a term of the loss is no longer finite after epoch 3, in the stage of 12 px",
        ),
    ],
    ids=["loss", "weights"],
)
def test_values_that_are_not_finite_are_never_saved_and_the_last_good_state_continues_to_the_same_bits(
    tmp_path, monkeypatch, caplog, unbroken, step, how, said
):
    advice = "; the last saved state stays: lower the learning rate."
    assert stopped(monkeypatch, tmp_path, step, how) == said + advice
    assert not (tmp_path / "run.json").exists()
    [report] = tmp_path.glob("resume/*/progress.json")
    assert json.loads(report.read_text(encoding="utf-8"))["saved"] == 2
    caplog.set_level("INFO", logger="distillation")
    assert results(train(RUNS["curriculum"], tmp_path)) == unbroken("curriculum")[1]
    assert "tiny: continuing after epoch 2 of 4" in caplog.messages


def test_the_last_update_of_a_training_cannot_leave_weights_that_are_not_finite(tmp_path, monkeypatch):
    said = stopped(monkeypatch, tmp_path, 4 * STEPS, spoil_gradient)
    assert "no longer finite after epoch 4" in said
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_training_in_bf16_is_told_of_the_other_precision(tmp_path, monkeypatch):
    failing(monkeypatch, 1, spoil_sum)
    with pytest.raises(UserError, match=r"lower the learning rate or set `precision: fp32`\.$"):
        train(run(precision="bf16"), tmp_path, slow_bf16=True)


@pytest.mark.parametrize("how", [run_out_on_a_gpu, run_out_on_a_cpu])
def test_memory_that_runs_out_is_told_with_what_was_trained_and_what_to_lower(
    tmp_path, monkeypatch, unbroken, how
):
    said = stopped(monkeypatch, tmp_path, 2 * STEPS + 1, how)
    parameters = sum(value.numel() for value in start_of(RUNS["curriculum"]).parameters())
    network = f"a network of the family 'vit' with {parameters:,} parameters"
    assert said.startswith(
        f"out of memory: {network}, batches of 16 images of 12 px, fp32; lower `batch_size`"
    )
    assert "raise `optimizer.accumulation`" in said and "set `precision: bf16`" in said
    assert said.endswith("The last saved state stays.")
    assert results(train(RUNS["curriculum"], tmp_path)) == unbroken("curriculum")[1]


def test_any_other_error_of_torch_passes_through():
    with pytest.raises(RuntimeError, match="shapes"), learner.naming_memory(run(), torch.nn.Linear(1, 1), 8):
        raise RuntimeError("shapes")
