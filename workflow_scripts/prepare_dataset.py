"""Turn the files of a data set into arrays split for training, validation and test."""

from pathlib import Path

from distillation.core import logs
from distillation.data import datasets

logs.to_file_and_stderr(snakemake.log[0])
datasets.prepare(
    kind=snakemake.params.kind,
    files=Path(snakemake.input[0]).parent,
    arrays=Path(snakemake.output.arrays),
    manifest=Path(snakemake.output.manifest),
    split=snakemake.params.split,
    limit=snakemake.params.limit,
)
