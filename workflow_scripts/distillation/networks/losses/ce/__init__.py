"""Cross-entropy of the classification head."""

from typing import ClassVar

from pydantic import Field

from distillation.core.settings import Share, settings
from distillation.networks.losses import Term


@settings
class CrossEntropy(Term):
    """Cross-entropy of the classification head with the labels."""

    column: ClassVar[str] = "ce_loss"
    needs_teacher: ClassVar[bool] = False

    label_smoothing: Share = Field(
        0.0, description="Share of the target that is spread evenly over all classes."
    )

    @classmethod
    def switches(cls, own: "CrossEntropy | None") -> dict[str, str]:
        """Weight and label smoothing."""
        if own is None:
            return {"CE weight": "none", "label smoothing": "none"}
        return {"CE weight": f"{own.weight:g}", "label smoothing": f"{own.label_smoothing:g}"}


Settings = CrossEntropy
