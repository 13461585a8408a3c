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
        of_one_network: whether it is of one network, so that no other training could show another value.
    """

    of: Callable[[Case, Mapping], Quantity]
    meaning: str
    unit: str
    needs: tuple[str, ...]
    taught: tuple[str, ...]
    teacher: bool
    of_one_network: bool


STATISTICS: dict[str, Statistic] = {}


def _statistic(
    meaning: str,
    unit: str,
    needs: tuple[str, ...] = (),
    taught: tuple[str, ...] = (),
    teacher: bool = False,
    of_one_network: bool = False,
) -> Callable[[Callable], Callable]:
    def register(function: Callable) -> Callable:
        name = function.__name__.replace("_", "-")
        STATISTICS[name] = Statistic(function, meaning, unit, needs, taught, teacher, of_one_network)
        return function

    return register


@_statistic("test accuracy", "%")
def test_accuracy(case: Case, outcomes: Mapping) -> Contrast:
    """Test accuracy of `run`."""
    return Contrast(((1.0, outcomes["run"].accuracy()),))


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
    """Accuracy of `run` above the midpoint between `against` and the teacher of `run`.

    There is no gap to close, and no value, where the teacher is not more accurate than `against`.
    """
    names = {"run": 1.0, "against": -0.5, "teacher": -0.5}
    found = {name: outcomes[name].accuracy() for name in names}
    if found["teacher"].percent <= found["against"].percent:
        raise Unknown("there is no gap to close: the teacher is not more accurate than the second run")
    return Contrast(tuple((weight, found[name]) for name, weight in names.items()))


@_statistic(
    "test accuracy at the resolution and in the view of the case, as a share of that at full resolution",
    "%",
    ("resolution", "view"),
    of_one_network=True,
)
def accuracy_kept(case: Case, outcomes: Mapping) -> Ratio:
    """Share of its accuracy that `run` keeps when images are scaled or cropped (`view`) to `resolution`."""
    run = outcomes["run"]
    return Ratio(run.accuracy_at(case["view"], case["resolution"]), run.accuracy())


@_statistic(
    "training minus validation accuracy in the last epoch, of the first run minus of the second",
    "points",
    ("against",),
)
def overfit_difference(case: Case, outcomes: Mapping) -> Sample:
    """How much wider the gap of `run` between training and validation is than that of `against`."""
    return Sample(outcomes["run"].overfit() - outcomes["against"].overfit())


@_statistic(
    "validation accuracy in the first epoch of a stage minus that in the last epoch of the stage before",
    "points",
    ("resolution",),
)
def transition_gain(case: Case, outcomes: Mapping) -> Sample:
    """What `run` gains in validation accuracy where the stage of `resolution` begins.

    Validation images grow with the stage, so the gain is not of learning alone.
    """
    return Sample(outcomes["run"].transition_gain(case["resolution"]))


@_statistic(
    "floating-point operations until the validation accuracy at full resolution first reaches that of the"
    " case, of the first training as a share of the second's",
    "%",
    ("against", "accuracy"),
)
def convergence_ratio(case: Case, outcomes: Mapping) -> Sample:
    """FLOPs that `run` needs to reach a validation accuracy, as a percentage of those of `against`."""
    first, second = (outcomes[role].flops_to(case["accuracy"]) for role in ("run", "against"))
    return Sample(100.0 * first / second)


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
    return Sample(_growth(outcomes["run"].agreements()))


@_statistic(
    "correlation of the student's saliency maps with its teacher's after the last epoch of the stage minus"
    " that after its first",
    "",
    ("resolution",),
    ("run",),
)
def agreement_growth_in_stage(case: Case, outcomes: Mapping) -> Sample:
    """The same within the stage of `resolution`, so that training is not confounded with resolution."""
    return Sample(_growth(outcomes["run"].agreements(case["resolution"])))


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


def _growth(moments: tuple) -> float:
    first, last = (fmean(moment.by_layers.values()) for moment in moments)
    return last - first
