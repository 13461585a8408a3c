"""End cleanly at SIGTERM, which a scheduler sends at a time limit, a preemption or a cancellation."""

import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

_LOG = logging.getLogger(__name__)


class Termination:
    """How a running block reacts to SIGTERM; see `at_sigterm`.

    Attributes:
        requested: whether it came and the block goes on until it ends by itself.
        may_finish: called when it comes; if it returns True the block goes on, otherwise it is left at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self.may_finish: Callable[[], bool] = lambda: False

    def leave(self) -> None:
        """End the process as SIGTERM does, from within the block.

        Raises:
            SystemExit: always, with status 143.
        """
        sys.exit(128 + signal.SIGTERM)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        # A scheduler may send it again before this process has ended.
        signal.signal(number, signal.SIG_IGN)
        if self.may_finish():
            self.requested = True
        else:
            self.leave()


@contextlib.contextmanager
def at_sigterm(message: str) -> Iterator[Termination]:
    """Leave the block when this process gets SIGTERM, with a log line and exit status 143.

    The block is left at once, unless its `may_finish` returns True. The exit unwinds the stack, so locks are
    released and partially written files are removed. Works only in the main thread.

    Args:
        message: the log line.

    Raises:
        SystemExit: at SIGTERM.
    """
    termination = Termination()
    before = signal.signal(signal.SIGTERM, termination._signalled)
    try:
        yield termination
    except SystemExit:
        _LOG.warning("%s", message)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
