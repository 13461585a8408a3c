"""Grad-CAM on tokens (Selvaraju et al. 2017)."""

from collections.abc import Sequence

SECOND_ORDER = True


def features(layers: Sequence[int]) -> frozenset[str]:
    """Names of what the network has to capture for the maps of these blocks."""
    return frozenset(f"entering.{layer}" for layer in layers)
