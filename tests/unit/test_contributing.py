"""What contributors meet: hooks, workflow, forms and the page about them."""

import re

import pytest
import yaml
from shipped import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PULL_REQUEST = (ROOT / ".github/pull_request_template.md").read_text(encoding="utf-8")


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def linters():
    """Program and options of each line of `make lint`."""
    (recipe,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.split("$(BIN)/")[1] for line in recipe.splitlines()]


def test_hooks_are_the_linters_of_make_lint_from_the_environment():
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert all(hook["language"] == "system" for hook in hooks)
    # Git names the files to a hook, those too that ruff leaves out by itself.
    called = [hook["entry"].removesuffix(" --force-exclude") for hook in hooks]
    on_all = [linter.removesuffix(" Snakefile rules") for linter in linters()]
    assert called == [f".venv/bin/{linter}" for linter in on_all]
    assert {"codespell", "ruff check", "snakemake --lint"} < set(on_all)


def test_hooks_and_linters_are_pinned():
    names = ("requirements.txt", "requirements-dev.txt")
    pins = "".join((ROOT / "envs" / name).read_text(encoding="utf-8") for name in names)
    for program in ("pre-commit", *(linter.split()[0] for linter in linters())):
        assert len(re.findall(rf"^{program}==[\d.]+$", pins, re.MULTILINE)) == 1, program


@pytest.mark.parametrize(
    ("changed", "hooks"),
    [
        ("Snakefile", {"snakemake-lint", "snakefmt"}),
        ("rules/common.smk", {"snakemake-lint", "snakefmt"}),
        ("config.yaml", {"snakemake-lint"}),
        ("docs/README.md", set()),
    ],
)
def test_a_change_of_the_workflow_is_linted_by_the_hooks_for_it(changed, hooks):
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    patterns = {hook["id"]: hook["files"] for hook in repository["hooks"] if "files" in hook}
    assert {name for name, pattern in patterns.items() if re.search(pattern, changed)} == hooks


def test_the_workflow_checks_out_and_runs_what_ci_runs_with_every_python():
    workflow = read(".github/workflows/ci.yml")
    (job,) = workflow["jobs"].values()
    assert job["runs-on"].startswith("ubuntu-")
    assert job["timeout-minutes"] == 120
    assert job["strategy"]["matrix"] == {"python": ["3.11", "3.12"]}
    checkout, python, run = job["steps"]
    assert checkout["uses"].startswith("actions/checkout@")
    assert python["uses"].startswith("actions/setup-python@")
    assert python["with"] == {"python-version": "${{ matrix.python }}"}
    assert set(run) == {"run"}
    program = run["run"].split()[-1]
    assert program == ".ci/run"
    assert (ROOT / program).stat().st_mode & 0o100


def test_a_report_needs_the_record_the_command_and_the_log_and_asks_for_the_overlay():
    (path,) = (ROOT / ".github/ISSUE_TEMPLATE").iterdir()
    form = read(path.relative_to(ROOT))
    assert form["name"]
    assert form["description"]
    fields = {field["id"]: field for field in form["body"] if field["type"] != "markdown"}
    assert list(fields) == ["happened", "command", "overlay", "log", "record"]
    needed = [name for name, field in fields.items() if field.get("validations", {}).get("required")]
    assert needed == ["happened", "command", "log", "record"]
    assert fields["record"]["attributes"]["label"] == "run.json"
    assert "--configfile" in fields["overlay"]["attributes"]["description"]
    assert all(field["attributes"]["label"] for field in fields.values())


def test_a_pull_request_says_what_and_why_and_has_the_record_of_changed_numbers():
    assert re.findall(r"^## (.+)$", PULL_REQUEST, re.MULTILINE) == ["What", "Why", "Tests", "Numbers"]
    assert "`run.json`" in PULL_REQUEST.split("## Numbers")[1]


def test_targets_and_files_that_the_page_for_contributors_names_exist():
    targets = set(re.findall(r"^([\w-]+)(?= |:)[\w -]*:(?!=)", MAKEFILE, re.MULTILINE))
    named = [target for line in re.findall(r"\bmake ([a-z-]+(?: [a-z]+)*)", PAGE) for target in line.split()]
    assert {"setup", "demo", "lint", "test", "lock", "settings", "readme"} <= set(named)
    assert not set(named) - targets - {"installs"}
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    paths = re.findall(r"`((?:envs|tests|\.ci)/[^`]+)`", PAGE)
    assert links and paths
    for name in links + paths:
        assert (ROOT / name).is_file(), name


def test_the_test_that_the_page_for_contributors_gives_as_an_example_exists():
    (name,) = re.findall(r"`(test_\w+)`", PAGE)
    assert any(f"def {name}(" in path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))


def test_the_readme_and_the_page_of_the_structure_name_what_contributors_need():
    assert "(CONTRIBUTING.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    structure = (ROOT / "docs/structure.md").read_text(encoding="utf-8")
    for name in ("CONTRIBUTING.md", ".pre-commit-config.yaml", ".github/", "Dockerfile", "apptainer.def"):
        assert name in structure, name
