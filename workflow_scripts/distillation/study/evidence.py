"""Check committed evidence of trainings against the study whose tables use it.

Free of torch, because planning calls it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from distillation.core import finished_runs
from distillation.core.errors import InputError
from distillation.statistics.evaluations import Key
from distillation.study import spec
from distillation.study.study import Study


def check(study: Study, records: Mapping[Key, Path]) -> None:
    """Check that finished trainings have the settings that the study gives them.

    Args:
        study: the resolved study.
        records: the run.json of each training, by protocol, run and seed.

    Raises:
        InputError: one line for each record with other settings or of a run that the study does not have.
    """
    wrong = [line for key, path in sorted(records.items()) for line in _errors(study, key, path)]
    if wrong:
        raise InputError("\n".join(wrong))


def settings(value: object, *keys: str) -> Iterator[tuple[str, object]]:
    """Dotted path and value of everything inside nested mappings and lists; what is empty is a value."""
    if value and isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from settings(inner, *keys, str(key))
    else:
        yield ".".join(keys), value


def _errors(study: Study, key: Key, path: Path) -> Iterator[str]:
    protocol, run, seed = key
    entry = study.entries.get((protocol, run))
    if entry is None:
        yield (
            f"{path}: the study '{study.name}' has no run '{run}' of the protocol '{protocol}': remove this"
            " evidence, or restore the run in the configuration."
        )
        return
    recorded = dict(settings(finished_runs.record(path)["spec"]))
    try:
        resolved = dict(settings(spec.to_mapping(entry.resolve(seed))))
    except InputError as error:
        yield f"{path}: {error}"
        return
    for name in resolved | recorded:
        found, expected = recorded.get(name), resolved.get(name)
        if found != expected:
            yield (
                f"{path}: {name} is {_text(found)}, but {_text(expected)} in the study '{study.name}': train"
                " the run again and commit the new evidence, or restore the setting."
            )
            return


def _text(value: object) -> str:
    # A spec leaves out what is switched off, and has no null.
    return "not set" if value is None else json.dumps(value)
