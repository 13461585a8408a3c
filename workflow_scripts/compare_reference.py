"""Compare rebuilt tables and figures with the committed ones."""

from pathlib import Path

from distillation.core import logs
from distillation.core.atomic import replacing
from distillation.pages import reference

logs.to_file_and_stderr(snakemake.log[0])
names = reference.compare(
    rebuilt=Path(snakemake.output[0]).parent,
    files=map(Path, snakemake.input.rebuilt),
    committed=Path(snakemake.input.sums).parent,
)
with replacing(snakemake.output[0]) as temporary:
    temporary.write_text("".join(f"equal: {name}\n" for name in names))
