"""Train a network, with its teacher if it has one."""

from pathlib import Path

from distillation.core import devices, logs
from distillation.data import datasets
from distillation.evaluation.answers import AnswerFiles
from distillation.evaluation.trained import TeacherFiles
from distillation.study import spec
from distillation.training.run_files import Outputs
from distillation.training.train import train

logs.to_file_and_stderr(snakemake.log[0])
teacher, answers, pretrained = (
    snakemake.input.get(name) for name in ("teacher_weights", "answers", "pretrained")
)
saliency = snakemake.output.get("saliency")
settings = snakemake.config["execution"]
train(
    run=spec.from_mapping(snakemake.params.run),
    identity=snakemake.params.identity,
    arrays=datasets.load(Path(snakemake.input.arrays), Path(snakemake.input.manifest)),
    teacher=TeacherFiles(Path(teacher), Path(snakemake.input.teacher_record)) if teacher else None,
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
    events=settings.get("tensorboard", False),
    pretrained=Path(pretrained) if pretrained else None,
    answers=AnswerFiles(Path(answers), Path(snakemake.input.answers_record)) if answers else None,
)
