"""Complete trainings of a second: the spec, data and files that the tests of a training share."""

import csv
import itertools
import subprocess
import sys
from pathlib import Path

import torch
from distillation.core import streams
from distillation.data.augmentations.erasing import RandomErasing
from distillation.data.augmentations.mixing import Mixing
from distillation.data.datasets import Arrays
from distillation.data.settings import Augmentation, Normalization, Views
from distillation.evaluation.trained import TeacherFiles
from distillation.networks import models
from distillation.networks.families.vit import DistillationToken, Model
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.saliency import Saliency
from distillation.networks.terms import Losses
from distillation.study.spec import (
    EarlyStopping,
    OneCycle,
    Optimizer,
    Run,
    Stage,
    Teacher,
    WarmupCosine,
    WeightAverage,
)
from distillation.training import checkpoint
from distillation.training import train as training
from distillation.training.checkpoint import Checkpoint
from distillation.training.run_files import Outputs

CPU = torch.device("cpu")
NORMALIZATION = Normalization((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
MODEL = Model(
    family="vit",
    image_size=32,
    patch_size=4,
    width=16,
    depth=3,
    heads=1,
    mlp_width=24,
    classes=10,
    dropout=0.1,
)
STUDENT = Model(
    **{**vars(MODEL), "attention_dropout": 0.1, "distillation_token": DistillationToken("random", True)}
)
ADAMW = Optimizer("adamw", lr=0.003, weight_decay=0.01, decay="proper", restart="stage")
CYCLE = OneCycle(rising=0.6, initial_divisor=20.0, final_divisor=5.0, beta1_low=0.85, beta1_high=0.95)
STAGES = (Stage(8, 2), Stage(12, 2))
CROP = Augmentation(crop_padding=4, flip=0.5)
MEASURED = ("seconds", "images_per_second", "peak_memory_mb")


def arrays(train=64, validation=16, test=16, seed=0) -> Arrays:
    """Synthetic images whose colour hints at their label."""
    rng = torch.Generator().manual_seed(seed)
    hues = torch.randint(256, (10, 3, 1, 1), generator=rng)
    parts = {}
    for name, count in (("train", train), ("validation", validation), ("test", test)):
        labels = torch.randint(10, (count,), generator=rng)
        noise = torch.randint(256, (count, 3, 32, 32), generator=rng)
        parts[f"{name}_images"] = ((hues[labels] + noise) // 2).to(torch.uint8)
        parts[f"{name}_labels"] = labels
    return Arrays(**parts, classes=tuple("abcdefghij"), sha256="d" * 64)


def run(**changes) -> Run:
    """A curriculum with cross-entropy alone, with some fields changed."""
    fields = {
        "seed": 0,
        "dataset": "tiny",
        "normalization": NORMALIZATION,
        "model": MODEL,
        "losses": Losses(ce=CrossEntropy(1.0)),
        "stages": STAGES,
        "augmentation": CROP,
        "optimizer": ADAMW,
        "batch_size": 16,
        "precision": "fp32",
    }
    return Run(**{**fields, **changes})


def teacher_run(**changes) -> Run:
    """The teacher's recipe: one cycle, MixUp and CutMix, AutoAugment, smoothed labels."""
    fields = {
        "losses": Losses(ce=CrossEntropy(1.0, label_smoothing=0.01)),
        "stages": (Stage(16, 3),),
        "augmentation": Augmentation(crop_padding=4, flip=0.5, auto_augment=0.5),
        "optimizer": Optimizer("adamw", 0.004, 0.02, "proper", restart="never"),
        "one_cycle": CYCLE,
        "mixing": Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, cutmix_share=0.5),
    }
    return run(**{**fields, **changes})


def student_run(**changes) -> Run:
    """Distillation with saliency matching through a curriculum."""
    losses = Losses(
        ce=CrossEntropy(1.0),
        kd=Distillation(0.5, 4.0),
        saliency=Saliency(0.8, "gradient", (0, 1, 2), (0, 1, 2), "sum"),
    )
    return run(**{"model": STUDENT, "losses": losses, "teacher": Teacher("teacher", 0, "best"), **changes})


def released_run(**changes) -> Run:
    """A student as released: crops, one optimizer, class maps, stages that stop early.

    It learns so little that no epoch is better than the first of its stage: each stage ends after two.
    """
    losses = Losses(
        ce=CrossEntropy(0.5),
        kd=Distillation(0.5, 4.0),
        saliency=Saliency(0.8, "class-map", (0, 2), (0, 2), "sum"),
    )
    token = DistillationToken("zeros", False)
    fields = {
        "model": Model(**{**vars(STUDENT), "without_final_norm": True, "distillation_token": token}),
        "losses": losses,
        "stages": (Stage(8, 4), Stage(12, 4)),
        "augmentation": Augmentation(4, 0.5, 1.0, RandomErasing(0.5, (0.02, 0.2), (0.3, 3.3))),
        "optimizer": Optimizer("adamw", 1e-8, 0.01, "biases-only", restart="never"),
        "views": Views("crop", "crop"),
        "early_stopping": EarlyStopping(1, "on-stop"),
    }
    return student_run(**{**fields, **changes})


def fine_tuning_run(**changes) -> Run:
    """A teacher as released for patch size 2: warm-up and cosine, accumulation, the best weights restored."""
    fields = {
        "one_cycle": None,
        "warmup_cosine": WarmupCosine(0.2),
        "optimizer": Optimizer("adamw", 0.004, 0.02, "all", restart="never", accumulation=3),
        "early_stopping": EarlyStopping(8, "always"),
    }
    return teacher_run(**{**fields, **changes})


def further_run(**changes) -> Run:
    """A student beyond the paper: mixed images, blocks that are skipped, maps of an untrained network."""
    fields = {
        "model": Model(**{**vars(STUDENT), "stochastic_depth": 0.3, "largest_side": 40}),
        "losses": Losses(
            ce=CrossEntropy(1.0, label_smoothing=0.1),
            kd=Distillation(0.5, 4.0),
            saliency=Saliency(0.8, "gradient", (0, 2), (0, 2), "sum", "untrained"),
        ),
        "optimizer": Optimizer("adamw", 0.004, 0.02, "proper", restart="never"),
        "warmup_cosine": WarmupCosine(0.2),
        "mixing": Mixing(mixup_alpha=0.2, cutmix_alpha=1.0, cutmix_share=0.5),
    }
    return student_run(**{**fields, **changes})


def averaged_run(**changes) -> Run:
    """A student whose averaged weights are judged, and tested after every epoch."""
    return student_run(**{"weight_average": WeightAverage(0.9), "tests_each_epoch": True, **changes})


RUNS = {
    "curriculum": run(),
    "one-cycle": teacher_run(),
    "one-cycle-per-stage": run(one_cycle=CYCLE),
    "saliency": student_run(),
    "released": released_run(),
    "fine-tuning": fine_tuning_run(),
    "further": further_run(),
    "averaged": averaged_run(),
}
# Epochs that each of them really has.
EPOCHS = {name: run.epochs for name, run in RUNS.items()} | {"released": 4}


def start_of(run: Run):
    """The network of a run before its first step."""
    return models.build(run.model, streams.generator(run.seed, "init"))


def outputs(folder: Path, taught: bool = False) -> Outputs:
    """The files of a run in a folder."""
    return Outputs(
        last=folder / "last.safetensors",
        best=folder / "best.safetensors",
        history=folder / "history.csv",
        record=folder / "run.json",
        saliency=folder / "saliency.npz" if taught else None,
    )


def train(
    run: Run,
    folder: Path,
    teacher=None,
    data: Arrays | None = None,
    code="code",
    device=CPU,
    cuda_graphs=False,
    slow_bf16=False,
    answers=None,
    seed="0",
    name="tiny",
    events=False,
) -> Outputs:
    """Train a run into a folder, as a script of the pipeline does."""
    files = outputs(folder, taught=teacher is not None and run.model.blocks > 0)
    identity = {"study": "tiny", "protocol": "described", "run": name, "role": "student", "seed": seed}
    training.train(
        run,
        identity,
        data or arrays(),
        teacher,
        files,
        code,
        device,
        cuda_graphs=cuda_graphs,
        slow_bf16=slow_bf16,
        answers=answers,
        events=events,
    )
    return files


def teacher_files(folder: Path, which="best") -> TeacherFiles:
    """What a student needs of the run trained into a folder."""
    return TeacherFiles(folder / f"{which}.safetensors", folder / "run.json")


def taught(name: str, folder: Path) -> TeacherFiles | None:
    """The teacher of one of `RUNS`, if it has one, trained into a folder."""
    return teacher_files(folder) if RUNS[name].teacher else None


def saving_each_epoch(monkeypatch) -> None:
    """Have the state saved after each epoch, however short it is."""
    monkeypatch.setattr(checkpoint, "_SAVES_APART", 0)


def stopping_after(monkeypatch, saves: int) -> None:
    """Have the state saved after each epoch, and a training interrupted after so many of them."""
    saving_each_epoch(monkeypatch)
    save, count = Checkpoint.save, itertools.count(1)

    def counted(self, state):
        save(self, state)
        if next(count) == saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", counted)


def results(files: Outputs) -> dict[str, bytes | list]:
    """All that equal runs have in common: the bytes of each file, the history without its timings."""
    with files.history.open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k not in MEASURED} for row in csv.DictReader(file)]
    paths = [path for path in (files.last, files.best, files.saliency) if path]
    return {path.name: path.read_bytes() for path in paths} | {"history": rows}


def python(code: str, *arguments: str | Path) -> subprocess.Popen:
    """Another process that can import the library and this module and runs on one thread, as the tests do."""
    here = Path(__file__).parent
    places = [str(here), str(here.parent / "workflow_scripts")]
    head = f"import sys; sys.path[:0] = {places}; import torch; torch.set_num_threads(1)\n"
    command = [sys.executable, "-c", head + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
