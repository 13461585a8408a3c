"""Write the differences between rows of a table as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import pairs, tables

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
pairs.write(
    title=snakemake.params.title,
    layout=tables.TableLayout(**snakemake.params.layout),
    rows=snakemake.params.pairs,
    protocols=snakemake.params.protocols,
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    published=Path(snakemake.input.published) if snakemake.input.published else None,
    absent=snakemake.params.absent,
    note=snakemake.params.note,
    files={form: Path(path) for form, path in snakemake.output.items()},
)
