"""What trainings will cost, in words, before any of them is run; free of torch."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.contents import Key
from distillation.study.costs import demand
from distillation.study.study import Study

_UNITS = ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP"))


def words(study: Study, trainings: Sequence[Key], checks: Iterable[Path]) -> str:
    """Number of trainings, their operations and, for each checked GPU, their hours.

    Args:
        study: the study.
        trainings: by protocol, run and seed.
        checks: gpu-check.json files, as `make gpu-check` writes them.
    """
    parts = [
        f"{len(trainings)} trainings, about {_counted(sum(_operations(study, *key) for key in trainings))}"
    ]
    found = [_hours(trainings, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(checks)]
    return "; ".join([*parts, *(found or ["hours are estimated after `make gpu-check`"])])


def _operations(study: Study, protocol: str, run: str, seed: TrainingSeed) -> float:
    training = study.training(protocol, run, seed)
    dataset = study.config["datasets"][training.run.dataset]
    held_out = dataset.get("split", {}).get("holdout", 0)
    images = dataset.get("limit", {}).get("train", training.entry.images - held_out)
    return demand.operations(training.run, training.teacher_model, images)


def _counted(operations: float) -> str:
    unit, name = next((unit, name) for unit, name in _UNITS if operations >= unit or unit == _UNITS[-1][0])
    # Two digits, but no exponent.
    return f"{float(f'{operations / unit:.2g}'):g} {name}"


def _hours(trainings: Sequence[Key], check: dict) -> str:
    names = [f"{protocol}/{run}" for protocol, run, _ in trainings]
    if missing := sorted(set(names) - check["runs"].keys()):
        return f"the check of {check['device']} does not know {missing[0]}; repeat `make gpu-check`"
    seconds = sum(check["runs"][name]["seconds"] + check["job_start_seconds"] for name in names)
    meaning = ", which means nothing: the check was a rehearsal" if check["rehearsal"] else ""
    return f"{seconds / 3600:.1f} hours one after the other on {check['device']}{meaning}"
