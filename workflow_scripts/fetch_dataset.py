"""Get the batches of a dataset from the first source that works."""

from pathlib import Path

from distillation.core import logs
from distillation.data import sources

logs.to_file_and_stderr(snakemake.log[0])
sources.fetch(
    dataset=snakemake.wildcards.dataset,
    sources=snakemake.config["datasets"][snakemake.wildcards.dataset]["sources"],
    destination=Path(snakemake.output.source).parent,
)
