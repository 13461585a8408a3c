"""Both container files make the environment of `make setup`; they are read here, as no engine builds them."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest
from shipped import ROOT

DOCKER, APPTAINER = ROOT / "envs/Dockerfile", ROOT / "envs/apptainer.def"
FOLDER, VENV = PurePosixPath("/study"), "/opt/venv"


@dataclass(frozen=True)
class Container:
    """What a container file says: its base, what it copies where, what it runs there, variables and usage."""

    base: str
    copied: dict[str, PurePosixPath]
    commands: list[str]
    variables: dict[str, str]
    usage: list[str]


def usage(text):
    return re.findall(r"^#   (\S.*)$", text, re.MULTILINE)


def variables(text):
    return dict(re.findall(r"([A-Z]+)=(\S+)", text))


def dockerfile():
    text = DOCKER.read_text(encoding="utf-8")
    code = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in code.splitlines() if line]
    assert [name for name, _ in steps] == ["FROM", "RUN", "WORKDIR", "COPY", "COPY", "RUN", "ENV"]
    said = {name: rest for name, rest in steps if name in ("FROM", "WORKDIR", "ENV")}
    folder = PurePosixPath(said["WORKDIR"])
    copies = [rest.split() for name, rest in steps if name == "COPY"]
    runs = [command for name, rest in steps if name == "RUN" for command in rest.split("&&")]
    return Container(
        said["FROM"],
        {source: folder / target for source, target in copies},
        [" ".join(command.split()) for command in runs],
        variables(said["ENV"]),
        usage(text),
    )


def apptainer():
    text = APPTAINER.read_text(encoding="utf-8")
    head, *parts = re.split(r"^%", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)
    said = {name: lines for name, _, lines in (part.partition("\n") for part in parts)}
    assert list(said) == ["files", "post", "environment"]
    header = dict(line.split(": ") for line in head.splitlines() if line)
    assert header.pop("Bootstrap") == "docker"
    commands = [" ".join(line.split()) for line in said["post"].splitlines() if line.strip()]
    # What WORKDIR is in the other.
    commands.remove(f"cd {FOLDER}")
    files = [line.split() for line in said["files"].splitlines() if line]
    return Container(
        header["From"],
        {source: PurePosixPath(target) for source, target in files},
        commands,
        variables(said["environment"]),
        usage(text),
    )


def test_both_containers_run_the_same_commands_on_the_same_files_and_base():
    docker, other = dockerfile(), apptainer()
    assert (docker.base, docker.copied, docker.commands) == (other.base, other.copied, other.commands)
    assert docker.variables == other.variables | {"HOME": "/tmp", "USER": "irkd"}
    assert docker.variables["PATH"] == f"{VENV}/bin:$PATH"
    assert docker.variables["MAKEFLAGS"] == f"VENV={VENV}"


def test_containers_have_the_python_of_the_conda_environment_and_what_the_workflow_calls():
    container = dockerfile()
    (conda,) = re.findall(r"- python=(\S+)", (ROOT / "envs/environment.yaml").read_text(encoding="utf-8"))
    assert container.base == f"python:{conda}-slim-bookworm"
    (install,) = (line for line in container.commands if line.startswith("apt-get install"))
    packages = install.split("--no-install-recommends ")[1].split()
    assert packages == ["bash", "gcc", "git", "libc6-dev", "make"]


def test_containers_install_the_lock_with_hashes_from_nothing_but_what_they_copy(tmp_path):
    container = dockerfile()
    for source, target in container.copied.items():
        copy = tmp_path / target.relative_to(FOLDER)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((ROOT / source).read_bytes())
    command = container.commands[-1]
    assert command == f"PIP_NO_CACHE_DIR=1 make VENV={VENV} setup"
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = command.replace(VENV, str(tmp_path / "venv")) + " --dry-run"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    installs = [line for line in done.stdout.splitlines() if "pip install" in line]
    pip = f"{tmp_path}/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes"
    assert installs == [f"{pip} -r envs/requirements.lock"]
    assert f"{tmp_path}/venv/bin/pip check" in done.stdout.splitlines()


@pytest.mark.parametrize("path", [DOCKER, APPTAINER], ids=lambda path: path.name)
def test_container_files_name_no_host_and_no_index(path):
    assert not re.search(r"://|index|find-links|\bpip\b", path.read_text(encoding="utf-8"))


def test_the_page_on_clusters_has_every_command_that_the_container_files_have():
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    lines = [line.strip() for line in page.splitlines()]
    commands = dockerfile().usage + apptainer().usage
    assert len(commands) == 4
    assert all(command in lines for command in commands)
    assert sum("snakemake --cores 8 all" in command for command in commands) == 2


def test_make_in_a_container_uses_its_environment_and_finds_it_first(tmp_path):
    printing = tmp_path / "printing.mk"
    printing.write_text("printed:\n\t@echo $(VENV) $(PATH)\n", encoding="utf-8")
    # Without what a make that runs the tests says to those below it.
    around = {name: value for name, value in os.environ.items() if name != "MAKELEVEL"}
    environment = {**around, "MAKEFLAGS": dockerfile().variables["MAKEFLAGS"]}
    command = ["make", "--file", "Makefile", "--file", printing, "printed"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert done.stdout.startswith(f"{VENV} {VENV}/bin:"), done.stderr
