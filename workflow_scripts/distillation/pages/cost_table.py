"""The cost of each training: operations, time, speed, memory, device."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from distillation.core import finished_runs
from distillation.pages import documents
from distillation.pages.documents import Document, Section
from distillation.study.contents import Key, Page

_HEADINGS = {
    "parameters": "parameters",
    "training_pflop": "training PFLOP",
    "inference_gflop": "GFLOP per image",
    "seconds": "seconds",
    "images_per_second": "images/s",
    "peak_memory_mb": "peak memory (MB)",
    "device": "device",
    "precision": "precision",
}
_COLUMNS = ("protocol", "run", "seed", *_HEADINGS, "sessions")


def costs(records: Mapping[Key, Path]) -> pd.DataFrame:
    """One row per training, from its run.json; none for a network that stays untrained.

    Returns:
        Columns protocol, run, seed, parameters, training_pflop (10^15 FLOP, the teacher's forward passes
        included, unless its answers are stored), inference_gflop (10^9 FLOP per image), seconds (of all
        epochs, validation included, and the test after each of runs that have it), images_per_second
        (training images over those seconds), peak_memory_mb (10^6 bytes), device, precision, sessions
        (number of processes that ran the training).
    """
    rows = []
    for (protocol, run, seed), path in sorted(records.items()):
        record = finished_runs.record(path)
        if not record["stages"]:
            continue
        seconds = sum(stage["seconds"] for stage in record["stages"])
        rows.append(
            {
                "protocol": protocol,
                "run": run,
                "seed": str(seed),
                "parameters": record["parameters"],
                "training_pflop": sum(stage["training_flops"] for stage in record["stages"]) / 1e15,
                "inference_gflop": record["inference_flops"] / 1e9,
                "seconds": seconds,
                "images_per_second": sum(stage["images"] for stage in record["stages"]) / seconds,
                "peak_memory_mb": max(stage["peak_memory_mb"] for stage in record["stages"]),
                "device": " + ".join(dict.fromkeys(session["name"] for session in record["sessions"])),
                "precision": record["spec"]["precision"],
                "sessions": len(record["sessions"]),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def document(page: Page, frame: pd.DataFrame) -> Document:
    """The costs as a document, one section per protocol."""
    sections = []
    for protocol, label in page.protocols.items():
        own = frame[frame["protocol"] == protocol]
        text = pd.DataFrame({heading: own[key].map(_text) for key, heading in _HEADINGS.items()})
        text.index = [f"{row.run}, seed {row.seed}" for row in own.itertuples()]
        caption = (
            "FLOP are counted, two per multiply-add; the other values were measured on the named device."
            " Seconds and images/s include validation and, of runs that are tested after every epoch, these"
            " tests."
        )
        sections.append(Section(f"Protocol: {label}", text, caption if len(own) else documents.NOTHING_RUN))
    return Document(page.title, page.note, sections)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
