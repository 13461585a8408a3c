"""Do the notebooks' loop and ours reach the same accuracy? python -m bench.accuracy --data FOLDER.

Both train the same networks from the same initial weights on the same real images for the same epochs, over
several seeds; ours in fp32 and without any optimisation that could change a number.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

import torch
from distillation.core import devices, streams
from distillation.core.errors import UserError
from distillation.data import datasets, views
from distillation.data.datasets import Arrays
from distillation.evaluation import predictions
from distillation.networks.families.vit import Model
from distillation.statistics import intervals
from distillation.study.spec import Run, Stage
from distillation.study.study import Study
from torch import Tensor, nn

from bench import cases
from bench.loops import hugging_face
from bench.loops.engine_loop import EngineLoop
from bench.loops.notebook_loop import NotebookLoop, attention_of

RUNS = ("custom-p2-cl", "custom-p2-kd-cl-sal")


@dataclass(frozen=True)
class Budget:
    """Size of a training: number of images (the first of the training set), epochs, and pixels per side."""

    images: int
    epochs: int
    resolution: int


@dataclass(frozen=True)
class Teacher:
    """A trained, frozen network of this project, and its sizes."""

    model: Model
    network: nn.Module


def compare(
    resolved: Study, name: str, budget: Budget, seeds: Sequence[int], arrays: Arrays, device: torch.device
) -> tuple[list[float], list[float]]:
    """Validation accuracy (%) after a run of the released protocol, seed by seed: the notebooks' loop, ours.

    The teacher of a run has the sizes of the student and is trained by our loop with the same budget.
    """
    entry = resolved.entries[cases.PROTOCOL, name]
    images = arrays.train_images[: budget.images].to(device), arrays.train_labels[: budget.images].to(device)
    teacher = None
    if entry.teacher:
        sizes = entry.resolve(0).model
        teacher = _teacher(resolved.entries[entry.teacher].resolve(0), sizes, budget, images, device)
    theirs, ours = [], []
    for seed in seeds:
        run = _reduced(entry.resolve(seed), budget)
        shown = views.validation_view(
            arrays.validation_images.to(device), run.views.validation, budget.resolution, run.normalization
        )
        truth = arrays.validation_labels.to(device)
        notebook, engine = _trained(run, teacher, images, device)
        theirs.append(_accuracy(notebook.model, shown, truth))
        ours.append(predictions.accuracy(engine.model, shown, truth, "fp32"))
    return theirs, ours


def report(name: str, theirs: Sequence[float], ours: Sequence[float]) -> str:
    """Mean, standard deviation and paired difference of accuracies, with its interval, as lines of text."""
    differences = [own - other for own, other in zip(ours, theirs, strict=True)]
    low, high = intervals.over_seeds(differences)
    lines = [
        f"{name}, {len(ours)} seeds, validation accuracy in %",
        *(
            f"  {label:<9} mean {mean(values):.2f}, standard deviation {stdev(values):.2f}"
            for label, values in (("notebook:", theirs), ("ours:", ours))
        ),
        f"  ours - notebook: {mean(differences):+.2f}, 95 % interval {low:+.2f} to {high:+.2f}",
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Train with both loops and print the comparison.

    Raises:
        SystemExit: something is missing or invalid; the message says how to fix it.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.seeds < 2:
            raise UserError(f"--seeds is {options.seeds}; an interval needs 2 seeds or more.")
        _, resolved = cases.load(options.config)
        device = devices.setup(options.device, torch.get_num_threads())
        torch.use_deterministic_algorithms(False)
        arrays = datasets.load(options.data / "arrays.safetensors", options.data / "manifest.json")
        unknown = [name for name in options.runs if (cases.PROTOCOL, name) not in resolved.entries]
        if unknown:
            raise UserError(
                f"--runs: the released protocol has no {', '.join(unknown)}; name runs that it has."
            )
        if options.images > len(arrays.train_labels):
            raise UserError(
                f"--images is {options.images}, but {options.data} has {len(arrays.train_labels)}; use fewer."
            )
        budget = Budget(options.images, options.epochs, options.resolution)
        print(
            f"{budget.images} images, {budget.epochs} epochs at {budget.resolution} px on {device.type}",
            flush=True,
        )
        for name in options.runs:
            print(
                report(name, *compare(resolved, name, budget, range(options.seeds), arrays, device)),
                flush=True,
            )
    except UserError as error:
        sys.exit(str(error))


def _reduced(run: Run, budget: Budget) -> Run:
    stage = Stage(budget.resolution, budget.epochs)
    return replace(run, stages=(stage,), early_stopping=None, recorded_maps=None, precision="fp32")


def _teacher(
    run: Run, sizes: Model, budget: Budget, images: tuple[Tensor, Tensor], device: torch.device
) -> Teacher:
    shape = {key: getattr(sizes, key) for key in ("width", "depth", "heads", "mlp_width")}
    # The teacher's schedule would hardly raise the learning rate in so few epochs.
    run = replace(run, model=replace(run.model, **shape), one_cycle=None, warmup_cosine=None)
    loop = EngineLoop(_reduced(run, budget), None, *images, device)
    for _ in range(budget.epochs):
        loop.epoch()
    return Teacher(run.model, loop.model.eval().requires_grad_(False))


def _trained(
    run: Run, teacher: Teacher | None, images: tuple[Tensor, Tensor], device: torch.device
) -> tuple[NotebookLoop, EngineLoop]:
    """Both loops after all epochs of a run, from the same initial weights."""
    ours = EngineLoop(run, teacher.network if teacher else None, *images, device)
    copy = None
    if teacher:
        copy = hugging_face.build(teacher.model, attention_of(run)).eval().requires_grad_(False).to(device)
        hugging_face.load(copy, teacher.network.state_dict())
    theirs = NotebookLoop(run, copy, *images, device)
    hugging_face.load(theirs.model, ours.model.state_dict())
    torch.manual_seed(streams.derive(run.seed, "notebook"))
    for _ in range(run.epochs):
        theirs.epoch()
    for _ in range(run.epochs):
        ours.epoch()
    return theirs, ours


@torch.inference_mode()
def _accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Accuracy (%) of the classifier of a Hugging Face network on images [N, 3, r, r]."""
    model.eval()
    outputs = [model(part) for part in images.split(500)]
    logits = torch.cat([output[0] if isinstance(output, tuple) else output for output in outputs])
    return 100.0 * (logits.argmax(dim=1) == labels).float().mean().item()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the workflow's arrays: results/data/cifar10"
    )
    parser.add_argument("--config", type=Path, nargs="+", default=[], help="overlays of config.yaml")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--runs", nargs="+", default=list(RUNS), help="runs of the released protocol")
    parser.add_argument("--images", type=int, default=3000, help="training images (default: 3000)")
    parser.add_argument("--epochs", type=int, default=3, help="epochs (default: 3)")
    parser.add_argument("--resolution", type=int, default=12, help="side of a view in pixels (default: 12)")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
