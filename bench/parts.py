"""Parts of a training step measured alone: views, class maps, attention of the CLS token."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from distillation.core import streams
from distillation.data import views
from distillation.data.augmentations.erasing import RandomErasing
from distillation.data.settings import Augmentation, Views
from distillation.networks import models
from distillation.networks.batch import Batch
from distillation.networks.families.vit.compute import Tokens
from distillation.networks.losses.saliency import compute as saliency
from distillation.networks.output import Output
from distillation.networks.saliency import cls_attention
from distillation.networks.saliency.cls_attention import compute as cls_attention_code
from distillation.statistics.training_seeds import TrainingSeed
from distillation.study.spec import Run
from distillation.study.study import Study
from torch import Tensor, nn

from bench import measure
from bench.cases import PROTOCOL, Case
from bench.loops import hugging_face, notebook_saliency, pictures

_CROP = Augmentation(crop_padding=4, flip=0.5)
# The released settings (P_2_KD_ONLY c1) and, at 0.5, those of the described teachers.
_ERASING = RandomErasing(0.2, (0.02, 0.2), (0.3, 3.3))
VIEWS = {
    "crop and flip, 32 px": (_CROP, 32, "scale"),
    "scaled to 12 px": (_CROP, 12, "scale"),
    "crop of 12 px": (_CROP, 12, "crop"),
    "AutoAugment on half, 32 px": (replace(_CROP, auto_augment=0.5), 32, "scale"),
    "AutoAugment and erasing, 32 px": (replace(_CROP, auto_augment=1.0, erasing=_ERASING), 32, "scale"),
}
# Images per measurement: ours are made for whole epochs, Pillow's one by one.
_OURS, _THEIRS = 45_000, 1024
# Images per batch of tokens or images; ten gradients then need 3 GB on a CPU, which a laptop has.
_BATCH = {"cpu": 48, "cuda": 128}


def rows(resolved: Study, cases: Mapping[str, Case], rounds: int, device: torch.device) -> Iterator[dict]:
    """Rows of the frame: for each part first the notebooks' way, then ours."""
    run = resolved.entries[PROTOCOL, "custom-p2-ce"].resolve(TrainingSeed(0))
    for name, (augmentation, resolution, kind) in VIEWS.items():
        changed = replace(run, augmentation=augmentation, views=Views(training=kind))
        with _one_thread():
            yield from _views(name, changed, resolution, rounds, device)
    yield from _class_maps(cases["tiny-p2-kd-cl-sal"], rounds, device)
    yield from _attention(cases["tiny-p4-kd-cl-sal"], rounds, device)


def _views(name: str, run: Run, resolution: int, rounds: int, device: torch.device) -> Iterator[dict]:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(256, (_OURS, 3, 32, 32), generator=rng, dtype=torch.uint8)
    one_by_one = pictures.Pictures(
        images[:_THEIRS], torch.zeros(_THEIRS, dtype=torch.int64), pictures.chain(run, resolution)
    )
    on_device, shown = images.to(device), []

    def epoch() -> None:
        # As in training, the memory of the last view is reused.
        last = shown.pop() if shown else None
        kind = run.views.training
        view = views.training_view(
            on_device, run.augmentation, resolution, run.normalization, rng, kind, last
        )
        shown.append(view.pixels)

    timings = measure.interleaved(
        {
            "per image": lambda: [one_by_one[index] for index in range(_THEIRS)],
            "whole epoch": epoch,
        },
        rounds,
        device,
    )
    for way, count in (("per image", _THEIRS), ("whole epoch", _OURS)):
        yield _row("views", name, way, count, timings[way])


def _class_maps(case: Case, rounds: int, device: torch.device) -> Iterator[dict]:
    """The loss term, forward and backward, given the output tokens of the layers of both networks."""
    settings, count = case.run.losses.saliency, _BATCH[device.type]
    rng, (student, teacher) = torch.Generator().manual_seed(0), (case.run.model, case.teacher)
    patches = (student.image_size // student.patch_size) ** 2
    own, other = (
        [torch.randn(count, patches, model.width, generator=rng).to(device) for _ in settings.student_layers]
        for model in (student, teacher)
    )
    heads = [nn.Linear(model.width, model.classes, device=device) for model in (student, teacher)]
    trained = [tokens.requires_grad_() for tokens in own] + [heads[0].weight]
    labels = torch.zeros(count, dtype=torch.int64, device=device)

    def released() -> None:
        torch.autograd.grad(notebook_saliency.class_map_term(own, heads[0], other, heads[1]), trained)

    def closed() -> None:
        outputs = [
            Output(None, None, _leaving(layers, each) | {"classifier": head.weight})
            for layers, each, head in zip(
                (settings.student_layers, settings.teacher_layers), (own, other), heads, strict=True
            )
        ]
        torch.autograd.grad(saliency.term(settings, Batch(outputs[0], labels, outputs[1])), trained)

    name = f"class maps of {len(settings.student_layers)} layers"
    yield from _pair(
        "class map", name, {"ten gradients": released, "closed form": closed}, count, rounds, device
    )


def _leaving(layers: Sequence[int], values: Sequence[Tensor]) -> dict[str, Tokens]:
    return {f"leaving.{layer}": Tokens(each, 0) for layer, each in zip(layers, values, strict=True)}


def _attention(case: Case, rounds: int, device: torch.device) -> Iterator[dict]:
    """The student's forward pass, its attention maps and their backward pass."""
    settings, count, model = case.run.losses.saliency, _BATCH[device.type], case.run.model
    layers = settings.student_layers
    theirs = hugging_face.build(model, "eager").to(device)
    ours = models.build(model, streams.generator(0, "init")).to(device)
    images = torch.randn(
        count, 3, model.image_size, model.image_size, generator=torch.Generator().manual_seed(0)
    ).to(device)
    labels = torch.zeros(count, dtype=torch.int64, device=device)

    def whole() -> None:
        with hugging_face.recording(theirs, layers) as record:
            theirs(images)
        maps = [
            notebook_saliency.attention_map(record.attention[index], theirs.prefix_tokens) for index in layers
        ]
        torch.stack(maps).square().mean().backward()

    def row() -> None:
        output = ours(images, cls_attention.features(layers))
        cls_attention_code.maps(output, labels, layers, differentiable=True).square().mean().backward()

    name = f"attention of the CLS token, {len(layers)} layers"
    yield from _pair("attention", name, {"whole matrix": whole, "one row": row}, count, rounds, device)


def _pair(
    part: str,
    name: str,
    tasks: Mapping[str, Callable[[], None]],
    count: int,
    rounds: int,
    device: torch.device,
) -> Iterator[dict]:
    timings = measure.interleaved(tasks, rounds, device)
    for way, timing in timings.items():
        yield _row(part, name, way, count, timing)


def _row(part: str, name: str, way: str, count: int, timing: measure.Timing) -> dict:
    return {
        "part": part,
        "case": name,
        "way": way,
        "precision": "fp32",
        "batch": count,
        "steps": 1,
        "seconds": timing.median,
        "images_per_second": count / timing.median,
        "memory_mb": None if timing.memory is None else timing.memory / 1e6,
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
