"""Find values of a resolved run that contradict each other; free of torch."""

from collections.abc import Iterator

from distillation.networks import map_settings
from distillation.study.spec import Run


def problems(run: Run, tested: list[int]) -> Iterator[str]:
    """Errors that the types of single settings cannot find, as "path: text".

    Args:
        run: the resolved run.
        tested: resolutions of the evaluation, in pixels.
    """
    yield from (f"model.{text}" for text in run.model.problems())
    size = run.model.image_size
    shown = {f"stages.{index}.resolution": stage.resolution for index, stage in enumerate(run.stages)}
    shown |= {f"evaluation.resolutions.{index}": resolution for index, resolution in enumerate(tested)}
    for path, resolution in shown.items():
        if resolution > size:
            yield f"{path}: {resolution} is too large; the images have {size} px"
        elif text := run.model.unfit(resolution):
            yield f"{path}: {text}"
    if run.mixing and run.teacher:
        yield "mixing: mixed images are for runs without a teacher; remove it, or set it to null"
    if run.one_cycle and run.warmup_cosine:
        yield "warmup_cosine: one_cycle is a schedule too; set one of them to null"
    if run.recorded_maps and run.losses.saliency:
        yield "recorded_maps: the maps in its loss are recorded anyway; remove this key"
    terms = run.losses.named
    needing = [name for name, term in terms.items() if term.needs_distillation_head]
    if needing and run.model.distillation_token.without_head:
        yield f"distillation_token.without_head: its {needing[0]} loss needs the head; remove this key"
    if erasing := run.augmentation.erasing:
        for key, (low, high) in (("scale", erasing.scale), ("ratio", erasing.ratio)):
            if low > high:
                yield f"augmentation.erasing.{key}: the larger end comes first; write the smaller one first"
    if run.mixing and run.batch_size < 2:
        yield "batch_size: mixing needs at least 2 images in a batch; write 2 or more"
    yield from (f"losses.{name}: {text}" for name, term in terms.items() for text in term.problems())
    if maps := run.recorded_maps:
        texts = map_settings.unpaired(maps.student_layers, maps.teacher_layers)
        yield from (f"recorded_maps: {text}" for text in texts)
