"""What a training reports of each epoch: a row of history.csv and a line of the log."""

import csv
import itertools
from pathlib import Path

from irkd.atomic import replacing
from irkd.epochs import Measures
from irkd.spec import Run, Stage

COLUMNS = (
    "stage_px",
    "epoch",
    "global_epoch",
    "train_acc",
    "val_acc",
    "loss",
    "ce_loss",
    "kl",
    "saliency_loss",
    "lr",
    "seconds",
    "images_per_second",
)


def row(
    run: Run, stage: Stage, epoch: int, number: int, measures: Measures, val_acc: float, seconds: float
) -> dict:
    """One epoch: accuracies in percent, losses before their weights, `kl` before T^2, all in nats."""
    kl = measures.terms["kd"] / run.losses.kd.temperature**2 if run.losses.kd else None
    values = (
        stage.resolution,
        epoch,
        number,
        measures.accuracy,
        val_acc,
        measures.loss,
        measures.terms["ce"],
        kl,
        measures.terms.get("saliency"),
        measures.lr,
        seconds,
        measures.images_per_second,
    )
    return dict(zip(COLUMNS, values, strict=True))


def line(run: Run, rows: list[dict]) -> str:
    """The last epoch in one line, with an estimate of the time left."""
    last = rows[-1]
    terms = {"ce": last["ce_loss"], "kl": last["kl"], "saliency": last["saliency_loss"]}
    losses = ", ".join(f"{name} {value:.4f}" for name, value in terms.items() if value is not None)
    ends = itertools.accumulate(stage.epochs for stage in run.stages)
    stage = next(stage for stage, end in zip(run.stages, ends, strict=True) if len(rows) <= end)
    left = _duration(seconds_left(run, rows))
    return (
        f"{last['stage_px']} px epoch {last['epoch']}/{stage.epochs} ({len(rows)}/{run.epochs}):"
        f" loss {last['loss']:.4f} ({losses}),"
        f" train {last['train_acc']:.2f} %, validation {last['val_acc']:.2f} %,"
        f" {last['images_per_second']:.0f} images/s, {left} left"
    )


def seconds_left(run: Run, rows: list[dict]) -> float:
    """Estimate for the epochs that are missing.

    A resolution that was seen costs what its epochs cost on average; another one costs the last
    seen, scaled by the number of pixels.
    """
    seen: dict[int, list[float]] = {}
    for entry in rows:
        seen.setdefault(entry["stage_px"], []).append(entry["seconds"])
    last = rows[-1]["stage_px"]
    total, passed = 0.0, len(rows)
    for stage in run.stages:
        missing = max(0, stage.epochs - passed)
        passed = max(0, passed - stage.epochs)
        known = seen.get(stage.resolution)
        scale = 1.0 if known else (stage.resolution / last) ** 2
        times = known or seen[last]
        total += missing * scale * sum(times) / len(times)
    return total


def write(rows: list[dict], path: Path) -> None:
    """Write history.csv; an absent value is an empty cell."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def costs(run: Run, rows: list[dict], images: int) -> list[dict]:
    """Seconds and training images shown, by stage."""
    start, costs = 0, []
    for stage in run.stages:
        own = rows[start : start + stage.epochs]
        start += stage.epochs
        seconds = sum(entry["seconds"] for entry in own)
        costs.append(
            {
                "resolution": stage.resolution,
                "epochs": stage.epochs,
                "images": images * len(own),
                "seconds": seconds,
            }
        )
    return costs


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
