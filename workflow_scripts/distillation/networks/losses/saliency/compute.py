"""Squared difference of the student's saliency maps from the teacher's."""

import torch
from torch import Tensor

from distillation.core import components
from distillation.networks.batch import Batch
from distillation.networks.losses.saliency import Saliency


def term(settings: Saliency, batch: Batch) -> Tensor:
    """Mean squared difference of min-max normalised maps, over layers summed or averaged.

    Paper, Experiment 1.4 and Equation 1. The teacher's maps are constants; the student's
    are differentiated in the backward pass. As controls, not in the paper, the teacher's are those of the
    image before in the batch (a batch of one has no other), or those of a network with random weights.
    """
    maps, targets = components.load("networks.saliency", settings.kind).maps, batch.targets
    student = maps(batch.student, targets, settings.student_layers, differentiable=True)
    guide = batch.untrained if settings.teacher_maps == "untrained" else batch.teacher
    teacher = maps(guide, targets, settings.teacher_layers, differentiable=False)
    if settings.teacher_maps == "of-another-image":
        teacher = teacher.roll(1, dims=1)
    per_layer = (student - teacher).square().flatten(1).mean(dim=1)
    return torch.sum(per_layer) if settings.over_layers == "sum" else torch.mean(per_layer)
