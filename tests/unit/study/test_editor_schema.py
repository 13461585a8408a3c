"""The JSON Schema for editors, and what of a configuration it knows."""

import json

import pytest
import yaml
from distillation.study import editor_schema
from jsonschema import Draft202012Validator
from shipped import CONFIG, ROOT, STUDIES, WORKFLOW

SCHEMA, WHOLE = editor_schema.of_study(), editor_schema.of_configuration()
OVERLAYS = ("check", "cpu", "demo", "pretrained")


def schemas(schema, path="#"):
    """Every schema inside a schema, by path."""
    yield path, schema
    for block in ("properties", "$defs", "patternProperties"):
        for name, part in schema.get(block, {}).items():
            yield from schemas(part, f"{path}/{block}/{name}")
    for key in ("additionalProperties", "propertyNames", "items"):
        if isinstance(schema.get(key), dict):
            yield from schemas(schema[key], f"{path}/{key}")
    for key in ("anyOf", "oneOf"):
        for index, part in enumerate(schema.get(key, ())):
            yield from schemas(part, f"{path}/{key}/{index}")


@pytest.mark.parametrize("schema", [SCHEMA, WHOLE], ids=["study", "configuration"])
def test_it_is_valid_json_schema_of_2020_12(schema):
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(("name", "schema"), [("study", SCHEMA), ("config", WHOLE)])
def test_the_committed_file_is_that_of_the_typed_settings(name, schema):
    committed = json.loads((ROOT / f"rules/schemas/{name}.schema.json").read_text(encoding="utf-8"))
    assert committed == schema, "run make settings"


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("config.yaml", "rules/schemas/config.schema.json"),
        ("studies/irkd/study.yaml", "../../rules/schemas/study.schema.json"),
    ],
)
def test_the_shipped_files_name_it_for_editors(file, schema):
    first = (ROOT / file).read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema}"


def test_the_shipped_files_are_valid():
    assert list(Draft202012Validator(SCHEMA).iter_errors(CONFIG)) == []
    assert list(Draft202012Validator(WHOLE).iter_errors(WORKFLOW)) == []


@pytest.mark.parametrize("name", OVERLAYS)
def test_shipped_overlays_are_valid_as_they_are(name):
    overlay = yaml.safe_load((STUDIES / f"irkd/overlays/{name}.yaml").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(WHOLE).iter_errors(overlay)) == []


@pytest.mark.parametrize(
    "overlay",
    [
        {"execution": {"device": "gpu"}},
        {"irkd": {"seeds": {"student": [0]}}},
        {"irkd": {"students": {"x": {"set": {"batch_size": "many"}}}}},
        {"irkd": [1]},
        {"Not an id": {}},
    ],
)
def test_overlays_with_unknown_keys_or_values_are_refused(overlay):
    assert list(Draft202012Validator(WHOLE).iter_errors(overlay))


@pytest.mark.parametrize(
    ("block", "entry"),
    [
        ("models", {"custom-p2": {"family": "vit"}}),
        ("recipes", {**CONFIG["recipes"], "other": {"batch_size": 1}}),
        ("students", {"x": {"model": "custom-p2", "method": "ce", "label": "x", "set": {"batchsize": 1}}}),
        ("protocols", {"x": {"label": "x", "overrides": {"y": {"optimizer": {"lr": "fast"}}}}}),
        ("figures", {"x": {"kind": "stages", "title": "x"}}),
        ("models", {"Not an id": CONFIG["models"]["custom-p2"]}),
    ],
)
def test_it_refuses_what_is_incomplete_unknown_or_of_another_type(block, entry):
    assert list(Draft202012Validator(SCHEMA).iter_errors(CONFIG | {block: entry}))


def test_what_differs_from_a_recipe_need_not_be_complete():
    settings = {"optimizer": {"lr": 0.1}, "model": {"depth": 3}, "losses": {"kd": {"weight": 0.1}}}
    run = {"model": "custom-p2", "method": "ce", "label": "x", "set": settings}
    protocol = {"label": "x", "recipes": {"student": settings | {"model": {}}}, "overrides": {"y": settings}}
    del protocol["recipes"]["student"]["model"]
    config = CONFIG | {"students": {"x": run}, "protocols": {"x": protocol}}
    assert list(Draft202012Validator(SCHEMA).iter_errors(config)) == []


def test_every_key_that_a_user_can_write_is_described_beside_it_or_at_its_definition():
    described = {}
    for path, schema in schemas(SCHEMA):
        for key, part in schema.get("properties", {}).items():
            texts = [inner.get("description") for _, inner in schemas(part)]
            named = [inner["$ref"].rpartition("/")[2] for _, inner in schemas(part) if "$ref" in inner]
            texts += [SCHEMA["$defs"][name].get("description") for name in named]
            described[f"{path}/{key}"] = any(texts)
    assert len(described) > 150
    assert [path for path, found in described.items() if not found] == []


def test_every_mapping_of_fixed_keys_refuses_others():
    fixed = {path: schema for path, schema in schemas(SCHEMA) if "properties" in schema}
    assert len(fixed) > 50
    assert [path for path, schema in fixed.items() if schema.get("additionalProperties") is not False] == []
