"""Adam, AdamW and their learning rate."""

import math

import torch
from timm.optim import param_groups_weight_decay
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, LambdaLR, LRScheduler, OneCycleLR

from distillation.study.spec import OneCycle, Optimizer, Run, WarmupCosine


def of_stage(
    run: Run, index: int, model: nn.Module, images: int
) -> tuple[torch.optim.Optimizer, LRScheduler]:
    """The optimizer that a run makes for a stage, and the schedule over that optimizer's life.

    Args:
        run: its stages, optimizer, batch size and schedule.
        index: of the stage, from 0.
        model: its parameters that require grad are those that are trained in the stage.
        images: number of training images.
    """
    stage, own = run.stages[index], run.optimizer
    alive = (stage,) if own.restart == "stage" else run.stages
    batches = -(-images // run.batch_size)
    updates = -(-batches // own.accumulation)
    optimizer = build_optimizer(model, own, stage.lr)
    schedule = build_schedule(
        optimizer,
        stage.lr or own.lr,
        run.one_cycle or run.warmup_cosine,
        updates * sum(each.epochs for each in alive),
        updates,
    )
    return optimizer, schedule


def build_optimizer(model: nn.Module, settings: Optimizer, lr: float | None = None) -> torch.optim.Optimizer:
    """The optimizer over all parameters of a model that are trained (paper, "Optimizer Selection").

    With "proper" decay, biases, norms and what `no_weight_decay()` of a model that has it names (tokens and
    positions) are exempt from weight decay; with "biases-only", only parameters named "...bias" are.

    Args:
        model: parameters that do not require grad are left out.
        settings: algorithm, weight decay and learning rate.
        lr: another learning rate than that of the settings.
    """
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    if settings.decay == "proper":
        further = model.no_weight_decay() if hasattr(model, "no_weight_decay") else ()
        groups = param_groups_weight_decay(model, settings.weight_decay, no_weight_decay_list=further)
    elif settings.decay == "biases-only":
        groups = [
            {"params": [p for name, p in named if name.endswith("bias")], "weight_decay": 0.0},
            {
                "params": [p for name, p in named if not name.endswith("bias")],
                "weight_decay": settings.weight_decay,
            },
        ]
    else:
        groups = [{"params": [p for _, p in named], "weight_decay": settings.weight_decay}]
    algorithm = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    return algorithm(groups, lr=lr or settings.lr, fused=True)


def build_schedule(
    optimizer: torch.optim.Optimizer,
    peak: float,
    shape: OneCycle | WarmupCosine | None,
    steps: int,
    steps_an_epoch: int = 1,
) -> LRScheduler:
    """The learning rate over the life of an optimizer, to be stepped after every update.

    Args:
        optimizer: its learning rate and, with a one-cycle schedule, its first beta are set.
        peak: the highest learning rate.
        shape: of the rate over the steps; None for a constant rate.
        steps: updates in the optimizer's life.
        steps_an_epoch: those of one epoch, for a rate that changes after every epoch.
    """
    if shape is None:
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    if isinstance(shape, WarmupCosine):
        together = steps_an_epoch if shape.stepped == "epoch" else 1
        rates = steps // together
        warm = round(shape.warmup * rates)
        return LambdaLR(optimizer, lambda step: _warmup_cosine(step // together, warm, rates))
    return OneCycleLR(
        optimizer,
        max_lr=peak,
        total_steps=steps,
        pct_start=shape.rising,
        div_factor=shape.initial_divisor,
        final_div_factor=shape.final_divisor,
        base_momentum=shape.beta1_low,
        max_momentum=shape.beta1_high,
    )


def _warmup_cosine(step: int, warm: int, steps: int) -> float:
    """Fraction of the peak rate at a step, counted from 0."""
    if step < warm:
        return step / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
