"""Compare rebuilt tables and figures with the committed ones."""

from collections.abc import Iterable
from pathlib import Path

from distillation.core.errors import InputError
from distillation.pages import archive


def compare(rebuilt: Path, files: Iterable[Path], committed: Path) -> list[str]:
    """Check that every rebuilt file is committed with the same bytes.

    Args:
        rebuilt: the folder that the names are relative to.
        files: files below it.
        committed: an unpacked archive of results, same layout, maybe more files; see `archive.verify`.

    Returns:
        Names of the rebuilt files, sorted.

    Raises:
        InputError: with each committed file that differs from what was packed, or each rebuilt file
            that is not committed or differs.
    """
    archive.verify(committed)
    names = sorted(path.relative_to(rebuilt).as_posix() for path in files)
    wrong = []
    for name in names:
        if not (committed / name).is_file():
            wrong.append(f"{name} is not committed")
        elif (committed / name).read_bytes() != (rebuilt / name).read_bytes():
            wrong.append(f"{name} differs")
    if wrong:
        lines = "".join(f"\n  {line}" for line in wrong)
        raise InputError(
            f"{rebuilt} differs from {committed}. With package versions other than the pinned ones,"
            " figures can differ; after a change of code, configuration or evidence, update the committed"
            f" files with `make keep-reference`.{lines}"
        )
    return names
