"""The files of docs/extending.md, and the study that it adds beside IRKD."""

import re

from shipped import ROOT
from workspace import Workspace, batches_in

# A file's path in a line of its own, then its content.
FILES = dict(
    re.findall(
        r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$",
        (ROOT / "docs/extending.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
STUDY = "studies/widths/study.yaml"
TINY_STUDY = {
    "note": "tiny",
    "seeds": {"students": [0]},
    "curricula": {"fixed": [{"resolution": 16, "epochs": 2}]},
    "models": {"narrow": {"channels": [4]}, "wide": {"channels": [8]}},
    "recipes": {"student": {"batch_size": 32}},
}


def write(workspace: Workspace, names: list[str]) -> None:
    """Write files of the page."""
    for name in names:
        path = workspace.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILES[name], encoding="utf-8")


def add_study(workspace: Workspace) -> None:
    """Add the study, small enough for a test, its network and its data."""
    write(workspace, [name for name in FILES if name.startswith("workflow_scripts") and "cnn" in name])
    write(workspace, [STUDY])
    workspace.merge({"studies": ["irkd", "widths"], "widths": TINY_STUDY})
    batches_in(workspace.path / "results/downloads/cifar10")
    (workspace.path / "results/downloads/cifar10/source.json").write_text("{}")
