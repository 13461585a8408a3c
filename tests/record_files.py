"""Records of made-up runs, against which readers check their files."""

from pathlib import Path

from distillation.core import checksums, records
from distillation.core.finished_runs import RECORD

_NOTHING = {"spec": {}, "sha256": {}, "weights": {}, "stages": [], "sessions": []}


def alone(path: Path, **content) -> Path:
    """Write the record of a run of which there are no other files; return its path."""
    records.write(path, _NOTHING | content)
    return path


def beside(*paths: Path, **content) -> Path:
    """Write the record of some files that lie in one folder; return its path."""
    [folder] = {path.parent for path in paths}
    return alone(folder / RECORD, files={path.stem: checksums.sha256(path) for path in paths}, **content)
