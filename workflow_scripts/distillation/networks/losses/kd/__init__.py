"""Distillation of the teacher's softened predictions."""

from typing import ClassVar

from pydantic import Field

from distillation.core.settings import Positive, settings
from distillation.networks.losses import Term


@settings
class Distillation(Term):
    """KL divergence of the student's predictions from the teacher's, at a temperature."""

    column: ClassVar[str] = "kl"
    on_distillation_head: ClassVar[bool] = True

    temperature: Positive = Field(description="Divides the logits; its square multiplies the term.")

    @property
    def factor(self) -> float:
        """The weight times T^2, with the temperature T (Hinton et al. 2015; paper, Equation 1).

        The square keeps the size of the gradients independent of the temperature.
        """
        return self.weight * self.temperature**2

    @classmethod
    def switches(cls, own: "Distillation | None") -> dict[str, str]:
        """Weight and temperature."""
        return {"KD": f"weight {own.weight:g}, temperature {own.temperature:g}" if own else "none"}


Settings = Distillation
