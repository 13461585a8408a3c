"""The binary and the Python release of CIFAR-10 and CIFAR-100 (Krizhevsky 2009).

A record of the binary release is one or two bytes of labels, the last of which is that of the class, and the
red, green and blue pixels of an image of 32 x 32, row by row.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10

from distillation.core.errors import InputError
from distillation.data.formats import Format, Images, Layout

_PIXELS = 3 * 32 * 32


def read(folder: Path, train: Sequence[str], test: Sequence[str], kind: Format, label_bytes: int) -> Images:
    """All images of the binary release.

    Args:
        folder: of the files.
        train: names of the files of the training images, in order.
        test: the same of the test images.
        kind: the data set.
        label_bytes: of a record, 1 or 2.

    Raises:
        InputError: a file is missing or malformed.
    """
    found = []
    for names in (train, test):
        records = np.concatenate([_records(folder / name, kind, label_bytes) for name in names])
        found += [records[:, label_bytes:].reshape(-1, 3, 32, 32), records[:, label_bytes - 1]]
    return Images(*found)


def _records(path: Path, kind: Format, label_bytes: int) -> np.ndarray:
    """Records [N, label bytes + pixels] of one file."""
    fix = f"delete the folder {path.parent} and rerun the workflow to obtain it again."
    if not path.is_file():
        raise InputError(f"{path} does not exist, expected a file of {kind.title}: {fix}")
    content, size = np.fromfile(path, dtype=np.uint8), label_bytes + _PIXELS
    if not content.size or content.size % size:
        raise InputError(f"{path} has {content.size} bytes, expected a positive multiple of {size}: {fix}")
    records = content.reshape(-1, size)
    highest = int(records[:, label_bytes - 1].max())
    if highest >= len(kind.classes):
        raise InputError(f"{path} has the label {highest}, expected 0 to {len(kind.classes) - 1}: {fix}")
    return records


def write(images: np.ndarray, labels: np.ndarray, names: Sequence[str], folder: Path) -> None:
    """Write files of the binary release.

    Args:
        images: uint8 [N, 3, 32, 32] or of an equal size.
        labels: [N], or [N, 2] with two bytes a record.
        names: of the files, which get equally many images each.
        folder: of the files.

    Raises:
        ValueError: there are not as many labels as images.
    """
    if len(images) != len(labels):
        raise ValueError(f"there are {len(labels)} labels, expected {len(images)}")
    columns = np.asarray(labels, dtype=np.uint8).reshape(len(labels), -1)
    records = np.concatenate([columns, images.reshape(len(images), -1)], axis=1)
    for name, part in zip(names, np.split(records, len(names)), strict=True):
        part.tofile(folder / name)


class _ArraysAlone(pickle.Unpickler):
    """A reader of pickles that calls nothing but what makes arrays."""

    def find_class(self, module: str, name: str) -> object:
        if (module.replace("numpy._core", "numpy.core"), name) not in _OF_ARRAYS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


_OF_ARRAYS = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}


def unpickled(path: Path) -> dict:
    """The plain values and arrays in a pickled file of the Python release.

    Raises:
        InputError: the file is no pickle, or has anything else in it, which is not run.
    """
    try:
        with path.open("rb") as file:
            content = _ArraysAlone(file, encoding="latin1").load()
        if not isinstance(content, dict):
            raise ValueError("it has no names")
        return content
    except (pickle.UnpicklingError, EOFError, ValueError) as error:
        raise InputError(f"{path}: this is not a file of plain arrays ({error}); obtain it again.") from error


def python_layout(
    release: type[CIFAR10], train: Sequence[str], test: Sequence[str], keys: Sequence[str]
) -> Layout:
    """The Python release, whose files and their MD5 are those of torchvision's class.

    Args:
        release: torchvision's class.
        train: names of the files of the binary release with the training images.
        test: the same with the test images.
        keys: of the labels in a pickled file, in the order of the bytes of a record.
    """
    listed = {"train": release.train_list, "test": release.test_list}

    def convert(found: Path, folder: Path) -> None:
        for part, names in (("train", train), ("test", test)):
            # torchvision reads one of the two labels alone.
            entries = [unpickled(found / name) for name, _ in listed[part]]
            images = np.concatenate([entry["data"] for entry in entries])
            labels = [np.stack([entry[key] for key in keys], axis=1) for entry in entries]
            write(images, np.concatenate(labels), names, folder)

    meta = (release.meta["filename"], release.meta["md5"])
    return Layout(
        dict([*listed["train"], *listed["test"], meta]), convert, release.base_folder, release.filename
    )
