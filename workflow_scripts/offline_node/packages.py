"""Python packages of a machine without a network: the machine's torch, and everything else from wheels."""

import importlib.metadata
import re
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

from distillation.core.errors import UserError

PYTHONS = ((3, 11), (3, 12))
# Minimum versions of the machine's own packages; all others are pinned.
MINIMUM = {"torch": (2, 11), "torchvision": (0, 26), "timm": (1, 0)}
# Files in a folder of wheels: their Python version, and the exact package versions.
PYTHON_VERSION = "python-version.txt"
REQUIREMENTS = "requirements.txt"

_STAMP = "installed.txt"


def check_python() -> None:
    """Check the version of the running Python.

    Raises:
        UserError: the project does not support it.
    """
    if sys.version_info[:2] not in PYTHONS:
        known = " or ".join(map(_dotted, PYTHONS))
        raise UserError(
            f"Python {known} is needed, {sys.executable} is {_dotted(sys.version_info[:2])}: run this command"
            " with another Python that has torch."
        )


def check() -> None:
    """Check the versions of torch, torchvision and timm in the running Python.

    Raises:
        UserError: one of them is missing or too old.
    """
    for name, minimum in MINIMUM.items():
        needed = f"{name} {_dotted(minimum)} or later"
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise UserError(
                f"{needed} is needed, {sys.executable} has none: run this command with the Python of this"
                " machine that has it, or have it installed there."
            ) from None
        if tuple(map(int, re.findall(r"\d+", version)[:2])) < minimum:
            raise UserError(
                f"{needed} is needed, {sys.executable} has {version}: run this command with a Python that has"
                " a later one, or have it updated there."
            )


def environment(wheels: Path, folder: Path) -> Path:
    """The Python of an environment with these wheels and, after them, all packages of the running Python.

    The environment is rebuilt if `folder` contains one with other wheels or of another Python.

    Args:
        wheels: made by `make wheels`.
        folder: for the environment.

    Raises:
        UserError: the wheels are missing, are for another Python, or cannot be installed.
    """
    again = f"on a machine with a network, `make wheels PYTHON_VERSION={_dotted(sys.version_info[:2])}`"
    try:
        made_for = (wheels / PYTHON_VERSION).read_text(encoding="utf-8").strip()
        (pip,) = wheels.glob("pip-*.whl")
        stamp = f"{sys.executable}\n{sys.version}\n" + (wheels / REQUIREMENTS).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise UserError(f"{wheels}: not a folder of wheels: make it {again}, and copy it here.") from None
    if made_for != _dotted(sys.version_info[:2]):
        raise UserError(
            f"{wheels}: made for Python {made_for}, and {sys.executable} is another: make it {again}."
        )
    python = folder / "bin/python"
    if not (folder / _STAMP).is_file() or (folder / _STAMP).read_text(encoding="utf-8") != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        venv.EnvBuilder(symlinks=True).create(folder)
        _add_packages_of_this_python(folder)
        command = [str(python), f"{pip}/pip", "--isolated", "install", "--quiet", "--no-input", "--no-index"]
        # Other packages of this machine may require other versions; they do not see these.
        command += ["--no-warn-conflicts", "--disable-pip-version-check", "--root-user-action=ignore"]
        command += ["--no-compile", "--find-links", str(wheels)]
        command += ["--requirement", str(wheels / REQUIREMENTS)]
        if subprocess.run(command).returncode:
            raise UserError(f"{wheels}: cannot be installed, see above: make it {again}, and copy all of it.")
        (folder / _STAMP).write_text(stamp, encoding="utf-8")
    return python


def _add_packages_of_this_python(folder: Path) -> None:
    """Let the environment see the running Python's packages; `system_site_packages` shows the base's."""
    places = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    lines = [f"import site; site.addsitedir({place!r})\n" for place in places]
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "of_this_machine.pth").write_text("".join(lines), encoding="utf-8")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
