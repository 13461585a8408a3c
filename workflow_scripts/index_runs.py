"""Write which training each number in the tables comes from, as csv, markdown and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import provenance_index
from distillation.pages.documents import publish
from distillation.study.contents import IndexPage, by_run

logs.to_file_and_stderr(snakemake.log[0])
page = IndexPage(**snakemake.params.page)
index = provenance_index.index(
    page,
    records=by_run(page.runs, snakemake.input.records),
    evaluations=by_run(page.runs, snakemake.input.evaluations),
    # <results>/<study>/runs/<protocol>/<run>/<seed>/run.json, wherever the evidence lies.
    results=next((Path(record).parents[5] for record in snakemake.input.records), Path()),
)
publish(provenance_index.document(page, index), index, snakemake.output)
