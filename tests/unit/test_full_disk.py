"""What is written on a full disk: an error that names it, and what was there before."""

import errno
import os
from pathlib import Path

import pandas as pd
import pytest
import torch
from distillation.core import atomic, records
from distillation.data import datasets
from distillation.networks import models
from distillation.pages import documents
from distillation.pages.figures import style
from distillation.training import history
from distillation.training.checkpoint import Checkpoint
from matplotlib.figure import Figure
from torch import nn
from workspace import batches_in

FULL = Path("/dev/full")
TABLE = pd.DataFrame({"accuracy": ["50"]}, index=["run"])
DOCUMENT = documents.Document("Title", "", [documents.Section("Heading", TABLE, "Caption.")])
WEIGHTS = {"weight": torch.ones(500, 500)}


@pytest.fixture
def full(monkeypatch, tmp_path):
    """From now on temporary files have no space: they are links to a device that is always full."""

    def fill():
        # A device: what replaced a file of this name would break it for everybody.
        assert FULL.is_char_device()

        def make(prefix, dir):
            path = Path(dir) / f"{prefix}full"
            path.symlink_to(FULL)
            return os.open(os.devnull, os.O_RDONLY), path

        monkeypatch.setattr(atomic.tempfile, "mkstemp", make)

    return fill


WRITERS = {
    "state": lambda folder: Checkpoint(folder, "0" * 64).save({"model": WEIGHTS}),
    "weights": lambda folder: models.save(nn.Linear(500, 500), folder / "last.safetensors"),
    "history": lambda folder: history.write([], folder / "history.csv"),
    "record": lambda folder: records.write(folder / "run.json", {"a": 1}),
    "table": lambda folder: documents.publish(DOCUMENT, TABLE, {"md": folder / "table.md"}),
    "figure": lambda folder: style.save(Figure(), folder / "figure.svg", folder / "figure.png"),
    "data": lambda folder: datasets.prepare(
        "cifar10", folder / "batches", folder / "arrays.safetensors", folder / "manifest.json"
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_on_a_full_disk_says_so_and_leaves_what_was_there(tmp_path, full, name):
    batches_in(tmp_path / "batches")
    WRITERS[name](tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert before
    full()
    with pytest.raises(OSError, match="No space left on device") as error:
        WRITERS[name](tmp_path)
    assert error.value.errno == errno.ENOSPC
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
