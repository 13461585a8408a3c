"""Turn the batches of a dataset into arrays split for training, validation and test."""

from pathlib import Path

from distillation.core import logs
from distillation.data import datasets

logs.to_file_and_stderr(snakemake.log[0])
datasets.prepare(
    batches=Path(snakemake.input.batches[0]).parent,
    arrays=Path(snakemake.output.arrays),
    manifest=Path(snakemake.output.manifest),
    **snakemake.params.split,
)
