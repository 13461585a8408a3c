"""Pack the results of a study, with checksums."""

from pathlib import Path

from irkd import archive, runlog

runlog.to_file_and_stderr(snakemake.log[0])
output = Path(snakemake.output[0])
archive.pack(
    folder=output.with_name(output.name.removesuffix(".tar.gz")),
    files=map(Path, snakemake.input),
    output=output,
)
