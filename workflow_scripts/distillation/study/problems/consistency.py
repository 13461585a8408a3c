"""Find values of a resolved run that contradict each other; free of torch."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import TypeAdapter

from distillation.data.dataset_settings import Dataset
from distillation.networks import map_settings
from distillation.networks.families import Network
from distillation.networks.losses import Term
from distillation.study.spec import Run

_DATASET = TypeAdapter(Dataset)


def of_datasets(datasets: Mapping[str, Mapping]) -> Iterator[str]:
    """Errors of data sets that the types of single settings cannot find, as "path: text"."""
    for name, dataset in datasets.items():
        yield from (f"datasets.{name}.{text}" for text in _DATASET.validate_python(dataset).problems())


def problems(run: Run, teacher: Network | None, tested: Sequence[int], is_validated: bool) -> Iterator[str]:
    """Errors that the types of single settings cannot find, as "path: text".

    Args:
        run: the resolved run.
        teacher: the network of its teacher, if it has one.
        tested: resolutions of the evaluation, in pixels.
        is_validated: whether its data set has validation images.
    """
    yield from (f"model.{text}" for text in run.model.problems())
    size = run.model.image_size
    largest = _largest_shown(run)
    shown = [
        (f"stages.{index}.resolution", each.resolution, largest) for index, each in enumerate(run.stages)
    ]
    shown += [(f"evaluation.resolutions.{index}", side, size) for index, side in enumerate(tested)]
    for path, resolution, limit in shown:
        if resolution > limit:
            what = "the images have" if limit == size else "the network has positions up to"
            yield f"{path}: {resolution} is too large; {what} {limit} px"
        elif text := run.model.unfit(resolution):
            yield f"{path}: {text}"
    yield from _stage_errors(run)
    if teacher:
        yield from _teacher_view_errors(run, teacher)
    if run.teacher_resolution and not run.teacher:
        yield "teacher_resolution: this run has no teacher; remove this key"
    cosine = run.warmup_cosine
    if cosine and cosine.warmup and cosine.stepped == "epoch":
        yield (
            "warmup_cosine.warmup: changed after every epoch, the rate would be 0 in the whole first one; set"
            " 0, or `stepped: update`"
        )
    if run.one_cycle and run.warmup_cosine:
        yield "warmup_cosine: one_cycle is a schedule too; set one of them to null"
    if run.fused and not run.model.blocks:
        yield "fused: this network has no blocks to compile; set `fused: false` for it"
    if run.fused and getattr(run.model, "stochastic_depth", 0.0):
        yield (
            "fused: with stochastic_depth every block would be compiled on its own; set `fused: false` for it"
        )
    if run.early_stopping and not is_validated:
        yield "early_stopping: its data set has no split, so there is no validation; remove this key"
    if run.weight_average and run.early_stopping and run.early_stopping.restore != "never":
        yield (
            "early_stopping.restore: with weight_average the best weights are averages, but training goes on"
            " from the weights that are trained; set `restore: never`, or weight_average to null"
        )
    if run.recorded_maps and run.compared_maps is not run.recorded_maps:
        yield "recorded_maps: the maps in its loss are recorded anyway; remove this key"
    terms = run.losses.named
    yield from (f"augmentation.{text}" for text in run.augmentation.problems())
    for name, term in terms.items():
        if run.mixing and not term.allows_mixing:
            yield f"losses.{name}: it has no meaning for images that `mixing` mixes; remove one of the two"
        if run.batch_size < term.least_batch:
            yield f"batch_size: losses.{name} needs at least {term.least_batch} images in a batch; write more"
    if run.mixing and run.batch_size < 2:
        yield "batch_size: mixing needs at least 2 images in a batch; write 2 or more"
    yield from (f"losses.{name}: {text}" for name, term in terms.items() for text in term.problems())
    if maps := run.recorded_maps:
        texts = map_settings.unpaired(maps.student_layers, maps.teacher_layers)
        yield from (f"recorded_maps: {text}" for text in texts)
    for name, term in terms.items():
        yield from (f"losses.{name}: {text}" for text in _absent(term, run.model, teacher))
    if teacher and run.compared_maps:
        resolutions = sorted({stage.resolution for stage in run.stages})
        for resolution, own, others in list(map_settings.sides(run.model, teacher, resolutions))[-1:]:
            yield (
                f"teacher: at {resolution} px the saliency maps of {run.teacher.run} have {others} x {others}"
                f" cells, those of the student {own} x {own}; they are compared cell by cell, so name a"
                " teacher with maps of the same size"
            )
    if run.start and (text := run.start.unfit(run.model)):
        yield f"start: {text}"


def _largest_shown(run: Run) -> int:
    """Side of a run's largest views: a crop cannot be larger than the image, a scaled view can."""
    cropped = "crop" in (run.views.training, run.views.validation)
    return run.model.image_size if cropped else run.model.largest


def _stage_errors(run: Run) -> Iterator[str]:
    for index, stage in enumerate(run.stages):
        if not stage.epochs and len(run.stages) > 1:
            yield f"stages.{index}.epochs: 0, but an untrained network has one stage; write 1 or more"
        if stage.head_only and not run.model.head_can_be_trained_alone:
            yield (
                f"stages.{index}.head_only: networks of the family '{run.model.family}' are trained as a"
                " whole; remove this key"
            )
        if (stage.lr or stage.head_only) and run.optimizer.restart == "never" and len(run.stages) > 1:
            yield (
                f"stages.{index}: it has a rate or a part of its own, but the optimizer is carried through"
                " all stages; set `optimizer: {restart: stage}`"
            )


def _teacher_view_errors(run: Run, teacher: Network) -> Iterator[str]:
    """A side that the teacher cannot read, and maps that are compared cell by cell."""
    for side in sorted({run.teacher_resolution or stage.resolution for stage in run.stages}):
        if side != run.teacher_resolution and (run.model.unfit(side) or side > _largest_shown(run)):
            continue
        if text := teacher.unfit(side):
            yield f"teacher_resolution: of its teacher {run.teacher.run}: {text}"
        elif side > teacher.largest:
            yield (
                f"teacher: {run.teacher.run} is shown at most {teacher.largest} px, not {side}; name another,"
                " or change the stages"
            )
    if run.teacher_resolution and run.maps_beside(teacher):
        yield (
            "teacher_resolution: saliency maps of student and teacher are compared cell by cell, so both see"
            " the same views; remove this key"
        )


def _absent(term: Term, student: Network, teacher: Network | None) -> Iterator[str]:
    """Features that a term needs and a network lacks, as text."""
    of_teacher = term.teacher_features | term.untrained_features
    wanted = [("student", student, term.student_features), ("teacher", teacher, of_teacher)]
    for who, network, features in wanted:
        for feature in sorted(features):
            if network and (why := network.lacks(feature)):
                yield f"the {who} has no feature '{feature}': {why}"
