"""Evaluate both weight files of a run on the test set."""

from pathlib import Path

from distillation.core import devices, logs
from distillation.data import datasets
from distillation.evaluation.answers import AnswerFiles
from distillation.evaluation.evaluate import evaluate
from distillation.evaluation.trained import TeacherFiles

logs.to_file_and_stderr(snakemake.log[0])
settings = snakemake.config["execution"]
teacher, answers = (snakemake.input.get(name) for name in ("teacher_weights", "answers"))
evaluate(
    weights={"last": Path(snakemake.input.last), "best": Path(snakemake.input.best)},
    record=Path(snakemake.input.record),
    teacher=TeacherFiles(Path(teacher), Path(snakemake.input.teacher_record)) if teacher else None,
    selection=snakemake.params.selection,
    resolutions=snakemake.params.resolutions,
    arrays=datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest)),
    output=Path(snakemake.output[0]),
    device=devices.setup(settings["device"], settings["threads"]),
    answers=AnswerFiles(Path(answers), Path(snakemake.input.answers_record)) if answers else None,
)
