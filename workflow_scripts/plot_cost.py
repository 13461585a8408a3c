"""Draw test accuracy against the computation of the trainings."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import cost, style

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figure = cost.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    kinds=snakemake.params.kinds,
    labels=snakemake.params.labels,
    protocols=snakemake.params.protocols,
    absent=snakemake.params.absent,
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    records=dict(zip(runs, map(Path, snakemake.input.records), strict=True)),
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
