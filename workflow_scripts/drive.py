"""Run snakemake, also after an earlier run was killed, and say how to go on after it was stopped.

    python workflow_scripts/drive.py SNAKEMAKE-ARGUMENTS

A killed snakemake leaves its lock behind, and a stale lock looks like one in use. So this process takes a
lock of the operating system instead, which lasts exactly as long as the process, and runs snakemake itself.

SIGTERM and Ctrl-C end the jobs too; at SIGTERM, a training saves the epoch that it is in if that ends soon.
The exit status is then 143 or 130, as in a shell, and otherwise snakemake's own.

On a terminal, jobs and trainings are shown live; see snakemake_logger_plugin_terminal.
"""

import contextlib
import fcntl
import signal
import socket
import sys
import threading
from pathlib import Path

import psutil

_STOPPED = "Stopped; the same command goes on from here: trainings from their last save."
# Jobs are told again and again, as one may be about to start.
_TURN_SECONDS = 1.0
# Written where the numbers of signals arrive.
_ENDED = b"\0"


def main(arguments: list[str]) -> None:
    """Run snakemake with these arguments, or exit with the reason why not.

    Raises:
        SystemExit: always.
    """
    path = Path(".snakemake/driver.lock")
    try:
        path.parent.mkdir(exist_ok=True)
        lock = path.open("w", encoding="utf-8")
    except OSError as error:
        sys.exit(f"{path.resolve()}: cannot be written ({error.strerror}); use a checkout of your own.")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run is active in {Path.cwd()}; wait until it ends.")
        except OSError as error:
            sys.exit(
                f"{path.resolve()}: cannot be locked ({error.strerror}); use a checkout on a file system with"
                " locks, or `snakemake` itself, one at a time."
            )
        # Jobs do not inherit the lock: subprocess closes inherited files.
        sys.exit(_run([*_live_view(), "--nolock", *arguments]))


def _run(arguments: list[str]) -> int:
    """Run snakemake in this process and return the exit status."""
    stops: list[int] = []
    arrived, arriving = socket.socketpair()
    arriving.setblocking(False)
    # Snakemake has its own handlers of signals, after which its jobs go on for hours.
    signal.set_wakeup_fd(arriving.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ending = threading.Thread(target=_end_jobs, args=(arrived, stops), daemon=True)
    ending.start()
    try:
        # Here, as the sentences above must not wait for it.
        from snakemake import cli

        cli.main(arguments)
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


def _live_view() -> list[str]:
    """Options for the live view, a plugin beside this file, if there is a terminal."""
    return ["--logger", "terminal"] if sys.stderr.isatty() else []


if __name__ == "__main__":
    main(sys.argv[1:])
