"""Squared difference of the student's saliency maps from the teacher's."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from distillation.core.settings import settings
from distillation.networks import map_settings
from distillation.networks.families import Network
from distillation.networks.losses import Term, Weighted
from distillation.networks.map_settings import KINDS, ComparedMaps, ComparedMapsEntry

_OVER_LAYERS = "How the differences of the layers are combined."
TeacherMaps = Annotated[
    Literal["own", "of-another-image", "untrained"],
    Field(
        description="The maps that the student's are compared with: the teacher's or, as a control, those of"
        " another image of the batch, or of a network like the teacher with random weights.",
        examples=["untrained"],
    ),
]


@settings
class Saliency(ComparedMaps, Term):
    """Squared difference of student and teacher saliency maps, layer by layer."""

    column: ClassVar[str] = "saliency_loss"
    # Both networks compute a map, which can be differentiated twice by kernels that are not fused.
    step_factor: ClassVar[int] = 4

    over_layers: Literal["sum", "mean"] = Field(description=_OVER_LAYERS)
    teacher_maps: TeacherMaps = "own"

    @property
    def student_features(self) -> frozenset[str]:
        """Those of the student's maps."""
        return KINDS[self.kind].features(self.student_layers)

    @property
    def teacher_features(self) -> frozenset[str]:
        """Those of the teacher's maps, unless another network takes its place."""
        return frozenset() if self.teacher_maps == "untrained" else self._of_teacher

    @property
    def untrained_features(self) -> frozenset[str]:
        """The same, of that network."""
        return self._of_teacher if self.teacher_maps == "untrained" else frozenset()

    @property
    def allows_mixing(self) -> bool:
        """Unless the map is that of the image before, which is in a mixed image too."""
        return self.teacher_maps != "of-another-image"

    @property
    def least_batch(self) -> int:
        """Two, if the map is that of another image."""
        return 2 if self.teacher_maps == "of-another-image" else 1

    @property
    def _of_teacher(self) -> frozenset[str]:
        return KINDS[self.kind].features(self.teacher_layers)

    @property
    def second_order(self) -> bool:
        """Whether the maps are gradients."""
        return KINDS[self.kind].SECOND_ORDER

    @property
    def maps(self) -> ComparedMaps:
        """Its own."""
        return self

    @property
    def components(self) -> tuple[str, ...]:
        """The kind of the maps."""
        return (f"networks.saliency.{self.kind}",)

    @classmethod
    def resolve(cls, entry: Mapping, model: Mapping, student: Network, teacher: Network) -> dict:
        """Block indices in place of names of layers."""
        return map_settings.with_blocks(entry, model, student, teacher, "losses.saliency")

    def problems(self) -> Iterator[str]:
        """Blocks that cannot be paired."""
        return map_settings.unpaired(self.student_layers, self.teacher_layers)

    @classmethod
    def switches(cls, own: "Saliency | None") -> dict[str, str]:
        """Weight, kind and blocks."""
        if own is None:
            return {"saliency": "none"}
        pair = [" ".join(map(str, layers)) for layers in (own.student_layers, own.teacher_layers)]
        blocks = f"blocks {pair[0]}" + (f" against {pair[1]}" if pair[0] != pair[1] else "")
        control = "" if own.teacher_maps == "own" else f", teacher's maps: {own.teacher_maps}"
        return {"saliency": f"weight {own.weight:g}, {own.kind}, {own.over_layers} over {blocks}{control}"}


@settings
class SaliencyEntry(ComparedMapsEntry, Weighted):
    """Squared difference of student and teacher saliency maps, layer by layer."""

    over_layers: Literal["sum", "mean"] = Field(description=_OVER_LAYERS)
    teacher_maps: TeacherMaps = "own"


Settings, Entry = Saliency, SaliencyEntry
