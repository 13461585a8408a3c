"""Answers of a trained teacher to a whole data set, computed once and read by all of its students.

They are the definition of what those students learn from: a student that reads them sees the same values on
every device.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from distillation.core import atomic, checksums, devices, records
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
        logits: for the N training images, in their order [1 or 2, N, classes]; if there are two, the second
            is for the mirrored images.
        features: by name, as its network captures them [1 or 2, N, ...]; gradients are those of each image
            alone.
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
    mirrored: bool,
    files: AnswerFiles,
    device: torch.device,
    size: int | None = None,
) -> None:
    """Compute and store a teacher's answers, in float32.

    Args:
        teacher: its files.
        arrays: the data set.
        normalization: of the images that its students are shown.
        resolution: side in pixels of the training images that they are shown.
        mirrored: whether they are shown mirrored images too.
        files: to write: safetensors and, written last, a JSON record with the SHA-256 of the answers, of the
            teacher's weights and of the data, and "test", how many test images the teacher gets right, of how
            many.
        device: where to compute.
        size: side in pixels to which its students' images are scaled first; that of the arrays by default.

    Raises:
        UserError: if the teacher's files do not belong together.
    """
    model, run = trained.restore(teacher.weights, teacher.record, device)
    wanted, size = run.model.storable, size or arrays.train_images.shape[-1]

    def show(images: Tensor, side: int = size, mirror: bool = False) -> Tensor:
        # As in training, where images are mirrored before they are scaled down.
        full = views.whole(images.to(device), size)
        return views.plain_view(full.flip(-1) if mirror else full, side, normalization)

    found: dict[str, list[Tensor]] = {}
    for mirror in (False, True)[: 1 + mirrored]:
        _LOG.info("%s: asked about training images%s", teacher.weights, ", mirrored" if mirror else "")
        for name, value in _answers(
            model, arrays, partial(show, side=resolution, mirror=mirror), wanted, device
        ):
            found.setdefault(name, []).append(value)
    test_logits = predictions.logits(model, arrays.test_images.to(device), show, "fp32").cpu()
    tensors = {name: torch.stack(values) for name, values in found.items()} | {_TEST_LOGITS: test_logits}
    with atomic.replacing(files.answers) as temporary:
        temporary.write_bytes(safetensors.torch.save(tensors))
    record = {
        "sha256": checksums.sha256(files.answers),
        "teacher": checksums.sha256(teacher.weights),
        "data": arrays.sha256,
        "resolution": resolution,
        "mirrored": mirrored,
        "features": sorted(wanted),
        "test": {
            "correct": predictions.correct(test_logits, arrays.test_labels),
            "images": len(arrays.test_labels),
        },
        "device": devices.describe(device),
    }
    _LOG.info("%s: %d of %d test images are right", teacher.weights, *record["test"].values())
    records.write(files.record, record)


def _answers(
    model: nn.Module,
    arrays: Arrays,
    show: predictions.View,
    wanted: Collection[str],
    device: torch.device,
) -> Iterator[tuple[str, Tensor]]:
    """The answers to all training images by name, each [N, ...] on the CPU."""
    batch = predictions.BATCH[device.type]
    parts: dict[str, list[Tensor]] = {name: [] for name in (_LOGITS, *sorted(wanted))}
    both = zip(arrays.train_images.split(batch), arrays.train_labels.split(batch), strict=True)
    for done, (images, labels) in enumerate(both):
        if done * batch % _REPORTED < batch:
            _LOG.info("%d of %d images", done * batch, len(arrays.train_labels))
        output = answer(model, show(images), labels.to(device), wanted)
        for name, value in {_LOGITS: output.logits, **output.features}.items():
            if name in parts:
                parts[name].append(value.detach().float().cpu())
    return ((name, torch.cat(values)) for name, values in parts.items())


def load(files: AnswerFiles, arrays: Arrays, teacher: str) -> Answers:
    """Read what `write` wrote for the images of these arrays.

    Args:
        files: to read.
        arrays: the data set.
        teacher: SHA-256 of the weights of the teacher that must have given them.

    Raises:
        UserError: if the answers are not those of their record, or of another teacher, or to other images.
    """
    fix = f"delete {files.answers} and {files.record} and run the workflow again"
    record = records.read(files.record, "run the workflow again to ask the teacher again")
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
