"""Distance of the attention maps of student and teacher (Zagoruyko and Komodakis 2017)."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from distillation.core.settings import Flag, settings
from distillation.networks.families import LAST_MAP, LAST_MAP_GRADIENT, Network
from distillation.networks.losses import Term


@settings
class Attention(Term):
    """Distance of the attention maps of student and teacher, made of their last map."""

    column: ClassVar[str] = "attention_loss"

    of: Literal["activations", "gradients"] = Field(
        description="Mean squared channels, or mean absolute gradients of cross-entropy with respect to them."
    )
    normalized: Flag = Field(False, description="Whether each image's map is divided by its L2 norm.")
    constant: Flag = Field(
        False,
        description="Whether maps of gradients are constants, and their term adds one gradient of plain"
        " cross-entropy, as in released code that makes them by a backward pass into the parameters.",
    )

    @property
    def student_features(self) -> frozenset[str]:
        """The last map."""
        return frozenset({LAST_MAP})

    @property
    def teacher_features(self) -> frozenset[str]:
        """The last map, or the gradients with respect to it."""
        return frozenset({LAST_MAP if self.of == "activations" else LAST_MAP_GRADIENT})

    @property
    def allows_mixing(self) -> bool:
        """Whether its maps are made without labels."""
        return self.of == "activations"

    @property
    def second_order(self) -> bool:
        """Whether its maps are gradients, and no constants."""
        return self.of == "gradients" and not self.constant

    @classmethod
    def resolve(cls, entry: Mapping, model: Mapping, student: Network, teacher: Network | None) -> dict:
        """As configured, if the student's map can be averaged to the size of its teacher's."""
        own, other = student.last_map_side(), teacher.last_map_side() if teacher else 0
        if own and other and own % other:
            raise ValueError(
                f"losses.attention: the last map of the student has {own} x {own} cells, that of its teacher"
                f" {other} x {other}; name a teacher whose map divides the student's"
            )
        return dict(entry)

    def problems(self) -> Iterator[str]:
        """A constant that has no weight, or is not of gradients."""
        if self.constant and self.of == "activations":
            yield "constant: only maps of gradients can be constants; remove this key"
        if self.constant and not self.weight:
            yield "weight: 0, but a constant term needs a weight; write more than 0, or use another method"

    @classmethod
    def switches(cls, own: "Attention | None") -> dict[str, str]:
        """Weight, kind, normalisation and whether it is a constant."""
        if own is None:
            return {"attention": "none"}
        form = "normalised" if own.normalized else "not normalised"
        constant = ", a constant that adds one gradient of CE" if own.constant else ""
        return {"attention": f"weight {own.weight:g}, {own.of}, {form}{constant}"}


Settings = Attention
