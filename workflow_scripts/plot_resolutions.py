"""Draw test accuracy against resolution."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import resolutions, style

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figure = resolutions.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    panels=snakemake.params.panels,
    labels=snakemake.params.labels,
    protocols=snakemake.params.protocols,
    absent=snakemake.params.absent,
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
