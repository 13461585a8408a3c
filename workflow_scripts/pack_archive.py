"""Pack the results of a study, with checksums and a description for machines."""

import importlib.metadata
from pathlib import Path

from distillation.core import logs
from distillation.pages import archive, crate

logs.to_file_and_stderr(snakemake.log[0])
output = Path(snakemake.output[0])
folder = output.with_name(output.name.removesuffix(".tar.gz"))
files = [Path(path) for path in snakemake.input.files]
workflow = Path(snakemake.input.workflow)
described = crate.metadata(
    folder,
    files,
    workflow=workflow,
    citation=Path(snakemake.input.citation),
    snakemake=importlib.metadata.version("snakemake"),
)
more = {crate.METADATA: described, crate.WORKFLOW: workflow.read_bytes()}
archive.pack(folder, files, output, more)
