"""A result names the commit of its code, wherever that was copied to, and never another repository's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from distillation.core import commit
from distillation.training import sessions

SCRIPTS = Path(commit.__file__).parents[2]
CODE = {"train.py": "TRAIN = 1\n", "distillation/study/spec.py": "SPEC = 1\n"}


def git(folder, *arguments):
    command = ["git", "-c", "user.name=somebody", "-c", "user.email=somebody@example.org", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def project(root):
    for name, text in CODE.items():
        path = root / "workflow_scripts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def committed(root):
    """Commit everything in a folder; the commit."""
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "All")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path):
    """A project in a repository of its own, and its commit."""
    root = project(tmp_path / "checkout")
    return root, committed(root)


@pytest.fixture
def copied(checkout, tmp_path):
    """The code of the checkout without its .git, in a folder of another repository."""
    other = project(tmp_path / "other")
    (other / "another.txt").touch()
    committed(other)
    return project(other / "copied")


def test_a_checkout_has_its_own_commit_and_says_whether_files_differ_from_it(checkout):
    root, known = checkout
    assert commit.of(root) == {"commit": known, "dirty": False}
    (root / "workflow_scripts/new.py").touch()
    assert commit.of(root) == {"commit": known, "dirty": False}
    (root / "workflow_scripts/train.py").write_text("TRAIN = 2\n", encoding="utf-8")
    assert commit.of(root) == {"commit": known, "dirty": True}


def test_a_further_working_tree_of_a_repository_is_a_checkout_as_well(checkout, tmp_path):
    root, known = checkout
    git(root, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert (tmp_path / "tree/.git").is_file()
    assert commit.of(tmp_path / "tree") == {"commit": known, "dirty": False}


def test_a_checkout_names_its_own_commit_where_the_environment_names_another_repository(
    checkout, copied, monkeypatch
):
    root, known = checkout
    monkeypatch.setenv("GIT_DIR", str(copied.parent / ".git"))
    assert git(root, "rev-parse", "HEAD") != known
    assert commit.of(root) == {"commit": known, "dirty": False}


def test_the_repository_around_a_copy_is_not_asked(copied, caplog):
    assert git(copied, "rev-parse", "HEAD")
    assert commit.of(copied) is None
    (copied / ".git").mkdir()
    assert commit.of(copied) is None
    assert caplog.text == ""


def test_a_copy_without_git_has_the_commit_that_was_written_for_its_code(checkout, copied, tmp_path):
    root, known = checkout
    commit.write(tmp_path / "wheels", root)
    commit.bring(tmp_path / "wheels", copied)
    assert commit.of(copied) == {"commit": known, "dirty": False}
    commit.write(tmp_path / "again", copied)
    texts = [(folder / commit.FILE).read_text(encoding="utf-8") for folder in (copied, tmp_path / "again")]
    assert texts[0] == texts[1]
    assert json.loads(texts[0]) == {
        "commit": known,
        "dirty": False,
        "code": commit.sha256_of_all_code(root),
    }


@pytest.mark.parametrize(
    "spoil",
    [
        lambda root: (root / "workflow_scripts/distillation/study/spec.py").write_text(
            "SPEC = 2\n", encoding="utf-8"
        ),
        lambda root: (root / "workflow_scripts/new.py").touch(),
        lambda root: (root / "workflow_scripts/train.py").rename(root / "workflow_scripts/trained.py"),
        lambda root: (root / commit.FILE).write_text('{"commit": ', encoding="utf-8"),
        lambda root: (root / commit.FILE).write_text("{}", encoding="utf-8"),
        lambda root: (root / commit.FILE).write_text("[]", encoding="utf-8"),
    ],
    ids=["edited code", "more code", "renamed code", "cut short", "without its keys", "no mapping"],
)
def test_a_commit_that_was_written_for_other_code_is_unknown_and_a_warning_says_what_to_do(
    checkout, copied, tmp_path, caplog, spoil
):
    commit.write(tmp_path / "wheels", checkout[0])
    commit.bring(tmp_path / "wheels", copied)
    spoil(copied)
    assert commit.of(copied) is None
    assert caplog.messages == [
        f"{copied}/commit.json does not match the code beside it, so the commit is unknown: run `make wheels`"
        " in the checkout that the code was copied from, and copy wheels/ and wheels/commit.json here."
    ]
    commit.write(tmp_path / "nothing", copied)
    assert not (tmp_path / "nothing").exists()


def test_a_checkout_has_no_use_for_a_commit_that_is_brought(checkout, tmp_path):
    root, known = checkout
    commit.write(tmp_path / "wheels", root)
    commit.bring(tmp_path / "wheels", root)
    assert not (root / commit.FILE).exists()
    (root / commit.FILE).write_text('{"commit": "0"}', encoding="utf-8")
    assert commit.of(root)["commit"] == known


def test_wheels_without_a_commit_bring_none(copied, tmp_path):
    commit.bring(tmp_path, copied)
    assert not (copied / commit.FILE).exists()


def test_a_machine_without_git_knows_no_commit_of_a_checkout(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit.of(checkout[0]) is None


def test_the_digest_of_all_code_is_of_its_python_files_alone(copied):
    before = commit.sha256_of_all_code(copied)
    (copied / "workflow_scripts/distillation/__pycache__").mkdir()
    (copied / "workflow_scripts/distillation/__pycache__/spec.cpython-311.pyc").touch()
    (copied / "config.yaml").touch()
    assert commit.sha256_of_all_code(copied) == before


def test_a_run_names_the_commit_of_this_project():
    assert Path(sessions.__file__).is_relative_to(commit.ROOT)
    assert sessions.session()["git"] == commit.of()


def test_all_that_runs_before_the_packages_are_installed_needs_the_standard_library_alone():
    # -S leaves out the packages of the environment.
    imports = "from distillation.core import checksums, commit; from offline_node import command, wheels"
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    subprocess.run([sys.executable, "-S", "-c", imports], check=True, env=environment)
