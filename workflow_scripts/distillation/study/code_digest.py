"""A digest of exactly the code that a run uses, so that an edit elsewhere reruns nothing.

The code of a script is the script and every module of the library that it imports, directly or
not. Components, which are chosen by name, are loaded through `core.components`, which no import statement
shows; they count for the runs that name them. Comments, docstrings and layout do not count.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from distillation.networks.families import Network
from distillation.study.spec import Run

_LIBRARY = Path(__file__).parents[1]


def components_of(run: Run, teacher: Network | None) -> list[str]:
    """The modules that a training chooses by name, as "package.module" within the library.

    Args:
        run: the training.
        teacher: the network of its teacher, if it has one.
    """
    names = networks_of(run)
    for name, term in run.losses.named.items():
        names += [f"networks.losses.{name}", *term.components]
    if maps := run.maps_beside(teacher):
        names += ["training.records.saliency", f"networks.saliency.{maps.kind}"]
    names += [f"networks.pretrained.{run.start.kind}"] if run.start else []
    for part in filter(None, (run.augmentation, run.mixing)):
        names += part.components
    return sorted(set(names))


def networks_of(*runs: Run | None) -> list[str]:
    """The network modules of some runs, named as in `components_of`; None is skipped."""
    families = {run.model.family for run in runs if run}
    return [f"networks.families.{family}" for family in sorted(families)]


def code_digest(script: Path, components: Iterable[str] = ()) -> str:
    """SHA-256 (hex) of a script, the modules that it imports, and the components that it loads by name.

    Raises:
        FileNotFoundError: when a component has no module.
    """
    files = _closure(script.resolve(), tuple(sorted({name.replace("-", "_") for name in components})))
    lines = [f"{path.name} {_digest(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@functools.cache
def _closure(script: Path, components: tuple[str, ...]) -> tuple[Path, ...]:
    waiting = [script]
    for name in components:
        folder = _LIBRARY / name.replace(".", "/")
        waiting += [*_files(f"{_LIBRARY.name}.{name}"), *_files(f"{_LIBRARY.name}.{name}.compute")]
        waiting += [] if folder.is_dir() else [folder.with_suffix(".py")]
    seen = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += _imports(path)
    return tuple(sorted(seen))


@functools.cache
def _imports(path: Path) -> tuple[Path, ...]:
    """The library's files that one file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return tuple(file for name in sorted(names) for file in _files(name))


def _files(name: str) -> list[Path]:
    """Files of a dotted name: its module and the packages around it; none outside the library."""
    first, *rest = name.split(".")
    if first != _LIBRARY.name:
        return []
    files = [_LIBRARY.joinpath(*rest[:depth], "__init__.py") for depth in range(len(rest) + 1)]
    files.append(_LIBRARY.joinpath(*rest).with_suffix(".py"))
    return [file for file in files if file.is_file()]


@functools.cache
def _digest(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(repr(_shape(tree)).encode()).hexdigest()


def _shape(node: object) -> object:
    """A syntax tree without its empty fields, which differ between Python versions."""
    if isinstance(node, ast.AST):
        fields = ((name, _shape(value)) for name, value in ast.iter_fields(node))
        return [type(node).__name__, *(field for field in fields if field[1] not in ("None", []))]
    return [_shape(item) for item in node] if isinstance(node, list) else repr(node)
