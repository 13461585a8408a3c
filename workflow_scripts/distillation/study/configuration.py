"""Check plain values against a typed form and report all errors at once; free of torch.

Each error is one line: the path of the key, what is wrong, and how to fix it.
"""

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from distillation.core.errors import UserError
from distillation.core.settings import FORM, SAID
from distillation.study.forms.study_file import PARTIAL, StudyFile
from distillation.study.forms.workflow_file import WorkflowFile

STUDY_FILE = TypeAdapter(StudyFile)
WORKFLOW_FILE = TypeAdapter(WorkflowFile)

_TYPES = {
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
}
_LIMITS = {
    "greater_than_equal": ("ge", "is too small; the minimum is"),
    "greater_than": ("gt", "is too small; it must be above"),
    "less_than_equal": ("le", "is too large; the maximum is"),
    "less_than": ("lt", "is too large; it must be below"),
}
_MISSING = ("missing", "union_tag_not_found")
_LONGEST = 60


class ConfigurationError(UserError):
    """All errors of a configuration.

    Attributes:
        errors: one line each: file or study, path, what is wrong, and how to fix it.
    """

    def __init__(self, errors: Sequence[str]):
        # A name or a value of a user can have lines of its own.
        self.errors = [error.replace("\n", r"\n") for error in errors]
        noun = "error" if len(self.errors) == 1 else "errors"
        lines = "".join(f"\n  {error}" for error in self.errors)
        super().__init__(f"{len(self.errors)} {noun} in the configuration:{lines}")


def suggestion(word: object, known: Iterable[object]) -> str:
    """The nearest known word in parentheses, or all known words if none is near."""
    known = sorted(map(str, known))
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"(did you mean '{near[0]}'?)" if near else listed(known)


def listed(known: Iterable[object]) -> str:
    """All known words in parentheses."""
    words = ", ".join(map(str, known))
    return f"(known: {words})" if words else "(none is defined)"


def unknown(names: object, path: str, kind: str, known: object) -> Iterator[str]:
    """Errors for the names in a list that a mapping lacks; none if either has another shape."""
    if isinstance(names, list) and isinstance(known, Mapping):
        for name in names:
            if isinstance(name, str) and name not in known:
                yield f"{path}: no {kind} '{name}' {suggestion(name, known)}"


def violations(form: TypeAdapter, values: Mapping) -> list[str]:
    """Every violation of a typed form by nested plain values, as "path: text", sorted by path."""
    try:
        form.validate_python(values)
    except ValidationError as error:
        found = error.errors(include_url=False)
        return sorted(dict.fromkeys(line for each in found for line in _lines(each, form)))
    return []


class _Place:
    """Where an error is: its path in the configuration, and the JSON Schema of what belongs there."""

    def __init__(self, form: TypeAdapter, location: Sequence[str | int]):
        self._definitions = _schema(form).get("$defs", {})
        self.schema: Mapping[str, Any] = _schema(form)
        self.path: list[str] = []
        self.partial = self.of_key = False
        self._names: Mapping[str, Any] = {}
        for step in location:
            self._go(step)

    def _go(self, step: str | int) -> None:
        """One step of an error's location: a key, an index, the tag of a union or "[key]"."""
        self.partial |= self.schema.get(PARTIAL, False)
        schema = self._definition(self._without_null(self._definition(self.schema)))
        if step == "[key]":
            self.of_key, self.schema = True, self._names
            self.path.pop()
            return
        if "discriminator" in schema:
            self.schema = self._definition({"$ref": schema["discriminator"]["mapping"][step]})
            return
        if "oneOf" in schema:
            self.schema = next(part for part in schema["oneOf"] if part.get("type") == step)
            return
        self.path.append(str(step))
        self._names = schema.get("propertyNames", {})
        named = schema.get("properties", {})
        others = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        inside = named.get(step) or schema.get("items") or others[0]
        self.schema = inside if isinstance(inside, Mapping) else {}

    @property
    def keys(self) -> Mapping[str, Mapping]:
        """The schemas of the keys that are possible here."""
        return self._definition(self._without_null(self.schema)).get("properties", {})

    @property
    def values(self) -> list:
        """The values that are possible here, if they are listed."""
        schema = self._without_null(self.schema)
        return schema.get("enum") or [schema[key] for key in ("const",) if key in schema]

    @property
    def optional(self) -> bool:
        """Whether null is possible here."""
        return self._without_null(self.schema) is not self.schema

    def meaning(self) -> str:
        """What belongs here, in parentheses; empty without a description."""
        text = self.schema.get("description") or self._definition(self.schema).get("description", "")
        return f" ({text})" if text else ""

    def _definition(self, schema: Mapping) -> Mapping:
        return self._definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    @staticmethod
    def _without_null(schema: Mapping) -> Mapping:
        others = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
        return others[0] if len(others) == 1 else schema


@functools.cache
def _schema(form: TypeAdapter) -> Mapping:
    return form.json_schema()


def _lines(error: ErrorDetails, form: TypeAdapter) -> Iterator[str]:
    kind, found = error["type"], error["input"]
    place = _Place(form, error["loc"])
    path = ".".join(place.path)
    limits = error.get("ctx", {})
    if kind in _MISSING and place.partial:
        return
    # Pydantic counts the valid entries alone; the others have errors of their own.
    if kind == "too_short" and len(found) >= limits["min_length"]:
        return
    match kind:
        case "missing":
            yield f"{path}: this key is missing; add it{place.meaning()}"
        case "union_tag_not_found" if isinstance(found, Mapping):
            yield f"{path}.{_words(limits['discriminator'])[0]}: this key is missing; add it"
        case "union_tag_not_found":
            yield f"{path}: {_shown(found)} must be a mapping"
        case "union_tag_invalid":
            known = _words(limits["expected_tags"])
            key = _words(limits["discriminator"])[0]
            yield f"{path}.{key}: {_shown(found[key])} is not possible here {suggestion(found[key], known)}"
        case "unexpected_keyword_argument" | "invalid_key":
            *parents, key = error["loc"]
            above = _Place(form, parents)
            prefix = "".join(f"{step}." for step in above.path)
            yield f"{prefix}{key}: unknown key {suggestion(key, above.keys)}"
        case "string_type" if place.of_key:
            yield f"{path}: the key {_shown(found)} must be text; put it in quotes"
        case "string_pattern_mismatch" if place.of_key:
            yield f"{path}: {_shown(found)} is not an id; use lower-case letters, digits and single hyphens"
        case "literal_error":
            yield f"{path}: {_shown(found)} is not possible here {suggestion(found, place.values)}"
        case _:
            yield f"{path}: {_shown(found)} {_demand(error, place)}"


def _demand(error: ErrorDetails, place: _Place) -> str:
    """The violated requirement, as text that follows the value."""
    kind, found, limits = error["type"], error["input"], error.get("ctx", {})
    if kind in _LIMITS:
        key, text = _LIMITS[kind]
        limit = limits[key]
        return f"{text} {limit:g}" if isinstance(limit, float) else f"{text} {limit}"
    if kind in _TYPES:
        null = " or null" if place.optional else ""
        return f"must be {_TYPES[kind]}{null}{_number_hint(found, kind)}"
    match kind:
        case "string_too_short":
            return "must not be empty"
        case "too_short" if limits["min_length"] == 1:
            return "must not be empty; add one entry"
        case "too_short":
            return f"has {len(found)} entries; the minimum is {limits['min_length']}"
        case "too_long":
            return f"has {len(found)} entries; the maximum is {limits['max_length']}"
        case "string_pattern_mismatch":
            return f"has the wrong form; expected: {place.schema.get(FORM) or place.schema['description']}"
        case _:
            return error["msg"] if kind == SAID else f"does not fit: {error['msg']}"


def _words(text: str) -> list[str]:
    """The words of a list such as "'inputs', 'stages'"."""
    return [word.strip(" '") for word in text.split(",")]


def _shown(value: object) -> str:
    """A value as text, shortened if it is long; null, true and false as in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _number_hint(found: object, kind: str) -> str:
    """How to write a number that YAML reads as text, such as 3e-4."""
    try:
        value = Decimal(found) if isinstance(found, str) and kind in ("float_type", "int_type") else None
    except InvalidOperation:
        return ""
    if value is None or not value.is_finite() or abs(value.adjusted()) > 15:
        return ""
    if kind == "int_type" and value != int(value):
        return ""
    return f"; YAML reads it as text, write {value:f}"
