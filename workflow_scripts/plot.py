"""Draw a figure of results."""

from pathlib import Path

from distillation.core import components, logs
from distillation.pages.figures import style
from distillation.study.contents import by_run

logs.to_file_and_stderr(snakemake.log[0])
module = components.load("pages.figures", snakemake.params.kind)
page = module.CONTENTS(**snakemake.params.page)
inputs = {
    name: next(map(Path, paths), None) if name.startswith("published") else by_run(page.runs, paths)
    for name, paths in snakemake.input.items()
}
style.save(module.draw(page, **inputs), Path(snakemake.output.svg), Path(snakemake.output.png))
