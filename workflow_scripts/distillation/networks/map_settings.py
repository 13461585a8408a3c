"""Settings of saliency maps that are compared: their kind, and the blocks of student and teacher."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from distillation.core import components
from distillation.core.settings import ALL_OR_LIST, SAID, Whole, settings
from distillation.networks.families import Network

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
_KIND = components.described("networks.saliency")
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


def with_blocks(entry: Mapping, model: Mapping, student: Network, teacher: Network, path: str) -> dict:
    """Settings of compared maps with their layers, by name or "all", replaced by block indices.

    Args:
        entry: as configured.
        model: the student's entry of `models`; its saliency_layers are the default.
        student: the student's network.
        teacher: the teacher's network.
        path: of the entry, for errors.

    Raises:
        ValueError: a network has no maps, no layers are named, or a block does not exist.
    """
    resolved = dict(entry)
    for who, network in (("student", student), ("teacher", teacher)):
        key = f"{who}_layers"
        if not network.blocks:
            raise ValueError(
                f"{path}: its {who} is of the family '{network.family}', whose networks have no saliency"
                " maps; use another network, or do without maps"
            )
        layers = entry.get(key, model.get("saliency_layers"))
        if layers is None:
            raise ValueError(
                "model.saliency_layers: a loss with saliency needs them; add them to its model,"
                " such as [first, second, last]"
            )
        resolved[key] = layer_indices(layers, network.blocks)
        if max(resolved[key]) >= network.blocks:
            raise ValueError(
                f"{path}.{key}: no block {max(resolved[key])} at depth {network.blocks};"
                f" blocks are 0 to {network.blocks - 1}"
            )
    return resolved


def layer_indices(layers: str | list, depth: int) -> list[int]:
    """Zero-based block indices of layers given by name, by index, or as "all"."""
    if layers == "all":
        return list(range(depth))
    names = {"first": 0, "second": 1, "last": depth - 1}
    return [names.get(layer, layer) for layer in layers]


def outline(student: Network, teacher: Network) -> ComparedMaps:
    """Maps for a run that names none: gradients in the first, second and last block of each network."""
    ends = (network.blocks - 1 for network in (student, teacher))
    return ComparedMaps("gradient", *((0, min(1, last), last) for last in ends))


def sides(student: Network, teacher: Network, resolutions: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """The resolutions at which the maps of both networks differ in size, with the sides of both."""
    for resolution in resolutions:
        pair = student.map_side(resolution), teacher.map_side(resolution)
        if pair[0] != pair[1]:
            yield resolution, *pair


def unpaired(student_layers: Sequence[int], teacher_layers: Sequence[int]) -> Iterator[str]:
    """The error of lists of blocks that cannot be paired, as text."""
    counts = len(student_layers), len(teacher_layers)
    if counts[0] != counts[1]:
        yield (
            f"{counts[0]} layers of the student for {counts[1]} of the teacher; they are compared in pairs,"
            " so name as many student_layers as teacher_layers"
        )
