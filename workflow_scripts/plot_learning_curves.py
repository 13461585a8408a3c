"""Draw validation accuracies of many runs."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import learning_curves, style

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figure = learning_curves.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    panels=snakemake.params.panels,
    labels=snakemake.params.labels,
    protocols=snakemake.params.protocols,
    absent=snakemake.params.absent,
    histories=dict(zip(runs, map(Path, snakemake.input.histories), strict=True)),
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
