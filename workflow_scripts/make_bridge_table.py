"""Write the effect of each switch between protocols as csv, markdown, LaTeX and HTML."""

from distillation.core import logs
from distillation.pages import bridge
from distillation.pages.documents import publish
from distillation.study.contents import BridgePage, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = BridgePage(**snakemake.params.page)
worth = bridge.worth(page, by_run(page.runs, snakemake.input.evaluations))
publish(bridge.document(page, worth), worth, snakemake.output)
