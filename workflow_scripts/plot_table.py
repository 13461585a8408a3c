"""Draw a table of accuracies."""

from pathlib import Path

from distillation.core import logs
from distillation.pages.figures import style, table
from distillation.statistics import published_values
from distillation.study.contents import TablePage, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = TablePage(**snakemake.params.page)
published = published_values.accuracies(next(map(Path, snakemake.input.published), None))
figure = table.draw(page, by_run(page.runs, snakemake.input.evaluations), published)
style.save(figure, Path(snakemake.output.svg), Path(snakemake.output.png))
