"""What a statistic says of one seed: a value, and what is known of its sampling error."""

from collections.abc import Mapping
from dataclasses import dataclass


class Unknown(LookupError):  # noqa: N818 (an answer of its own, not an error)
    """What a statistic needs is not known of a training; the text says what is missing."""


@dataclass(frozen=True)
class Share:
    """Right answers among a number of images."""

    correct: int
    images: int

    @property
    def percent(self) -> float:
        """The share in percent."""
        return 100.0 * self.correct / self.images


@dataclass(frozen=True)
class Percentage:
    """An accuracy of which no more is known than its percentage, such as a published one."""

    percent: float


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of accuracies, in percentage points; only one of shares has a sampling error."""

    terms: tuple[tuple[float, Share | Percentage], ...]

    @property
    def value(self) -> float:
        """The sum."""
        return sum(weight * share.percent for weight, share in self.terms)


@dataclass(frozen=True)
class Ratio:
    """One accuracy as a percentage of another; only one of shares has a sampling error."""

    part: Share | Percentage
    whole: Share | Percentage

    @property
    def value(self) -> float:
        """The percentage; not a number where no answer below the line is right."""
        return 100.0 * self.part.percent / self.whole.percent if self.whole.percent else float("nan")


@dataclass(frozen=True)
class Sample:
    """A number that differs from seed to seed in a way that only further seeds can show."""

    value: float


@dataclass(frozen=True)
class Count:
    """A number that was counted and has no error."""

    value: float


def paired(first: Mapping[int, Share], second: Mapping[int, Share]) -> dict[int, Contrast]:
    """The first accuracy minus the second, by seed, of the seeds that both have."""
    shared = sorted(first.keys() & second.keys())
    return {seed: Contrast(((1.0, first[seed]), (-1.0, second[seed]))) for seed in shared}


Quantity = Contrast | Ratio | Sample | Count
