"""The studies that the repository ships, as their files have them."""

from pathlib import Path

import yaml
from distillation.study import study

ROOT = Path(__file__).parents[1]
STUDIES = ROOT / "studies"
# What to run and how, and the study.
WORKFLOW = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((STUDIES / "irkd/study.yaml").read_text(encoding="utf-8"))


def overlay(name: str) -> dict:
    """What an overlay of the study changes in it, such as "groups/described-p4"."""
    path = STUDIES / f"irkd/overlays/{name}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["irkd"]


def demo(name: str) -> dict:
    """A study as the demo has it."""
    folder = STUDIES / name
    files = [folder / "study.yaml", folder / "overlays/demo.yaml"]
    own, changes = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)
    return study.merge(own, changes[name])
