"""Answers of a trained teacher to a whole data set, computed once and read by all of its students.

They are the definition of what those students learn from: a student that reads them sees the same values on
every device.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from distillation.core import atomic, checksums, devices
from distillation.core.errors import UserError
from distillation.data import views
from distillation.data.datasets import Arrays
from distillation.data.settings import Normalization
from distillation.evaluation import predictions, trained
from distillation.evaluation.trained import TeacherFiles
from distillation.networks.answers import answer

_LOG = logging.getLogger(__name__)
_LOGITS, _TEST_LOGITS = "logits", "test_logits"
# Images between two log lines.
_REPORTED = 5000


@dataclass(frozen=True)
class AnswerFiles:
    """A file of answers and its record."""

    answers: Path
    record: Path


@dataclass(frozen=True)
class Answers:
    """Stored answers of a teacher.

    Attributes:
        logits: for the N training images, in their order [N, classes].
        features: by name, as its network captures them [N, ...]; gradients are those of each image alone.
        test_logits: for the test images at full size.
        record: the content of the record; see `write`.
    """

    logits: Tensor
    features: Mapping[str, Tensor]
    test_logits: Tensor
    record: Mapping

    def to(self, device: torch.device) -> "Answers":
        """The same answers on a device."""
        features = {name: value.to(device) for name, value in self.features.items()}
        return Answers(self.logits.to(device), features, self.test_logits.to(device), self.record)


def write(
    teacher: TeacherFiles,
    arrays: Arrays,
    normalization: Normalization,
    resolution: int,
    files: AnswerFiles,
    device: torch.device,
) -> None:
    """Compute and store a teacher's answers, in float32.

    Args:
        teacher: its files.
        arrays: the data set.
        normalization: of the images that its students are shown.
        resolution: side in pixels of the training images that they are shown.
        files: to write: safetensors and, written last, a JSON record with the SHA-256 of the answers, of the
            teacher's weights and of the data, and "test", how many test images the teacher gets right, of how
            many.
        device: where to compute.

    Raises:
        UserError: if the teacher's files do not belong together.
    """
    model, run = trained.restore(teacher.weights, teacher.record, device)
    wanted = run.model.storable
    shown = views.plain_view(arrays.train_images, resolution, normalization)
    size = predictions.BATCH[device.type]
    parts = zip(shown.split(size), arrays.train_labels.split(size), strict=True)
    found: dict[str, list[Tensor]] = {name: [] for name in (_LOGITS, *sorted(wanted))}
    for done, (images, labels) in enumerate(parts):
        if done * size % _REPORTED < size:
            _LOG.info("%s: %d of %d training images", teacher.weights, done * size, len(shown))
        output = answer(model, images.to(device), labels.to(device), wanted)
        for name, value in {_LOGITS: output.logits, **output.features}.items():
            if name in found:
                found[name].append(value.detach().float().cpu())
    test_images = arrays.test_images
    whole = views.plain_view(test_images, test_images.shape[-1], normalization)
    test_logits = predictions.logits(model, whole.to(device), "fp32").cpu()
    tensors = {name: torch.cat(values) for name, values in found.items()} | {_TEST_LOGITS: test_logits}
    with atomic.replacing(files.answers) as partial:
        partial.write_bytes(safetensors.torch.save(tensors))
    record = {
        "sha256": checksums.sha256(files.answers),
        "teacher": checksums.sha256(teacher.weights),
        "data": arrays.sha256,
        "resolution": resolution,
        "features": sorted(wanted),
        "test": {
            "correct": predictions.correct(test_logits, arrays.test_labels),
            "images": len(arrays.test_labels),
        },
        "device": devices.describe(device),
    }
    _LOG.info("%s: %d of %d test images are right", teacher.weights, *record["test"].values())
    atomic.write_json(files.record, record)


def load(files: AnswerFiles, arrays: Arrays, teacher: str) -> Answers:
    """Read what `write` wrote for the images of these arrays.

    Args:
        files: to read.
        arrays: the data set.
        teacher: SHA-256 of the weights of the teacher that must have given them.

    Raises:
        UserError: if the answers are not those of their record, or of another teacher, or to other images.
    """
    record = json.loads(files.record.read_text(encoding="utf-8"))
    fix = f"delete {files.answers} and {files.record} and run the workflow again"
    found = checksums.sha256(files.answers)
    if found != record["sha256"]:
        raise UserError(
            f"{files.answers}: these are not the answers of {files.record} (sha256 {found}, expected"
            f" {record['sha256']}); {fix}."
        )
    for name, sha256 in {"data": arrays.sha256, "teacher": teacher}.items():
        if record[name] != sha256:
            raise UserError(
                f"{files.record}: these answers are from another {name} (sha256 {record[name]}, expected"
                f" {sha256}); {fix}."
            )
    tensors = safetensors.torch.load_file(files.answers)
    logits, test_logits = tensors.pop(_LOGITS), tensors.pop(_TEST_LOGITS)
    return Answers(logits, tensors, test_logits, record)
