"""How good a trained network is on the test set, and what it costs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from distillation.core import atomic, checksums
from distillation.data import views
from distillation.data.datasets import Arrays
from distillation.evaluation import metrics, predictions, saliency_agreement
from distillation.networks import flops, models
from distillation.networks.models import TeacherFiles
from distillation.study.spec import Run


def evaluate(
    weights: Mapping[str, Path],
    record: Path,
    teacher: TeacherFiles | None,
    saliency: Path | None,
    selection: str,
    resolutions: Sequence[int],
    arrays: Arrays,
    output: Path,
    device: torch.device,
) -> None:
    """Test a run and write the result as JSON; equal runs give equal files.

    Both weight files are tested at full resolution, so that a protocol's choice costs no training;
    `selection` only says which of the two the protocol reports, and never looks at the result. All
    else is measured on the selected weights, in float32.

    Args:
        weights: by name, "last" and "best".
        record: run.json of the run.
        teacher: files of the run that taught it, if one did.
        saliency: saliency.npz of a taught run; its agreement with the teacher's maps is copied, so that
            results can be told from small files alone.
        selection: "last" or "best".
        resolutions: sides in pixels at which the accuracy is measured, of the whole image scaled
            ("scale") and of its centre at full scale ("crop").
        arrays: the data set.
        output: the JSON file. Accuracies and shares are percentages, divergences nats.
        device: where to evaluate.

    Raises:
        UserError: when weights are not those of their record.
    """
    labels = arrays.test_labels.to(device)
    images = arrays.test_images.to(device)
    content = {"images": len(labels), "resolution": images.shape[-1], "selection": selection}
    tested, given = {}, {}
    for name, path in weights.items():
        model, run = models.restore(path, record, device)
        digest = checksums.sha256(path)
        if digest not in given:
            given[digest] = _answers(model, run, images, images.shape[-1])
        logits = given[digest]
        tested[name] = _scores(logits, labels) | {"sha256": digest}
        if name == selection:
            content |= {"accuracy": tested[name]["accuracy"]}
            details = _details(model, run, logits, images, labels, resolutions)
            details["teacher"] = _agreement(logits, teacher, images, device)
            details["saliency"] = saliency_agreement.of_record(saliency, _kind(run)) if saliency else None
    recorded = json.loads(record.read_text())
    counted = {
        "parameters": recorded["parameters"],
        "inference_flops": flops.inference_flops(run.model, run.model.image_size),
        "training_flops": [stage["training_flops"] for stage in recorded["stages"]],
    }
    atomic.write_json(output, content | {"weights": tested} | details | {"cost": counted})


def _answers(model: nn.Module, run: Run, images: Tensor, resolution: int, view: str = "scale") -> Tensor:
    return predictions.logits(
        model, views.validation_view(images, view, resolution, run.normalization), "fp32"
    )


def _scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    correct = (logits.argmax(dim=1) == labels).sum().item()
    return {
        "correct": correct,
        "accuracy": 100.0 * correct / len(labels),
        "nll": functional.cross_entropy(logits, labels).item(),
        "calibration_error": metrics.calibration_error(logits, labels),
    }


def _details(
    model: nn.Module, run: Run, logits: Tensor, images: Tensor, labels: Tensor, resolutions: Sequence[int]
) -> dict:
    """Accuracy by view and resolution, and the confusion of classes."""
    by_view = {"scale": {}, "crop": {}}
    for resolution in resolutions:
        for name, accuracies in by_view.items():
            # Both views of the whole image are the image.
            whole = resolution == images.shape[-1]
            answers = logits if whole else _answers(model, run, images, resolution, name)
            accuracies[str(resolution)] = _scores(answers, labels)["accuracy"]
    return {"views": by_view, "confusion": metrics.confusion(logits, labels)}


def _kind(run: Run) -> str:
    """The kind of the maps that the training recorded; see `records.saliency`."""
    recorded = run.losses.saliency or run.recorded_maps
    return recorded.kind if recorded else "gradient"


def _agreement(
    logits: Tensor, teacher: TeacherFiles | None, images: Tensor, device: torch.device
) -> dict | None:
    if teacher is None:
        return None
    guide, run = models.restore(teacher.weights, teacher.record, device)
    return metrics.agreement(logits, _answers(guide, run, images, images.shape[-1]))
