"""The commit of this project's code, also if the code was copied without its .git.

Needs only the standard library, as it runs before any package is installed.
"""

import contextlib
import hashlib
import json
import logging
import shutil
import subprocess
from pathlib import Path

from distillation.core.atomic import replacing

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[3]
FILE = "commit.json"


def of(root: Path = ROOT) -> dict | None:
    """The commit of the code in a folder, from its own .git or, without one, from its commit.json.

    A repository around the folder is never used. A commit.json that was written for other code is ignored
    with a warning.

    Args:
        root: the folder of the project, which has `workflow_scripts`.

    Returns:
        "commit" (hex) and "dirty", whether tracked files differed from it; None if the commit is unknown.
    """
    return _from_git(root) if (root / ".git").exists() else _from_file(root)


def sha256_of_all_code(root: Path = ROOT) -> str:
    """SHA-256 (hex) over the names and contents of all Python files below `workflow_scripts`.

    Args:
        root: the folder of the project.
    """
    folder = root / "workflow_scripts"
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write(folder: Path, root: Path = ROOT) -> None:
    """Write commit.json, for copies of the code without .git, into a folder if the commit is known.

    Args:
        folder: it is created if it does not exist.
        root: the folder of the project.

    Raises:
        OSError: it cannot be written.
    """
    found = of(root)
    if found:
        content = found | {"code": sha256_of_all_code(root)}
        with replacing(folder / FILE) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def bring(folder: Path, root: Path = ROOT) -> None:
    """Copy a folder's commit.json, if it has one, to where `of` reads it, unless there is a .git.

    Args:
        folder: see `write`.
        root: the folder of the project.

    Raises:
        OSError: it cannot be copied.
    """
    if (folder / FILE).is_file() and not (root / ".git").exists():
        shutil.copyfile(folder / FILE, root / FILE)


def _from_git(root: Path) -> dict | None:
    def ask(*arguments: str) -> str:
        # With an explicit --git-dir, git does not search the parent folders.
        command = ["git", "-C", str(root), f"--git-dir={root / '.git'}", f"--work-tree={root}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _from_file(root: Path) -> dict | None:
    path = root / FILE
    if not path.is_file():
        return None
    # A truncated file is ignored, as is one that was written for other code.
    with contextlib.suppress(ValueError, KeyError, TypeError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["code"] == sha256_of_all_code(root):
            return {"commit": content["commit"], "dirty": content["dirty"]}
    log.warning(
        "%s does not match the code beside it, so the commit is unknown: run `make wheels` in the checkout"
        " that the code was copied from, and copy wheels/ and wheels/%s here.",
        path,
        FILE,
    )
    return None
