"""Write a table of accuracies as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import tables
from distillation.pages.documents import publish
from distillation.statistics import published_values
from distillation.study.contents import TablePage, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = TablePage(**snakemake.params.page)
published = published_values.accuracies(next(map(Path, snakemake.input.published), None))
cells = tables.cells(page, by_run(page.runs, snakemake.input.evaluations), published)
publish(tables.document(page, cells), cells, snakemake.output)
