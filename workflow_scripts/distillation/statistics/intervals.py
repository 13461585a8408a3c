"""Two-sided 95 % confidence intervals."""

import math
from collections.abc import Sequence

from scipy import stats

_CONFIDENCE = 0.95

Interval = tuple[float, float]


def over_seeds(values: Sequence[float]) -> Interval:
    """Student's t interval of the mean of two or more values, one per seed.

    It covers the randomness of training: the test images, and a teacher that all seeds share, are
    fixed.
    """
    error = stats.sem(values)
    mean = sum(values) / len(values)
    if error == 0.0:
        return mean, mean
    low, high = stats.t.interval(_CONFIDENCE, len(values) - 1, loc=mean, scale=error)
    return float(low), float(high)


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
