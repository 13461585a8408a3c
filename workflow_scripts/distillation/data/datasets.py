"""CIFAR-10 as arrays: parse and split the binary batches once, and check them at every read."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torchvision.datasets import CIFAR10

from distillation.core.atomic import replacing
from distillation.core.checksums import file_digest
from distillation.core.errors import InputError

log = logging.getLogger(__name__)

TRAIN_BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_BATCH = "test_batch.bin"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGE_SHAPE = (3, 32, 32)
RECORD_BYTES = 1 + 3 * 32 * 32
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Release:
    """Contents of a complete copy of the release.

    `batches_md5` (hex) is keyed by the names of the binary batches, each of `records` images;
    `archive_md5` (hex) is that of the binary archive; `python` reads torchvision's release.
    """

    batches_md5: Mapping[str, str]
    records: int
    archive_md5: str
    python: type[CIFAR10]


OFFICIAL = Release(
    batches_md5={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    },
    records=10_000,
    archive_md5="c32a1d4ab5d03f1284b67883e8d87530",
    python=CIFAR10,
)


@dataclass(frozen=True)
class Arrays:
    """A prepared dataset.

    Images are uint8 [N, 3, 32, 32], RGB, 0 to 255; labels are int64 [N], indices into `classes`.
    `sha256` (hex) is that of the arrays file.
    """

    train_images: Tensor
    train_labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]
    sha256: str

    def to(self, device: torch.device) -> "Arrays":
        """The same arrays on a device."""
        return replace(
            self,
            **{name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)},
        )


def prepare(
    batches: Path,
    arrays: Path,
    manifest: Path,
    *,
    holdout: int,
    seed: int,
    holdout_index_sum: int | None = None,
    limit: Mapping[str, int] | None = None,
) -> None:
    """Parse, split and write the binary batches; equal batches and arguments give equal files.

    `batches` is a folder with the six binary batches. `arrays` becomes a safetensors file with
    `{part}_images`, uint8 [N, 3, 32, 32], and `{part}_labels`, int64 [N], for the parts train,
    validation and test; `manifest`, a JSON file that describes it, is written last. `holdout` and
    `seed` are those of `split_indices`; the validation indices have to add up to
    `holdout_index_sum` unless it is None. `limit` keeps the first images, after the split, of the
    parts it names, from 1 to all of them.

    Raises:
        InputError: a batch is missing or malformed, an argument is out of range, or the index sum differs.
    """
    train = _read_batches([batches / name for name in TRAIN_BATCHES])
    test = _read_batches([batches / TEST_BATCH])
    training, validation = split_indices(len(train), holdout, seed)
    index_sum = int(validation.sum())
    _check_index_sum(index_sum, holdout_index_sum, f"seed {seed} and holdout {holdout}")
    parts = {"train": training, "validation": validation, "test": torch.arange(len(test))}
    kept = _limited(parts, limit or {})
    with replacing(arrays) as partial:
        # Not save_file: it makes the file readable for its owner only, whatever the umask.
        partial.write_bytes(save(_tensors(train, test, kept)))
        sha256 = file_digest(partial, "sha256")
    split = {"seed": seed, "holdout": holdout, "holdout_index_sum": index_sum}
    with replacing(manifest) as partial:
        text = json.dumps(_description(batches, sha256, split, kept), indent=2) + "\n"
        partial.write_text(text, encoding="utf-8")
    log.info("wrote %s", ", ".join(f"{len(indices)} images for {part}" for part, indices in kept.items()))


def split_indices(count: int, holdout: int, seed: int) -> tuple[Tensor, Tensor]:
    """Permute 0 to `count` - 1 by `seed`; the last `holdout` indices are for validation.

    Returns the indices for training [count - holdout] and validation [holdout], int64, the same as
    those of `torch.utils.data.random_split` with a generator of that seed.

    Raises:
        InputError: `holdout` is not between 1 and `count` - 1.
    """
    if not 1 <= holdout < count:
        raise InputError(
            f"holdout is {holdout}, expected 1 to {count - 1} of {count} training images: "
            "correct it in the configuration."
        )
    permutation = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return permutation[: count - holdout], permutation[count - holdout :]


def load(arrays: Path, manifest: Path) -> Arrays:
    """Read what `prepare` wrote, on the CPU.

    Raises:
        InputError: a file is missing, or the arrays are not those that the manifest describes.
    """
    fix = f"delete {arrays} and {manifest} and rerun the workflow to prepare them again."
    for path in (arrays, manifest):
        if not path.is_file():
            raise InputError(f"{path} does not exist, expected a prepared dataset: {fix}")
    try:
        description = json.loads(manifest.read_text(encoding="utf-8"))
        expected, classes = description["arrays_sha256"], tuple(description["classes"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{manifest} is not a manifest of prepared arrays ({error!r}): {fix}") from error
    found = file_digest(arrays, "sha256")
    if found != expected:
        raise InputError(f"{arrays} has changed: its SHA-256 is {found}, expected {expected}: {fix}")
    return Arrays(**load_file(arrays), classes=classes, sha256=found)


def _check_index_sum(found: int, expected: int | None, origin: str) -> None:
    if expected not in (None, found):
        raise InputError(
            f"The validation indices of {origin} add up to {found}, expected {expected}: "
            "correct seed, holdout or holdout_index_sum in the configuration."
        )


def _read_batches(paths: list[Path]) -> Tensor:
    return torch.cat([_read_batch(path) for path in paths])


def _read_batch(path: Path) -> Tensor:
    fix = f"delete the folder {path.parent} and rerun the workflow to obtain it again."
    if not path.is_file():
        raise InputError(f"{path} does not exist, expected a CIFAR-10 batch: {fix}")
    content = bytearray(path.read_bytes())
    if not content or len(content) % RECORD_BYTES:
        raise InputError(
            f"{path} has {len(content)} bytes, expected a positive multiple of {RECORD_BYTES}: {fix}"
        )
    records = torch.frombuffer(content, dtype=torch.uint8).reshape(-1, RECORD_BYTES)
    highest = int(records[:, 0].max())
    if highest >= len(CLASSES):
        raise InputError(f"{path} has the label {highest}, expected 0 to {len(CLASSES) - 1}: {fix}")
    return records


def _limited(parts: dict[str, Tensor], limit: Mapping[str, int]) -> dict[str, Tensor]:
    for part, count in limit.items():
        if part not in parts:
            raise InputError(
                f"limit names the part {part!r}, expected one of {', '.join(PARTS)}: "
                "correct it in the configuration."
            )
        if not 1 <= count <= len(parts[part]):
            raise InputError(
                f"limit asks for {count} images of {part}, expected 1 to {len(parts[part])}: "
                "correct it in the configuration."
            )
    return {part: indices[: limit.get(part)] for part, indices in parts.items()}


def _tensors(train: Tensor, test: Tensor, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tensors = {}
    for part, indices in kept.items():
        records = (test if part == "test" else train)[indices]
        tensors[f"{part}_images"] = records[:, 1:].reshape(-1, *IMAGE_SHAPE).contiguous()
        tensors[f"{part}_labels"] = records[:, 0].long()
    return tensors


def _description(batches: Path, sha256: str, split: dict[str, int], kept: Mapping[str, Tensor]) -> dict:
    # No time, path or source: equal data must give equal manifests.
    return {
        "dataset": "cifar10",
        "classes": CLASSES,
        "batches_md5": {name: file_digest(batches / name, "md5") for name in (*TRAIN_BATCHES, TEST_BATCH)},
        "arrays_sha256": sha256,
        "split": split,
        "sizes": {part: len(indices) for part, indices in kept.items()},
        "first_indices": {part: indices[:4].tolist() for part, indices in kept.items()},
    }
