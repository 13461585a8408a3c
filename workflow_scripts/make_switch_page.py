"""Write the value and the source of every switch of every run as csv, markdown, LaTeX and HTML."""

from pathlib import Path

import yaml
from distillation.core import logs
from distillation.pages import switches
from distillation.pages.documents import publish
from distillation.study.contents import SettingsPage

logs.to_file_and_stderr(snakemake.log[0])
page = SettingsPage(**snakemake.params.page)
sources = yaml.safe_load(Path(snakemake.input.sources[0]).read_text(encoding="utf-8"))
values = switches.table(page.settings, sources)
publish(switches.document(page, values), values, snakemake.output)
