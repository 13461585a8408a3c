"""Data sets by the format of their files, one component each, chosen by name.

A component has `FORMAT`, and its computation `read(folder) -> Images`, which reads the files that the format
names. If they can be made of other files, the computation also has `LAYOUTS`, a sequence of `Layout`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

Files = Mapping[str, str | int | None]


@dataclass(frozen=True)
class Format:
    """What is known of a data set before its files are there.

    Attributes:
        title: name in messages.
        image_size: side of its square RGB images in pixels.
        classes: their names, in the order of the labels.
        train, test: number of images in its two parts.
        files: names of its files, each with its MD5 (hex), its size in bytes if no MD5 is published, or None
            if neither is known.
        folder, archive: in which they are published; empty if they are files of their own.
        archive_md5: of that archive (hex).
    """

    title: str
    image_size: int
    classes: tuple[str, ...]
    train: int
    test: int
    files: Files
    folder: str = ""
    archive: str = ""
    archive_md5: str | None = None

    @property
    def is_checked(self) -> bool:
        """Whether the MD5 of every file is known, so that none can be another than it was."""
        return all(isinstance(known, str) for known in self.files.values())


@dataclass(frozen=True)
class Layout:
    """Other files with the same images.

    Attributes:
        files: their names, with what is known of each, as in `Format`.
        convert: writes the files of the format; it gets the folder of these files, which match what is known
            of them, and the folder to write into, and raises ValueError if they are malformed.
        folder, archive: in which they are published; without an archive they come as an npm package.
    """

    files: Files
    convert: Callable[[Path, Path], None]
    folder: str
    archive: str = ""


class Images(NamedTuple):
    """All images of a data set, uint8 [N, 3, S, S], RGB, 0 to 255; labels [N], indices into its classes."""

    train_images: "np.ndarray"
    train_labels: "np.ndarray"
    test_images: "np.ndarray"
    test_labels: "np.ndarray"
