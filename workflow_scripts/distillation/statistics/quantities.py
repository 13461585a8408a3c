"""What a statistic says of one seed: a value, and what is known of its sampling error."""

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


def share(percent: float, images: int) -> Share:
    """The share that a percentage of a number of images is."""
    return Share(round(percent * images / 100.0), images)


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of accuracies, in percentage points."""

    terms: tuple[tuple[float, Share], ...]

    @property
    def value(self) -> float:
        """The sum."""
        return sum(weight * share.percent for weight, share in self.terms)


@dataclass(frozen=True)
class Ratio:
    """One accuracy as a percentage of another."""

    part: Share
    whole: Share

    @property
    def value(self) -> float:
        """The percentage; not a number where no answer below the line is right."""
        return 100.0 * self.part.percent / self.whole.percent if self.whole.correct else float("nan")


@dataclass(frozen=True)
class Sample:
    """A number that differs from seed to seed in a way that only further seeds can show."""

    value: float


@dataclass(frozen=True)
class Count:
    """A number that was counted and has no error."""

    value: float


Quantity = Contrast | Ratio | Sample | Count
