"""Evaluate a trained network on the test set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from distillation.core import finished_runs, records
from distillation.core.checksums import sha256
from distillation.data.datasets import Arrays
from distillation.evaluation import answers as stored
from distillation.evaluation import metrics, predictions, trained, whole_images
from distillation.evaluation.answers import AnswerFiles
from distillation.evaluation.trained import TeacherFiles
from distillation.study.spec import Run


def evaluate(
    weights: Mapping[str, Path],
    record: Path,
    teacher: TeacherFiles | None,
    selection: str,
    resolutions: Sequence[int],
    arrays: Arrays,
    output: Path,
    device: torch.device,
    answers: AnswerFiles | None = None,
) -> None:
    """Evaluate a run on the test set and write the result as JSON; equal runs give equal files.

    Both weight files are tested at full resolution, so that another choice by the protocol needs no training;
    `selection` only says which of the two the protocol reports, and never depends on the result. Everything
    else is measured on the selected weights, in float32. `statistics.evaluations` reads the file.

    Args:
        weights: files by name, "last" and "best".
        record: run.json of the run.
        teacher: files of the run's teacher, if it has one; it is shown what it was shown while it taught.
        selection: "last" or "best".
        resolutions: sides in pixels of the tested images: the whole image scaled ("scale") and its centre
            at full scale ("crop").
        arrays: the data set.
        output: the JSON file. Correct predictions and predictions equal to the teacher's are numbers of
            test images, out of "images"; divergences are nats.
        device: where to evaluate.
        answers: stored answers of the teacher, if there are some; then it is not asked again.

    Raises:
        UserError: if weights are not those of their record, or answers not the teacher's to these images.
    """
    labels = arrays.test_labels.to(device)
    images = arrays.test_images.to(device)
    tested, by_digest = {}, {}
    for name, path in weights.items():
        model, run = trained.restore(path, record, device)
        digest = sha256(path)
        if digest not in by_digest:
            by_digest[digest] = whole_images.logits(model, run, images)
        logits = by_digest[digest]
        tested[name] = _scores(logits, labels) | {"sha256": digest}
        if name == selection:
            details = _details(model, run, logits, images, labels, resolutions)
            guide = None
            if answers:
                guide = stored.load(answers, arrays, sha256(teacher.weights)).test_logits.to(device)
            elif teacher:
                teacher_model, _ = trained.restore(teacher.weights, teacher.record, device)
                guide = whole_images.logits(teacher_model, run, images, side=run.teacher_resolution)
            details["teacher"] = None if guide is None else metrics.agreement(logits, guide)
    content = {"images": len(labels), "resolution": run.model.image_size, "selection": selection}
    own = finished_runs.record(record)
    content |= {key: own[key] for key in ("protocol", "run", "seed")}
    if best := own.get("best_test"):
        content["best_test_of_an_epoch"] = best
    records.write(output, content | {"weights": tested} | details)


def _scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    return {
        "correct": predictions.correct(logits, labels),
        "nll": functional.cross_entropy(logits, labels).item(),
        "calibration_error": metrics.calibration_error(logits, labels),
    }


def _details(
    model: nn.Module, run: Run, logits: Tensor, images: Tensor, labels: Tensor, resolutions: Sequence[int]
) -> dict:
    """Correct predictions by view and resolution, and the confusion matrix."""
    by_view = {"scale": {}, "crop": {}}
    for resolution in resolutions:
        for name, correct in by_view.items():
            # At full resolution both views are the image itself.
            whole = resolution == run.model.image_size
            shown = logits if whole else whole_images.logits(model, run, images, resolution, name)
            correct[str(resolution)] = predictions.correct(shown, labels)
    return {"correct_by_view": by_view, "confusion": metrics.confusion(logits, labels)}
