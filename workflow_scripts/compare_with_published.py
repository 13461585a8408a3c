"""Compare the beginning of runs with published values."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import published_check

logs.to_file_and_stderr(snakemake.log[0])
runs = list(snakemake.params.checks)
published_check.write(
    checks=snakemake.params.checks,
    histories=dict(zip(runs, map(Path, snakemake.input.histories), strict=True)),
    published=dict(zip(runs, map(Path, snakemake.input.published), strict=True)),
    title=snakemake.params.title,
    note=snakemake.params.note,
    files={form: Path(path) for form, path in snakemake.output.items()},
)
