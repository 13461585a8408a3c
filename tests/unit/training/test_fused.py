"""Fused steps: compiled on the CPU here, which a training refuses, as it takes long and is not faster."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_runs
import torch
from distillation.core import precision
from distillation.core.errors import UserError
from distillation.networks import block_passes
from distillation.networks.block_passes import BlockPasses
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.saliency import Saliency
from distillation.networks.terms import Losses
from distillation.training.gradients import Gradients
from tiny_runs import CPU, results, start_of, student_run, teacher_files, teacher_run, train
from torch._dynamo.exc import FailOnRecompileLimitHit
from torch.nn.attention import SDPBackend, sdpa_kernel

WITHOUT_DROPOUT = replace(tiny_runs.STUDENT, dropout=0.0, attention_dropout=0.0)
KD = Losses(ce=CrossEntropy(1.0), kd=Distillation(0.5, 4.0))
SALIENCY = replace(KD, saliency=Saliency(0.8, "gradient", (0, 1, 2), (0, 1, 2), "sum"))


@pytest.fixture
def uncompiled(monkeypatch):
    """Fused runs on a CPU, whose blocks stay as they are."""
    monkeypatch.setattr(block_passes, "compiled", lambda function: function)
    monkeypatch.setattr(precision, "require_compiler", lambda *_: None)


def batch(images=6):
    rng = torch.Generator().manual_seed(4)
    shown = torch.randn(images, 3, 12, 12, generator=rng)
    return shown, torch.arange(images) % 10, torch.tensor([1.0, 0.0])


def guide():
    return start_of(teacher_run(seed=7)).eval().requires_grad_(False)


def step(run, images=6):
    """Loss terms and gradients of one batch."""
    model = start_of(run)
    added = Gradients(run, model, guide() if run.losses.kd else None, CPU)
    torch.manual_seed(0)
    added(*batch(images), 1)
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    return {name: value.item() for name, value in added.sums.items()}, found


def assert_near(one, other, tolerance):
    assert one[0] == pytest.approx(other[0], rel=tolerance)
    for name, gradient in one[1].items():
        assert (gradient is None) == (other[1][name] is None), name
        if gradient is not None:
            largest = other[1][name].abs().max()
            assert (gradient - other[1][name]).abs().max() <= tolerance * largest, name


def in_another_process():
    """What is compiled here: a step of cross-entropy alone, and one of saliency maps, twice."""
    run = student_run(model=WITHOUT_DROPOUT, losses=Losses(ce=CrossEntropy(1.0)))
    assert_near(step(replace(run, fused=True)), step(run), 1e-4)

    run, compiled = student_run(losses=SALIENCY, fused=True), block_passes.compiled
    block_passes.compiled = lambda function: function
    launched = step(run)
    block_passes.compiled = compiled
    first = step(run)
    assert_near(first, launched, 1e-4)
    block_passes.forget_compiled()
    again = step(run)
    assert first[0] == again[0]
    assert all(torch.equal(gradient, again[1][name]) for name, gradient in first[1].items())


def test_compiled_steps_have_the_gradients_of_launched_ones_and_the_same_bits_when_compiled_again():
    # The compiler cannot be used where distutils was imported before, as by other tests of this process.
    child = tiny_runs.python(
        "sys.path.insert(0, sys.argv[1]); import test_fused; test_fused.in_another_process()",
        Path(__file__).parent,
    )
    _, said = child.communicate()
    assert child.returncode == 0, said


def test_more_variants_than_the_compiler_keeps_are_an_error_rather_than_slow():
    flat = block_passes.compiled(lambda values: values.view(-1))
    with pytest.raises(FailOnRecompileLimitHit):
        for size in range(2, 40):
            flat(torch.ones(size))


def test_two_passes_give_a_step_what_differentiating_twice_gives(uncompiled):
    run = student_run(model=WITHOUT_DROPOUT)
    assert_near(step(replace(run, fused=True)), step(run), 1e-5)


def test_two_passes_in_bf16_are_as_near_to_fp32_as_differentiating_twice():
    """Of <g, v> for given v: minima and maxima of maps can be in other places after any rounding."""
    shown, labels, _ = batch(16)
    rng, names = torch.Generator().manual_seed(8), ("entering.0", "entering.1", "entering.2")
    directions = {index: torch.randn(16, 11, 16, generator=rng) for index in range(3)}

    def gradients(way, bf16):
        net = start_of(student_run(model=WITHOUT_DROPOUT))
        shares = torch.nn.functional.one_hot(labels, 10)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16), sdpa_kernel(SDPBackend.MATH):
            if way == "two passes":
                _, change = BlockPasses(bf16=False).two_passes(net, shown).second(directions)
                derivative = (change * shares).sum()
            else:
                output = net(shown, names)
                tokens = [output.features[name].values for name in names]
                taken = torch.autograd.grad((output.logits * shares).sum(), tokens, create_graph=True)
                derivative = sum((one * directions[index]).sum() for index, one in enumerate(taken))
        derivative.backward()
        return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}

    exact = gradients("twice", bf16=False)
    errors = {
        way: [(own - exact[name]).norm() / exact[name].norm() for name, own in gradients(way, True).items()]
        for way in ("two passes", "twice")
    }
    means = {way: torch.stack(each).mean().item() for way, each in errors.items()}
    assert 0.001 < means["twice"] < 0.1
    assert means["two passes"] < 1.2 * means["twice"]


def test_a_fused_training_goes_on_after_an_interruption_with_the_bits_of_an_unbroken_one(
    tmp_path, uncompiled, monkeypatch
):
    train(teacher_run(), tmp_path / "teacher")
    taught = teacher_files(tmp_path / "teacher")
    run = student_run(fused=True)
    whole = results(train(run, tmp_path / "whole", taught))
    assert whole != results(train(student_run(), tmp_path / "launched", taught))
    with monkeypatch.context() as patch:
        tiny_runs.stopping_after(patch, saves=3)
        with pytest.raises(KeyboardInterrupt):
            train(run, tmp_path / "broken", taught)
    assert results(train(run, tmp_path / "broken", taught)) == whole


def test_the_record_says_how_long_compiling_took_at_each_stage(tmp_path, uncompiled):
    files = train(tiny_runs.run(fused=True), tmp_path)
    [session] = json.loads(files.record.read_text())["sessions"]
    assert [(each["stage_px"], each["batch"]) for each in session["steps"]] == [(8, 16), (12, 16)]
    assert all(each["compiled_s"] > 0 for each in session["steps"])
    assert json.loads(files.record.read_text())["spec"]["fused"] is True
    with files.history.open(newline="") as file:
        assert all(float(row["seconds"]) > 0 for row in csv.DictReader(file))


def test_a_smaller_last_batch_is_compiled_with_the_first(uncompiled, monkeypatch):
    seen = []
    monkeypatch.setattr(Gradients, "_set", lambda self, images, *_, **__: seen.append(len(images)))
    added = Gradients(tiny_runs.run(fused=True), start_of(tiny_runs.run()), None, CPU)
    added.prepare(*batch(6), 1, last=2)
    assert sorted(seen) == [2, 6]
    added.prepare(*batch(6), 1, last=2)
    assert len(seen) == 2


def test_a_fused_training_is_refused_on_a_cpu(tmp_path):
    with pytest.raises(UserError) as refusal:
        train(tiny_runs.run(fused=True), tmp_path)
    assert str(refusal.value) == (
        "fused is for GPUs; this training runs on a CPU; set `fused: false` in the recipes, or train on a"
        " GPU."
    )
    assert not any(tmp_path.iterdir())


def test_a_fused_training_is_refused_without_triton_or_a_compiler(monkeypatch):
    gpu = torch.device("cuda")
    precision.require_compiler(False, CPU)
    monkeypatch.setattr(precision.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("CC", "cc")
    precision.require_compiler(True, gpu)
    monkeypatch.delenv("CC")
    monkeypatch.setattr(precision.shutil, "which", lambda name: None)
    with pytest.raises(UserError) as refusal:
        precision.require_compiler(True, gpu)
    assert str(refusal.value) == (
        "fused needs a C compiler, and none is found; set `fused: false` in the recipes, or install gcc."
    )
    monkeypatch.setattr(precision.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as refusal:
        precision.require_compiler(True, gpu)
    assert str(refusal.value) == (
        "fused needs the package triton, which is not installed; set `fused: false` in the recipes, or"
        " install it."
    )
