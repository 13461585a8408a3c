"""Draw the training and validation accuracy of a run, stage by stage."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import stages, style

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figure = stages.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    run=snakemake.params.run,
    protocols=snakemake.params.protocols,
    histories=dict(zip(runs, map(Path, snakemake.input.histories), strict=True)),
    stages=snakemake.params.stages,
    published_stages=next(map(Path, snakemake.input.published_stages), None),
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
