"""Texts that some markup would take for more than text, and studies that are full of them."""

import copy
from collections.abc import Callable, Mapping

LONG = "of a small budget and not to be compared with numbers of the paper, of other budgets or of other data"
NASTY = (
    "temperatures {1, 2, 4}",
    "see {table} and {study}",
    "two\nlines",
    "as *described* |v1| run_",
    r"CE ~^\beta \o {x}",
    "$x_1^2$ for $5 & 50 % #1",
    '<b>bold</b> & [link](a "b") &amp; `code`',
    "_hidden_ -- **x** 'y' \"z\"",
    "1. list :field: .. note:: ::",
    "W" * 84,
    LONG,
)
_PROSE = {"title", "note", "label", "remark", "absent", "claim", "section"}


def study(config: Mapping, change: Callable[[str], str]) -> dict:
    """A study with another text in place of each that people read: titles, notes, labels, headings."""
    changed = _changed(copy.deepcopy(dict(config)), change)
    changed["note"] = change("Note")
    for table in changed["tables"].values():
        table["columns"] = [change(column) for column in table["columns"]]
    for figure in changed["figures"].values():
        if "panels" in figure:
            figure["panels"] = {change(heading): runs for heading, runs in figure["panels"].items()}
    changed["pairs"]["rows"] = [[change(label) for label in pair] for pair in changed["pairs"]["rows"]]
    return changed


def mixed(text: str) -> str:
    """One of the nasty texts beside the text, always the same one."""
    return f"{NASTY[sum(map(ord, text)) % len(NASTY)]} {text}"


def long(text: str) -> str:
    """The text with a long sentence."""
    return f"{text}, {LONG}"


def wide(text: str) -> str:
    """The text after a word that is longer than a line."""
    return f"{'W' * 84} {text}"


def _changed(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return {
            key: change(one) if key in _PROSE and isinstance(one, str) else _changed(one, change)
            for key, one in value.items()
        }
    return [_changed(one, change) for one in value] if isinstance(value, list) else value
