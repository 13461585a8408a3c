"""Write the value and the source of every switch of every run as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import switches

logs.to_file_and_stderr(snakemake.log[0])
switches.write(
    settings=[switches.Setting(**setting) for setting in snakemake.params.settings],
    declared=Path(snakemake.input.sources),
    protocols=snakemake.params.protocols,
    title=snakemake.params.title,
    note=snakemake.params.note,
    files={form: Path(path) for form, path in snakemake.output.items()},
)
