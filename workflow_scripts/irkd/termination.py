"""End in order at SIGTERM, which a scheduler sends at a time limit, a preemption or a cancellation."""

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator
from types import FrameType

_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def at_sigterm(message: str) -> Iterator[None]:
    """Leave the block at once when this process gets SIGTERM: a log line, then exit status 143.

    The exit unwinds the stack, so locks are released and files half written are removed; only in the
    main thread.

    Raises:
        SystemExit: at SIGTERM.
    """
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    except SystemExit:
        _LOG.warning("%s", message)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _frame: FrameType | None) -> None:
    # A scheduler may send it again while this process is about to end.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
