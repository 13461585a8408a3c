"""What a machine without a network has to have, and how wheels come beside it."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pip
import pytest
from distillation.core import commit
from distillation.core.errors import UserError
from offline_node import packages, wheels

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
AGAIN = f"on a machine with a network, `make wheels PYTHON_VERSION={THIS}`"
PINS = Path(__file__).parents[3] / "envs/requirements.txt"


@pytest.fixture
def installed(monkeypatch):
    """Sets what versions this Python seems to have."""

    def set_versions(**versions):
        def version(name):
            if name not in versions:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(importlib.metadata, "version", version)

    return set_versions


@pytest.fixture
def carried(tmp_path):
    """A folder of wheels with one package of ours, and pip."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / packages.PYTHON_VERSION).write_text(f"{THIS}\n")
    (folder / packages.REQUIREMENTS).write_text("carried==1.0\n")
    with zipfile.ZipFile(folder / "carried-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carried.py", "")
        information = "carried-1.0.dist-info"
        wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: carried\nVersion: 1.0\n")
        wheel.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{information}/RECORD", "")
    home = Path(pip.__file__).parent
    packed = shutil.make_archive(str(tmp_path / "pip"), "zip", home.parent, home.name)
    Path(packed).rename(folder / f"pip-{pip.__version__}-py3-none-any.whl")
    return folder


@pytest.mark.parametrize("torch", ["2.11.0+cu130", "2.12.0", "3.0.0rc1"])
def test_a_python_with_torch_torchvision_and_timm_is_taken(installed, torch):
    installed(torch=torch, torchvision="0.26.0", timm="1.0.31")
    packages.check()


def test_a_missing_package_is_named_with_what_to_do(installed):
    installed(torch="2.12.0", torchvision="0.27.0")
    with pytest.raises(UserError) as error:
        packages.check()
    assert str(error.value) == (
        f"timm 1.0 or later is needed, {sys.executable} has none: run this command with the Python of this"
        " machine that has it, or have it installed there."
    )


def test_an_old_package_is_named_with_what_to_do(installed):
    installed(torch="2.9.1+cu128", torchvision="0.24.0", timm="1.0.31")
    with pytest.raises(UserError) as error:
        packages.check()
    assert str(error.value) == (
        f"torch 2.11 or later is needed, {sys.executable} has 2.9.1+cu128: run this command with a Python"
        " that has a later one, or have it updated there."
    )


def test_an_unsupported_python_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    with pytest.raises(UserError) as error:
        packages.check_python()
    assert str(error.value) == (
        f"Python 3.11 or 3.12 is needed, {sys.executable} is 3.13: run this command with another Python that"
        " has torch."
    )


def test_an_environment_has_the_wheels_and_all_that_this_python_has(carried, tmp_path):
    python = packages.environment(carried, tmp_path / "environment")
    seen = "import carried, importlib.util as u; assert u.find_spec('torch') and u.find_spec('snakemake')"
    subprocess.run([python, "-c", seen], check=True)
    found = subprocess.run([sys.executable, "-c", "import carried"], capture_output=True)
    assert found.returncode != 0
    made = (tmp_path / "environment").stat().st_mtime_ns
    assert packages.environment(carried, tmp_path / "environment") == python
    assert (tmp_path / "environment").stat().st_mtime_ns == made


def test_wheels_that_lack_one_are_refused(carried, tmp_path, capfd):
    (carried / packages.REQUIREMENTS).write_text("carried==1.0\nforgotten==2.0\n")
    with pytest.raises(UserError) as error:
        packages.environment(carried, tmp_path / "environment")
    expected = f"{carried}: cannot be installed, see above: make it {AGAIN}, and copy all of it."
    assert str(error.value) == expected
    assert "forgotten==2.0" in capfd.readouterr().err


def test_a_folder_without_wheels_is_refused(tmp_path):
    with pytest.raises(UserError) as error:
        packages.environment(tmp_path, tmp_path / "environment")
    assert str(error.value) == f"{tmp_path}: not a folder of wheels: make it {AGAIN}, and copy it here."


def test_wheels_for_another_python_are_refused(carried, tmp_path):
    (carried / packages.PYTHON_VERSION).write_text("3.9\n")
    with pytest.raises(UserError) as error:
        packages.environment(carried, tmp_path / "environment")
    expected = f"{carried}: made for Python 3.9, and {sys.executable} is another: make it {AGAIN}."
    assert str(error.value) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": "3.13"}, "Python 3.13 is not supported, expected 3.11 or 3.12: name one of them."),
        ({"brought": ["torch", "spicy"]}, f"{PINS} has no spicy: name packages that it pins."),
    ],
)
def test_wheels_that_cannot_be_meant_are_not_collected(tmp_path, arguments, message):
    with pytest.raises(UserError) as error:
        wheels.collect(PINS, tmp_path / "wheels", **{"version": THIS, **arguments})
    assert str(error.value) == message
    assert not (tmp_path / "wheels").exists()


def test_a_folder_with_something_else_is_not_emptied_for_wheels(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UserError) as error:
        wheels.collect(PINS, tmp_path, THIS)
    assert str(error.value) == f"{tmp_path} holds other files than wheels: name another folder, or remove it."
    assert (tmp_path / "thesis.txt").exists()


@pytest.fixture
def downloading(tmp_path, monkeypatch):
    """Pins beside their lock, and a pip that leaves the locked wheels, pip, and one that is built."""
    pins = tmp_path / "pins.txt"
    pins.write_text("numpy==2.4.6\nscipy==1.17.1\nsnakemake==9.27.1\ntimm==1.0.31\ntorch==2.12.0\n")
    names = ["numpy-2.4.6-cp311", "argparse_dataclass-2.0.0-py3", "snakemake-9.27.1-py3"]
    locked = ""
    for name in names:
        package, version, _ = name.split("-")
        locked += f"{package}=={version} \\\n    --hash=sha256:{sha256(name.encode()).hexdigest()}\n"
    pins.with_suffix(".lock").write_text(locked)
    made = {name: name for name in (*names, "pip-26.3-py3", "connection_pool-0.0.3-py3")}
    seen = {}

    def download(verb, *arguments):
        if verb == "download":
            seen["constraint"] = arguments[arguments.index("--constraint") + 1].read_text()
            for name, content in made.items():
                (tmp_path / f"wheels/{name}-none-any.whl").write_text(content)

    monkeypatch.setattr(wheels, "_pip", download)
    return pins, made, seen


def test_wheels_are_of_the_locked_versions(downloading, tmp_path):
    pins, _, seen = downloading
    wheels.collect(pins, tmp_path / "wheels", THIS, brought=["torch", "timm"])
    versions = [line.rstrip() for line in seen["constraint"].splitlines()]
    assert versions == ["numpy==2.4.6", "argparse_dataclass==2.0.0", "snakemake==9.27.1"]


def test_a_wheel_with_another_hash_than_the_locked_one_is_refused(downloading, tmp_path):
    pins, made, _ = downloading
    made["snakemake-9.27.1-py3"] = "another"
    with pytest.raises(UserError) as error:
        wheels.collect(pins, tmp_path / "wheels", THIS, brought=["torch", "timm"])
    assert str(error.value) == (
        f"snakemake-9.27.1-py3-none-any.whl has none of the hashes in {tmp_path / 'pins.lock'}: have pip"
        " download from the index that the lock was made from, or make the lock again with `make lock`."
    )


def test_what_is_collected_is_listed_and_what_the_machine_brings_is_looked_for_there(downloading, tmp_path):
    pins, made, _ = downloading
    del made["connection_pool-0.0.3-py3"]
    found = wheels.collect(pins, tmp_path / "wheels", THIS, brought=["torch", "timm", "numpy", "scipy"])
    assert [path.name.split("-")[0] for path in found] == ["argparse_dataclass", "pip", "snakemake"]
    requirements = (tmp_path / "wheels" / packages.REQUIREMENTS).read_text().splitlines()
    assert requirements == ["argparse_dataclass==2.0.0", "snakemake==9.27.1", "numpy", "scipy"]
    assert (tmp_path / "wheels" / packages.PYTHON_VERSION).read_text() == f"{THIS}\n"


def test_the_commit_of_the_code_is_packed_with_the_wheels(tmp_path, monkeypatch):
    known = {"commit": "c" * 40, "dirty": True}
    monkeypatch.setattr(wheels, "_pip", lambda *_: None)
    monkeypatch.setattr(commit, "of", lambda root: known)
    wheels.collect(PINS, tmp_path / "wheels", THIS)
    packed = json.loads((tmp_path / "wheels/commit.json").read_text(encoding="utf-8"))
    assert packed == known | {"code": commit.sha256_of_all_code()}


def test_a_wheel_without_one_of_its_folders_lists_what_it_has_and_is_installed(carried, tmp_path):
    wheel = carried / "carried-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    files |= {"carried.py": b"HERE = True\n" * 500, "solvers/other/solve": b"x", "solvers.py": b""}
    record = "carried-1.0.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in files).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, content in files.items():
            whole.writestr(name, content)
    wheels.leave_out(wheel, "solvers/")
    with zipfile.ZipFile(wheel) as lighter:
        kept = set(files) - {"solvers/other/solve"}
        assert set(lighter.namelist()) == kept
        assert {line.split(",")[0] for line in lighter.read(record).decode().splitlines()} == kept
        assert lighter.getinfo("carried.py").compress_size < 500
        assert lighter.read("carried.py") == files["carried.py"]
    python = packages.environment(carried, tmp_path / "environment")
    subprocess.run([python, "-c", "import carried; assert carried.HERE"], check=True)


def test_what_the_machine_brings_is_pinned():
    pinned = {line.split("==")[0] for line in PINS.read_text().splitlines()}
    assert set(wheels.BROUGHT) <= pinned
    assert set(packages.MINIMUM) <= set(wheels.BROUGHT)
