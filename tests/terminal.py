"""A terminal of 100 columns that a command believes in."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from workspace import ENVIRONMENT

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(command, folder):
    """Run a command on a terminal; its exit status, and all that it wrote there, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**ENVIRONMENT, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    # Linux says by an error that nobody has the other end any more.
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:
        pass
    os.close(ours)
    return process.wait(60), _CONTROL.sub("", written.decode()).replace("\r", "")
