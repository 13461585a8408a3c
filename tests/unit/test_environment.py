import importlib.metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def pins(name):
    lines = (ROOT / "envs" / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def test_conda_and_pip_have_the_same_pins():
    environment = yaml.safe_load((ROOT / "envs/environment.yaml").read_text())
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert set(pip) == pins("requirements.txt")


def test_every_requirement_is_an_exact_version_and_none_names_an_index():
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / "envs" / name).read_text()
        assert "://" not in text
        assert all(pin.count("==") == 1 for pin in pins(name))


def test_the_tests_run_with_the_pinned_versions():
    for pin in pins("requirements.txt") | pins("requirements-dev.txt"):
        name, version = pin.split("==")
        assert importlib.metadata.version(name).split("+")[0] == version
