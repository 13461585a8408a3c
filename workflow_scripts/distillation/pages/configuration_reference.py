"""The page of every key of config.yaml and study.yaml, made from their typed forms and the shipped files."""

import json
from collections.abc import Iterator, Mapping, Sequence

from pydantic import TypeAdapter

from distillation.core.settings import FORM, UNIT, settings
from distillation.study.forms.study_file import PARTIAL, StudyFile
from distillation.study.forms.workflow_file import WorkflowFile

_INTRODUCTION = """\
# Configuration reference

Every key of `config.yaml` and of a study's `study.yaml`; `make settings` writes this page. An overlay has
keys of `config.yaml` and, below the name of a study, what differs in its `study.yaml`. Overlays are merged
key by key, then everything is checked, and all errors are reported together. Values are strict: a whole
number has no decimal point, a number is finite, and text is not a number. In the column of defaults, `-`
means that the key must be there, and *absent* that it may be left out. Editors that know JSON Schema
complete these keys: `rules/schemas/`.

A value that is not possible is told before anything starts:

    $ printf 'execution: {device: gpu}\\n' > x.yaml; snakemake -n --configfile x.yaml 2>&1 | grep device
      config.yaml + x.yaml: execution.device: 'gpu' is not possible here (did you mean 'cpu'?)
"""
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "{} or more",
    "minProperties": "{} or more",
}
_TYPES = {
    "object": "mapping",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}
_LONGEST = 60


@settings
class _Files:
    config: WorkflowFile
    study: StudyFile


FILES = TypeAdapter(_Files)
_HEADINGS = {"WorkflowFile": "config.yaml", "StudyFile": "study.yaml"}


def page(examples: Sequence[Mapping]) -> str:
    """The reference as Markdown.

    Args:
        examples: the content of config.yaml as `config` and of a study.yaml as `study`, or one of both,
            overlays merged; the first that has a key shows it.

    Raises:
        ValueError: a key has no example.
    """
    schema = FILES.json_schema()
    definitions = schema["$defs"]
    shown: dict[tuple[str, str], object] = {}
    for config in examples:
        _collect(schema, "", config, definitions, shown)
    sections = [_INTRODUCTION]
    for name in _used(schema, definitions):
        part = definitions[name]
        sections.append(
            f"## {_heading(name)}\n\n{part['description']}\n\n" + _table(name, part, definitions, shown)
        )
    return "\n".join(sections)


def _table(name: str, part: Mapping, definitions: Mapping, shown: Mapping[tuple[str, str], object]) -> str:
    lines = ["| key | meaning | values | default | example |", "|:--|:--|:--|:--|:--|"]
    for key, value in part["properties"].items():
        default = "-" if key in part.get("required", ()) else _default(value)
        meaning, values = _meaning(value, definitions), _values(value, definitions)
        example = _shown_example(name, key, value, shown)
        lines.append(f"| `{key}` | {meaning} | {values} | {default} | {example} |")
    return "\n".join(lines) + "\n"


def _meaning(value: Mapping, definitions: Mapping) -> str:
    """The description of a key, or that of the mapping that it has."""
    named = [definitions[name] for name in _references(value)]
    return next((part["description"] for part in (value, *named) if "description" in part), "").split("\n")[0]


def _shown_example(name: str, key: str, value: Mapping, shown: Mapping[tuple[str, str], object]) -> str:
    """An example of a value; keys with a table of their own have theirs there."""
    return "in its table" if any(_references(value)) else _text(_example(name, key, value, shown))


def _example(name: str, key: str, value: Mapping, shown: Mapping[tuple[str, str], object]) -> object:
    """A value of a key: its own example, one of a configuration, or one of the same key elsewhere."""
    own = [*value.get("examples", ()), *(shown[place] for place in [(name, key)] if place in shown)]
    elsewhere = [found for (_, other), found in shown.items() if other == key]
    if not own and not elsewhere:
        raise ValueError(f"no configuration shows {_heading(name)}.{key}: give its field an example")
    return [*own, *elsewhere][0]


def _default(value: Mapping) -> str:
    default = value.get("default")
    return "*absent*" if default is None else _text(default)


def _text(value: object) -> str:
    """A value as YAML in one line, shortened if it is long."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "`" + short.replace("|", "\\|") + "`"


def _values(part: Mapping, definitions: Mapping) -> str:
    """What is possible, in words: the type, the limits and the unit; a link to a mapping's own table."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        changes = ", only what differs" if part.get(PARTIAL) else ""
        return f"[{_heading(name)}](#{_heading(name).replace(' ', '-').lower()}){changes}"
    if alternatives := part.get("anyOf") or part.get("oneOf"):
        return " or ".join(_values(alternative, definitions) for alternative in alternatives)
    if listed := part.get("enum") or [part[key] for key in ("const",) if key in part]:
        return ", ".join(f"`{json.dumps(value) if isinstance(value, bool) else value}`" for value in listed)
    if form := part.get(FORM):
        return f"text: {form[0].lower()}{form[1:].rstrip('.')}"
    limits = [text.format(part[key]) for key, text in _LIMITS.items() if key in part]
    if {"minItems", "maxItems"} <= part.keys():
        limits = [
            f"{part['minItems']}"
            if part["minItems"] == part["maxItems"]
            else f"{part['minItems']} to {part['maxItems']}"
        ]
    details = ", ".join([*limits, *([part[UNIT]] if UNIT in part else [])])
    return _kind(part, definitions) + (f" ({details})" if details else "")


def _kind(part: Mapping, definitions: Mapping) -> str:
    if part.get("type") == "array":
        return f"list of: {_values(part.get('items', {}), definitions)}"
    entries = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
    if part.get("type") == "object" and isinstance(entries[0], Mapping):
        return f"mapping to: {_values(entries[0], definitions)}"
    return _TYPES.get(part.get("type", ""), "")


def _heading(name: str) -> str:
    """The words of a class's name: RandomErasing becomes "Random erasing", and RunEntry "Run"."""
    if name in _HEADINGS:
        return _HEADINGS[name]
    letters = (f" {letter.lower()}" if letter.isupper() else letter for letter in name.removesuffix("Entry"))
    words = "".join(letters).strip()
    return words[:1].upper() + words[1:]


def _references(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        for key, value in part.items():
            if key != "discriminator":
                yield from _references(value)
    elif isinstance(part, list):
        for item in part:
            yield from _references(item)


def _used(schema: Mapping, definitions: Mapping) -> list[str]:
    """The definitions in the order in which a reader meets them: each before the parts that it has."""
    met: dict[str, None] = {}
    waiting = list(_references(schema["properties"]))
    while waiting:
        name = waiting.pop(0)
        if name not in met:
            met[name] = None
            waiting = [*_references(definitions[name]), *waiting]
    return list(met)


def _collect(
    part: Mapping, name: str, value: object, definitions: Mapping, shown: dict[tuple[str, str], object]
) -> None:
    """Add the first value of each key inside a value to `shown`, by definition and key."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        part = definitions[name]
    for alternative in _fitting(part, value, definitions):
        _collect(alternative, name, value, definitions, shown)
    if isinstance(value, Mapping):
        others = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
        for key, inside in value.items():
            if key in part.get("properties", {}):
                shown.setdefault((name, key), inside)
                _collect(part["properties"][key], name, inside, definitions, shown)
            elif isinstance(others[0], Mapping):
                _collect(others[0], name, inside, definitions, shown)
    for item in value if isinstance(value, list) else ():
        _collect(part.get("items", {}), name, item, definitions, shown)


def _fitting(part: Mapping, value: object, definitions: Mapping) -> list[Mapping]:
    """The alternatives that a value may be of: by its kind, or those that are not null.

    Where only what differs is named, the kind may be missing; then it may be of each that has such keys.
    """
    if tags := part.get("discriminator"):
        kind = value.get(tags["propertyName"])
        names = tags["mapping"].values() if kind is None else [tags["mapping"][kind]]
        keys = {name: definitions[name.rpartition("/")[2]]["properties"].keys() for name in names}
        return [{"$ref": name} for name, known in keys.items() if value.keys() <= known]
    return [choice for choice in part.get("anyOf", part.get("oneOf", ())) if choice.get("type") != "null"]
