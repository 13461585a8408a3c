"""Write the cost of each training as csv, markdown, LaTeX and HTML."""

from distillation.core import logs
from distillation.pages import cost_table
from distillation.pages.documents import publish
from distillation.study.contents import Page, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = Page(**snakemake.params.page)
costs = cost_table.costs(by_run(page.runs, snakemake.input.records))
publish(cost_table.document(page, costs), costs, snakemake.output)
