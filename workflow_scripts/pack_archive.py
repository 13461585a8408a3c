"""Pack the results of a study, with checksums."""

from pathlib import Path

from distillation.core import logs
from distillation.pages import archive

logs.to_file_and_stderr(snakemake.log[0])
output = Path(snakemake.output[0])
archive.pack(
    folder=output.with_name(output.name.removesuffix(".tar.gz")),
    files=map(Path, snakemake.input),
    output=output,
)
