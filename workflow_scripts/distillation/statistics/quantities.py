"""The value of a statistic for one training, with the counts that determine its sampling error."""

from dataclasses import dataclass


class Unknown(LookupError):  # noqa: N818 (a result, not an error)
    """A value that a statistic needs is not known of a training; the text says which."""


@dataclass(frozen=True)
class Share:
    """Correct predictions among a number of images."""

    correct: int
    images: int

    @property
    def percent(self) -> float:
        """The share in percent."""
        return 100.0 * self.correct / self.images


@dataclass(frozen=True)
class Percentage:
    """An accuracy of which only the percentage is known, such as a published one."""

    percent: float


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of accuracies, in percentage points; its sampling error is known for shares only."""

    terms: tuple[tuple[float, Share | Percentage], ...]

    @property
    def value(self) -> float:
        """The sum."""
        return sum(weight * share.percent for weight, share in self.terms)


@dataclass(frozen=True)
class Ratio:
    """One accuracy as a percentage of another; its sampling error is known for shares only."""

    part: Share | Percentage
    whole: Share | Percentage

    @property
    def value(self) -> float:
        """The percentage; not a number if the denominator has no correct prediction."""
        return 100.0 * self.part.percent / self.whole.percent if self.whole.percent else float("nan")


@dataclass(frozen=True)
class Sample:
    """A number whose variation only several trainings can show."""

    value: float


@dataclass(frozen=True)
class Count:
    """A counted number, which has no sampling error."""

    value: float


Quantity = Contrast | Ratio | Sample | Count
