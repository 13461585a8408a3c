"""Draw the effect of each switch between protocols."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import bridge, style
from distillation.study.contents import BridgePage, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = BridgePage(**snakemake.params.page)
figure = bridge.draw(page, by_run(page.runs, snakemake.input.evaluations))
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
