"""Whole training steps in the three loops, measured in turns."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from distillation.core import streams
from distillation.core.precision import has_bf16
from distillation.networks import models
from torch import nn

from bench import measure
from bench.cases import Case
from bench.loops import hugging_face, timm_loop
from bench.loops.engine_loop import EngineLoop
from bench.loops.notebook_loop import NotebookLoop, attention_of
from bench.loops.timm_loop import TimmLoop

NOTEBOOK, TIMM, OURS, GRAPHS = "notebook", "timm", "ours", "ours, CUDA graphs"


def precisions(device: torch.device) -> tuple[str, ...]:
    """Precisions in which our loop is measured: no bf16 on a CPU that emulates it, twenty times slower."""
    return ("fp32", "bf16") if has_bf16(device) else ("fp32",)


def rows(case: Case, rounds: int, device: torch.device, rates: Mapping[str, float]) -> Iterator[dict]:
    """One row of the frame for each loop of a case; see `bench.frame`.

    Args:
        case: the case to train.
        rounds: number of timed rounds.
        device: where to train.
        rates: measured FLOP/s of a large matrix product, by precision.
    """
    loops = build(case, device)
    timings = measure.interleaved({key: loop.epoch for key, loop in loops.items()}, rounds, device)
    for (loop, precision), timing in timings.items():
        yield {
            "part": "step",
            "case": case.name,
            "way": loop,
            "precision": precision,
            "batch": case.run.batch_size,
            "steps": case.steps,
            "seconds": timing.median,
            "images_per_second": case.images / timing.median,
            "memory_mb": None if timing.memory is None else timing.memory / 1e6,
            "floor": case.images * case.flops / rates[precision] / timing.median,
        }


def build(case: Case, device: torch.device) -> dict[tuple[str, str], NotebookLoop | TimmLoop | EngineLoop]:
    """The loops of a case by name and precision, each with a teacher of its own library.

    timm has no saliency loss; a CPU has no CUDA graphs.
    """
    run, (images, labels) = case.run, case.data(device)
    loops: dict = {}
    theirs = own = None
    if case.teacher:
        theirs = _frozen(hugging_face.build(case.teacher, attention_of(run)), device)
        own = _frozen(models.build(case.teacher, streams.generator(run.seed, "teacher")), device)
    loops[NOTEBOOK, "fp32"] = NotebookLoop(run, theirs, images, labels, device)
    if not run.losses.saliency:
        teacher = _frozen(timm_loop.network(case.teacher), device) if case.teacher else None
        precision = "bf16" if device.type == "cuda" else "fp32"
        loops[TIMM, precision] = TimmLoop(run, teacher, images, labels, device)
    for precision in precisions(device):
        precise = replace(run, precision=precision)
        loops[OURS, precision] = EngineLoop(precise, own, images, labels, device)
        if device.type == "cuda":
            loops[GRAPHS, precision] = EngineLoop(precise, own, images, labels, device, cuda_graphs=True)
    return loops


def _frozen(network: nn.Module, device: torch.device) -> nn.Module:
    return network.eval().requires_grad_(False).to(device)
