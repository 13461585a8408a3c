"""The training loss of a run: its terms, their weights, and what the networks must capture for them."""

from collections.abc import Mapping

from torch import Tensor

from distillation.core import components
from distillation.networks.batch import Batch
from distillation.networks.terms import Losses


class Objective:
    """Weighted sum of the loss terms of a run (paper, Equation 1).

    Attributes:
        names: of the terms.
        student_features, teacher_features: names of what the networks have to capture for the terms.
        untrained_features: the same of a network like the teacher with random weights; mostly none.
        second_order: whether a term differentiates a gradient of the student, which fused attention does not
            support.

    Args:
        losses: settings of the terms.
    """

    def __init__(self, losses: Losses):
        terms = losses.named
        self._terms = {
            name: (components.load("networks.losses", name).term, own) for name, own in terms.items()
        }
        self.names = tuple(terms)
        self.student_features = frozenset().union(*(own.student_features for own in terms.values()))
        self.teacher_features = frozenset().union(*(own.teacher_features for own in terms.values()))
        self.untrained_features = frozenset().union(*(own.untrained_features for own in terms.values()))
        self.second_order = any(own.second_order for own in terms.values())

    def __call__(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss (scalar) and its unweighted terms by name."""
        values = self.terms(batch)
        return self.total(values), values

    def terms(self, batch: Batch, second_order: bool | None = None) -> dict[str, Tensor]:
        """The unweighted terms by name; by default all, otherwise those that are `second_order` or not."""
        return {
            name: term(own, batch)
            for name, (term, own) in self._terms.items()
            if second_order in (None, own.second_order)
        }

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of some terms."""
        return sum(self._terms[name][1].factor * value for name, value in terms.items())
