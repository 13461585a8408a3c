"""Records: JSON files with a digest of their own content, by which damage is noticed.

Those of a training name it, and are at PROTOCOL/RUN/seed-SEED.json or PROTOCOL/RUN/seed-SEED/run.json.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillation.core.atomic import write_json
from distillation.core.errors import InputError

_DIGEST = "digest"
_PLACE = re.compile(r"([^/]+)/([^/]+)/seed-([^/]+?)(?:\.json|/run\.json)")


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all."""
    write_json(path, {**content, _DIGEST: _digest(content)})


def read(path: Path, again: str) -> dict[str, Any]:
    """The content of a record; of one without a digest, which older versions wrote, as it is.

    Args:
        path: of the file.
        again: how to have the file made again once it is gone, the end of a sentence.

    Raises:
        InputError: the file cannot be read, is cut off, was changed, or is of another training.
    """
    fix = f"delete it and {again}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: this file is missing; {again}.") from error
    except OSError as error:
        raise InputError(f"{path}: this file cannot be read ({error.strerror}); {fix}.") from error
    except ValueError as error:
        what = "not JSON in UTF-8" if path.stat().st_size else "empty"
        raise InputError(f"{path}: this file is damaged, it is {what}; {fix}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: this file is damaged, it has no keys; {fix}.")
    written = content.pop(_DIGEST, None)
    if written not in (None, _digest(content)):
        raise InputError(f"{path}: this file was changed after it was written; {fix}.")
    place = _PLACE.fullmatch("/".join(path.parts[-4:])) or _PLACE.fullmatch("/".join(path.parts[-3:]))
    # Older evaluations name no training, and older runs have their seed as a number.
    named = tuple(str(content[key]) for key in ("protocol", "run", "seed") if key in content)
    if place and named not in ((), place.groups()):
        raise InputError(f"{path}: this file is of another training, {', '.join(named)}; {fix}.")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    # As read again: keys are text there.
    plain = json.loads(json.dumps(content))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
