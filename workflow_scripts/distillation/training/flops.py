"""Floating-point operations of a run, counted rather than timed: the same on every machine."""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from distillation.networks import models
from distillation.networks.answers import answer
from distillation.networks.batch import Batch
from distillation.networks.families import Network
from distillation.networks.objective import Objective
from distillation.networks.terms import Losses
from distillation.study.spec import Run


def inference_flops(model: Network, resolution: int) -> int:
    """FLOPs (two per multiplication and addition, matrix products only) to classify one image."""
    network = _network(model).eval()
    with torch.no_grad(), _counting() as counter:
        network(_image(resolution))
    return counter.get_total_flops()


def training_flops_by_resolution(run: Run, teacher: Network | None) -> dict[int, int]:
    """FLOPs of one training image, by the resolution in pixels of each stage.

    Those of the teacher are included, unless its answers are stored.
    """
    sides, stored = {stage.resolution for stage in run.stages}, run.stores_answers(teacher)
    return {side: _step_flops(run.model, teacher, run.losses, side, stored) for side in sorted(sides)}


def training_flops(run: Run, teacher: Network | None, images: int, epochs: Sequence[int]) -> list[int]:
    """FLOPs of each stage of a training; see `training_flops_by_resolution`.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        images: training images in an epoch.
        epochs: finished epochs of each stage; early stopping makes them fewer than planned.
    """
    each = training_flops_by_resolution(run, teacher)
    return [each[stage.resolution] * count * images for stage, count in zip(run.stages, epochs, strict=True)]


@functools.cache
def _step_flops(
    model: Network, teacher: Network | None, losses: Losses, resolution: int, stored: bool
) -> int:
    """FLOPs of forward, loss and backward for one image."""
    student = _network(model).train()
    # Not frozen: the counter cannot follow a gradient with respect to a leaf, and the tokens of a frozen
    # network are leaves. The gradient of its weights is not computed.
    guide = _network(teacher).eval() if teacher else None
    objective = Objective(losses)
    image, label = _image(resolution), torch.zeros(1, dtype=torch.int64, device="meta")
    prediction = None
    with _counting() as counter:
        if guide:
            prediction = answer(guide, image, label, objective.teacher_features, objective.second_order)
        answering = counter.get_total_flops()
        output = student(image, objective.student_features)
        total, _ = objective(Batch(output, label, prediction))
        total.backward()
    return counter.get_total_flops() - (answering if stored else 0)


@functools.cache
def _network(model: Network) -> nn.Module:
    # On the meta device nothing is computed. Cached, because building a network takes longer than counting.
    return models.build(model, torch.Generator()).to("meta")


@contextmanager
def _counting() -> Iterator[FlopCounterMode]:
    # With plain attention: its products are the same, and the counter lacks some devices' fused kernels.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        yield counter


def _image(resolution: int) -> torch.Tensor:
    return torch.zeros(1, 3, resolution, resolution, device="meta")
