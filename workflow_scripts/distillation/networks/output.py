"""What every network returns."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor


class Output(NamedTuple):
    """Answers of a network for a batch of B images.

    Attributes:
        logits: of the classification head [B, classes].
        distillation_logits: of the distillation head [B, classes]; None where there is none.
        tokens: the tokens [B, prefix + patches, width] that enter or leave each captured block, by index.
        prefix_tokens: how many tokens stand before the patches.
        attention: probabilities [B, heads, prefix + patches] that the CLS token gives all tokens in each
            captured block, by index.
        classifier: weights of the classification head [classes, width].
    """

    logits: Tensor
    distillation_logits: Tensor | None
    tokens: Mapping[int, Tensor]
    prefix_tokens: int
    attention: Mapping[int, Tensor] = MappingProxyType({})
    classifier: Tensor | None = None
