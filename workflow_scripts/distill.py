"""Train a network with a teacher."""

from pathlib import Path

from distillation.core import devices, logs
from distillation.data import datasets
from distillation.evaluation.answers import AnswerFiles
from distillation.evaluation.trained import TeacherFiles
from distillation.study import spec
from distillation.training.run_files import Outputs
from distillation.training.train import train

logs.to_file_and_stderr(snakemake.log[0])
pretrained = snakemake.input.get("pretrained")
saliency = snakemake.output.get("saliency")
answers = snakemake.input.get("answers")
settings = snakemake.config["execution"]
train(
    run=spec.from_mapping(snakemake.params.run),
    identity=snakemake.params.identity,
    arrays=datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest)),
    teacher=TeacherFiles(
        weights=Path(snakemake.input.teacher_weights), record=Path(snakemake.input.teacher_record)
    ),
    outputs=Outputs(
        last=Path(snakemake.output.last),
        best=Path(snakemake.output.best),
        history=Path(snakemake.output.history),
        record=Path(snakemake.output.record),
        saliency=Path(saliency) if saliency else None,
    ),
    code=snakemake.params.code,
    device=devices.setup(settings["device"], settings["threads"]),
    cuda_graphs=settings["cuda_graphs"],
    slow_bf16=settings["slow_bf16"],
    pretrained=Path(pretrained) if pretrained else None,
    answers=AnswerFiles(Path(answers), Path(snakemake.input.answers_record)) if answers else None,
)
