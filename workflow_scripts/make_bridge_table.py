"""Write the effect of each switch between protocols as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import bridge

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
bridge.write(
    title=snakemake.params.title,
    base=snakemake.params.base,
    switches=[bridge.Switch(**switch) for switch in snakemake.params.switches],
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    labels=snakemake.params.labels,
    note=snakemake.params.note,
    files={form: Path(path) for form, path in snakemake.output.items()},
)
