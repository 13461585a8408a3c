"""Faults of the files that a study names: published numbers, and the sources of its settings.

Free of pandas, because planning calls it: what is wrong in a page is said before a network is trained for it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from distillation.core import yaml_files
from distillation.core.errors import InputError
from distillation.statistics import published_files
from distillation.statistics.published_files import Form
from distillation.study.configuration import violations
from distillation.study.forms.sources_file import SourcesFile

_SOURCES = TypeAdapter(SourcesFile)


def sources(path: Path) -> dict[str, Any]:
    """The source of each value, by protocol, role or run, and switch; see `forms.sources_file`.

    Raises:
        InputError: see `yaml_files.read`; or the file has another form.
    """
    found = yaml_files.read(path)
    if wrong := violations(_SOURCES, found):
        raise InputError("\n".join(f"{path}: {line}." for line in wrong))
    return found


def faults(config: Mapping, folder: Path) -> dict[str, str]:
    """What is wrong with the files that a study names, by name of the file; without those that are right.

    Args:
        config: the configuration of the study, without errors.
        folder: of the study; names are relative to it.
    """
    found: dict[str, str] = {}
    for name, form in _published(config):
        try:
            published_files.rows(folder / name, form)
        except InputError as error:
            found.setdefault(name, str(error))
    if name := config.get("switches", {}).get("sources"):
        try:
            sources(folder / name)
        except InputError as error:
            found[name] = str(error)
    return found


def _published(config: Mapping) -> Iterator[tuple[str, Form]]:
    """Name and form of each file of published numbers."""
    numbers = config.get("claims", {}).get("published", {})
    named = [
        *((table, "published", published_files.ACCURACIES) for table in config["tables"].values()),
        *((figure, "published", published_files.CURVE) for figure in config["figures"].values()),
        *((figure, "published_stages", published_files.STAGES) for figure in config["figures"].values()),
        (numbers, "accuracies", published_files.ACCURACIES),
        (numbers, "reported", published_files.REPORTED),
        *(
            (check, "published", published_files.of_check(check["tolerances"]))
            for check in config.get("checks", {}).get("runs", {}).values()
        ),
    ]
    yield from ((block[key], form) for block, key, form in named if key in block)
