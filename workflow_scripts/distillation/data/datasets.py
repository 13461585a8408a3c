"""Data sets as arrays: parse and split their files once, and check the arrays at every read."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from distillation.core import components
from distillation.core.atomic import replacing
from distillation.core.checksums import file_digest
from distillation.core.errors import InputError
from distillation.data.formats import Format, Images

log = logging.getLogger(__name__)

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Arrays:
    """A prepared data set.

    Images are uint8 [N, 3, S, S], RGB, 0 to 255; labels are int64 [N], indices into `classes`. Without a
    split, there are no validation images. `sha256` (hex) is that of the arrays file.
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
    kind: str,
    files: Path,
    arrays: Path,
    manifest: Path,
    *,
    split: Mapping[str, int] | None = None,
    limit: Mapping[str, int] | None = None,
) -> None:
    """Parse, split and write the files of a data set; equal files and arguments give equal results.

    Args:
        kind: name of the format, a component of `data.formats`.
        files: folder of the files that the format names.
        arrays: becomes a safetensors file with `{part}_images`, uint8 [N, 3, S, S], and `{part}_labels`,
            int64 [N], for the parts train, validation and test.
        manifest: becomes a JSON file that describes the arrays; written last.
        split: holdout and seed of `split_indices` and, if it is to be checked, holdout_index_sum, the sum of
            the validation indices; None to train on all training images, in the order of the files.
        limit: how many of the first images are kept, after the split, of the parts it names, from 1 to all.

    Raises:
        InputError: a file is missing or malformed, an argument is out of range, or the index sum differs.
    """
    found = components.load("data.formats", kind).read(files)
    form = components.declarations("data.formats")[kind].FORMAT
    _check_images(found, form, files)
    everything = torch.arange(len(found.train_labels))
    training, validation, done = everything, everything[:0], None
    if split is not None:
        holdout, seed = split["holdout"], split["seed"]
        training, validation = split_indices(len(everything), holdout, seed)
        index_sum = int(validation.sum())
        _check_index_sum(index_sum, split.get("holdout_index_sum"), f"seed {seed} and holdout {holdout}")
        done = {"seed": seed, "holdout": holdout, "holdout_index_sum": index_sum}
    parts = {"train": training, "validation": validation, "test": torch.arange(len(found.test_labels))}
    kept = _limited(parts, limit or {})
    with replacing(arrays) as partial:
        # Not save_file: it makes the file readable for its owner only, whatever the umask.
        partial.write_bytes(save(_tensors(found, kept)))
        sha256 = file_digest(partial, "sha256")
    # No time, path or source: equal data must give equal manifests.
    description = {
        "format": kind,
        "classes": form.classes,
        "files_md5": {name: file_digest(files / name, "md5") for name in form.files},
        "arrays_sha256": sha256,
        "split": done,
        "sizes": {part: len(indices) for part, indices in kept.items()},
        "first_indices": {part: indices[:4].tolist() for part, indices in kept.items()},
    }
    with replacing(manifest) as partial:
        partial.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
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


def _check_images(found: Images, form: Format, folder: Path) -> None:
    """Compare what was read with what the format declares.

    Raises:
        InputError: with everything that differs.
    """
    wrong, side = [], form.image_size
    for part, images, labels in (("train", *found[:2]), ("test", *found[2:])):
        if images.dtype != "uint8" or images.shape[1:] != (3, side, side):
            wrong.append(
                f"{part}_images are {images.dtype} of shape {list(images.shape)}, expected uint8 of"
                f" [N, 3, {side}, {side}]"
            )
        if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
            wrong.append(
                f"{part}_labels are {labels.dtype} of shape {list(labels.shape)}, expected whole numbers of"
                f" shape {list(images.shape[:1])}, one for each image"
            )
        elif len(labels) and not 0 <= labels.min() <= labels.max() < len(form.classes):
            wrong.append(
                f"{part}_labels are {labels.min()} to {labels.max()}, expected 0 to {len(form.classes) - 1}"
            )
    if wrong:
        raise InputError(
            f"{form.title} in {folder}: {'; '.join(wrong)}: correct the files where they come from, or the"
            " format."
        )


def _check_index_sum(found: int, expected: int | None, origin: str) -> None:
    if expected not in (None, found):
        raise InputError(
            f"The validation indices of {origin} add up to {found}, expected {expected}: "
            "correct seed, holdout or holdout_index_sum in the configuration."
        )


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


def _tensors(found: Images, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tensors = {}
    for part, indices in kept.items():
        images, labels = found[2:] if part == "test" else found[:2]
        tensors[f"{part}_images"] = torch.from_numpy(images)[indices].contiguous()
        tensors[f"{part}_labels"] = torch.from_numpy(labels)[indices].long()
    return tensors
