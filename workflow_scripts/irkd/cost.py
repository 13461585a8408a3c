"""Floating-point operations of a run, counted, not timed: the same on every machine."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from irkd import networks
from irkd.batch import Batch
from irkd.objective import Objective
from irkd.spec import Model, Run


def inference_flops(model: Model, resolution: int) -> int:
    """FLOPs (two per multiplication and addition, matrix products only) to classify one image."""
    network = networks.build(model, torch.Generator()).eval()
    with torch.no_grad(), _counting() as counter:
        network(_image(resolution))
    return counter.get_total_flops()


def of_run(run: Run, teacher: Run | None, images: int) -> dict:
    """Parameters of a run's network, FLOPs to classify an image, and FLOPs of each stage of training.

    Args:
        run: the training.
        teacher: the training of its teacher, if it has one.
        images: training images in an epoch.
    """
    network = networks.build(run.model, torch.Generator())
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "inference_flops": inference_flops(run.model, run.model.image_size),
        "training_flops": training_flops(run, teacher.model if teacher else None, images),
    }


def training_flops(run: Run, teacher: Model | None, images: int) -> list[int]:
    """FLOPs of each stage of a training, the teacher's included.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
        images: training images in an epoch.
    """
    each = {stage.resolution: _step_flops(run, teacher, stage.resolution) for stage in run.stages}
    return [each[stage.resolution] * stage.epochs * images for stage in run.stages]


def _step_flops(run: Run, teacher: Model | None, resolution: int) -> int:
    """FLOPs of forward, loss and backward for one image."""
    objective = Objective(run.losses)
    student = networks.build(run.model, torch.Generator())
    image, label = _image(resolution), torch.zeros(1, dtype=torch.int64)
    answer = None
    with _counting() as counter:
        if teacher:
            # Not frozen: the counter cannot follow a gradient with respect to a leaf, which the tokens of a
            # frozen network are. No gradient of its weights is ever taken.
            guide = networks.build(teacher, torch.Generator()).eval()
            with nullcontext() if objective.teacher_layers else torch.no_grad():
                answer = guide(image, capture=objective.teacher_layers)
        output = student(image, capture=objective.student_layers)
        total, _ = objective(Batch(output, label, answer))
        total.backward()
    return counter.get_total_flops()


@contextmanager
def _counting() -> Iterator[FlopCounterMode]:
    # Under plain attention: its products are the same, and the fused kernels of some devices are not counted.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        yield counter


def _image(resolution: int) -> torch.Tensor:
    return torch.zeros(1, 3, resolution, resolution)
