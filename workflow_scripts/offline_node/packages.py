"""Python packages of a machine without a network: its own torch, and everything else from wheels."""

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
# Of what the machine brings itself; everything else is pinned.
MINIMUM = {"torch": (2, 11), "torchvision": (0, 26), "timm": (1, 0)}
# In a folder of wheels: what they are for, and the exact versions.
PYTHON_VERSION = "python-version.txt"
REQUIREMENTS = "requirements.txt"

_STAMP = "installed.txt"


def check_python() -> None:
    """Look at the version of the Python that runs this.

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
    """Look for torch, torchvision and timm in the Python that runs this.

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
    """The Python of an environment with these wheels and, behind them, all that this Python has.

    It is made anew where `folder` holds one of other wheels or of another Python.

    Args:
        wheels: made by `make wheels`.
        folder: of the environment.

    Raises:
        UserError: the wheels are not there, are for another Python, or do not go with what it has.
    """
    again = f"on a machine with a network, `make wheels PYTHON_VERSION={_dotted(sys.version_info[:2])}`"
    try:
        made_for = (wheels / PYTHON_VERSION).read_text().strip()
        (pip,) = wheels.glob("pip-*.whl")
        stamp = f"{sys.executable}\n{sys.version}\n" + (wheels / REQUIREMENTS).read_text()
    except (OSError, ValueError):
        raise UserError(f"{wheels}: no folder of wheels: make it {again}, and copy it here.") from None
    if made_for != _dotted(sys.version_info[:2]):
        raise UserError(
            f"{wheels}: made for Python {made_for}, and {sys.executable} is another: make it {again}."
        )
    python = folder / "bin/python"
    if not (folder / _STAMP).is_file() or (folder / _STAMP).read_text() != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        venv.EnvBuilder(symlinks=True).create(folder)
        _let_see_this_python(folder)
        command = [str(python), f"{pip}/pip", "--isolated", "install", "--quiet", "--no-input", "--no-index"]
        # What else this machine has may want other versions; it does not see these.
        command += ["--no-warn-conflicts", "--disable-pip-version-check", "--root-user-action=ignore"]
        command += ["--no-compile", "--find-links", str(wheels)]
        command += ["--requirement", str(wheels / REQUIREMENTS)]
        if subprocess.run(command).returncode:
            raise UserError(f"{wheels}: cannot be installed, see above: make it {again}, and copy all of it.")
        (folder / _STAMP).write_text(stamp)
    return python


def _let_see_this_python(folder: Path) -> None:
    """Have the environment see what this Python sees: `system_site_packages` is about the one below it."""
    places = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    lines = [f"import site; site.addsitedir({place!r})\n" for place in places]
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "of_this_machine.pth").write_text("".join(lines))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
