"""What is rebuilt from evidence is held against what is kept, byte for byte."""

import hashlib

import pytest
from distillation.core.errors import InputError
from distillation.pages import reference


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return [folder / name for name in files]


@pytest.fixture
def kept(tmp_path):
    folder = tmp_path / "kept"
    files = write(folder, {"tables/a.md": "table", "runs/history.csv": "evidence"})
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in files
    ]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def test_rebuilt_files_with_the_kept_bytes_are_named_as_equal(kept, tmp_path):
    rebuilt = tmp_path / "rebuilt"
    assert reference.compare(rebuilt, write(rebuilt, {"tables/a.md": "table"}), kept) == ["tables/a.md"]


def test_every_file_that_differs_or_is_not_kept_is_named_with_the_ways_out(kept, tmp_path):
    rebuilt = tmp_path / "rebuilt"
    files = write(rebuilt, {"tables/a.md": "another", "tables/b.md": "new"})
    with pytest.raises(InputError) as error:
        reference.compare(rebuilt, files, kept)
    assert str(error.value) == (
        f"{rebuilt} differs from {kept}. With package versions other than the pinned ones,"
        " figures can differ; after a change of code, configuration or evidence, update the committed files"
        " with `make keep-reference`.\n  tables/a.md differs\n  tables/b.md is not committed"
    )


def test_evidence_that_was_changed_by_hand_is_refused(kept, tmp_path):
    (kept / "runs/history.csv").write_text("better evidence")
    rebuilt = tmp_path / "rebuilt"
    with pytest.raises(InputError, match=r"runs/history\.csv has changed"):
        reference.compare(rebuilt, write(rebuilt, {"tables/a.md": "table"}), kept)
