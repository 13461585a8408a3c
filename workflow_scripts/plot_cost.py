"""Draw test accuracy against the computation of the trainings."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import cost, style
from distillation.study.contents import by_run
from distillation.study.figure_contents import CostFigure

logs.to_file_and_stderr(snakemake.log[0])
page = CostFigure(**snakemake.params.page)
figure = cost.draw(
    page,
    evaluations=by_run(page.runs, snakemake.input.evaluations),
    records=by_run(page.runs, snakemake.input.records),
)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
