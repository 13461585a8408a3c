"""Draw the training and validation accuracy of a run, stage by stage."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import stages, style
from distillation.study.contents import by_run
from distillation.study.figure_contents import CurveFigure

logs.to_file_and_stderr(snakemake.log[0])
page = CurveFigure(**snakemake.params.page)
figure = stages.draw(
    page,
    histories=by_run(page.runs, snakemake.input.histories),
    published_stages=next(map(Path, snakemake.input.published_stages), None),
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
