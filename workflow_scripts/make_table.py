"""Write a table of accuracies as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import tables
from distillation.statistics import milestones

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
moments = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.read]
further = milestones.sentences(
    [milestones.Milestone(**milestone) for milestone in snakemake.params.milestones],
    dict(zip(moments, map(Path, snakemake.input.histories), strict=True)),
    snakemake.params.protocols,
)
tables.write(
    layout=tables.TableLayout(**snakemake.params.layout),
    protocols=snakemake.params.protocols,
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    published=Path(snakemake.input.published) if snakemake.input.published else None,
    absent=snakemake.params.absent,
    further=[*snakemake.params.remarks, *further],
    note=snakemake.params.note,
    files={form: Path(path) for form, path in snakemake.output.items()},
)
