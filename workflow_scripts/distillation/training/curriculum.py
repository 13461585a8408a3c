"""Position of a training in its stages, derived from its history alone."""

from collections.abc import Mapping, Sequence

from distillation.study.spec import EarlyStopping, Run


def by_stage(rows: Sequence[Mapping]) -> list[list[Mapping]]:
    """Group the finished epochs, rows of history.csv, by stage."""
    stages: list[list[Mapping]] = []
    for row in rows:
        if row["epoch"] == 1:
            stages.append([])
        stages[-1].append(row)
    return stages


def position(run: Run, rows: Sequence[Mapping]) -> tuple[int, int] | None:
    """Stage index and number within the stage, from 1, of the next epoch; None after the last."""
    stages = by_stage(rows)
    if not stages:
        return (0, 1) if run.epochs else None
    index, done = len(stages) - 1, len(stages[-1])
    if not has_ended(run, index, [row["val_acc"] for row in stages[-1]]):
        return index, done + 1
    return (index + 1, 1) if index + 1 < len(run.stages) else None


def has_ended(run: Run, stage: int, accuracies: Sequence[float | None]) -> bool:
    """Whether a stage has ended after epochs with these validation accuracies; None without validation."""
    return len(accuracies) == run.stages[stage].epochs or has_stopped(run.early_stopping, accuracies)


def has_stopped(stopping: EarlyStopping | None, accuracies: Sequence[float]) -> bool:
    """Whether the accuracy has not exceeded its maximum for `patience` epochs."""
    if stopping is None:
        return False
    return len(accuracies) - 1 - accuracies.index(max(accuracies)) >= stopping.patience


def takes_best(stopping: EarlyStopping | None, accuracies: Sequence[float]) -> bool:
    """Whether a stage that ended with these validation accuracies restores its best weights."""
    if stopping is None or stopping.restore == "never":
        return False
    return stopping.restore == "always" or has_stopped(stopping, accuracies)
