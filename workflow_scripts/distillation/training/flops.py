"""Floating-point operations of a run, counted rather than timed: the same on every machine."""

import functools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from distillation.networks import models, two_passes
from distillation.networks.answers import answer
from distillation.networks.batch import Batch
from distillation.networks.block_passes import BlockPasses
from distillation.networks.families import Network
from distillation.networks.objective import Objective
from distillation.networks.output import Output
from distillation.networks.terms import Losses
from distillation.study.spec import Run


def inference_flops(model: Network, resolution: int) -> int:
    """FLOPs (two per multiplication and addition, matrix products only) to classify one image."""
    network = _network(model).eval().requires_grad_(False)
    with torch.no_grad(), _counting() as counter:
        network(_images(1, resolution))
    return counter.get_total_flops()


def training_flops_by_stage(run: Run, teacher: Network | None) -> list[int]:
    """FLOPs of one training image in each stage; those of the teacher too, unless its answers are stored."""
    stored, side = run.stores_answers(teacher), run.teacher_resolution
    return [
        _step_flops(
            run.model, teacher, run.losses, stage.resolution, stage.head_only, side, stored, run.fused
        )
        for stage in run.stages
    ]


def training_flops(run: Run, teacher: Network | None, images: int, epochs: Sequence[int]) -> list[int]:
    """FLOPs of each stage of a training; see `training_flops_by_stage`.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        images: training images in an epoch.
        epochs: finished epochs of each stage; early stopping makes them fewer than planned.
    """
    each = training_flops_by_stage(run, teacher)
    return [flops * count * images for flops, count in zip(each, epochs, strict=True)]


@functools.cache
def _step_flops(
    model: Network,
    teacher: Network | None,
    losses: Losses,
    resolution: int,
    head_only: bool,
    teacher_resolution: int | None,
    stored: bool,
    fused: bool,
) -> int:
    """FLOPs of forward, loss and backward for one image."""
    objective = Objective(losses)
    # Two images: batch norm cannot train on a single value of a channel.
    images, labels = _images(2, resolution), torch.zeros(2, dtype=torch.int64, device="meta")
    prediction, untrained, answering = None, None, 0
    if teacher:
        asked = functools.partial(
            _answered, teacher, objective.second_order, teacher_resolution, images, labels
        )
        prediction, answering = asked(objective.teacher_features)
        answering = 0 if stored else answering
        if compared := objective.untrained_features:
            untrained, further = asked(compared)
            answering += further
    student = _network(model).train().requires_grad_(not head_only)
    for parameter in student.head_parameters() if head_only else ():
        parameter.requires_grad_()
    with _counting() as counter:
        if fused and objective.second_order:
            passes = BlockPasses(bf16=False).two_passes(student, images)
            output = passes.first(objective.student_features)
            batch = Batch(output, labels, prediction, untrained=untrained)
            loss, *_ = two_passes.losses(objective, batch, passes.second)
        else:
            output = student(images, objective.student_features)
            loss, _ = objective(Batch(output, labels, prediction, untrained=untrained))
        loss.backward()
    return (answering + counter.get_total_flops()) // 2


def _answered(
    teacher: Network,
    second_order: bool,
    side: int | None,
    images: torch.Tensor,
    labels: torch.Tensor,
    wanted: frozenset[str],
) -> tuple[Output, int]:
    """What a teacher answers, and the FLOPs of it."""
    # Not frozen if its features are wanted: the counter cannot follow a gradient with respect to a leaf, and
    # the tokens of a frozen network are leaves. The gradient of its weights is not computed.
    guide = _network(teacher).eval().requires_grad_(bool(wanted))
    with _counting() as counter:
        output = answer(guide, images, labels, wanted, second_order, side)
    return output, counter.get_total_flops()


@functools.cache
def _network(model: Network) -> nn.Module:
    # On the meta device nothing is computed. Cached, because building a network takes longer than counting.
    return models.build(model, torch.Generator()).to("meta")


@contextmanager
def _counting() -> Iterator[FlopCounterMode]:
    # With plain attention: its products are the same, and the counter lacks some devices' fused kernels.
    formulas = {torch.ops.aten.convolution_backward: _convolution_backward_flops}
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False, custom_mapping=formulas) as counter:
        yield counter


def _convolution_backward_flops(
    of_output: Sequence[int], of_input: Sequence[int], weight: Sequence[int], *rest: object, **_: object
) -> int:
    """As many for each wanted gradient as forward; torch's own formula is for convolutions of one group."""
    # (bias, stride, padding, dilation, transposed, output padding, groups, wanted gradients)
    *_, transposed, _, _, wanted = rest
    multiplied = of_input if transposed else of_output
    return 2 * math.prod(multiplied) * math.prod(weight[1:]) * sum(wanted[:2])


def _images(count: int, resolution: int) -> torch.Tensor:
    return torch.zeros(count, 3, resolution, resolution, device="meta")
