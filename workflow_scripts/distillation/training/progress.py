"""Show the progress of the trainings of studies, read from the files that the runs write."""

import contextlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from distillation.core import finished_runs
from distillation.core.errors import InputError
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study import spec
from distillation.study.study import Entry, Study

# A training without a report for this many epochs, or seconds if an epoch is short or its length is not
# yet known, may be dead; no file distinguishes it from a slow one.
_PATIENCE_EPOCHS = 3
_PATIENCE_SECONDS = {"known": 60, "unknown": 600}

_STYLES = {
    **{"running": "", "silent": "yellow", "stopped": "red", "damaged": "red"},
    **{"waiting": "dim", "done": "green"},
}
_UNFINISHED = tuple(state for state in _STYLES if state != "done")
# Columns that a narrow terminal leaves out, in this order.
_OPTIONAL = ("images/s", "train %", "best %", "stage")
# Fixed, so that the first report does not change which columns are left out.
_WIDTHS = {"stage": 10, "epoch": 7, "time left": len("silent for 12 min")}
# For a file or a pipe, which has no width.
_PLAIN_WIDTH = 120


@dataclass(frozen=True)
class Report:
    """The last reported progress of a training.

    Attributes:
        age: seconds since the report.
        spec: hash of the settings (`spec.digest`).
        stage: number of the stage of its next epoch, from 1, of `stages`.
        stage_px: resolution of that stage.
        epoch: finished epochs of that stage, of `epochs`.
        done: finished epochs of the run, of `total`.
        saved: finished epochs that are saved, which a killed training need not repeat.
        train_acc: percent, in the last finished epoch; None before the first.
        val_acc: percent, after the last finished epoch; None without validation images.
        best_val_acc: percent, the best within the stage of the last finished epoch.
        images_per_second: in training, in the last finished epoch.
        seconds_left: estimate for all remaining epochs.
        seconds_an_epoch: estimate for the next epoch.
        stopped: whether an error or an interruption ended it; a killed process cannot report this.
    """

    age: float
    spec: str
    stage: int
    stages: int
    stage_px: int
    epoch: int
    epochs: int
    done: int
    total: int
    train_acc: float | None = None
    val_acc: float | None = None
    best_val_acc: float | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None
    seconds_an_epoch: float | None = None
    stopped: bool = False
    saved: int = 0

    @property
    def state(self) -> str:
        """Running, stopped or, if the next report is long overdue, silent."""
        if self.stopped:
            return "stopped"
        patience = _PATIENCE_SECONDS["unknown"]
        if self.seconds_an_epoch is not None:
            patience = max(_PATIENCE_SECONDS["known"], _PATIENCE_EPOCHS * self.seconds_an_epoch)
        return "silent" if self.age > patience else "running"

    @property
    def outlook(self) -> str:
        """The time left from now, or why it is unknown: stopped, silent or in the first epoch."""
        if self.state == "stopped":
            return "stopped"
        if self.state == "silent":
            return f"silent for {duration(self.age)}"
        if self.seconds_left is None:
            return "first epoch"
        return f"~{duration(max(0.0, self.seconds_left - self.age))} left"

    def __str__(self) -> str:
        """One line, without the name of the run."""
        parts = [f"stage {self.stage}/{self.stages} ({self.stage_px} px), epoch {self.done}/{self.total}"]
        if self.val_acc is not None:
            parts.append(f"validation {self.val_acc:.2f} %")
        return ", ".join([*parts, self.outlook])


@dataclass(frozen=True)
class Training:
    """One training; `state` is waiting, running, silent, stopped, damaged or done."""

    study: str
    protocol: str
    run: str
    seed: TrainingSeed
    state: str
    report: Report | None


def last_report(folder: Path, now: float, within: float = math.inf) -> Report | None:
    """The last report of the current or the latest training in the folder of a run.

    Args:
        folder: folder of the run.
        now: seconds since the epoch.
        within: maximum age of the report, in seconds.

    Raises:
        InputError: the report is damaged.
    """
    found = []
    for path in folder.glob("resume/*/progress.json"):
        # The file may be deleted or, on a network file system, replaced while it is read.
        with contextlib.suppress(OSError):
            found.append((now - path.stat().st_mtime, path, path.read_text(encoding="utf-8")))
    if not found or min(found)[0] > within:
        return None
    age, path, text = min(found)
    try:
        return Report(age=age, **json.loads(text))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: this file is damaged; delete it.") from error


def survey(studies: Iterable[Study], results: Path, now: float) -> list[Training]:
    """All chosen trainings of some studies, in each teachers first.

    A run that was trained with other settings has to be trained again, so its state is waiting.

    Args:
        studies: the studies.
        results: folder of all results.
        now: seconds since the epoch.
    """
    return [
        _training(each.name, entry, seed, results, now)
        for each in studies
        for entry in each.chosen()
        for seed in entry.seeds
    ]


def _training(study: str, entry: Entry, seed: TrainingSeed, results: Path, now: float) -> Training:
    place, wanted = (study, entry.protocol, entry.run, seed), spec.digest(entry.resolve(seed))
    folder = results / study / "runs" / entry.protocol / entry.run / f"seed-{seed}"
    path = folder / finished_runs.RECORD
    try:
        record = finished_runs.record(path) if path.exists() else None
        history = folder / "history.csv"
        if record and history.exists() and record["sha256"]["spec"] == wanted:
            report = _final_report(record, finished_runs.history(history), now - path.stat().st_mtime)
            return Training(*place, "done", report)
        report = last_report(folder, now)
    except InputError:
        return Training(*place, "damaged", None)
    if report and report.spec == wanted:
        return Training(*place, report.state, report)
    return Training(*place, "waiting", None)


def _final_report(record: Mapping, rows: Sequence[Mapping[str, str]], age: float) -> Report | None:
    """The report of a finished training; None of a network that stays untrained."""
    if not rows:
        return None
    last, stages = rows[-1], record["stages"]
    epochs = sum(stage["epochs"] for stage in stages)
    return Report(
        age=age,
        spec=record["sha256"]["spec"],
        stage=len(stages),
        stages=len(stages),
        stage_px=stages[-1]["resolution"],
        epoch=stages[-1]["epochs"],
        epochs=stages[-1]["epochs"],
        done=epochs,
        total=epochs,
        saved=epochs,
        train_acc=float(last["train_acc"]),
        val_acc=float(last["val_acc"]) if last["val_acc"] else None,
        best_val_acc=record["weights"]["best"]["val_acc"],
        images_per_second=float(last["images_per_second"]),
    )


def watch(look: Callable[[], Sequence[Training]], title: str, console: Console, pause: float = 2.0) -> None:
    """Show the trainings until all are done or, without a terminal, once and in full.

    Args:
        look: returns the current trainings.
        title: first part of the heading.
        console: where to show them.
        pause: seconds between updates.
    """
    if not console.is_interactive:
        console.width = max(console.width, _PLAIN_WIDTH)
        console.print(view(look(), title, console))
        return
    with Live(console=console, auto_refresh=False) as live:
        while True:
            trainings = look()
            live.update(view(trainings, title, console, console.height - 1), refresh=True)
            if all(training.state == "done" for training in trainings):
                return
            time.sleep(pause)


def view(trainings: Sequence[Training], title: str, console: Console, height: int | None = None) -> Group:
    """Table of the trainings that fits the console, under the number of trainings in each state.

    Args:
        trainings: in the order of the studies.
        title: shown before the counts.
        console: where the table is shown.
        height: maximum number of lines; finished trainings are left out first, then waiting ones.
    """
    counts = Counter(training.state for training in trainings)
    others = [f"{counts[state]} {state}" for state in _UNFINISHED if counts[state]]
    done = f"{counts['done']} of {len(trainings)} trainings done"
    shown, foot = list(trainings), []
    if height is not None and len(shown) > height - 2:
        urgency = dict.fromkeys(_STYLES, 0) | {"waiting": 1, "done": 2}
        shown = sorted(shown, key=lambda training: urgency[training.state])[: max(1, height - 3)]
        foot = [Text(f"and {len(trainings) - len(shown)} more", style="dim")]
    told = {key: {getattr(training, key) for training in trainings} for key in ("study", "protocol")}
    columns = [key for key, found in told.items() if len(found) > 1]
    alone = [name for key, found in told.items() if key not in columns for name in found]
    name = ", ".join([title, *alone])
    heading = Text(f"{name}: {', '.join([done, *others])}", style="bold", no_wrap=True, overflow="ellipsis")
    return Group(heading, _table(shown, console, columns), *foot)


def _table(trainings: Sequence[Training], console: Console, columns: Sequence[str]) -> Table:
    unbounded = console.options.update(width=10_000)
    for dropped in range(len(_OPTIONAL) + 1):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        rows = [_cells(training) for training in trainings]
        names = [name for name in rows[0] if name not in _OPTIONAL[:dropped]]
        names = [name for name in names if name in columns or name not in ("study", "protocol")]
        for name in names:
            side = "left" if name in ("study", "protocol", "run", "stage", "time left") else "right"
            width = _WIDTHS.get(name)
            table.add_column(name, justify=side, min_width=width, no_wrap=True, overflow="ellipsis")
        for training, row in zip(trainings, rows, strict=True):
            table.add_row(*(row[name] for name in names), style=_STYLES[training.state])
        if Measurement.get(console, unbounded, table).maximum <= console.width:
            break
    return table


def _cells(training: Training) -> dict[str, str]:
    report = training.report
    cells = {"study": training.study, "protocol": training.protocol, "run": training.run}
    cells["seed"] = str(training.seed)
    names = ("stage", "epoch", "train %", "val %", "best %", "images/s")
    if report is None:
        return cells | dict.fromkeys(names, "") | {"time left": training.state}
    values = (
        f"{report.stage}/{report.stages} {report.stage_px:>3} px",
        f"{report.done}/{report.total}",
        _number(report.train_acc, ".2f"),
        _number(report.val_acc, ".2f"),
        _number(report.best_val_acc, ".2f"),
        _number(report.images_per_second, ",.0f"),
    )
    outlook = "done" if training.state == "done" else report.outlook.removesuffix(" left")
    return cells | dict(zip(names, values, strict=True)) | {"time left": outlook}


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def duration(seconds: float) -> str:
    """Format a time in units that suit its size: "45 s", "12 min", "2 h 05 min"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
