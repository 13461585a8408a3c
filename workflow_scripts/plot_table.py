"""Draw a table of accuracies."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import tables
from distillation.pages.figures import style, table

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figure = table.draw(
    layout=tables.TableLayout(**snakemake.params.layout),
    note=snakemake.params.note,
    protocols=snakemake.params.protocols,
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    published=Path(snakemake.input.published) if snakemake.input.published else None,
    absent=snakemake.params.absent,
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
