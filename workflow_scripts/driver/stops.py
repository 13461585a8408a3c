"""End the jobs of a function that is stopped, and say how to go on."""

import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable

import psutil

_STOPPED = "Stopped; the same command goes on from here: trainings from their last save."
# Jobs are told again and again, as one may be about to start.
_TURN_SECONDS = 1.0
# Written where the numbers of signals arrive.
_ENDED = b"\0"


def run(function: Callable[[], None]) -> int:
    """Call a function, and end every process that it started when SIGTERM or Ctrl-C stops it.

    Works only in the main thread.

    Args:
        function: ends with SystemExit or KeyboardInterrupt, or returns.

    Returns:
        Its exit status; 143 or 130 if it was stopped and did not succeed all the same, which is then said.
    """
    stops: list[int] = []
    arrived, arriving = socket.socketpair()
    arriving.setblocking(False)
    # The function may have its own handlers of signals, after which its jobs go on for hours.
    signal.set_wakeup_fd(arriving.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ending = threading.Thread(target=_end_jobs, args=(arrived, stops), daemon=True)
    ending.start()
    status = 0
    try:
        function()
    except SystemExit as ended:
        status = ended.code or 0
    except KeyboardInterrupt:
        status = 1
    arriving.send(_ENDED)
    ending.join()
    if not (status and stops):
        return status
    print(_STOPPED, file=sys.stderr, flush=True)
    return 128 + stops[0]


def _end_jobs(arrived: socket.socket, stops: list[int]) -> None:
    """Add SIGTERM and Ctrl-C to a list as they arrive, and from then on send SIGTERM to all jobs."""
    arrived.settimeout(_TURN_SECONDS)
    came = b""
    while _ENDED not in came:
        with contextlib.suppress(TimeoutError):
            came = arrived.recv(64)
            stops += sorted({signal.SIGTERM, signal.SIGINT} & set(came))
        for job in psutil.Process().children(recursive=True) if stops else ():
            with contextlib.suppress(psutil.Error):
                job.terminate()
