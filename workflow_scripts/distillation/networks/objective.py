"""The training loss of a run: its terms, their weights, and what the networks must capture for them."""

from torch import Tensor

from distillation.core import components
from distillation.networks.batch import Batch
from distillation.study.spec import Losses


class Objective:
    """Weighted sum of the loss terms of a run (paper, Equation 1).

    Attributes:
        names: of the terms.
        student_features, teacher_features: names of what the networks have to capture for the terms.
        second_order: whether a term differentiates a gradient of the student, which fused attention does not
            support.
    """

    def __init__(self, losses: Losses):
        named = {"ce": losses.ce, "kd": losses.kd, "saliency": losses.saliency}
        self._terms = {
            name: (components.load("networks.losses", name), settings)
            for name, settings in named.items()
            if settings is not None
        }
        self.names = tuple(self._terms)
        saliency = losses.saliency
        kind = components.load("networks.saliency", saliency.kind) if saliency else None
        self.second_order = kind is not None and kind.SECOND_ORDER
        self.student_features = kind.features(saliency.student_layers) if kind else frozenset()
        self.teacher_features = kind.features(saliency.teacher_layers) if kind else frozenset()

    def __call__(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss (scalar) and its unweighted terms by name."""
        values = {name: loss.term(settings, batch) for name, (loss, settings) in self._terms.items()}
        total = sum(loss.weight(settings) * values[name] for name, (loss, settings) in self._terms.items())
        return total, values
