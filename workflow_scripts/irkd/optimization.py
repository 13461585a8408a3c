"""AdamW and its learning rate."""

import torch
from timm.optim import param_groups_weight_decay
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from irkd.spec import OneCycle, Optimizer


def build_optimizer(model: nn.Module, settings: Optimizer) -> torch.optim.AdamW:
    """AdamW over all parameters of a model (paper, "Optimizer Selection").

    With "proper" decay, biases, norms and what `model.no_weight_decay()` names (tokens and
    positions) are exempt from weight decay.
    """
    if settings.decay == "proper":
        groups = param_groups_weight_decay(
            model, settings.weight_decay, no_weight_decay_list=model.no_weight_decay()
        )
    else:
        groups = [{"params": list(model.parameters()), "weight_decay": settings.weight_decay}]
    return torch.optim.AdamW(groups, lr=settings.lr, fused=True)


def build_schedule(
    optimizer: torch.optim.Optimizer, peak: float, one_cycle: OneCycle | None, steps: int
) -> LRScheduler:
    """The learning rate over the life of an optimizer, to be stepped after every batch.

    Args:
        optimizer: whose rate and, with a cycle, first beta are set.
        peak: the highest rate.
        one_cycle: shape of the cycle; None for a constant rate.
        steps: batches in the optimizer's life.
    """
    if one_cycle is None:
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    return OneCycleLR(
        optimizer,
        max_lr=peak,
        total_steps=steps,
        pct_start=one_cycle.rising,
        div_factor=one_cycle.initial_divisor,
        final_div_factor=one_cycle.final_divisor,
        base_momentum=one_cycle.beta1_low,
        max_momentum=one_cycle.beta1_high,
    )
