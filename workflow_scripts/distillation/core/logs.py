"""Log what a script reports, uncaught exceptions included, to a file and to stderr."""

import errno
import logging
import os
import sys
from pathlib import Path
from types import TracebackType

from distillation.core.errors import UserError

# Environment variable: the program that draws a live view on the terminal, which log lines would break.
DRAWN = "DISTILLATION_TERMINAL_DRAWN_BY"
# Environment variable of a script that replaces another and appends to its log.
GOES_ON = "DISTILLATION_LOG_GOES_ON"


def to_file_and_stderr(path: str | Path) -> None:
    """Configure the root logger and `sys.excepthook`; call once, at the start of a script.

    Every record of level INFO or above becomes a time-stamped line in both places, or only in the file
    if stderr is a terminal on which a live view is drawn (`DRAWN`). The file is overwritten, except by a
    script that replaces another (`GOES_ON`). An uncaught `UserError` is logged as its text alone, a full
    disk as a sentence, an interruption as one word, any other exception with its traceback; the exit status
    is the interpreter's own.

    Raises:
        OSError: the file cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "a" if GOES_ON in os.environ else "w"
    handlers = [_LogFile(path, mode=mode, encoding="utf-8")]
    if not (DRAWN in os.environ and sys.stderr.isatty()):
        handlers.append(logging.StreamHandler(sys.stderr))
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=handlers,
        force=True,
    )
    sys.excepthook = _report


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (of logging)
        """On a full disk, keep to the one sentence, which stands on stderr; report any other failure."""
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, UserError):
        logging.error("%s", error)
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" at {error.filename}" if error.filename else ""
        logging.error(
            "there is no space left%s (%s); free some and run the same command again: what was saved stays",
            where,
            error.strerror,
        )
    elif issubclass(kind, KeyboardInterrupt):
        logging.error("interrupted")
    else:
        logging.critical("the script stopped on an unexpected error", exc_info=(kind, error, trace))
