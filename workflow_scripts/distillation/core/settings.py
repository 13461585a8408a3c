"""Typed settings: frozen dataclasses that refuse unknown keys, and types that refuse loose values.

YAML is loose: `1.0` is no seed, `.nan` no rate and `yes please` no truth. Free of torch.
"""

from collections.abc import Hashable
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Strict, StringConstraints
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

settings = partial(dataclass, frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))

# Keys in JSON Schemas: the form of a text in words, and the unit of a number.
FORM = "form"
UNIT = "unit"

# Of an error whose text follows the value, such as "[0, 0] has 0 more than once; keep one".
SAID = "said"

_LARGEST = 2**63 - 1


def said(text: str) -> PydanticCustomError:
    """An error with a text that follows the wrong value."""
    return PydanticCustomError(SAID, text)


def _storable(value: int) -> int:
    """Refuse what no 64 bits hold: estimates of time and memory, and torch, cannot go on with it."""
    if abs(value) > _LARGEST:
        raise said(f"is too large; the maximum is {_LARGEST}")
    return value


Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]
Words = Annotated[Text, Field(min_length=1)]
Id = Annotated[
    Text,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"),
    Field(json_schema_extra={FORM: "Lower-case letters, digits and single hyphens."}),
]
Whole = Annotated[int, Strict()]
# The last of the constraints of a whole number: a JSON Schema has those before it.
STORABLE = AfterValidator(_storable)
Count = Annotated[Whole, Field(ge=1), STORABLE]
Seed = Annotated[Whole, Field(ge=0, le=_LARGEST)]
Number = Annotated[float, Strict()]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Pixels = Annotated[Count, Field(json_schema_extra={UNIT: "pixels"})]
Images = Annotated[Count, Field(json_schema_extra={UNIT: "images"})]
Epochs = Annotated[Count, Field(json_schema_extra={UNIT: "epochs"})]
Padding = Annotated[Whole, Field(ge=0, json_schema_extra={UNIT: "pixels"}), STORABLE]


def _distinct(values: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            shown = list(value) if isinstance(value, tuple) else value
            raise said(f"has {shown!r} more than once; keep one")
    return values


Distinct = (AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True}))


def _all_or_list(value: object) -> str | None:
    return "array" if isinstance(value, list) else "string" if value == "all" else None


# Of a union of `all` and a list. Tags of unions are JSON types: they say which alternative an error is about.
ALL_OR_LIST = Discriminator(
    _all_or_list, custom_error_type=SAID, custom_error_message="must be 'all' or a list"
)
