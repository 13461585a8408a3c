"""Compare the beginning of runs with published values."""

import logging

from distillation.core import logs
from distillation.pages import published_check
from distillation.pages.documents import markdown, publish
from distillation.study.contents import ChecksPage, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = ChecksPage(**snakemake.params.page)
comparison = published_check.comparison(
    page,
    histories=by_run(page.runs, snakemake.input.histories),
    published=by_run(page.runs, snakemake.input.published),
)
document = published_check.document(page, comparison)
publish(document, comparison, snakemake.output)
logging.getLogger(__name__).info("\n%s", markdown(document))
