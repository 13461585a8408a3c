"""Get the files of a data set from the first source that works."""

from pathlib import Path

from distillation.core import logs
from distillation.data import sources

logs.to_file_and_stderr(snakemake.log[0])
sources.fetch(
    name=snakemake.wildcards.format,
    sources=snakemake.config["sources"][snakemake.wildcards.format],
    destination=Path(snakemake.output[0]).parent,
)
