"""A copy of the repository where snakemake really runs, on data and networks small enough for a test."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml
from filelock import FileLock
from tiny_runs import MEASURED

REPOSITORY = Path(__file__).resolve().parents[1]
PLAIN = [sys.executable, "-m", "snakemake"]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
IMAGES_PER_BATCH = 64
# Folders of a study whose files have times in them.
TIMED = ("costs/", "provenance/", "logs/", "benchmarks/")
TARGETS = {
    *("all", "data", "teachers", "students", "evaluation", "tables", "figures", "claims", "provenance"),
    *("described", "released", "bridge", "controls", "best", "check"),
    *("archive", "irkd", "irkd-described", "irkd-released"),
    *("lightnn", "lightnn-described", "lightnn-released", "vlm", "vlm-described", "vlm-released"),
}

# Keys of config.yaml; all others are a study's.
WORKFLOW = {"studies", "on_request", "pathvars", "execution", "sources"}
TINY_STUDY = {
    "note": "tiny",
    "reproduce": ["described"],
    "seeds": {"students": [0]},
    "datasets": {"cifar10": {"split": {"holdout": 64}}},
    "models": {
        "vit-tiny-p4": {"width": 16, "depth": 3, "heads": 1, "mlp_width": 32},
        "vit-small-p4": {"width": 16, "depth": 3, "heads": 2, "mlp_width": 32},
    },
    "curricula": {
        "fixed": [{"resolution": 16, "epochs": 1}],
        "progressive": [{"resolution": 8, "epochs": 1}, {"resolution": 16, "epochs": 1}],
        "teacher": [{"resolution": 16, "epochs": 1}],
    },
    "recipes": {
        "student": {"batch_size": 32, "precision": "fp32"},
        "teacher": {"batch_size": 32, "precision": "fp32"},
    },
}
TINY = {
    "studies": ["irkd"],
    "execution": {"device": "cpu", "threads": 1},
    "sources": {"cifar10": [{"local": "absent"}]},
    "irkd": TINY_STUDY,
}


@dataclass(frozen=True)
class Workspace:
    """A folder with the workflow and, in tiny.yaml, what it is to do."""

    path: Path

    @classmethod
    def create(cls, path: Path, **changes) -> "Workspace":
        """A fresh one; `changes` are merged into the tiny configuration."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
        for name in names.split("\0"):
            source, target = REPOSITORY / name, path / name
            if not name or name.startswith("tests/"):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(source.readlink())
            elif source.is_file():
                shutil.copy2(source, target)
        workspace = cls(path)
        workspace.overlay.write_text(yaml.safe_dump(TINY))
        workspace.configure(**changes)
        return workspace

    @property
    def overlay(self) -> Path:
        return self.path / "tiny.yaml"

    @property
    def study(self) -> Path:
        """Folder of the results of IRKD."""
        return self.path / "results/irkd"

    def run_folder(self, run: str) -> Path:
        return self.study / f"runs/described/{run}/seed-0"

    def log(self, name: str) -> str:
        return (self.study / f"logs/{name}").read_text()

    def copy(self, path: Path) -> "Workspace":
        """Another workspace with the same files and times, Snakemake's records included."""
        shutil.copytree(self.path, path)
        return Workspace(path)

    def configure(self, **changes) -> None:
        """Merge changes into the overlay: of the workflow, or else of IRKD."""
        own = {key: changes.pop(key) for key in WORKFLOW & changes.keys()}
        self.merge(own | ({"irkd": changes} if changes else {}))

    def merge(self, changes: dict) -> None:
        """Merge changes into the overlay, as it is written."""
        self.overlay.write_text(yaml.safe_dump(_merged(yaml.safe_load(self.overlay.read_text()), changes)))

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a piece of a file that occurs there."""
        text = (self.path / name).read_text()
        assert old in text
        (self.path / name).write_text(text.replace(old, new))

    def prepare_data(self, results: str = "results") -> None:
        """Arrays and manifest of random images, as the rule prepare_dataset would leave them in `results`."""
        from distillation.data import datasets

        batches = self.path / "batches"
        batches_in(batches)
        folder = self.path / results / "data/cifar10"
        files = folder / "arrays.safetensors", folder / "manifest.json"
        datasets.prepare("cifar10", batches, *files, split={"holdout": 64, "seed": 42})
        shutil.rmtree(batches)

    def snakemake(self, *arguments: str, configfile: str = "tiny.yaml", **options) -> str:
        """Run snakemake here; see `call`."""
        return self.call([*PLAIN, *arguments, "--configfile", configfile], **options)

    def drive(self, *arguments: str, **options) -> str:
        """Run the driver here; see `call`."""
        return self.call([*self.driver, *arguments], **options)

    @property
    def driver(self) -> list[str]:
        return [sys.executable, "workflow_scripts/drive.py", "--configfile", "tiny.yaml", "--cores", "2"]

    def call(
        self, command: list[str], status: int = 0, environment: dict | None = None, seconds: int = 300
    ) -> str:
        """Run a command here that has to end with an exit status in so many seconds; all that it says."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env={**ENVIRONMENT, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def plan(self, *targets: str) -> set[str]:
        """What a dry run would do, by the messages of the jobs."""
        output = self.snakemake("-n", *targets)
        jobs = set(re.findall(r"^Job \d+: (.*)$", output, re.MULTILINE))
        assert len(jobs) == sum(stats(output, TARGETS | {*targets}).values())
        return jobs

    def outcome(self) -> dict[str, bytes]:
        """All that a study produces and that has no time in it, by file."""
        files = {}
        for path in sorted(self.study.rglob("*")):
            name = str(path.relative_to(self.study))
            # A killed writer leaves its temporary file behind.
            if not path.is_file() or "/resume/" in name or name.startswith(TIMED) or ".partial-" in name:
                continue
            if path.name == "history.csv":
                files[name] = _without_times(path.read_text())
            elif path.name == "run.json":
                files[name] = json.dumps(_without_sessions(json.loads(path.read_text()))).encode()
            else:
                files[name] = path.read_bytes()
        return files


def batches_in(folder: Path) -> None:
    """Write the six batches of a data set of random images, always the same."""
    import torch
    from distillation.data.formats.cifar10 import FORMAT

    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for name in FORMAT.files:
        records = torch.randint(256, (IMAGES_PER_BATCH, 3073), generator=generator, dtype=torch.uint8)
        records[:, 0] %= 10
        (folder / name).write_bytes(records.numpy().tobytes())


def once(tmp_path_factory, name: str, build) -> Workspace:
    """The workspace that `build` makes of a path, built once for all workers of pytest-xdist."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with FileLock(folder / f"{name}.lock"):
        if not (folder / name).exists():
            build(folder / f"{name}.unfinished").rename(folder / name)
    return Workspace(folder / name)


def stats(output: str, targets: Collection[str] = TARGETS) -> dict[str, int]:
    """Jobs by rule, from the table "Job stats" of a dry run, but for the targets, which do nothing."""
    if "Job stats:" not in output:
        assert "Nothing to be done" in output, output
        return {}
    table = output.split("Job stats:\n", 1)[1].split("\n\n", 1)[0]
    counts = {rule: int(count) for rule, count in re.findall(r"^([\w-]+) +(\d+)$", table, re.MULTILINE)}
    assert counts.pop("total") == sum(counts.values())
    return {rule: count for rule, count in counts.items() if rule not in targets}


def _merged(base: dict, changes: dict) -> dict:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _without_times(history: str) -> bytes:
    rows = [line.split(",") for line in history.splitlines()]
    timed = {rows[0].index(name) for name in MEASURED}
    kept = [[cell for index, cell in enumerate(row) if index not in timed] for row in rows]
    return repr(kept).encode()


def _without_sessions(record: dict) -> dict:
    stages = [
        {key: value for key, value in stage.items() if key not in MEASURED} for stage in record["stages"]
    ]
    # Their digests are of times too.
    return {**record, "sessions": None, "stages": stages, "files": None, "digest": None}
