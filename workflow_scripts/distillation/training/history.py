"""Per-epoch history of a training: rows of history.csv and log lines."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from distillation.core.atomic import replacing
from distillation.networks.terms import COLUMNS as TERM_COLUMNS
from distillation.study import spec
from distillation.study.spec import Run, Stage
from distillation.training import curriculum
from distillation.training.learner import Measures

# Right test images, of runs that are tested after every epoch, and of no others.
TEST_COLUMN = "test_correct"
COLUMNS = (
    "stage_px",
    "epoch",
    "global_epoch",
    "train_acc",
    "val_acc",
    "loss",
    *TERM_COLUMNS.values(),
    "lr",
    "seconds",
    "images_per_second",
    "peak_memory_mb",
)


# Of a step, in forward passes: backward costs two, but hardly anything for the head alone.
_PASSES = {True: 1, False: 3}


def row(
    stage: Stage,
    epoch: int,
    number: int,
    measures: Measures,
    val_acc: float | None,
    seconds: float,
    peak_memory_mb: float,
) -> dict:
    """One epoch: percent, nats (terms before weighting), seconds and 10^6 bytes; None is an empty cell."""
    values = (
        stage.resolution,
        epoch,
        number,
        measures.accuracy,
        val_acc,
        measures.loss,
        *(measures.terms.get(name) for name in TERM_COLUMNS),
        measures.lr,
        seconds,
        measures.images_per_second,
        peak_memory_mb,
    )
    return dict(zip(COLUMNS, values, strict=True))


def line(run: Run, rows: list[dict]) -> str:
    """Log line of the last epoch, with an estimate of the time left."""
    last = rows[-1]
    columns = [term.column for term in run.losses.named.values()]
    losses = ", ".join(f"{column.removesuffix('_loss')} {last[column]:.4f}" for column in columns)
    stage = run.stages[len(curriculum.by_stage(rows)) - 1]
    left = _duration(seconds_left(run, rows))
    validation = "" if last["val_acc"] is None else f" validation {last['val_acc']:.2f} %,"
    return (
        f"{last['stage_px']} px epoch {last['epoch']}/{stage.epochs} ({len(rows)}/{run.epochs}):"
        f" loss {last['loss']:.4f} ({losses}),"
        f" train {last['train_acc']:.2f} %,{validation}"
        f" {last['images_per_second']:.0f} images/s, {left} left"
    )


def seconds_left(run: Run, rows: list[dict]) -> float:
    """Estimated seconds for the remaining epochs; stages that may stop early count in full."""
    following = curriculum.position(run, rows)
    if following is None:
        return 0.0
    index, epoch = following
    missing = [stage.epochs for stage in run.stages[index:]]
    missing[0] -= epoch - 1
    return sum(
        count * seconds_an_epoch(run, stage, rows)
        for count, stage in zip(missing, run.stages[index:], strict=True)
    )


def report(run: Run, rows: list[dict], saved: int) -> dict:
    """Progress of a training as plain values for `progress.Report`; `saved` counts its saved epochs."""
    following = curriculum.position(run, rows)
    index, epoch = following or (len(run.stages) - 1, (rows[-1]["epoch"] if rows else 0) + 1)
    stage = run.stages[index]
    progress = {
        "spec": spec.digest(run),
        "stage": index + 1,
        "stages": len(run.stages),
        "stage_px": stage.resolution,
        "epoch": epoch - 1,
        "epochs": stage.epochs,
        "done": len(rows),
        "total": run.epochs,
        "saved": saved,
    }
    if not rows:
        return progress
    last = rows[-1]
    validated = [entry["val_acc"] for entry in rows[-last["epoch"] :] if entry["val_acc"] is not None]
    return progress | {
        "train_acc": last["train_acc"],
        "val_acc": last["val_acc"],
        "best_val_acc": max(validated, default=None),
        "images_per_second": last["images_per_second"],
        "seconds_left": seconds_left(run, rows),
        "seconds_an_epoch": seconds_an_epoch(run, stage, rows),
    }


def seconds_an_epoch(run: Run, stage: Stage, rows: list[dict]) -> float:
    """Estimated seconds for one epoch of a stage.

    It is the mean over the epochs of stages like it, with the same resolution and the same parameters, or, if
    there are none, of stages like the last, scaled by the number of pixels and of passes.
    """
    times: dict[tuple[int, bool], list[float]] = {}
    for own, entries in zip(run.stages, curriculum.by_stage(rows), strict=False):
        last = (own.resolution, own.head_only)
        times.setdefault(last, []).extend(entry["seconds"] for entry in entries)
    kind = (stage.resolution, stage.head_only)
    source = kind if kind in times else last
    cost = {each: each[0] ** 2 * _PASSES[each[1]] for each in (kind, source)}
    return cost[kind] / cost[source] * sum(times[source]) / len(times[source])


def write(rows: list[dict], path: Path) -> None:
    """Write history.csv; a missing value is an empty cell."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        tested = [TEST_COLUMN] if any(TEST_COLUMN in row for row in rows) else []
        writer = csv.DictWriter(file, [*COLUMNS, *tested], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def best_test(rows: Sequence[Mapping], images: int) -> dict[str, int] | None:
    """The first epoch of most right test images: its number, how many, of how many; None without tests."""
    tested = [row for row in rows if TEST_COLUMN in row]
    best = max(tested, key=lambda row: row[TEST_COLUMN], default=None)
    if best is None:
        return None
    return {"global_epoch": best["global_epoch"], "correct": best[TEST_COLUMN], "images": images}


def costs(stages: Sequence[Sequence[Mapping]], images: int, flops: Sequence[int]) -> list[dict]:
    """Cost of each stage, in the order of the stages.

    Args:
        stages: rows of all epochs, by stage.
        images: training images in an epoch.
        flops: of the training with one image, by stage.

    Returns:
        Mappings: resolution (pixels), epochs, images (shown in training), seconds (validation included, and
        a test after each epoch), images_per_second (those images over those seconds), training_flops,
        peak_memory_mb (10^6 bytes).
    """
    found = []
    for own, each in zip(stages, flops, strict=False):
        shown, seconds = images * len(own), sum(entry["seconds"] for entry in own)
        found.append(
            {
                "resolution": own[0]["stage_px"],
                "epochs": len(own),
                "images": shown,
                "seconds": seconds,
                "images_per_second": shown / seconds,
                "training_flops": each * shown,
                "peak_memory_mb": max(entry["peak_memory_mb"] for entry in own),
            }
        )
    return found


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
