"""Estimates of a quantity over seeds: its mean, interval, and smallest detectable difference."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from distillation.statistics import intervals
from distillation.statistics.quantities import Contrast, Count, Quantity, Ratio

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A quantity over seeds.

    Attributes:
        values: one per seed, by seed.
        mean: of the values.
        std: their sample standard deviation; None for a single seed.
        low: lower end of the 95 % interval of the mean; None if a single seed gives none.
        high: its upper end.
        method: of the interval: "t over seeds", "binomial" (of the test images of a single seed) or
            "counted"; without an interval its reason: "one seed", "equal in all seeds" or "undefined".
    """

    values: Mapping[int, float]
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
        """That of a mean that equals the limit; None unless the interval is over seeds."""
        return intervals.p_value(list(self.values.values()), limit) if self.is_over_seeds else None

    def is_within(self, low: float, high: float) -> bool:
        """Whether several seeds show that the mean lies between two limits; see `intervals.is_within`."""
        return self.is_over_seeds and intervals.is_within(list(self.values.values()), low, high)

    @property
    def is_over_seeds(self) -> bool:
        """Whether the interval covers the randomness of training."""
        return self.method == "t over seeds"


def estimate(quantities: Mapping[int, Quantity]) -> Estimate:
    """The estimate of a quantity from one or more seeds.

    Student's t interval over the seeds; for a single seed the binomial interval over its test images, if
    the quantity is made of accuracies.
    """
    values = {seed: quantity.value for seed, quantity in sorted(quantities.items())}
    mean = statistics.fmean(values.values())
    std = statistics.stdev(values.values()) if len(values) > 1 else None
    return Estimate(values, mean, std, *_interval(list(quantities.values()), list(values.values())))


def _interval(
    quantities: list[Quantity], values: list[float]
) -> tuple[float, float, str] | tuple[None, None, str]:
    if not all(map(math.isfinite, values)):
        return None, None, "undefined"
    # Unequal counts, of trainings that differ in length, are a sample like any other.
    if all(isinstance(quantity, Count) for quantity in quantities) and len(set(values)) == 1:
        return values[0], values[0], "counted"
    # Differences of equal counts can differ by the rounding of their percentages.
    if len(values) > 1 and max(values) - min(values) < _ROUNDING:
        return None, None, "equal in all seeds"
    if len(values) > 1:
        return *intervals.over_seeds(values), "t over seeds"
    match quantities[0]:
        case Contrast(terms):
            low, high = intervals.of_contrast([(weight, part.correct, part.images) for weight, part in terms])
        case Ratio(part, whole) if part.correct:
            low, high = intervals.of_ratio((part.correct, part.images), (whole.correct, whole.images))
        case _:
            return None, None, "one seed"
    return 100.0 * low, 100.0 * high, "binomial"
