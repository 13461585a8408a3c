"""Weights in bf16 by one kernel: the bits of autocast, in gradients too."""

from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.networks import casts
from distillation.networks.block_passes import BlockPasses
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.saliency import Saliency
from distillation.networks.terms import Losses
from distillation.training.gradients import Gradients
from tiny_runs import CPU, RUNS, start_of, teacher_run
from torch import nn

ATTENTION = Losses(ce=CrossEntropy(1.0), saliency=Saliency(0.8, "cls-attention", (0, 2), (0, 2), "mean"))
KINDS = RUNS | {"attention of the CLS token": tiny_runs.student_run(losses=ATTENTION)}


@pytest.mark.parametrize("name", KINDS)
def test_steps_in_bf16_have_the_bits_that_autocast_alone_gives(name):
    run = replace(KINDS[name], precision="bf16")
    found = []
    for passes in (BlockPasses(bf16=True), BlockPasses(bf16=False)):
        model = start_of(run)
        teacher = start_of(teacher_run()).eval().requires_grad_(False) if run.teacher else None
        added = Gradients(run, model, teacher, CPU, untrained=teacher)
        added._blocks = passes
        torch.manual_seed(0)
        rng = torch.Generator().manual_seed(3)
        added(torch.randn(8, 3, 12, 12, generator=rng), torch.arange(8), torch.tensor([0.75, 0.25]), 1)
        gradients = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
        found.append(gradients | added.sums)
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(value, found[1][key]) for key, value in found[0].items())


def test_weights_of_linear_layers_alone_are_cast_and_get_gradients_in_float32():
    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Sequential(nn.Linear(4, 2, bias=False)))
    [found] = casts.of_linears([module])
    assert list(found) == ["0.weight", "0.bias", "2.0.weight"]
    assert all(value.dtype == torch.bfloat16 for value in found.values())
    assert torch.equal(found["0.weight"], module[0].weight.to(torch.bfloat16))
    sum(value.float().square().sum() for value in found.values()).backward()
    assert module[0].weight.grad.dtype == torch.float32
    assert torch.equal(module[0].weight.grad, (2 * found["0.weight"]).detach().float())
    assert module[1].weight.grad is None
