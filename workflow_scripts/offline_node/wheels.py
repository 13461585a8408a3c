"""The folder of wheels that a machine without a network needs, made on one that has a network."""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path

from distillation.core import commit
from distillation.core.atomic import replacing
from distillation.core.checksums import file_digest
from distillation.core.errors import InputError, UserError

from offline_node.packages import MINIMUM, PYTHON_VERSION, PYTHONS, REQUIREMENTS

# Packages of such a machine: torch, torchvision and timm, and the pinned packages that they depend on.
BROUGHT = ("torch", "torchvision", "timm", "numpy", "pillow", "pyyaml", "safetensors")
# Minor version of the newest glibc that wheels may need, as for torch: Debian 11, Ubuntu 20.10, Red Hat 9.
_GLIBC = 28
# Published only as source, in pure Python. For another Python, pip resolves from wheels only.
_SOURCES = ("connection-pool",)
# Package and folder of the solvers for a scheduler that profiles/default does not use.
_UNUSED = ("pulp", "pulp/solverdir/cbc/")


def collect(
    pins: Path, folder: Path, version: str, machine: str = "x86_64", brought: Collection[str] = BROUGHT
) -> list[Path]:
    """Download wheels for Linux and CPython with pip, and write their versions and our commit beside them.

    Args:
        pins: a requirements file with exact versions, beside its lock: their dependencies, with hashes.
        folder: emptied first if it is a folder of wheels.
        version: of Python, such as "3.12".
        machine: processor, as printed by `uname -m`.
        brought: packages that the other machine has.

    Returns:
        The wheels.

    Raises:
        InputError: the version is not supported, a package of `brought` is not pinned, or `folder` has other
            files.
        UserError: pip failed, or a wheel is not the locked one.
    """
    if tuple(map(int, re.findall(r"\d+", version))) not in PYTHONS:
        known = " or ".join(".".join(map(str, python)) for python in PYTHONS)
        raise InputError(f"Python {version} is not supported, expected {known}: name one of them.")
    lines = [
        line for line in pins.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    unknown = sorted(set(brought) - {_name(line) for line in lines})
    if unknown:
        raise InputError(f"{pins} has no {', '.join(unknown)}: name packages that it pins.")
    if folder.exists() and any(folder.iterdir()) and not (folder / PYTHON_VERSION).is_file():
        raise InputError(f"{folder} holds other files than wheels: name another folder, or remove it.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / PYTHON_VERSION).write_text(version + "\n", encoding="utf-8")
    commit.write(folder)
    _pip("wheel", "--no-deps", "--wheel-dir", folder, *_SOURCES)
    wanted = [line for line in lines if _name(line) not in brought]
    target = ["--only-binary=:all:", "--implementation", "cp", "--python-version", version]
    for platform in _platforms(machine):
        target += ["--platform", platform]
    lock = pins.with_suffix(".lock")
    with tempfile.TemporaryDirectory() as temporary:
        # Pip takes hashes for all packages or for none, and pip itself is not locked: they are checked below.
        versions = Path(temporary, "constraints.txt")
        versions.write_text(_versions(lock), encoding="utf-8")
        options = ["--dest", folder, "--find-links", folder, "--constraint", versions]
        _pip("download", *target, *options, "pip", *wanted)
    _check(folder.glob("*.whl"), lock)
    for wheel in folder.glob("*.whl"):
        if _name(wheel.name) in brought:
            wheel.unlink()
        elif _name(wheel.name) == _UNUSED[0]:
            leave_out(wheel, _UNUSED[1])
    found = sorted(folder.glob("*.whl"))
    # Pip itself is not listed; of the machine's packages any version will do. Torch, torchvision and timm are
    # not listed either: `packages.check` checks them, and a working torch can lack declared dependencies.
    exact = (wheel.name.split("-") for wheel in found if not wheel.name.startswith("pip-"))
    needed = [*(f"{name}=={version}" for name, version, *_ in exact), *sorted(set(brought) - set(MINIMUM))]
    (folder / REQUIREMENTS).write_text("".join(f"{line}\n" for line in needed), encoding="utf-8")
    return found


def _versions(lock: Path) -> str:
    """The lines of a lock that name a package, without their hashes."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return "".join(line.removesuffix("\\") + "\n" for line in lines if re.match(r"\w", line))


def _check(found: Iterable[Path], lock: Path) -> None:
    """Refuse wheels whose hash is not locked, but for pip and those built here."""
    locked = set(re.findall(r"--hash=sha256:(\w+)", lock.read_text(encoding="utf-8")))
    for wheel in found:
        known = file_digest(wheel, "sha256") in locked
        if not known and _name(wheel.name) not in ("pip", *_SOURCES):
            raise UserError(
                f"{wheel.name} has none of the hashes in {lock}: have pip download from the index that the"
                " lock was made from, or make the lock again with `make lock`."
            )


def leave_out(wheel: Path, folder: str) -> None:
    """Rewrite a wheel without the files of a folder, and without their lines in its list of files."""
    with (
        replacing(wheel) as temporary,
        zipfile.ZipFile(wheel) as whole,
        zipfile.ZipFile(temporary, "w") as lighter,
    ):
        for member in whole.infolist():
            if member.filename.startswith(folder):
                continue
            content = whole.read(member)
            if member.filename.endswith(".dist-info/RECORD"):
                lines = content.decode("utf-8").splitlines(keepends=True)
                content = "".join(line for line in lines if not line.startswith(folder)).encode("utf-8")
            lighter.writestr(member, content)


def _platforms(machine: str) -> list[str]:
    """Platform tags of wheels that run there; pip does not expand them."""
    names = [f"manylinux_2_{minor}" for minor in range(_GLIBC, 4, -1)]
    names += ["manylinux2014", "manylinux2010", "manylinux1", "linux"]
    return [f"{name}_{machine}" for name in names]


def _name(requirement: str) -> str:
    """The normalized name of a pin or of a wheel."""
    return re.sub(r"[-_.]+", "-", re.split(r"==|-\d", requirement)[0]).lower()


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", *map(str, arguments), "--quiet", "--disable-pip-version-check"]
    if subprocess.run(command).returncode:
        raise UserError("pip failed, see above: fix the error and try again.")
