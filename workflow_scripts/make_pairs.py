"""Write the differences between rows of a table as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import pairs
from distillation.pages.documents import publish
from distillation.statistics import published_values
from distillation.study.contents import PairsPage, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = PairsPage(**snakemake.params.page)
published = published_values.accuracies(next(map(Path, snakemake.input.published), None))
differences = pairs.differences(page, by_run(page.runs, snakemake.input.evaluations), published)
publish(pairs.document(page, differences), differences, snakemake.output)
