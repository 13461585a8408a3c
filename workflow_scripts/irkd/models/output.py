"""What every network returns."""

from typing import NamedTuple

from torch import Tensor


class Output(NamedTuple):
    """Answers of a network for a batch of B images.

    Attributes:
        logits: of the classification head [B, classes].
        distillation_logits: of the distillation head [B, classes]; None where there is none.
        tokens: the tokens [B, prefix + patches, width] that enter each captured block, by index.
        prefix_tokens: how many tokens stand before the patches.
    """

    logits: Tensor
    distillation_logits: Tensor | None
    tokens: dict[int, Tensor]
    prefix_tokens: int
