"""The statistics that decide claims, by name.

A new statistic is one function: it maps a case and the outcome of one seed of each run to a quantity. It
raises `quantities.Unknown` if a run lacks a value that it needs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from distillation.statistics.quantities import Contrast, Count, Quantity, Ratio, Sample, Unknown

# An entry of `claims.stated.*.cases`.
Case = Mapping


@dataclass(frozen=True)
class Statistic:
    """A named statistic.

    Attributes:
        of: function of a case and the outcomes by role ("run", "against", "teacher") that returns a quantity.
        meaning: what the number is, for readers.
        unit: "points", "%", or empty.
        needs: keys of a case that it needs beside `run`.
        taught: roles whose runs must have a teacher.
        teacher: whether the outcome of the teacher of `run` is needed too.
    """

    of: Callable[[Case, Mapping], Quantity]
    meaning: str
    unit: str
    needs: tuple[str, ...]
    taught: tuple[str, ...]
    teacher: bool


STATISTICS: dict[str, Statistic] = {}


def _statistic(
    meaning: str,
    unit: str,
    needs: tuple[str, ...] = (),
    taught: tuple[str, ...] = (),
    teacher: bool = False,
) -> Callable[[Callable], Callable]:
    def register(function: Callable) -> Callable:
        name = function.__name__.replace("_", "-")
        STATISTICS[name] = Statistic(function, meaning, unit, needs, taught, teacher)
        return function

    return register


@_statistic("test accuracy of the first run minus that of the second", "points", ("against",))
def accuracy_difference(case: Case, outcomes: Mapping) -> Contrast:
    """How much more accurate `run` is than `against`."""
    return Contrast(((1.0, outcomes["run"].accuracy()), (-1.0, outcomes["against"].accuracy())))


@_statistic(
    "test accuracy above the middle between that of the second run and that of the teacher",
    "points",
    ("against",),
    ("run",),
    teacher=True,
)
def above_half_gap(case: Case, outcomes: Mapping) -> Contrast:
    """Accuracy of `run` above the midpoint between `against` and the teacher of `run`."""
    names = {"run": 1.0, "against": -0.5, "teacher": -0.5}
    return Contrast(tuple((weight, outcomes[name].accuracy()) for name, weight in names.items()))


@_statistic(
    "test accuracy at the resolution, images scaled, as a share of that at full resolution",
    "%",
    ("resolution",),
)
def accuracy_kept(case: Case, outcomes: Mapping) -> Ratio:
    """Share of its accuracy that `run` keeps when whole images are scaled to `resolution`."""
    run = outcomes["run"]
    return Ratio(run.accuracy_at("scale", case["resolution"]), run.accuracy())


@_statistic(
    "training minus validation accuracy in the last epoch, of the first run minus of the second",
    "points",
    ("against",),
)
def overfit_difference(case: Case, outcomes: Mapping) -> Sample:
    """How much wider the gap of `run` between training and validation is than that of `against`."""
    return Sample(outcomes["run"].overfit() - outcomes["against"].overfit())


@_statistic("floating-point operations of the first training as a share of the second's", "%", ("against",))
def computation_ratio(case: Case, outcomes: Mapping) -> Count:
    """FLOPs of training `run` as a percentage of those of training `against`."""
    return Count(100.0 * outcomes["run"].training_flops() / outcomes["against"].training_flops())


@_statistic(
    "correlation of the student's saliency maps with its teacher's after the last epoch minus that after"
    " the first",
    "",
    (),
    ("run",),
)
def agreement_growth(case: Case, outcomes: Mapping) -> Sample:
    """Growth of the correlation between the maps of `run` and its teacher's; mean over layers and images."""
    first, last = outcomes["run"].agreements()
    return Sample(fmean(last.by_layers.values()) - fmean(first.by_layers.values()))


@_statistic(
    "growth of the correlation of student's and teacher's saliency maps during training, of the first run"
    " minus that of the second, in the layers recorded of both",
    "",
    ("against",),
    ("run", "against"),
)
def agreement_growth_difference(case: Case, outcomes: Mapping) -> Sample:
    """Growth of the agreement of `run` minus that of `against`, in the layers recorded of both."""
    pairs = {role: outcomes[role].agreements() for role in ("run", "against")}
    kinds = {moment.kind for pair in pairs.values() for moment in pair}
    if len(kinds) > 1:
        raise Unknown(f"maps of different kinds ({', '.join(sorted(kinds))})")
    shared = set.intersection(*(set(moment.by_layers) for pair in pairs.values() for moment in pair))
    if not shared:
        raise Unknown("maps of different layers")
    growth = {
        role: fmean(last.by_layers[layers] - first.by_layers[layers] for layers in sorted(shared))
        for role, (first, last) in pairs.items()
    }
    return Sample(growth["run"] - growth["against"])
