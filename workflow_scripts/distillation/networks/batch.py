"""Input of the loss terms in one training step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from distillation.networks.output import Output


@dataclass(frozen=True)
class Batch:
    """One step: labels [B] and the outputs of the networks.

    On mixed batches `partner_labels` [B] are the second labels, and `shares` [2] the weights in [0, 1] of
    both, which sum to 1. `untrained` is the output of a network like the teacher with random weights, which a
    control compares with.
    """

    student: Output
    labels: Tensor
    teacher: Output | None = None
    partner_labels: Tensor | None = None
    shares: Tensor | None = None
    untrained: Output | None = None

    @property
    def targets(self) -> Tensor:
        """The labels or, on mixed batches, the share of each class in each image, [B, classes]."""
        if self.partner_labels is None:
            return self.labels
        classes = torch.arange(self.student.logits.shape[1], device=self.labels.device)
        pair = ((labels[:, None] == classes).float() for labels in (self.labels, self.partner_labels))
        return sum(share * one_hot for share, one_hot in zip(self.shares, pair, strict=True))
