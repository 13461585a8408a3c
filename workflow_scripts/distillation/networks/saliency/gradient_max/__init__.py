"""Gradient saliency on tokens, largest over channels (Simonyan et al. 2014)."""

from collections.abc import Sequence

SECOND_ORDER = True


def features(layers: Sequence[int]) -> frozenset[str]:
    """Names of what the network has to capture for the maps of these blocks."""
    return frozenset(f"entering.{layer}" for layer in layers)
