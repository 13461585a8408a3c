"""The JSON Schema of a study's configuration for editors, which complete and check keys while one types."""

from collections.abc import Mapping

from distillation.core.settings import FORM, UNIT
from distillation.study.configuration import STUDY_FILE
from distillation.study.study_file import PARTIAL

_OURS = (PARTIAL, FORM, UNIT)
_DEFINITIONS = "#/$defs/"


def editor_schema() -> dict:
    """JSON Schema 2020-12 in which no key is required where a configuration names only what differs."""
    schema = STUDY_FILE.json_schema()
    definitions = schema.pop("$defs")
    partial: dict[str, object] = {}
    complete = {name: _plain(part, definitions, partial) for name, part in definitions.items()}
    top = _plain(schema, definitions, partial)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": complete | partial}


def _plain(part: object, definitions: Mapping, partial: dict[str, object], differs: bool = False) -> object:
    """A part of the schema without titles and our own keys; without required keys if `differs`."""
    if isinstance(part, list):
        return [_plain(item, definitions, partial, differs) for item in part]
    if not isinstance(part, Mapping):
        return part
    differs = differs or part.get(PARTIAL, False)
    plain = {}
    for key, value in part.items():
        # A title beside other keywords is made up; one among properties is a key of the configuration.
        # Optional keys are absent rather than null.
        dropped = key in _OURS or (key == "title" and isinstance(value, str))
        dropped = dropped or (key == "default" and value is None)
        if dropped or (differs and key == "required"):
            continue
        if key == "$ref" and differs:
            plain[key] = _partial_reference(value, definitions, partial)
        elif key == "oneOf" and differs:
            # Without the key that tells them apart, settings can be of several kinds.
            plain["anyOf"] = _plain(value, definitions, partial, differs)
        else:
            plain[key] = _plain(value, definitions, partial, differs)
    # An id of another form is refused, not passed over.
    if "patternProperties" in plain:
        plain["additionalProperties"] = False
    return plain


def _partial_reference(reference: str, definitions: Mapping, partial: dict[str, object]) -> str:
    name = reference.removeprefix(_DEFINITIONS)
    changed = f"{name}Changes"
    if changed not in partial:
        partial[changed] = None  # a definition may contain itself
        partial[changed] = _plain(definitions[name], definitions, partial, differs=True)
    return f"{_DEFINITIONS}{changed}"
