"""The words of verdicts on claims, and what decides each."""

import operator
from collections import Counter
from collections.abc import Mapping, Sequence

from distillation.statistics.estimates import Estimate

SUPPORTED, NOT_SUPPORTED, NO_EFFECT = "supported", "not supported", "no effect"
UNDECIDED, ONE_SEED, NO_VERDICT, NOT_RUN = "undecided", "one seed", "no verdict", "not run"

MEANINGS = {
    SUPPORTED: "the 95 % interval lies wholly within the claimed range",
    NOT_SUPPORTED: "it lies wholly outside",
    NO_EFFECT: "it reaches over the limit, but two one-sided tests (5 %) put the mean within the margin"
    " around the limit: the difference is too small to matter",
    UNDECIDED: "none of these: the seeds are too few, or too far apart",
    ONE_SEED: "one training each does not show how far trainings differ by chance; the interval is that of"
    " the test images alone",
    NO_VERDICT: "the runs cannot answer the question, for the reason given",
    NOT_RUN: "a run that the case needs is missing",
}

# Relations that exclude the limit itself: a value equal to the limit refutes them.
_STRICT = {"above": operator.gt, "below": operator.lt}
_RELATIONS = _STRICT | {"at_least": operator.ge, "at_most": operator.le}
# Percentage points; a difference between accuracies that is smaller counts as none.
_MARGIN = 0.5


def margin_of(claim: Mapping, unit: str) -> float | None:
    """The margin of equivalence of a claim around its limit; None if equality cannot refute it."""
    if not _STRICT.keys() & claim["threshold"].keys():
        return None
    return claim.get("margin", _MARGIN if unit == "points" else None)


def of_case(
    found: Estimate, threshold: Mapping[str, float], margin: float | None, *, compares_trainings: bool
) -> tuple[str, str]:
    """The verdict on a case, and what a reader should know about it; maybe nothing.

    Args:
        found: the statistic over seeds.
        threshold: one relation and its limit, in the unit of the statistic.
        margin: see `margin_of`.
        compares_trainings: whether the statistic is of several trainings, which differ by chance.
    """
    ((relation, limit),) = threshold.items()
    if found.low is None and found.method != "one seed":
        return NO_VERDICT, {"undefined": "not a number"}.get(found.method, found.method)
    if found.method == "one seed" or (found.method == "binomial" and compares_trainings):
        return ONE_SEED, ""
    ends = {_RELATIONS[relation](end, limit) for end in (found.low, found.high)}
    is_small = margin is not None and found.is_within(limit - margin, limit + margin)
    if ends == {True}:
        return SUPPORTED, f"smaller than the margin of {margin:g}" if is_small else ""
    if ends == {False}:
        return NOT_SUPPORTED, ""
    return (NO_EFFECT if is_small else UNDECIDED), ""


def summary(verdicts: Sequence[str]) -> str:
    """The verdicts on the cases of a claim in one line, such as "supported 2 of 3, undecided 1"."""
    counts = Counter(verdicts)
    if len(counts) == 1:
        return verdicts[0] + (f" ({len(verdicts)} cases)" if len(verdicts) > 1 else "")
    first, *others = (f"{word} {counts[word]}" for word in MEANINGS if word in counts)
    return ", ".join([f"{first} of {len(verdicts)}", *others])


def written(threshold: Mapping[str, float]) -> str:
    """A threshold in words."""
    ((relation, limit),) = threshold.items()
    return f"{relation.replace('_', ' ')} {limit:g}"
