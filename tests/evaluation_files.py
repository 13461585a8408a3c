"""Made-up results of tests, as `evaluation.evaluate` writes them."""

import json
from collections.abc import Mapping
from pathlib import Path

IMAGES = 10_000


def correct(percent: float) -> int:
    """How many of the test images a percentage of two decimals is."""
    return round(percent * IMAGES / 100)


def content(
    accuracy: float,
    last: float | None = None,
    selection: str = "best",
    views: Mapping[str, Mapping[str, float]] | None = None,
) -> dict:
    """The content of a file: `accuracy` is in percent, of the weights selected, `last` that of the last."""
    weights = {name: {"correct": correct(accuracy)} for name in ("last", "best")}
    if last is not None:
        weights["last"] = {"correct": correct(last)}
    by_view = {
        view: {side: correct(value) for side, value in values.items()}
        for view, values in (views or {}).items()
    }
    return {"images": IMAGES, "selection": selection, "weights": weights, "correct_by_view": by_view}


def write(path: Path, accuracy: float, **more: object) -> Path:
    """Write a file; see `content`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content(accuracy, **more)))
    return path
