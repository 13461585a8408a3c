"""JSON Schemas of config.yaml and study.yaml for editors, which complete and check keys while one types."""

from collections.abc import Mapping

from pydantic import TypeAdapter

from distillation.core.settings import FORM, UNIT
from distillation.study.configuration import STUDY_FILE, WORKFLOW_FILE
from distillation.study.forms.study_file import PARTIAL

_OURS = (PARTIAL, FORM, UNIT, "discriminator")
_DEFINITIONS = "#/$defs/"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def of_study() -> dict:
    """The schema of a study.yaml, in which no key is required where it names only what differs."""
    return _schema(STUDY_FILE, differs=False)


def of_configuration() -> dict:
    """The schema of config.yaml and of overlays, in which no key is required.

    Any key but those of config.yaml itself is the name of a study, with what differs in its study.yaml.
    """
    schema, study = _schema(WORKFLOW_FILE, differs=True), _schema(STUDY_FILE, differs=True)
    changes = {key: value for key, value in study.items() if key not in ("$schema", "$defs")}
    own = "|".join(schema["properties"])
    names = f"^(?!({own})$)[a-z0-9]+(-[a-z0-9]+)*$"
    return schema | {
        "patternProperties": {names: {"$ref": f"{_DEFINITIONS}Study"}},
        "$defs": study["$defs"] | schema["$defs"] | {"Study": changes},
    }


def _schema(form: TypeAdapter, differs: bool) -> dict:
    schema = form.json_schema()
    definitions = schema.pop("$defs")
    partial: dict[str, object] = {}
    top = _plain(schema, definitions, partial, differs)
    named = {} if differs else definitions
    complete = {name: _plain(part, definitions, partial) for name, part in named.items()}
    return {"$schema": _DIALECT, **top, "$defs": complete | partial}


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
