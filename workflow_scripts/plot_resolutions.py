"""Draw test accuracy against resolution."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import resolutions, style
from distillation.study.contents import by_run
from distillation.study.figure_contents import PanelsFigure

logs.to_file_and_stderr(snakemake.log[0])
page = PanelsFigure(**snakemake.params.page)
figure = resolutions.draw(page, by_run(page.runs, snakemake.input.evaluations))
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
