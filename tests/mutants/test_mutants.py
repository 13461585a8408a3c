"""Each small mistake of mutations.yaml, made in a copy of the repository, fails the tests that it names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MUTATIONS = yaml.safe_load((ROOT / "tests/mutants/mutations.yaml").read_text(encoding="utf-8"))
# Of pytest.
PASSED, FAILED = 0, 1
# A worker's tests would share folders with those of another copy.
OF_WORKERS = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OF_WORKERS}


@pytest.fixture
def copy(tmp_path):
    """A copy of the repository as it stands; a git repository too, as some tests list its files."""
    tree, listing = tmp_path / "tree", ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout
    for name in filter(None, names.split("\0")):
        source, target = ROOT / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.exists():
            shutil.copy2(source, target, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    yield tree
    shutil.rmtree(tmp_path)


def outcome_of(tree, tests):
    """The exit status of these tests in a copy, and what they say."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [f"--basetemp={tree.parent / 'temporary'}", *tests]
    done = subprocess.run(
        command, cwd=tree, env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=900
    )
    return done.returncode, done.stdout + done.stderr


def test_without_a_mistake_the_named_tests_pass(copy):
    named = dict.fromkeys(test for mutation in MUTATIONS for test in mutation["tests"])
    status, said = outcome_of(copy, named)
    assert status == PASSED, said


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation["promise"] for mutation in MUTATIONS])
def test_a_mistake_is_noticed(copy, mutation):
    path, before = copy / mutation["file"], mutation["before"]
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{mutation['file']} has this {text.count(before)} times: {before}"
    path.write_text(text.replace(before, mutation["after"]), encoding="utf-8")
    status, said = outcome_of(copy, mutation["tests"])
    assert status != PASSED, f"survived: {mutation['promise']}"
    assert status == FAILED, said
