"""Send what a script reports, its end by an exception included, to a file and to stderr."""

import logging
import sys
from pathlib import Path
from types import TracebackType

from irkd.errors import UserError


def to_file_and_stderr(path: str | Path) -> None:
    """Configure the root logger and `sys.excepthook`; call once, at the start of a script.

    Every record of level INFO or above becomes a time-stamped line in both places; the file is
    started afresh. An uncaught `UserError` is reported by its text alone, any other exception with
    its traceback; the interpreter's exit status stays 1.

    Raises:
        OSError: the file cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[logging.FileHandler(path, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)],
        force=True,
    )
    sys.excepthook = _report


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, UserError):
        logging.error("%s", error)
    else:
        logging.critical("the script stopped on an unexpected error", exc_info=(kind, error, trace))
