import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def pins(name):
    lines = (ROOT / "envs" / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def locked(name):
    """By each package of a lock: its version, and its hashes."""
    lines = (ROOT / "envs" / name).read_text(encoding="utf-8").splitlines()
    packages, hashes = {}, []
    for line in lines:
        if found := re.fullmatch(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?", line):
            hashes.append(found[1])
        elif not line.startswith("#"):
            package, version = re.fullmatch(r"([a-z0-9-]+)==([\w.]+)(?: ; [^\\]+?)? \\", line).groups()
            assert package not in packages, f"two versions of {package}"
            hashes = []
            packages[package] = version, hashes
    return packages


def test_conda_and_pip_have_the_same_pins():
    environment = yaml.safe_load((ROOT / "envs/environment.yaml").read_text(encoding="utf-8"))
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert set(pip) == pins("requirements.txt")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pyproject.toml", 'requires-python = ">=3.11,<3.13"'),
        ("Makefile", "Python 3.11 or 3.12 is needed"),
        ("Makefile", "(3, 11) <= v[:2] <= (3, 12)"),
        ("Makefile", "--universal --fork-strategy fewest --python-version 3.11"),
        ("README.md", "Python 3.11 or 3.12"),
        ("CONTRIBUTING.md", "Python 3.11 or 3.12"),
        ("docs/offline-node.md", "Python 3.11 or 3.12"),
        ("envs/environment.yaml", "- python=3.11\n"),
    ],
)
def test_every_file_that_names_pythons_names_the_same(name, says):
    assert says in (ROOT / name).read_text(encoding="utf-8")


def test_every_requirement_is_an_exact_version_and_none_names_an_index():
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / "envs" / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert all(pin.count("==") == 1 for pin in pins(name))


def test_the_tests_run_with_the_pinned_versions():
    for pin in pins("requirements.txt") | pins("requirements-dev.txt"):
        name, version = pin.split("==")
        assert importlib.metadata.version(name).split("+")[0] == version


def test_locks_have_every_pin_and_hashes_of_every_package_and_name_no_host():
    running, testing = locked("requirements.lock"), locked("requirements-dev.lock")
    for packages, names in (
        (running, ["requirements.txt"]),
        (testing, ["requirements.txt", "requirements-dev.txt"]),
    ):
        pinned = dict(pin.split("==") for name in names for pin in pins(name))
        assert pinned.items() <= {name: version for name, (version, _) in packages.items()}.items()
        assert all(hashes for _, hashes in packages.values())
    assert all(testing[name] == package for name, package in running.items())
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert not re.search(r"://|-index|--find-links", (ROOT / "envs" / name).read_text(encoding="utf-8"))


def test_the_running_environment_lacks_nothing_and_nothing_conflicts():
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, encoding="utf-8")
    assert checked.returncode == 0, checked.stdout
