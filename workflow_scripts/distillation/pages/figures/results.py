"""What figures take from the evaluations of runs: accuracies over seeds."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

# Content of an evaluation's JSON file by protocol, run and seed.
Results = Mapping[tuple[str, str, int], Mapping]


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
