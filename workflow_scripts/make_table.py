"""Write a table of accuracies as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from irkd import runlog, tables

runlog.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
tables.write(
    layout=tables.Layout(snakemake.params.title, snakemake.params.columns, snakemake.params.rows),
    protocols=snakemake.params.protocols,
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    published=Path(snakemake.input.published) if snakemake.input.published else None,
    note=snakemake.params.note,
    files={form: Path(path) for form, path in snakemake.output.items()},
)
