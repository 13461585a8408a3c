"""Draw the effect of each switch between protocols."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import bridge
from distillation.pages.figures import bridge as picture
from distillation.pages.figures import style

logs.to_file_and_stderr(snakemake.log[0])
runs = [(run["protocol"], run["run"], run["seed"]) for run in snakemake.params.runs]
figure = picture.draw(
    title=snakemake.params.title,
    note=snakemake.params.note,
    base=snakemake.params.base,
    switches=[bridge.Switch(**switch) for switch in snakemake.params.switches],
    evaluations=dict(zip(runs, map(Path, snakemake.input.evaluations), strict=True)),
    labels=snakemake.params.labels,
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
