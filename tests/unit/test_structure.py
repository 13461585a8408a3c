"""The library is packages on floors: each may import from those below it, never from those above."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from shipped import ROOT

LIBRARY = ROOT / "workflow_scripts/distillation"
# From the ground up.
FLOORS = ("core", "statistics", "data", "networks", "study", "evaluation", "training", "pages", "results")
MOST_MODULES = 15


def imported(path: Path) -> Iterator[str]:
    """Dotted names of what a module imports, wherever in the module it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: line {node.lineno}: imports are absolute"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_package_has_a_floor():
    assert {path.name for path in LIBRARY.iterdir() if path.name != "__pycache__"} == {"__init__.py", *FLOORS}


@pytest.mark.parametrize("package", FLOORS)
def test_no_import_points_up(package):
    below = {f"distillation.{floor}" for floor in FLOORS[: FLOORS.index(package) + 1]}
    for path in (LIBRARY / package).rglob("*.py"):
        for name in imported(path):
            first, *rest = name.split(".")
            assert first != "distillation" or f"distillation.{rest[0]}" in below, f"{path}: {name}"


def test_the_library_knows_neither_snakemake_nor_what_uses_it():
    users = {"snakemake", "bench", "offline_node", *(path.stem for path in LIBRARY.parent.glob("*.py"))}
    for path in LIBRARY.rglob("*.py"):
        assert not {name.partition(".")[0] for name in imported(path)} & users, path


def test_no_package_has_more_modules_than_one_sees_at_a_glance():
    places = (LIBRARY, LIBRARY.parent / "offline_node", ROOT / "bench")
    for folder in {path.parent for place in places for path in place.rglob("*.py")}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, folder


def without_encoding(path: Path) -> Iterator[int]:
    """Lines of a module that read or write text in the encoding of the user's locale."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) == "tarfile.open":
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        values = [value.value for value in (*node.args, given.get("mode")) if isinstance(value, ast.Constant)]
        of_process = getattr(given.get("text"), "value", None) is True
        is_text = name in ("read_text", "write_text") or of_process
        if name == "open":
            is_text = not any(isinstance(value, str) and value.strip("rwax+") == "b" for value in values)
        if is_text and "encoding" not in given:
            yield node.lineno


def test_every_text_is_read_and_written_as_utf_8_whatever_the_locale(tmp_path):
    example = tmp_path / "example.py"
    calls = ("a.read_text()", "open(a)", "a.open('rb')", "open(a, 'w', encoding='utf-8')", "run(text=True)")
    example.write_text("\n".join(calls), encoding="utf-8")
    assert list(without_encoding(example)) == [1, 2, 5]
    for folder in ("workflow_scripts", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            assert list(without_encoding(path)) == [], path
