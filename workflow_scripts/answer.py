"""Store the answers of a trained teacher to the images of a data set."""

from pathlib import Path

from distillation.core import devices, logs
from distillation.data import datasets
from distillation.data.settings import Normalization
from distillation.evaluation import answers
from distillation.evaluation.answers import AnswerFiles
from distillation.evaluation.trained import TeacherFiles

logs.to_file_and_stderr(snakemake.log[0])
settings = snakemake.config["execution"]
answers.write(
    teacher=TeacherFiles(
        weights=Path(snakemake.input.teacher_weights), record=Path(snakemake.input.teacher_record)
    ),
    arrays=datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest)),
    normalization=Normalization(**snakemake.params.normalization),
    resolution=int(snakemake.wildcards.resolution),
    mirrored=bool(snakemake.wildcards.mirrored),
    size=snakemake.params.size,
    files=AnswerFiles(Path(snakemake.output.answers), Path(snakemake.output.record)),
    device=devices.setup(settings["device"], settings["threads"]),
)
