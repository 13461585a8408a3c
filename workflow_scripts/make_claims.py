"""Write the outcome of each claim as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import claims
from distillation.pages.documents import publish
from distillation.statistics.claims.outcomes import Reproduced
from distillation.study.contents import ClaimsPage

logs.to_file_and_stderr(snakemake.log[0])
page = ClaimsPage(**snakemake.params.page)
inputs = snakemake.input
files = zip(page.runs, inputs.evaluations, inputs.histories, inputs.records, strict=True)
outcomes = {run: Reproduced(*map(Path, of_run)) for run, *of_run in files}
accuracies, reported = (next(map(Path, paths), None) for paths in (inputs.accuracies, inputs.reported))
verdicts = claims.judged(page, outcomes, accuracies, reported)
publish(claims.document(page, verdicts), verdicts, snakemake.output)
