"""What figures take from the evaluations of runs: accuracies over seeds, and how sure they are."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

# Content of an evaluation's JSON file by protocol, run and seed.
Results = Mapping[tuple[str, str, int], Mapping]

# Two-sided quantile of the normal distribution for 95 %.
_Z = 1.959963984540054


def read(files: Mapping[tuple[str, str, int], Path]) -> Results:
    """The contents of evaluations, in the order of their keys."""
    return {key: json.loads(files[key].read_text()) for key in sorted(files)}


def of_run(results: Results, protocol: str, run: str) -> list[Mapping]:
    """The results of a run, one a seed."""
    return [result for key, result in results.items() if key[:2] == (protocol, run)]


def mean_and_range(values: Iterable[float]) -> tuple[float, float, float]:
    """Mean, smallest and largest of one value or more."""
    values = list(values)
    return sum(values) / len(values), min(values), max(values)


def binomial_interval(accuracy: float, images: int) -> tuple[float, float]:
    """Wilson's 95 % interval of an accuracy, both in percent, measured on a number of images."""
    share = accuracy / 100.0
    centre = share + _Z**2 / (2 * images)
    reach = _Z * math.sqrt(share * (1 - share) / images + _Z**2 / (4 * images**2))
    scale = 100.0 / (1 + _Z**2 / images)
    return scale * (centre - reach), scale * (centre + reach)
