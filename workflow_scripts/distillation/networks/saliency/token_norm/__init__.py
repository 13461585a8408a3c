"""Length of patch tokens leaving blocks."""

from collections.abc import Sequence

SECOND_ORDER = False


def features(layers: Sequence[int]) -> frozenset[str]:
    """Names of what the network has to capture for the maps of these blocks."""
    return frozenset(f"leaving.{layer}" for layer in layers)
