"""The cases to measure: kinds of training step in the study, and the number of images of each."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from distillation.core.errors import UserError
from distillation.data.dataset_settings import FORMATS
from distillation.networks.families.vit import Model
from distillation.study import studies
from distillation.study.spec import Run, Stage
from distillation.study.study import Study
from distillation.training import flops
from torch import Tensor

HOME = Path(__file__).resolve().parents[1]
STUDY = "irkd"
PROTOCOL = "released"
RUNS = (
    "custom-p2-ce",
    "custom-p2-kd",
    "custom-p2-kd-cl-sal",
    "tiny-p4-ce",
    "tiny-p4-kd",
    "tiny-p4-kd-cl-sal",
    "tiny-p2-kd",
    "tiny-p2-kd-cl-sal",
    "small-p4",
)
RESOLUTION = 32
# Length of a schedule in updates; more than in any measurement.
SCHEDULED = 100_000

# FLOPs of one measurement on a CPU, about two seconds on two cores, and limits of its batch size and steps.
_FLOPS = 2e11
_SMALLEST, _LARGEST, _MOST_STEPS = 8, 32, 4
# Steps of one measurement; a step on a GPU is short.
_GPU_STEPS, _CPU_STEPS = 20, 1


@dataclass(frozen=True)
class Case:
    """One kind of training step.

    Attributes:
        name: id of the run from which it is taken.
        run: that run with a single stage, an epoch of `steps` batches with `run.batch_size` images each.
        teacher: network of its teacher, if it has one.
        steps: batches per measurement.
    """

    name: str
    run: Run
    teacher: Model | None
    steps: int

    @property
    def resolution(self) -> int:
        """Side of the network's input in pixels."""
        return self.run.stages[0].resolution

    @property
    def images(self) -> int:
        """Images of one measurement."""
        return self.steps * self.run.batch_size

    @property
    def flops(self) -> int:
        """FLOPs per image: forward, loss, backward, and the teacher's forward pass."""
        return _flops(replace(self.run, batch_size=1), self.teacher)

    def data(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Random images uint8 [N, 3, S, S] and labels int64 [N]; they cost as much as real ones."""
        rng, side = torch.Generator().manual_seed(self.run.seed), self.run.model.image_size
        images = torch.randint(256, (self.images, 3, side, side), generator=rng, dtype=torch.uint8)
        labels = torch.randint(self.run.model.classes, (self.images,), generator=rng)
        return images.to(device), labels.to(device)


@functools.cache
def _flops(run: Run, teacher: Model | None) -> int:
    return flops.training_flops(run, teacher, 1, [1])[0]


def load(overlays: Sequence[Path]) -> tuple[dict, Study]:
    """The configuration with its overlays, and the runs of the study that is measured.

    Raises:
        UserError: an overlay is missing or is not a mapping, or the configuration has errors.
    """
    files = [HOME / "config.yaml", *overlays]
    config = studies.configuration(files)
    found = studies.resolve(config, HOME / "studies", " + ".join(file.name for file in files))
    if STUDY not in found:
        raise UserError(f"studies: the benchmark measures the study '{STUDY}'; add it to `studies`.")
    return config, found[STUDY]


def steps_of(resolved: Study, device: torch.device, full: bool) -> list[Case]:
    """The cases of the table: runs of the released protocol at full resolution.

    On a GPU, or with `full`, the batch size is the protocol's; otherwise all measurements have about the same
    number of FLOPs.
    """
    cases = []
    for name in RUNS:
        case = _case(resolved, PROTOCOL, name, RESOLUTION)
        if device.type == "cuda" or full:
            case = replace(case, steps=_GPU_STEPS if device.type == "cuda" else _CPU_STEPS)
        else:
            case = _small(case)
        cases.append(case)
    return cases


def training_images(resolved: Study, dataset: str) -> int:
    """Number of training images in the study."""
    settings = resolved.config["datasets"][dataset]
    whole = FORMATS[settings["format"]].train - settings.get("split", {}).get("holdout", 0)
    return settings.get("limit", {}).get("train", whole)


def _case(resolved: Study, protocol: str, name: str, resolution: int) -> Case:
    entry = resolved.entries[protocol, name]
    run, teacher = entry.resolve(entry.seeds[0]), resolved.teacher_of(protocol, name, entry.seeds[0])
    single = replace(run, stages=(Stage(resolution, 1),), early_stopping=None, recorded_maps=None)
    return Case(name, single, teacher.model if teacher else None, steps=1)


def _small(case: Case) -> Case:
    wanted = int(_FLOPS / case.flops)
    batch = max(_SMALLEST, min(_LARGEST, 2 ** (wanted.bit_length() - 1) if wanted else 0))
    return replace(
        case, run=replace(case.run, batch_size=batch), steps=max(1, min(_MOST_STEPS, wanted // batch))
    )
