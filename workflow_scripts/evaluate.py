"""Test both weight files of a run."""

from pathlib import Path

from irkd import datasets, evaluation, execution, networks, runlog

runlog.to_file_and_stderr(snakemake.log[0])
settings = snakemake.config["execution"]
teacher, saliency = (snakemake.input.get(name) for name in ("teacher_weights", "saliency"))
evaluation.evaluate(
    weights={"last": Path(snakemake.input.last), "best": Path(snakemake.input.best)},
    record=Path(snakemake.input.record),
    teacher=networks.TeacherFiles(Path(teacher), Path(snakemake.input.teacher_record)) if teacher else None,
    saliency=Path(saliency) if saliency else None,
    selection=snakemake.params.selection,
    resolutions=snakemake.params.resolutions,
    arrays=datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest)),
    output=Path(snakemake.output[0]),
    device=execution.start(settings["device"], settings["threads"]),
)
