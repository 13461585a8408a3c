"""Rebuilt tables and figures, held against the kept ones."""

from collections.abc import Iterable
from pathlib import Path

from distillation.core.errors import InputError
from distillation.pages import archive


def compare(rebuilt: Path, files: Iterable[Path], kept: Path) -> list[str]:
    """Names of rebuilt files, each of which is kept with the same bytes.

    Args:
        rebuilt: the folder that the names start from.
        files: files below it.
        kept: an unpacked archive of results, laid out likewise; see `archive.verify`. It may hold more.

    Raises:
        InputError: naming each kept file that is not as it was packed, and each rebuilt file that is
            not kept or differs.
    """
    archive.verify(kept)
    names = sorted(path.relative_to(rebuilt).as_posix() for path in files)
    wrong = []
    for name in names:
        if not (kept / name).is_file():
            wrong.append(f"{name} is not kept")
        elif (kept / name).read_bytes() != (rebuilt / name).read_bytes():
            wrong.append(f"{name} differs")
    if wrong:
        lines = "".join(f"\n  {line}" for line in wrong)
        raise InputError(
            f"{rebuilt} is not what {kept} keeps. With other versions of the packages than the pinned ones"
            " pictures can differ; after a change of code, configuration or evidence, `make"
            f" keep-reference` keeps the new ones.{lines}"
        )
    return names
