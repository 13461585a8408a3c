"""The output of every network."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor


class Output(NamedTuple):
    """Logits and captured values of a network for a batch of B images.

    Attributes:
        logits: of the classification head [B, classes].
        distillation_logits: of the distillation head [B, classes]; None without that head.
        tokens: the tokens [B, prefix + patches, width] that enter or leave each captured block, by index.
        prefix_tokens: number of tokens before the patches.
        attention: attention probabilities [B, heads, prefix + patches] of the CLS token over all tokens in
            each captured block, by index.
        classifier: weights of the classification head [classes, width].
    """

    logits: Tensor
    distillation_logits: Tensor | None
    tokens: Mapping[int, Tensor]
    prefix_tokens: int
    attention: Mapping[int, Tensor] = MappingProxyType({})
    classifier: Tensor | None = None
