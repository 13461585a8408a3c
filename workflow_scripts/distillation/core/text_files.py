"""Read text files that people write, with any program."""

from pathlib import Path

from distillation.core.errors import InputError


def read(path: Path) -> str:
    """The content of a file in UTF-8, which may begin with a byte order mark.

    Raises:
        InputError: the file cannot be read or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: this file cannot be read ({error.strerror}); name another.") from error
    try:
        # UTF-16 can pass for UTF-8 with zeros between the letters.
        found, wrong = content.decode("utf-8-sig"), content.find(b"\0")
    except UnicodeDecodeError as error:
        found, wrong = "", error.start
    if wrong >= 0:
        line = content.count(b"\n", 0, wrong) + 1
        raise InputError(
            f"{path}: line {line} is not UTF-8 (byte {content[wrong]:#04x}); save the file as UTF-8."
        )
    return found
