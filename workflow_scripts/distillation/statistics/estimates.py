"""Estimates of a quantity over seeds: its mean, interval, and smallest detectable difference."""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from distillation.statistics import intervals
from distillation.statistics.quantities import Contrast, Count, Quantity, Ratio
from distillation.statistics.training_seeds import TrainingSeed

# Intervals that cover the randomness of training, by what the trainings differ in.
OVER_TRAININGS = ("t over seeds", "t over teachers", "t over seeds and teachers")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A quantity over trainings.

    Attributes:
        values: one per training, by seed.
        mean: of the values.
        std: their sample standard deviation; None for a single training.
        low: lower end of the 95 % interval of the mean; None if a single training gives none.
        high: its upper end.
        method: of the interval: one of `OVER_TRAININGS`, "binomial" (of the test images of a single
            training) or "counted"; without an interval its reason: "one seed", "equal in all seeds", "equal
            means" (of the seeds and of the teachers), "not every seed with every teacher" or "undefined".
    """

    values: Mapping[TrainingSeed, float]
    mean: float
    std: float | None
    low: float | None
    high: float | None
    method: str

    @property
    def smallest(self) -> float | None:
        """Half the width of the interval: the smallest difference that it distinguishes from zero."""
        return None if self.low is None else (self.high - self.low) / 2

    def p_value(self, limit: float) -> float | None:
        """That of a mean that equals the limit; None unless the interval is over trainings."""
        return _mean(self.values).p_value(limit) if self.is_over_trainings else None

    def is_within(self, low: float, high: float) -> bool:
        """Whether trainings show that the mean lies between two limits; see `intervals.Mean`."""
        return self.is_over_trainings and _mean(self.values).is_within(low, high)

    @property
    def is_over_trainings(self) -> bool:
        """Whether the interval covers the randomness of training."""
        return self.method in OVER_TRAININGS


def estimate(quantities: Mapping[TrainingSeed, Quantity]) -> Estimate:
    """The estimate of a quantity from one or more trainings.

    Student's t interval over seeds, teachers or both, whichever there are several of; for a single training
    the binomial interval over its test images, if the quantity is made of accuracies.
    """
    values = {seed: quantity.value for seed, quantity in sorted(quantities.items())}
    mean = statistics.fmean(values.values())
    std = statistics.stdev(values.values()) if len(values) > 1 else None
    return Estimate(values, mean, std, *_interval(list(quantities.values()), values))


def _mean(values: Mapping[TrainingSeed, float]) -> intervals.Mean:
    return intervals.mean_over(list(values.values()), *_groupings(values).values())


def _groupings(seeds: Iterable[TrainingSeed]) -> dict[str, list[int]]:
    """What several trainings differ in: their seeds, their teachers or both."""
    found = {"seeds": [seed.number for seed in seeds], "teachers": [seed.teacher for seed in seeds]}
    return {name: grouping for name, grouping in found.items() if len(set(grouping)) > 1}


def _interval(
    quantities: list[Quantity], by_seed: Mapping[TrainingSeed, float]
) -> tuple[float, float, str] | tuple[None, None, str]:
    values = list(by_seed.values())
    if not all(map(math.isfinite, values)):
        return None, None, "undefined"
    # Unequal counts, of trainings that differ in length, are a sample like any other.
    if all(isinstance(quantity, Count) for quantity in quantities) and len(set(values)) == 1:
        return values[0], values[0], "counted"
    if len(values) > 1:
        # Differences of equal counts can differ by the rounding of their percentages.
        if max(values) - min(values) < _ROUNDING:
            return None, None, "equal in all seeds"
        mean, groupings = _mean(by_seed), _groupings(by_seed)
        is_complete = math.prod(len(set(grouping)) for grouping in groupings.values()) == len(values)
        if not is_complete:
            return None, None, "not every seed with every teacher"
        # Sums over seeds and over teachers can all be equal by chance, of values that are not.
        if mean.error < _ROUNDING:
            return None, None, "equal means"
        return *mean.interval(), f"t over {' and '.join(groupings)}"
    match quantities[0]:
        case Contrast(terms):
            low, high = intervals.of_contrast([(weight, part.correct, part.images) for weight, part in terms])
        case Ratio(part, whole) if part.correct:
            low, high = intervals.of_ratio((part.correct, part.images), (whole.correct, whole.images))
        case _:
            return None, None, "one seed"
    return 100.0 * low, 100.0 * high, "binomial"
