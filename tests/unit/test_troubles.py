"""The list of what can go wrong: each entry is a promise that its test holds."""

import ast
from functools import cache

import pytest
import yaml
from shipped import ROOT

TROUBLES = yaml.safe_load((ROOT / "tests/troubles.yaml").read_text(encoding="utf-8"))


@cache
def module(path):
    """The syntax tree of a module of tests."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble["see"][:40])
def test_each_message_of_the_list_is_read_by_the_test_that_it_names(trouble):
    path, _, name = trouble["test"].partition("::")
    functions = [
        node for node in module(path).body if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert len(functions) == 1
    texts = [node.value for node in ast.walk(module(path)) if isinstance(node, ast.Constant)]
    assert any(trouble["see"] in text for text in texts if isinstance(text, str))


def test_no_message_is_listed_twice():
    seen = [trouble["see"] for trouble in TROUBLES]
    assert len(set(seen)) == len(seen)
