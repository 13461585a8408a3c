"""docs/configuration.md: every key, from the typed settings."""

import pytest
from distillation.pages import configuration_reference
from shipped import ROOT
from write_settings import examples


def rows(page):
    """The cells of every row of the tables, by heading of the section."""
    heading = ""
    for line in page.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| `"):
            yield heading, [cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")]


def test_the_committed_page_is_that_of_the_typed_settings():
    committed = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert committed == configuration_reference.page(examples()), "run make settings"


def test_every_key_has_a_meaning_its_values_a_default_and_an_example():
    found = list(rows(configuration_reference.page(examples())))
    assert len(found) > 180
    assert [cells for _, cells in found if len(cells) != 5 or not all(cells)] == []


def test_every_key_of_every_mapping_is_in_the_table_of_its_heading():
    found = list(rows(configuration_reference.page(examples())))
    definitions = configuration_reference.FILES.json_schema()["$defs"].values()
    assert len(found) == sum(len(part["properties"]) for part in definitions)


def test_limits_units_defaults_and_choices_are_said():
    found = {
        (heading, cells[0]): cells[1:] for heading, cells in rows(configuration_reference.page(examples()))
    }
    assert found["Optimizer", "`lr`"] == [
        "Constant rate, or the peak of its schedule.",
        "number (above 0)",
        "-",
        "`0.0003`",
    ]
    assert found["Stage", "`resolution`"][1] == "whole number (at least 1, pixels)"
    assert found["Optimizer", "`accumulation`"][1:] == ["whole number (at least 1)", "`1`", "`2`"]
    assert found["Execution", "`cuda_graphs`"][1] == "`auto`, `true`, `false`"
    assert found["Normalization", "`mean`"][1] == "list of: number (3)"
    assert found["Recipe", "`mixing`"][1:3] == ["[Mixing](#mixing) or null", "*absent*"]


def test_a_key_without_an_example_is_refused():
    with pytest.raises(ValueError, match="give its field an example"):
        configuration_reference.page([{"study": "x"}])
