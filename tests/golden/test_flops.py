"""FLOPs against a count by hand."""

from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.networks.families.vit import Model
from distillation.study.spec import Stage
from distillation.training import flops


def forward_by_hand(model: Model, resolution: int) -> int:
    """Two per multiplication and addition of every matrix product of a vision transformer."""
    patches = (resolution // model.patch_size) ** 2
    tokens = patches + 1 + bool(model.distillation_token)
    linear = tokens * (4 * model.width**2 + 2 * model.width * model.mlp_width)
    attention = 2 * tokens**2 * model.width
    embedding = patches * 3 * model.patch_size**2 * model.width
    heads = (1 + bool(model.distillation_token)) * model.width * model.classes
    return 2 * (embedding + model.depth * (linear + attention) + heads)


@pytest.mark.parametrize("resolution", [32])
@pytest.mark.parametrize("model", [tiny_runs.MODEL, tiny_runs.STUDENT], ids=["plain", "with token"])
def test_classifying_an_image_costs_its_matrix_products(model, resolution):
    assert flops.inference_flops(model, resolution) == forward_by_hand(model, resolution)


def test_training_costs_three_forward_passes_but_for_the_gradient_of_the_image():
    run = tiny_runs.run(stages=(Stage(32, 2),))
    forward = forward_by_hand(run.model, 32)
    patches = (32 // run.model.patch_size) ** 2
    image_gradient = 2 * patches * 3 * run.model.patch_size**2 * run.model.width
    assert flops.training_flops(run, None, 10, [2]) == [2 * 10 * (3 * forward - image_gradient)]


def test_each_stage_is_counted_at_its_own_resolution():
    run = tiny_runs.run(stages=(Stage(16, 1), Stage(32, 1), Stage(16, 3)))
    first, second, third = flops.training_flops(run, None, 10, [1, 1, 3])
    assert (third, first < second) == (3 * first, True)


def test_a_teacher_adds_one_forward_pass_and_a_saliency_term_adds_more():
    stages = (Stage(32, 1),)
    plain = replace(tiny_runs.student_run(), stages=stages)
    kd = replace(plain, losses=replace(plain.losses, saliency=None))
    alone = replace(kd, losses=replace(kd.losses, kd=None), teacher=None)
    teacher = tiny_runs.MODEL
    [student_cost] = flops.training_flops(alone, None, 1, [1])
    [kd_cost] = flops.training_flops(kd, teacher, 1, [1])
    [saliency_cost] = flops.training_flops(plain, teacher, 1, [1])
    second_head = 3 * 2 * kd.model.width * kd.model.classes
    assert kd_cost == student_cost + forward_by_hand(teacher, 32) + second_head - second_head // 3
    assert saliency_cost > 1.5 * kd_cost


def test_an_untrained_network_whose_maps_are_compared_costs_as_much_as_the_teacher():
    stages, teacher = (Stage(32, 1),), tiny_runs.MODEL
    plain = tiny_runs.student_run(stages=stages)
    control = replace(
        plain, losses=replace(plain.losses, saliency=replace(plain.losses.saliency, teacher_maps="untrained"))
    )
    [own], [with_control] = (flops.training_flops(run, teacher, 1, [1]) for run in (plain, control))
    # The teacher itself is then asked for its predictions alone.
    assert with_control == own + forward_by_hand(teacher, 32)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("kind", [torch.nn.Conv2d, torch.nn.ConvTranspose2d])
def test_each_gradient_of_a_convolution_costs_as_much_as_the_convolution(kind, groups):
    layer = kind(8, 12, kernel_size=3, stride=2, groups=groups).to("meta")
    images = torch.zeros(2, 8, 9, 9, device="meta", requires_grad=True)
    with flops._counting() as counter:
        output = layer(images)
    forward = counter.get_total_flops()
    with flops._counting() as counter:
        output.sum().backward()
    assert counter.get_total_flops() == 2 * forward > 0
