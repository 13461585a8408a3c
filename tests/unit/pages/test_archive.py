"""An archive that depends on contents alone."""

import os
import subprocess
import tarfile

import pytest
from distillation.pages import archive

FILES = {
    "tables/t.csv": b"a,b\n",
    "figures/f.png": bytes(range(256)),
    "runs/described/vit/seed-0/run.json": b"{}",
}


@pytest.fixture
def folder(tmp_path):
    """Results of a study, with a file that is not to be packed."""
    for name, content in {**FILES, "runs/described/vit/seed-0/best.safetensors": b"large"}.items():
        path = tmp_path / "irkd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "irkd"


@pytest.fixture
def unpacked(folder, tmp_path):
    """The folder of an unpacked archive."""
    archive.pack(folder, [folder / name for name in FILES], tmp_path / "irkd.tar.gz")
    with tarfile.open(tmp_path / "irkd.tar.gz") as tar:
        tar.extractall(tmp_path / "elsewhere", filter="data")
    return tmp_path / "elsewhere/irkd"


def test_an_archive_is_one_folder_with_the_files_named_and_their_checksums(unpacked):
    assert [path.name for path in unpacked.parent.iterdir()] == ["irkd"]
    found = {str(path.relative_to(unpacked)): path for path in unpacked.rglob("*") if path.is_file()}
    assert found.pop("SHA256SUMS").stat().st_mode & 0o777 == 0o644
    assert {name: path.read_bytes() for name, path in found.items()} == FILES


def test_further_contents_are_packed_beside_the_files_and_have_checksums(folder, tmp_path):
    archive.pack(folder, [folder / name for name in FILES], tmp_path / "out.tar.gz", {"README": b"more"})
    with tarfile.open(tmp_path / "out.tar.gz") as tar:
        tar.extractall(tmp_path / "elsewhere", filter="data")
    assert (tmp_path / "elsewhere/irkd/README").read_bytes() == b"more"
    assert "  README\n" in (tmp_path / "elsewhere/irkd/SHA256SUMS").read_text(encoding="utf-8")


def test_sha256sum_agrees(unpacked):
    subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=unpacked, check=True)


def test_equal_contents_give_equal_bytes_whatever_their_order_times_and_modes(folder, tmp_path):
    files = [folder / name for name in FILES]
    archive.pack(folder, files, tmp_path / "one.tar.gz")
    for path in files:
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    archive.pack(folder, reversed(files), tmp_path / "elsewhere/two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "elsewhere/two.tar.gz").read_bytes()


def test_a_file_from_outside_the_folder_is_not_packed(folder, tmp_path):
    (tmp_path / "other").touch()
    with pytest.raises(ValueError, match="other"):
        archive.pack(folder, [tmp_path / "other"], tmp_path / "out.tar.gz")
    assert not (tmp_path / "out.tar.gz").exists()
