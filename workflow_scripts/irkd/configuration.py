"""Everything that can be wrong with a configuration, found at once and without torch.

Each error is one line: the path of the key, what is wrong, and what would be right.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from jsonschema import Draft202012Validator, ValidationError

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def suggestion(word: object, known: Iterable[str]) -> str:
    """A parenthesis with the nearest known word, or with all of them where none is near."""
    known = sorted(map(str, known))
    near = difflib.get_close_matches(str(word), known, n=1)
    if near:
        return f"(did you mean '{near[0]}'?)"
    return f"(known: {', '.join(known)})" if known else "(none is defined)"


def schema_errors(config: Mapping, schema: Mapping) -> list[str]:
    """Every violation of the JSON Schema, as "path: text", in the order of the paths."""
    errors = Draft202012Validator(schema).iter_errors(config)
    lines = [line for error in errors for line in _lines(error)]
    return sorted(dict.fromkeys(lines))


def _lines(error: ValidationError) -> Iterator[str]:
    path = ".".join(map(str, error.absolute_path))
    prefix = f"{path}." if path else ""
    found, wanted = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            known = error.schema.get("properties", {})
            for key in sorted(set(found) - set(known), key=str):
                yield f"{prefix}{key}: unknown key {suggestion(key, known)}"
        case "required":
            for key in wanted:
                if key not in found:
                    meaning = error.schema.get("properties", {}).get(key, {}).get("description", "")
                    yield f"{prefix}{key}: this key is missing; add it" + (f" ({meaning})" if meaning else "")
        case "enum":
            yield f"{path}: '{found}' is not possible here {suggestion(found, wanted)}"
        case "type":
            yield f"{path}: {found!r} is not {_TYPES.get(wanted, wanted)}{_number_hint(found, wanted)}"
        case "pattern" if "propertyNames" in error.absolute_schema_path:
            yield f"{path}: '{found}' is no id; use lower-case letters, digits and single hyphens"
        case "oneOf" if all("required" in choice for choice in wanted):
            keys = ", ".join(key for choice in wanted for key in choice["required"])
            yield f"{path}: {found!r} must have exactly one of the keys {keys}"
        case "contains":
            yield f"{path}: {found!r} must contain '{wanted['const']}'"
        case "anyOf" | "oneOf" if error.context:
            reasons = "; or ".join(dict.fromkeys(_reason(child) for child in error.context))
            yield f"{path}: {found!r} fits none of what is possible here: {reasons}"
        case _:
            yield f"{path}: {_reason(error)}"


def _reason(error: ValidationError) -> str:
    """One clause for a violated keyword whose own message names values, not keys."""
    wanted = error.validator_value
    match error.validator:
        case "type":
            return f"{error.instance!r} is not {_TYPES.get(wanted, wanted)}"
        case "required":
            return f"it needs {', '.join(wanted)}"
        case "minimum":
            return f"{error.instance} is too small; the least is {wanted}"
        case "exclusiveMinimum":
            return f"{error.instance} is too small; it must be above {wanted}"
        case "maximum":
            return f"{error.instance} is too large; the most is {wanted}"
        case "exclusiveMaximum":
            return f"{error.instance} is too large; it must be below {wanted}"
        case _:
            return error.message


def _number_hint(found: object, wanted: object) -> str:
    if wanted not in ("number", "integer") or not isinstance(found, str):
        return ""
    try:
        value = float(found)
    except ValueError:
        return ""
    digits = f"{value:.12f}".rstrip("0").rstrip(".")
    return f"; YAML reads it as text, write {digits}"


def reference_errors(config: Mapping) -> list[str]:
    """Every id that names an entry which does not exist, as "path: text".

    Parts of another shape than the schema wants are passed over: `schema_errors` names them.
    """
    return list(_references(config))


def _references(config: Mapping) -> Iterator[str]:
    teachers, students = _block(config, "teachers"), _block(config, "students")
    runs = {**teachers, **students}
    yield from (f"students.{run}: a teacher has the same id" for run in students if run in teachers)
    yield from _unknown(config.get("reproduce"), "reproduce", "protocol", _block(config, "protocols"))
    yield from _unknown(config.get("select"), "select", "run", runs)
    for name, method in _block(config, "methods").items():
        yield from _unknown(
            method, f"methods.{name}.curriculum", "curriculum", _block(config, "curricula"), "curriculum"
        )
    for name, recipe in _block(config, "recipes").items():
        yield from _unknown(
            recipe, f"recipes.{name}.dataset", "dataset", _block(config, "datasets"), "dataset"
        )
    for role, entries in (("teachers", teachers), ("students", students)):
        for name, entry in entries.items():
            yield from _run_references(config, f"{role}.{name}", entry)
    for name, protocol in _block(config, "protocols").items():
        overrides = protocol.get("overrides") if isinstance(protocol, Mapping) else None
        yield from _unknown(list(overrides or ()), f"protocols.{name}.overrides", "run", runs)
    for name, table in _block(config, "tables").items():
        yield from _table_references(f"tables.{name}", table, runs)
    for name, figure in _block(config, "figures").items():
        panels = figure.get("panels") if isinstance(figure, Mapping) else None
        for panel, members in (panels or {}).items() if isinstance(panels, Mapping) else ():
            yield from _unknown(members, f"figures.{name}.panels.{panel}", "run", runs)


def _run_references(config: Mapping, path: str, entry: object) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        return
    for key, block in (
        ("model", "models"),
        ("method", "methods"),
        ("recipe", "recipes"),
        ("teacher", "teachers"),
    ):
        yield from _unknown(entry, f"{path}.{key}", key, _block(config, block), key)
    method = _block(config, "methods").get(str(entry.get("method")), {})
    terms = set(method.get("losses") or ()) if isinstance(method, Mapping) else set()
    taught = bool(terms & {"kd", "saliency"})
    if taught and "teacher" not in entry:
        known = suggestion("", _block(config, "teachers"))
        yield f"{path}.teacher: method '{entry['method']}' needs a teacher {known}"
    if "teacher" in entry and terms and not taught:
        yield f"{path}.teacher: method '{entry['method']}' has no use for one; remove this key"
    if path.startswith("teachers.") and "teacher" in entry:
        yield f"{path}.teacher: a teacher has no teacher; list the run under `students`"


def _table_references(path: str, table: object, runs: Mapping) -> Iterator[str]:
    if not isinstance(table, Mapping) or not isinstance(table.get("rows"), list):
        return
    width = len(table.get("columns") or ())
    for index, row in enumerate(table["rows"]):
        members = row.get("runs") if isinstance(row, Mapping) else None
        if not isinstance(members, list):
            continue
        yield from _unknown(members, f"{path}.rows.{index}.runs", "run", runs)
        if len(members) != width:
            yield f"{path}.rows.{index}.runs: {len(members)} runs for {width} columns; give one a column"


def _block(config: Mapping, name: str) -> Mapping:
    block = config.get(name)
    return block if isinstance(block, Mapping) else {}


def _unknown(value: object, path: str, kind: str, known: Mapping, key: str | None = None) -> Iterator[str]:
    """Errors of the ids in `value`: a list of them or, with `key`, a mapping that holds one."""
    if key is not None:
        names = [value[key]] if isinstance(value, Mapping) and key in value else []
    else:
        names = value if isinstance(value, list) else []
    for name in names:
        if not isinstance(name, str) or name not in known:
            yield f"{path}: no {kind} '{name}' {suggestion(name, known)}"
