"""Values that are captured for each token of a vision transformer."""

from typing import NamedTuple

from torch import Tensor


class Tokens(NamedTuple):
    """A captured value for each token: CLS, distillation (if there is one), patches row by row.

    Attributes:
        values: [B, prefix + patches, width], or [B, heads, prefix + patches] for attention.
        prefix: number of tokens before the patches: 1 or 2.
    """

    values: Tensor
    prefix: int
