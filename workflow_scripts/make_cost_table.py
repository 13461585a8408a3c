"""Write the cost of each training as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import cost_table

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
cost_table.write(
    records=dict(zip(runs, map(Path, snakemake.input.records), strict=True)),
    protocols=snakemake.params.protocols,
    note=snakemake.params.note,
    files={form: Path(path) for form, path in snakemake.output.items()},
)
