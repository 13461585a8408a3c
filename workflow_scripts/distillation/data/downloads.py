"""Downloads with time limits and reported progress."""

import http.client
import logging
import subprocess
import time
import urllib.request
from pathlib import Path

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 5.0


class UnusableError(Exception):
    """Why a source cannot be used, to be quoted within a sentence."""


def download(url: str, target: Path, limit: float, stall_seconds: float) -> None:
    """Write what an address offers into a file.

    Args:
        url: the address.
        target: the file.
        limit: seconds after which the download is given up.
        stall_seconds: the same, without any new byte.

    Raises:
        UnusableError: the download failed or was given up.
    """
    started = reported = time.monotonic()
    received = total = 0
    try:
        with (
            urllib.request.urlopen(url, timeout=stall_seconds) as response,
            target.open("wb") as file,
        ):
            total = int(response.headers.get("Content-Length") or 0)
            # read1 returns what has arrived, so that the time limit is checked in a slow download too.
            while chunk := response.read1(1 << 18):
                file.write(chunk)
                received += len(chunk)
                now = time.monotonic()
                if now - started > limit:
                    raise UnusableError(
                        f"the time limit of {limit / 60:g} minutes was reached"
                        f" at {received} of {total or '?'} bytes"
                    )
                if now - reported >= PROGRESS_SECONDS:
                    reported = now
                    log.info("%s", _progress(received, total, now - started))
    except TimeoutError as error:
        raise UnusableError(
            f"the server sent nothing for {stall_seconds:g} s, after {received} bytes"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnusableError(f"the download failed after {received} bytes: {error!r}") from error
    if total and received != total:
        raise UnusableError(f"the connection closed after {received} of {total} bytes")


def _progress(received: int, total: int, elapsed: float) -> str:
    speed = received / max(elapsed, 1e-9)
    of, left = (f"{total / 1e6:.1f}", f"{(total - received) / speed:.0f} s") if total else ("?", "unknown")
    return f"{received / 1e6:.1f} of {of} MB, {speed / 1e6:.2f} MB/s, time left {left}"


def npm_pack(package: str, folder: Path, limit: float) -> Path:
    """The archive of an npm package, downloaded into a folder by `npm pack`.

    Args:
        package: name and version, "NAME@VERSION".
        folder: for the archive.
        limit: seconds after which npm is stopped.

    Raises:
        UnusableError: npm is missing, failed or was stopped.
    """
    command = ["npm", "pack", "--ignore-scripts", package]
    log.info("running %s, time limit %g minutes", " ".join(command), limit / 60)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit,
            encoding="utf-8",
        )
    except FileNotFoundError as error:
        raise UnusableError("npm is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise UnusableError(f"npm pack reached the time limit of {limit / 60:g} minutes") from error
    packed = list(folder.glob("*.tgz"))
    if done.returncode or len(packed) != 1:
        said = " / ".join(done.stderr.strip().splitlines()[:3])
        raise UnusableError(
            f"npm pack ended with status {done.returncode} and {len(packed)} archives: {said}"
        )
    return packed[0]
