"""Draw the training and validation accuracy of a run."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import style, training_curve

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figure = training_curve.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    run=snakemake.params.run,
    protocols=snakemake.params.protocols,
    histories=dict(zip(runs, map(Path, snakemake.input.histories), strict=True)),
    stages=snakemake.params.stages,
    published=next(map(Path, snakemake.input.published), None),
    published_stages=next(map(Path, snakemake.input.published_stages), None),
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
