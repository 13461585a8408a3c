"""Check a configuration against its JSON Schema and report all errors at once; free of torch.

Each error is one line: the path of the key, what is wrong, and how to fix it.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation

from jsonschema import Draft202012Validator, ValidationError

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_LONGEST = 60


def suggestion(word: object, known: Iterable[str]) -> str:
    """The nearest known word in parentheses, or all known words if none is near."""
    known = sorted(map(str, known))
    near = difflib.get_close_matches(str(word), known, n=1)
    if near:
        return f"(did you mean '{near[0]}'?)"
    return f"(known: {', '.join(known)})" if known else "(none is defined)"


def unknown(names: object, path: str, kind: str, known: object) -> Iterator[str]:
    """Errors for the names in a list that a mapping lacks; none if either has another shape."""
    if isinstance(names, list) and isinstance(known, Mapping):
        for name in names:
            if isinstance(name, str) and name not in known:
                yield f"{path}: no {kind} '{name}' {suggestion(name, known)}"


def schema_errors(config: Mapping, schema: Mapping) -> list[str]:
    """Every violation of the JSON Schema, as "path: text", sorted by path."""
    errors = Draft202012Validator(schema).iter_errors(config)
    lines = [line for error in errors for line in _lines(error, schema)]
    return sorted(dict.fromkeys(lines))


def _lines(error: ValidationError, schema: Mapping) -> Iterator[str]:
    path = ".".join(map(str, error.absolute_path))
    prefix = f"{path}." if path else ""
    found, wanted = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            for key in sorted(set(found) - set(known), key=str):
                yield f"{prefix}{key}: unknown key {suggestion(key, known)}"
        case "required":
            for key in wanted:
                if key not in found:
                    meaning = _meaning(error.schema, key, schema)
                    yield f"{prefix}{key}: this key is missing; add it" + (f" ({meaning})" if meaning else "")
        case "type" if "propertyNames" in error.absolute_schema_path:
            yield f"{path}: the key {_shown(found)} must be text; put it in quotes"
        case "pattern" if "propertyNames" in error.absolute_schema_path:
            yield f"{path}: {_shown(found)} is not an id; use lower-case letters, digits and single hyphens"
        case "enum":
            yield f"{path}: {_shown(found)} is not possible here {suggestion(found, wanted)}"
        case "oneOf":
            keys = ", ".join(key for choice in wanted for key in choice["required"])
            yield f"{path}: {_shown(found)} must have exactly one of the keys {keys}"
        case "anyOf":
            yield from _alternatives(error, path, schema)
        case _:
            yield f"{path}: {_shown(found)} {_demand(error)}"


def _alternatives(error: ValidationError, path: str, schema: Mapping) -> Iterator[str]:
    """The errors of the only alternative of the right kind; without one, an error that lists all kinds."""
    alternatives: dict[int, list[ValidationError]] = {}
    for child in error.context:
        alternatives.setdefault(child.relative_schema_path[0], []).append(child)
    # A constant under a key, such as the kind of a figure, says which alternative is meant.
    others = [child for child in error.context if child.validator == "const" and child.relative_path]
    for child in others:
        alternatives.pop(child.relative_schema_path[0], None)
    if not alternatives:
        key, found = others[0].relative_path[0], others[0].instance
        known = [child.validator_value for child in others]
        yield f"{path}.{key}: {_shown(found)} is not possible here {suggestion(found, known)}"
    near = [
        children
        for children in alternatives.values()
        if all(child.relative_path or child.validator not in ("type", "const", "enum") for child in children)
    ]
    if len(near) == 1:
        for child in near[0]:
            yield from _lines(child, schema)
    # A mapping without its kind is reported as a missing key.
    elif not isinstance(error.instance, Mapping) or len(near) != len(alternatives):
        kinds = " or ".join(dict.fromkeys(_kind(child) for child in error.context))
        yield f"{path}: {_shown(error.instance)} must be {kinds}"


def _kind(error: ValidationError) -> str:
    match error.validator:
        case "type":
            return _TYPES[error.validator_value]
        case "const":
            return f"'{error.validator_value}'"
        case _:
            return "one of " + ", ".join(map(str, error.validator_value))


def _demand(error: ValidationError) -> str:
    """The violated requirement, as text that follows the value."""
    found, wanted = error.instance, error.validator_value
    match error.validator:
        case "type":
            return f"must be {_TYPES[wanted]}{_number_hint(found, wanted)}"
        case "minimum":
            return f"is too small; the minimum is {wanted}"
        case "exclusiveMinimum":
            return f"is too small; it must be above {wanted}"
        case "maximum":
            return f"is too large; the maximum is {wanted}"
        case "exclusiveMaximum":
            return f"is too large; it must be below {wanted}"
        case "minItems" | "minProperties" | "minLength" if wanted == 1:
            return (
                "must not be empty; add one entry" if error.validator != "minLength" else "must not be empty"
            )
        case "minItems":
            return f"has {len(found)} entries; the minimum is {wanted}"
        case "maxItems":
            return f"has {len(found)} entries; the maximum is {wanted}"
        case "uniqueItems":
            twice = next(value for index, value in enumerate(found) if value in found[:index])
            return f"has {_shown(twice)} more than once; keep one"
        case "contains":
            return f"must contain '{wanted['const']}'; add it"
        case "pattern":
            return f"has the wrong form; expected: {error.schema['description']}"
        case _:
            return f"does not fit: {error.message}"


def _shown(value: object) -> str:
    """A value as text, shortened if it is long; null, true and false as in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _meaning(part: Mapping, key: str, schema: Mapping) -> str:
    """The description of a key: its own, or that of a definition that it or its owner refers to."""
    owners = [part, _definition(part, schema)]
    keys = [owner["properties"][key] for owner in owners if key in owner.get("properties", {})]
    keys += [_definition(entry, schema) for entry in keys]
    return next((entry["description"] for entry in keys if "description" in entry), "")


def _definition(part: Mapping, schema: Mapping) -> Mapping:
    return schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else {}


def _number_hint(found: object, wanted: str) -> str:
    """How to write a number that YAML reads as text, such as 3e-4."""
    try:
        value = Decimal(found) if isinstance(found, str) and wanted in ("number", "integer") else None
    except InvalidOperation:
        return ""
    if value is None or not value.is_finite() or abs(value.adjusted()) > 15:
        return ""
    if wanted == "integer" and value != int(value):
        return ""
    digits = f"{value:f}"
    return f"; YAML reads it as text, write {digits}"
