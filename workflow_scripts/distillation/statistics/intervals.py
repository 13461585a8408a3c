"""Two-sided 95 % confidence intervals, and tests at the level of 5 %."""

import math
from collections.abc import Sequence

from scipy import stats

# Of tests; of an interval, what it leaves out.
LEVEL = 0.05
_CONFIDENCE = 1 - LEVEL

Interval = tuple[float, float]


def over_seeds(values: Sequence[float]) -> Interval:
    """Student's t interval of the mean of two or more values that are not all equal, one per seed.

    It covers the randomness of training: the test images, and a teacher that all seeds share, are
    fixed.
    """
    mean = sum(values) / len(values)
    low, high = stats.t.interval(_CONFIDENCE, len(values) - 1, loc=mean, scale=stats.sem(values))
    return float(low), float(high)


def reach(std: float, seeds: int) -> float:
    """Half the width that `over_seeds` would have with this standard deviation and number of seeds."""
    return float(stats.t.ppf((1 + _CONFIDENCE) / 2, seeds - 1)) * std / math.sqrt(seeds)


def p_value(values: Sequence[float], limit: float) -> float:
    """That of the two-sided t test of a mean that equals the limit; see `over_seeds` for the values."""
    return float(stats.ttest_1samp(values, limit).pvalue)


def is_within(values: Sequence[float], low: float, high: float) -> bool:
    """Whether the mean lies between two limits: two one-sided t tests (Schuirmann 1987); see `over_seeds`."""
    above = stats.ttest_1samp(values, low, alternative="greater").pvalue
    below = stats.ttest_1samp(values, high, alternative="less").pvalue
    return bool(max(above, below) < LEVEL)


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
