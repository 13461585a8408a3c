"""One epoch of training against a plain loop, and what it measures."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import tiny_runs
import torch
from distillation.core import components, streams
from distillation.core.errors import UserError
from distillation.data import views
from distillation.data.augmentations.mixing import Mixing
from distillation.evaluation import predictions
from distillation.networks.output import Output
from distillation.study.spec import Stage
from distillation.training import gradients, optimizers
from distillation.training import learner as learners
from distillation.training.learner import Learner
from tiny_runs import CPU, arrays, start_of
from torch import nn
from torch.nn import functional

STAGE = Stage(12, 4)
DATA = arrays(train=50)  # the last of four batches is smaller


def trained(run, number=1, model=None, teacher=None, data=DATA, stage=STAGE):
    """A network after one epoch, and the measures."""
    model = model or start_of(run)
    optimizer = optimizers.build_optimizer(model, run.optimizer)
    schedule = optimizers.build_schedule(optimizer, run.optimizer.lr, run.one_cycle or run.warmup_cosine, 4)
    learner = Learner(run, model, teacher, CPU)
    measures = learner.epoch(data.train_images, data.train_labels, stage, number, optimizer, schedule)
    return model, measures


def same(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


class Constant(nn.Module):
    """Answers class 3 whatever it sees, and has one parameter that changes nothing."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1, 1))

    def no_weight_decay(self):
        return set()

    def forward(self, images, capture=()):
        logits = functional.one_hot(torch.full((len(images),), 3), 10) + 0 * self.unused
        return Output(logits)


class Reader(nn.Module):
    """Answers the class written into the first pixel."""

    def forward(self, images, capture=()):
        return Output(functional.one_hot(images[:, 0, 0, 0].long(), 10))


def as_shown(images):
    return images


# The reference loop


@pytest.mark.parametrize("number", [1, 2])
def test_an_epoch_is_a_plain_loop_bit_by_bit(number):
    run = tiny_runs.run()
    model = start_of(run)
    optimizer = optimizers.build_optimizer(model, run.optimizer)
    order = torch.randperm(50, generator=streams.generator(0, "order", number))
    shown = views.training_view(
        DATA.train_images[order],
        run.augmentation,
        12,
        run.normalization,
        streams.generator(0, "views", number),
    ).pixels
    labels = DATA.train_labels[order]
    torch.manual_seed(streams.derive(0, "dropout", number))
    model.train()
    loss_sum, right = 0.0, 0
    for x, y in zip(shown.split(16), labels.split(16), strict=True):
        logits = model(x).logits
        loss = functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(y)
        right += (logits.argmax(1) == y).sum().item()
    found, measures = trained(run, number)
    assert same(found, model)
    assert not same(found, start_of(run))
    assert measures.loss == measures.terms["ce"] == pytest.approx(loss_sum / 50)
    assert measures.accuracy == pytest.approx(100 * right / 50)
    assert measures.lr == run.optimizer.lr


def test_epochs_seeds_and_stages_see_other_images():
    run = tiny_runs.run()
    first = trained(run)[0]
    assert same(first, trained(run)[0])
    start = start_of(run)
    for other in (
        trained(run, number=2)[0],
        trained(run, stage=Stage(8, 4))[0],
        trained(tiny_runs.run(seed=1), model=start)[0],
    ):
        assert not same(first, other)


def test_the_global_random_state_does_not_change_an_epoch():
    run = tiny_runs.run()
    torch.manual_seed(1)
    first = trained(run)[0]
    torch.manual_seed(2)
    torch.rand(5)
    assert same(first, trained(run)[0])


def test_the_rate_reported_is_that_of_the_last_batch():
    run = tiny_runs.run(one_cycle=tiny_runs.CYCLE)
    assert trained(run)[1].lr == pytest.approx(run.optimizer.lr / 20 / 5)


# Distillation and saliency


def frozen_teacher():
    return start_of(tiny_runs.run(seed=7)).eval().requires_grad_(False)


@pytest.mark.parametrize("attention_dropout", [0.0, 0.1])
def test_a_saliency_run_trains_with_a_second_derivative_that_fused_attention_has_not(attention_dropout):
    # On the CPU dropout alone would already rule out fused attention.
    model = replace(tiny_runs.STUDENT, attention_dropout=attention_dropout)
    run, teacher = tiny_runs.student_run(model=model), frozen_teacher()
    before = start_of(tiny_runs.run(seed=7))
    model, measures = trained(run, teacher=teacher)
    expected = measures.terms["ce"] + 0.5 * 16 * measures.terms["kd"] + 0.8 * measures.terms["saliency"]
    assert measures.loss == pytest.approx(expected, rel=1e-5)
    assert all(value > 0 for value in measures.terms.values())
    assert not same(model, start_of(run))
    assert same(teacher, before)
    assert all(p.grad is None for p in teacher.parameters())
    assert not teacher.training


def test_fused_attention_would_stop_a_saliency_run(monkeypatch):
    monkeypatch.setattr(gradients, "sdpa_kernel", lambda _: nullcontext())
    quiet = tiny_runs.student_run(model=replace(tiny_runs.STUDENT, attention_dropout=0.0))
    with pytest.raises(RuntimeError, match="not implemented"):
        trained(quiet, teacher=frozen_teacher())


def test_each_term_changes_what_is_learned():
    full = tiny_runs.student_run()
    ce_only = tiny_runs.student_run(losses=tiny_runs.run().losses, teacher=None)
    no_saliency = tiny_runs.student_run(losses=replace(full.losses, saliency=None))
    results = [trained(run, teacher=frozen_teacher())[0] for run in (full, no_saliency, ce_only)]
    assert not same(results[0], results[1])
    assert not same(results[1], results[2])


# Measures


def test_training_accuracy_is_the_percentage_of_right_answers():
    expected = 100 * (DATA.train_labels == 3).sum().item() / 50
    assert 0 < expected < 100
    assert trained(tiny_runs.run(), model=Constant())[1].accuracy == pytest.approx(expected)


def test_training_accuracy_of_mixed_batches_weighs_both_labels():
    run = tiny_runs.run(mixing=Mixing(mixup_alpha=0.8, cutmix_alpha=1.0, cutmix_share=0.5))
    order = torch.randperm(50, generator=streams.generator(0, "order", 1))
    rng = streams.numpy_generator(0, "mixing", 1)
    draws = components.load("data.augmentations", "mixing").plan(4, 16, run.mixing, 12, rng)
    steps, model, answers = [], Constant(), []
    for labels, draw in zip(DATA.train_labels[order].split(16), draws, strict=True):
        partners = torch.cat((labels[-1:], labels[:-1]))
        # The partner's label for one image of three.
        answers.append(torch.where(torch.arange(len(labels)) % 3 == 0, partners, labels))
        steps.append((draw.share, *((answers[-1] == each).sum().item() for each in (labels, partners))))
    model.register_forward_hook(
        lambda _, __, output: output._replace(
            logits=functional.one_hot(answers.pop(0), 10) + 0 * model.unused
        )
    )
    right = sum(share * own + (1 - share) * partner for share, own, partner in steps)
    exchanged = sum((1 - share) * own + share * partner for share, own, partner in steps)
    alike = sum(share * (own + partner) for share, own, partner in steps)
    of_own_alone = sum(own for _, own, _ in steps)
    assert all(right != pytest.approx(wrong, rel=0.05) for wrong in (exchanged, alike, of_own_alone))
    assert trained(run, model=model)[1].accuracy == pytest.approx(100 * right / 50)


def test_mixed_batches_train_on_mixed_images_and_both_labels():
    run = tiny_runs.run(mixing=Mixing(mixup_alpha=0.8, cutmix_alpha=1.0, cutmix_share=0.5), batch_size=50)
    order = torch.randperm(50, generator=streams.generator(0, "order", 1))
    mixing = components.load("data.augmentations", "mixing")
    [draw] = mixing.plan(1, 50, run.mixing, 12, streams.numpy_generator(0, "mixing", 1))
    shown = views.training_view(
        DATA.train_images[order], run.augmentation, 12, run.normalization, streams.generator(0, "views", 1)
    ).pixels
    mixed, share = mixing.mix(shown, draw), draw.share
    assert 0.01 < share < 0.99
    labels = DATA.train_labels[order]
    torch.manual_seed(streams.derive(0, "dropout", 1))
    logits = start_of(run)(mixed).logits
    own, partner = (functional.cross_entropy(logits, y) for y in (labels, labels.roll(1)))
    expected = share * own + (1 - share) * partner
    assert trained(run)[1].loss == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("count", [1, 999, 2500])
def test_evaluation_counts_right_answers_over_all_batches(count):
    labels = torch.randint(10, (count,), generator=torch.Generator().manual_seed(0))
    images = labels.float()[:, None, None, None].expand(-1, 3, 8, 8)
    wrong = labels.clone()
    wrong[: count // 4] = (wrong[: count // 4] + 1) % 10
    assert predictions.accuracy(Reader(), images, labels, as_shown, "fp32") == 100.0
    expected = 100 * (count - count // 4) / count
    assert predictions.accuracy(Reader(), images, wrong, as_shown, "fp32") == pytest.approx(expected)


def test_evaluation_drops_nothing_and_leaves_no_graph():
    model = start_of(tiny_runs.run()).train()
    images = torch.randn(4, 3, 12, 12)
    first, second = (predictions.logits(model, images, as_shown, "fp32") for _ in range(2))
    assert torch.equal(first, second)
    assert not first.requires_grad


# Failure and precision


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run_with_what_to_do(value):
    run = tiny_runs.run()
    model = start_of(run)
    with torch.no_grad():
        model.head.bias[0] = value
    said = r"at step 1 of 4 of epoch 3, in the stage of 12 px \(total, ce\); .*: lower the learning rate\.$"
    with pytest.raises(UserError, match=f"^the loss is no longer finite {said}"):
        trained(run, number=3, model=model)


@pytest.mark.parametrize("read_every", [1, 3, 50])
def test_the_step_whose_loss_is_not_finite_is_named_however_seldom_it_is_read(monkeypatch, read_every):
    monkeypatch.setitem(learners._READ_EVERY, "cpu", read_every)
    run, learner = tiny_runs.run(), SimpleNamespace(calls=0)
    model = start_of(run)

    def poison(_, __, output):
        learner.calls += 1
        return output._replace(logits=output.logits * float("nan")) if learner.calls == 2 else None

    model.register_forward_hook(poison)
    with pytest.raises(UserError, match="no longer finite at step 2 of 4 of epoch 1"):
        trained(run, model=model)
    assert learner.calls == min(4, max(2, read_every))


@pytest.mark.parametrize("make", [tiny_runs.run, tiny_runs.student_run], ids=["ce", "saliency"])
def test_bf16_trains_float32_weights_to_other_values(make):
    teacher = frozen_teacher()
    full, rough = (trained(make(precision=name), teacher=teacher) for name in ("fp32", "bf16"))
    assert not same(full[0], rough[0])
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in rough[0].parameters())
    assert rough[1].loss == pytest.approx(full[1].loss, rel=0.05)
    assert same(rough[0], trained(make(precision="bf16"), teacher=teacher)[0])


def test_bf16_evaluation_answers_in_float32_with_rounded_values():
    model, images = start_of(tiny_runs.run()), torch.randn(4, 3, 12, 12)
    full, rough = (predictions.logits(model, images, as_shown, name) for name in ("fp32", "bf16"))
    assert rough.dtype == torch.float32
    assert not torch.equal(full, rough)
    torch.testing.assert_close(full, rough, rtol=0.1, atol=0.02)


# Accumulation


def test_accumulated_batches_make_the_update_of_their_mean_gradient():
    """Two batches of 25 images are one of 50."""
    one = tiny_runs.run(batch_size=50, model=replace(tiny_runs.MODEL, dropout=0.0))
    two = replace(one, batch_size=25, optimizer=replace(one.optimizer, accumulation=2))
    pairs = zip(trained(one)[0].state_dict().items(), trained(two)[0].state_dict().values(), strict=True)
    start = start_of(one).state_dict()
    for (name, whole), accumulated in pairs:
        torch.testing.assert_close(accumulated, whole, rtol=0, atol=2e-5)
        assert not torch.equal(whole, start[name])


def test_the_last_shorter_update_of_an_epoch_is_the_mean_gradient_of_its_own_batches():
    """Five batches of ten images, two to an update: the last update is of one batch."""
    run = tiny_runs.run(
        batch_size=10,
        model=replace(tiny_runs.MODEL, dropout=0.0),
        optimizer=replace(tiny_runs.ADAMW, accumulation=2),
    )
    model, rate, seen = start_of(run), 0.1, []
    # Adam makes the same update of a gradient and of half of it.
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    optimizer.register_step_pre_hook(
        lambda *_: seen.append({k: v.clone() for k, v in model.named_parameters()})
    )
    schedule = optimizers.build_schedule(optimizer, rate, None, 3)
    Learner(run, model, None, CPU).epoch(DATA.train_images, DATA.train_labels, STAGE, 1, optimizer, schedule)
    assert len(seen) == 3
    order = torch.randperm(50, generator=streams.generator(0, "order", 1))
    rng = streams.generator(0, "views", 1)
    shown = views.training_view(DATA.train_images[order], run.augmentation, 12, run.normalization, rng).pixels
    before = start_of(run)
    before.load_state_dict(seen[-1])
    functional.cross_entropy(before(shown[-10:]).logits, DATA.train_labels[order[-10:]]).backward()
    assert (rate * before.head.bias.grad / 2).abs().max() > 1e-3
    for after, own in zip(model.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(after, own - rate * own.grad, rtol=0, atol=1e-6)


def test_batches_left_over_at_the_end_of_an_epoch_make_an_update_of_their_own(monkeypatch):
    run = tiny_runs.run(optimizer=replace(tiny_runs.ADAMW, accumulation=3))
    model = start_of(run)
    optimizer = optimizers.build_optimizer(model, run.optimizer)
    schedule = optimizers.build_schedule(optimizer, run.optimizer.lr, None, 2)
    learner = Learner(run, model, None, CPU)
    learner.epoch(DATA.train_images, DATA.train_labels, STAGE, 1, optimizer, schedule)
    assert {int(entry["step"]) for entry in optimizer.state_dict()["state"].values()} == {2}
