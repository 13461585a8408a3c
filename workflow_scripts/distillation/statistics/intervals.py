"""Two-sided 95 % confidence intervals, and tests at the level of 5 %."""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from scipy import stats

# Of tests; of an interval, what it leaves out.
LEVEL = 0.05
_CONFIDENCE = 1 - LEVEL

Interval = tuple[float, float]


@dataclass(frozen=True)
class Mean:
    """The mean of a quantity over trainings; it covers their randomness, not that of the test images.

    Attributes:
        value: the mean.
        error: its standard error, above zero.
        freedom: degrees of freedom of Student's t.
    """

    value: float
    error: float
    freedom: int

    def interval(self) -> Interval:
        """Student's t interval."""
        low, high = stats.t.interval(_CONFIDENCE, self.freedom, loc=self.value, scale=self.error)
        return float(low), float(high)

    def p_value(self, limit: float) -> float:
        """That of the two-sided t test of a mean that equals the limit."""
        return float(2 * stats.t.sf(abs(self.value - limit) / self.error, self.freedom))

    def is_within(self, low: float, high: float) -> bool:
        """Whether it lies between two limits: two one-sided t tests (Schuirmann 1987)."""
        nearest = min(self.value - low, high - self.value)
        return bool(stats.t.sf(nearest / self.error, self.freedom) < LEVEL)


def mean_over(values: Sequence[float], *groupings: Sequence[Hashable]) -> Mean:
    """The mean of values that share what is random in a training, such as its seed or its teacher.

    The squared error is the sum of the cluster-robust ones of each grouping (Cameron, Gelbach and Miller
    2011), without taking off what they share, and freedom is that of the grouping with the fewest groups.
    Where every seed stands with every teacher, the interval is rather too wide than too narrow. With a single
    grouping in which each value is a group of its own, it is Student's.

    Args:
        values: one per training.
        groupings: the group of each value; each grouping has two groups or more.
    """
    count, squared = len(values), 0.0
    mean = sum(values) / count
    for grouping in groupings:
        sums: defaultdict[Hashable, float] = defaultdict(float)
        for value, group in zip(values, grouping, strict=True):
            sums[group] += value - mean
        squared += sum(each**2 for each in sums.values()) * len(sums) / (len(sums) - 1)
    freedom = min(len(set(grouping)) for grouping in groupings) - 1
    return Mean(mean, math.sqrt(squared) / count, freedom)


def reach(std: float, seeds: int) -> float:
    """Half the width of Student's interval with this standard deviation and number of seeds."""
    return float(stats.t.ppf((1 + _CONFIDENCE) / 2, seeds - 1)) * std / math.sqrt(seeds)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, each corrected for their number (Holm 1979)."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def of_share(correct: int, images: int) -> Interval:
    """Wilson's interval of a share (Wilson 1927), as a share."""
    interval = stats.binomtest(correct, images).proportion_ci(_CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def of_contrast(terms: Sequence[tuple[float, int, int]]) -> Interval:
    """Interval of a weighted sum of independent shares, from the Wilson interval of each.

    Zou and Donner (2008), equation 4; for weights 1 and -1 it is Newcombe's (1998, method 10).
    Networks that were tested on the same images err on the same images more often than independent
    ones, so for a difference the interval is too wide rather than too narrow.

    Args:
        terms: weight, number of correct predictions and number of images of each share.
    """
    total, below, above = 0.0, 0.0, 0.0
    for weight, correct, images in terms:
        share = correct / images
        ends = sorted(weight * end for end in of_share(correct, images))
        total += weight * share
        below += (weight * share - ends[0]) ** 2
        above += (ends[1] - weight * share) ** 2
    return total - math.sqrt(below), total + math.sqrt(above)


def of_ratio(part: tuple[int, int], whole: tuple[int, int]) -> Interval:
    """Interval of the ratio of two independent shares (Katz et al. 1978), as a ratio.

    Args:
        part: number of correct predictions and number of images of the numerator.
        whole: the same of the denominator.
    """
    interval = stats.contingency.relative_risk(*part, *whole).confidence_interval(_CONFIDENCE)
    return float(interval.low), float(interval.high)
