"""Draw the learning curves of a figure."""

from pathlib import Path

from irkd import figures, runlog

runlog.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figures.learning_curves(
    title=snakemake.params.title,
    note=snakemake.params.note,
    panels=snakemake.params.panels,
    labels=snakemake.params.labels,
    protocols=snakemake.params.protocols,
    histories=dict(zip(runs, map(Path, snakemake.input.histories), strict=True)),
    svg=Path(snakemake.output.svg),
    png=Path(snakemake.output.png),
)
