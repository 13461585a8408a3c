"""Write the value and the source of every switch of every run as csv, markdown, LaTeX and HTML."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import switches
from distillation.pages.documents import publish
from distillation.study.contents import SettingsPage
from distillation.study.problems import named_files

logs.to_file_and_stderr(snakemake.log[0])
page = SettingsPage(**snakemake.params.page)
stated = [named_files.sources(Path(path)) for path in snakemake.input.sources]
values = switches.table(page.settings, stated[0] if stated else {})
publish(switches.document(page, values), values, snakemake.output)
