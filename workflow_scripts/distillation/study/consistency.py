"""Find values of a resolved run that contradict each other; free of torch."""

from collections.abc import Iterator

from distillation.study.spec import Run


def problems(run: Run, tested: list[int]) -> Iterator[str]:
    """Errors that the types of single settings cannot find, as "path: text".

    Args:
        run: the resolved run.
        tested: resolutions of the evaluation, in pixels.
    """
    model, size, patch = run.model, run.model.image_size, run.model.patch_size
    if model.width % model.heads:
        yield f"model.heads: {model.heads} heads do not divide a width of {model.width}; change one"
    if size % patch:
        yield f"model.patch_size: {patch} does not divide the image size {size}; use one that does"
    shown = {f"stages.{index}.resolution": stage.resolution for index, stage in enumerate(run.stages)}
    shown |= {f"evaluation.resolutions.{index}": resolution for index, resolution in enumerate(tested)}
    for path, resolution in shown.items():
        if resolution > size:
            yield f"{path}: {resolution} is too large; the images have {size} px"
        elif resolution % patch and size % patch == 0:
            below = resolution - resolution % patch
            near = " or ".join(str(side) for side in (below, below + patch) if side)
            yield f"{path}: {resolution} is not a multiple of the patch size {patch}; write {near}"
    if run.mixing and run.teacher:
        yield "mixing: mixed images are for runs without a teacher; remove it, or set it to null"
    if run.one_cycle and run.warmup_cosine:
        yield "warmup_cosine: one_cycle is a schedule too; set one of them to null"
    if run.recorded_maps and run.losses.saliency:
        yield "recorded_maps: the maps in its loss are recorded anyway; remove this key"
    if run.losses.kd and run.model.distillation_token.without_head:
        yield "distillation_token.without_head: its kd loss needs the head; remove this key"
    if erasing := run.augmentation.erasing:
        for key, (low, high) in (("scale", erasing.scale), ("ratio", erasing.ratio)):
            if low > high:
                yield f"augmentation.erasing.{key}: the larger end comes first; write the smaller one first"
    if run.mixing and run.batch_size < 2:
        yield "batch_size: mixing needs at least 2 images in a batch; write 2 or more"
    for path, maps in (("losses.saliency", run.losses.saliency), ("recorded_maps", run.recorded_maps)):
        pairs = (len(maps.student_layers), len(maps.teacher_layers)) if maps else (0, 0)
        if pairs[0] != pairs[1]:
            yield (
                f"{path}: {pairs[0]} layers of the student for {pairs[1]} of the teacher; they are"
                " compared in pairs, so name as many student_layers as teacher_layers"
            )
