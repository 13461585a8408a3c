"""Settings of saliency maps that are compared: their kind, and the blocks of student and teacher."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from distillation.core import components
from distillation.core.settings import ALL_OR_LIST, SAID, Whole, settings

KINDS = components.declarations("networks.saliency")
SaliencyKind = Literal[tuple(KINDS)]
Blocks = tuple[Annotated[Whole, Field(ge=0)], ...]


def _type_of_layer(layer: object) -> str | None:
    if isinstance(layer, int) and not isinstance(layer, bool):
        return "integer"
    return "string" if layer in ("first", "second", "last") else None


Layer = Annotated[
    Annotated[Literal["first", "second", "last"], Tag("string")]
    | Annotated[Whole, Field(ge=0), Tag("integer")],
    Discriminator(
        _type_of_layer,
        custom_error_type=SAID,
        custom_error_message="must be one of first, second, last or a whole number",
    ),
]
Layers = Annotated[
    Annotated[Literal["all"], Tag("string")]
    | Annotated[tuple[Layer, ...], Field(min_length=1), Tag("array")],
    ALL_OR_LIST,
]
_KIND = "Component of `networks/saliency`."
_STUDENT = "Blocks of the student; by default its saliency_layers."
_TEACHER = "Blocks of the teacher; by default the student's saliency_layers."


@settings
class ComparedMaps:
    """Saliency maps of student and teacher; blocks are zero-based indices, paired in order."""

    kind: SaliencyKind = Field(description=_KIND)
    student_layers: Blocks = Field(description=_STUDENT)
    teacher_layers: Blocks = Field(description=_TEACHER)


@settings
class ComparedMapsEntry:
    """Saliency maps to record for a student whose loss compares none."""

    kind: SaliencyKind = Field(description=_KIND)
    student_layers: Layers = Field(None, description=_STUDENT)
    teacher_layers: Layers = Field(None, description=_TEACHER)


def with_blocks(entry: Mapping, student: Mapping, teacher: Mapping, path: str) -> dict:
    """Settings of compared maps with their layers, by name or "all", replaced by block indices.

    Args:
        entry: as configured.
        student: settings of the student's network; its saliency_layers are the default.
        teacher: settings of the teacher's network.
        path: of the entry, for errors.

    Raises:
        ValueError: no layers are named, or a block does not exist.
    """
    resolved = dict(entry)
    for key, model in (("student_layers", student), ("teacher_layers", teacher)):
        layers = entry.get(key, student.get("saliency_layers"))
        if layers is None:
            raise ValueError(
                "model.saliency_layers: a loss with saliency needs them; add them to its model,"
                " such as [first, second, last]"
            )
        resolved[key] = layer_indices(layers, model["depth"])
        if max(resolved[key]) >= model["depth"]:
            raise ValueError(
                f"{path}.{key}: no block {max(resolved[key])} at depth {model['depth']};"
                f" blocks are 0 to {model['depth'] - 1}"
            )
    return resolved


def layer_indices(layers: str | list, depth: int) -> list[int]:
    """Zero-based block indices of layers given by name, by index, or as "all"."""
    if layers == "all":
        return list(range(depth))
    names = {"first": 0, "second": 1, "last": depth - 1}
    return [names.get(layer, layer) for layer in layers]


def unpaired(student_layers: Sequence[int], teacher_layers: Sequence[int]) -> Iterator[str]:
    """The error of lists of blocks that cannot be paired, as text."""
    counts = len(student_layers), len(teacher_layers)
    if counts[0] != counts[1]:
        yield (
            f"{counts[0]} layers of the student for {counts[1]} of the teacher; they are compared in pairs,"
            " so name as many student_layers as teacher_layers"
        )
