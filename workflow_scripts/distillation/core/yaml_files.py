"""Read YAML without what it does in silence: it drops a key that is written twice, and 010 is eight.

Nor does it let pass characters that no page can show.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from distillation.core import text_files
from distillation.core.errors import InputError

# Octal and sexagesimal numbers, such as 010 and 1:30.
_NOT_DECIMAL = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: the file cannot be read, is no UTF-8 or no YAML, is not a mapping, or has keys that are
            written twice, numbers that are not read as they are written, or control characters; one line for
            each.
    """
    text = text_files.read(path)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        wrong = list(dict.fromkeys(_misread(node, "", set()))) if node else []
        content = loader.construct_document(node) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}"
        raise InputError(f"{path}: this file is not YAML ({place}: {error.problem}); correct it.") from error
    # A day that does not exist, such as 2024-13-01, is a ValueError.
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(
            f"{path}: this file is not YAML ({' '.join(str(error).split())}); correct it."
        ) from error
    if wrong:
        raise InputError("\n".join(f"{path}: {line}" for line in wrong))
    if content is None:
        raise InputError(f"{path}: this file is empty; write something into it, or do not name it.")
    if not isinstance(content, dict):
        raise InputError(f"{path}: this file must be a mapping, lines such as `key: value`; correct it.")
    return content


def read_all(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The mappings in some YAML files.

    Raises:
        InputError: see `read`; with the errors of every file.
    """
    contents, errors = [], []
    for path in paths:
        try:
            contents.append(read(path))
        except InputError as error:
            errors.append(str(error))
    if errors:
        raise InputError("\n".join(errors))
    return contents


def _misread(node: yaml.Node, path: str, seen: set[int]) -> Iterator[str]:
    """What is read otherwise than it is written, below a dotted path."""
    # An alias is the node that it names, which may contain itself.
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            name = f"{path}.{key.value}" if path else str(key.value)
            line, own = key.start_mark.line + 1, (key.tag, name)
            if own in first:
                yield f"{name}: this key is written twice, in lines {first[own]} and {line}; keep one"
            first.setdefault(own, line)
            yield from _misread(key, name, seen)
            yield from _misread(value, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _misread(item, f"{path}.{index}", seen)
    elif hidden := [
        one for one in node.value if unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t"
    ]:
        yield f"{ascii(path)[1:-1]}: the character U+{ord(hidden[0]):04X} cannot be shown; remove it"
    elif node.tag in _NUMBERS and _NOT_DECIMAL.fullmatch(node.value):
        yield f"{path}: YAML does not read {node.value} as a decimal number; write one, or put it in quotes"
