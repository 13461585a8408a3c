"""A module for the start of Python, with which nothing reaches further than this machine."""

from pathlib import Path

_GUARD = """
import sys
from pathlib import Path

here = Path(__file__).parent
with (here / "guarded.txt").open("a") as file:
    print(*sys.orig_argv, file=file)


def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        address = arguments
    else:
        return
    if isinstance(address, tuple) and address[0] not in (None, "localhost", "127.0.0.1", "::1"):
        with (here / "refused.txt").open("a") as file:
            print(event, address, *sys.orig_argv, file=file)
        raise OSError(f"no network in this test: {event} {address}")


sys.addaudithook(refuse)
"""


def guard(folder: Path) -> dict[str, str]:
    """The environment in which every Python lists itself, and what it was refused, in files of `folder`."""
    folder.mkdir()
    # Python imports a module of this name when it starts.
    (folder / "sitecustomize.py").write_text(_GUARD, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}
