"""The optimizer and its rate against the formulas, written out in float64."""

import math

import numpy as np
import pytest
import torch
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.families.vit.compute import build
from distillation.study.spec import OneCycle, Optimizer, WarmupCosine
from distillation.training import optimizers
from torch import nn
from transformers import get_cosine_schedule_with_warmup

MODEL = Model(
    family="vit",
    image_size=8,
    patch_size=4,
    width=8,
    depth=2,
    heads=1,
    mlp_width=12,
    classes=5,
    distillation_token=DistillationToken("random", True),
)
CYCLE = OneCycle(rising=0.6, initial_divisor=20.0, final_divisor=5.0, beta1_low=0.85, beta1_high=0.95)
PEAK = 0.004


def settings(decay="proper", lr=PEAK, weight_decay=0.02):
    return Optimizer("adamw", lr, weight_decay, decay, restart="never")


def decay_by_name(decay):
    network = build(MODEL, torch.Generator().manual_seed(0))
    optimizer = optimizers.build_optimizer(network, settings(decay))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    pairs = [
        (names[id(p)], group["weight_decay"]) for group in optimizer.param_groups for p in group["params"]
    ]
    assert len(pairs) == len(names), "every parameter is optimised once"
    return dict(pairs)


class Bowl(nn.Module):
    """A quadratic in a matrix and a bias, with curvatures of its own for every entry."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(1.0, 7.0, dtype=torch.float64).view(2, 3) / 3)
        self.bias = nn.Parameter(torch.tensor([-0.5, 2.0], dtype=torch.float64))

    def no_weight_decay(self):
        return set()

    def forward(self):
        return sum(
            (torch.arange(1.0, p.numel() + 1, dtype=torch.float64).view_as(p) * (p - 0.3) ** 2).sum()
            for p in (self.weight, self.bias)
        )


def adamw_by_hand(value, curvature, rates, betas, decay):
    """Loshchilov and Hutter 2019, Algorithm 2, with the decay scaled by the rate; epsilon 1e-8."""
    first, second = np.zeros_like(value), np.zeros_like(value)
    power1 = power2 = 1.0
    for step, (rate, (beta1, beta2)) in enumerate(zip(rates, betas, strict=True), start=1):
        slope = 2 * curvature * (value - 0.3)
        value = value - rate * decay * value
        first = beta1 * first + (1 - beta1) * slope
        second = beta2 * second + (1 - beta2) * slope**2
        power1, power2 = beta1**step, beta2**step
        value = value - rate * (first / (1 - power1)) / (np.sqrt(second / (1 - power2)) + 1e-8)
    return value


def trajectory(one_cycle, steps):
    """Rates and betas of every step of an optimizer's life."""
    optimizer = optimizers.build_optimizer(Bowl(), settings())
    schedule = optimizers.build_schedule(optimizer, PEAK, one_cycle, steps)
    seen = []
    for _ in range(steps):
        groups = optimizer.param_groups
        assert all(group["lr"] == groups[0]["lr"] == schedule.get_last_lr()[0] for group in groups)
        seen.append((groups[0]["lr"], *groups[0]["betas"]))
        optimizer.step()
        schedule.step()
    return zip(*seen, strict=True)


def cosine(start, end, progress):
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


# Weight decay


def test_proper_decay_exempts_exactly_biases_norms_tokens_and_positions():
    decay = decay_by_name("proper")
    exempt = {name for name, value in decay.items() if value == 0}
    expected = {"cls_token", "positions", "distillation_token", "distillation_position"}
    expected |= {name for name in decay if name.endswith(".bias") or "norm" in name}
    assert exempt == expected
    assert {value for name, value in decay.items() if name not in exempt} == {0.02}
    assert {name for name in decay if name.startswith("blocks.0.")} - exempt == {
        "blocks.0.attn.qkv.weight",
        "blocks.0.attn.proj.weight",
        "blocks.0.mlp.fc1.weight",
        "blocks.0.mlp.fc2.weight",
    }
    assert {"patch_embed.proj.weight", "head.weight", "distillation_head.weight"}.isdisjoint(exempt)


def test_decay_of_biases_only_exempts_biases_and_nothing_else():
    decay = decay_by_name("biases-only")
    assert {name for name, value in decay.items() if value == 0} == {n for n in decay if n.endswith(".bias")}
    assert decay["cls_token"] == decay["blocks.0.norm1.weight"] == decay["positions"] == 0.02


def test_the_released_rule_of_the_p4_student_decays_5376000_parameters_and_spares_25940():
    token = DistillationToken("zeros", False)
    model = Model(
        family="vit",
        image_size=32,
        patch_size=4,
        width=192,
        depth=12,
        heads=3,
        mlp_width=768,
        classes=10,
        without_final_norm=True,
        distillation_token=token,
    )
    network = build(model, torch.Generator())
    groups = optimizers.build_optimizer(network, settings("biases-only")).param_groups
    sizes = {group["weight_decay"]: sum(p.numel() for p in group["params"]) for group in groups}
    # The released network also holds a final norm and a pooler, which it never uses.
    norm, pooler = 192, 192 * 192
    assert sizes == {0.02: 5_376_000 - norm - pooler, 0.0: 25_940 - 2 * 192}


def test_decay_of_all_exempts_nothing():
    assert set(decay_by_name("all").values()) == {0.02}


# AdamW


@pytest.mark.parametrize("decay", ["proper", "all"])
@pytest.mark.parametrize("one_cycle", [None, CYCLE], ids=["constant", "one-cycle"])
def test_steps_are_those_of_adamw_by_hand(decay, one_cycle):
    steps, bowl = 7, Bowl()
    start = {name: p.detach().numpy().copy() for name, p in bowl.named_parameters()}
    optimizer = optimizers.build_optimizer(bowl, settings(decay, weight_decay=0.5))
    schedule = optimizers.build_schedule(optimizer, PEAK, one_cycle, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        bowl().backward()
        optimizer.step()
        schedule.step()
    rates, beta1, beta2 = trajectory(one_cycle, steps)
    betas = list(zip(beta1, beta2, strict=True))
    for name, parameter in bowl.named_parameters():
        weight_decay = 0.5 if decay == "all" or name == "weight" else 0.0
        curvature = np.arange(1.0, parameter.numel() + 1).reshape(parameter.shape)
        expected = adamw_by_hand(start[name], curvature, rates, betas, weight_decay)
        np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=1e-12)
        assert np.abs(expected - start[name]).min() > 1e-3


# Rate


def test_without_a_cycle_rate_and_betas_are_constant():
    rates, beta1, beta2 = trajectory(None, 25)
    assert set(rates) == {PEAK}
    assert (set(beta1), set(beta2)) == ({0.9}, {0.999})


@pytest.mark.parametrize("steps", [10, 45, 200])
def test_one_cycle_rises_and_falls_on_cosines_and_beta1_moves_against_it(steps):
    rates, beta1, beta2 = trajectory(CYCLE, steps)
    top, last = 0.6 * steps - 1, steps - 1
    for step in range(steps):
        if step <= top:
            expected = cosine(PEAK / 20, PEAK, step / top), cosine(0.95, 0.85, step / top)
        else:
            progress = (step - top) / (last - top)
            expected = cosine(PEAK, PEAK / 20 / 5, progress), cosine(0.85, 0.95, progress)
        assert (rates[step], beta1[step]) == pytest.approx(expected, rel=1e-9), step
    assert set(beta2) == {0.999}


@pytest.mark.parametrize("steps", [10, 45, 200])
def test_warm_up_and_cosine_are_those_of_hugging_face(steps):
    reference = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=PEAK)
    theirs = get_cosine_schedule_with_warmup(reference, int(0.2 * steps), steps)
    ours, beta1, _ = trajectory(WarmupCosine(0.2), steps)
    for rate in ours:
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        reference.step()
        theirs.step()
    assert (ours[0], max(ours), set(beta1)) == (0.0, PEAK, {0.9})


def test_the_rate_that_the_released_notebook_printed_follows_from_warm_up_and_cosine():
    # Epoch 40 of 50, 176 updates each, peak 3e-4; the notebook printed a tenth of it.
    optimizer = optimizers.build_optimizer(Bowl(), settings(lr=3e-4))
    schedule = optimizers.build_schedule(optimizer, 3e-4, WarmupCosine(0.2), 8800)
    for _ in range(7040):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr()[0] / 10 == pytest.approx(4.3933982822017874e-06, rel=1e-9)


def test_one_cycle_starts_peaks_and_ends_where_its_settings_say():
    rates, beta1, _ = map(list, trajectory(CYCLE, 200))
    assert rates[0] == pytest.approx(0.0002)
    assert rates.index(max(rates)) == 119
    assert rates[119] == pytest.approx(0.004)
    assert rates[-1] == pytest.approx(0.00004)
    assert (beta1[0], beta1[119], beta1[-1]) == pytest.approx((0.95, 0.85, 0.95))


def test_adam_adds_its_decay_to_the_gradient_and_adamw_does_not():
    found = {}
    for name, algorithm in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        bowls = Bowl(), Bowl()
        built = optimizers.build_optimizer(bowls[0], Optimizer(name, PEAK, 0.5, "all", restart="never"))
        plain = algorithm(bowls[1].parameters(), lr=PEAK, weight_decay=0.5)
        for bowl, optimizer in zip(bowls, (built, plain), strict=True):
            for _ in range(3):
                optimizer.zero_grad()
                sum(p.square().sum() for p in bowl.parameters()).backward()
                optimizer.step()
        torch.testing.assert_close(bowls[0].weight, bowls[1].weight)
        found[name] = bowls[0].weight
    assert (found["adam"] - found["adamw"]).abs().max() > 1e-4
