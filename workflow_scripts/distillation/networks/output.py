"""The output of every network."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor


class Output(NamedTuple):
    """Logits of a network for a batch of B images, and what was asked of its inside.

    Attributes:
        logits: of the classification head [B, classes].
        distillation_logits: of the distillation head [B, classes]; None without that head.
        features: the captured values by name; the network's family says which names there are, and what they
            mean.
        gradients: of the true class's logit with respect to captured tokens that enter blocks, [B, tokens,
            width] by name of the feature, if they were taken before.
    """

    logits: Tensor
    distillation_logits: Tensor | None = None
    features: Mapping[str, object] = MappingProxyType({})
    gradients: Mapping[str, Tensor] | None = None
