"""Input of the loss terms in one training step."""

from dataclasses import dataclass

from torch import Tensor

from distillation.networks.output import Output


@dataclass(frozen=True)
class Batch:
    """One step: labels [B] and the outputs of the networks.

    On mixed batches `partner_labels` [B] are the second labels, and `shares` [2] the weights in [0, 1] of
    both, which sum to 1; saliency maps are those of `labels`. `untrained` is the output of a network like the
    teacher with random weights, which a control compares with.
    """

    student: Output
    labels: Tensor
    teacher: Output | None = None
    partner_labels: Tensor | None = None
    shares: Tensor | None = None
    untrained: Output | None = None
