"""Test both weight files of a run."""

from pathlib import Path

from irkd import datasets, evaluation, execution, runlog

runlog.to_file_and_stderr(snakemake.log[0])
device = execution.start(**snakemake.config["execution"])
evaluation.evaluate(
    weights={"last": Path(snakemake.input.last), "best": Path(snakemake.input.best)},
    record=Path(snakemake.input.record),
    selection=snakemake.params.selection,
    arrays=datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest)),
    output=Path(snakemake.output[0]),
    device=device,
)
