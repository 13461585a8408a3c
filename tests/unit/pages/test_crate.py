"""What an archive says of itself, read by the reader of RO-Crates."""

import hashlib
import os
import tarfile

import pytest
import record_files
from distillation.core.errors import InputError
from distillation.pages import archive, crate
from rocrate.rocrate import ROCrate
from shipped import ROOT

HISTORY = "global_epoch,seconds\n1,100.0\n2,20.0\n3,30.4\n"
RUN = "runs/described/{}/seed-0/run.json"
SETTINGS, TABLE, FIGURE = "switches/switches.csv", "tables/table1.md", "figures/inputs.svg"
CITATION = """\
title: A workflow
version: 1.2.3
license: MIT
authors:
  - name: The authors
  - {given-names: Ada, family-names: Lovelace}
"""


def session(started, from_epoch=1):
    return {"started": f"2026-01-02T{started}+00:00", "from_epoch": from_epoch}


def trained(folder, run, *sessions):
    """Write a finished run."""
    record = folder / RUN.format(run)
    record.parent.mkdir(parents=True)
    history = record.with_name("history.csv")
    history.write_text(HISTORY, encoding="utf-8")
    record_files.beside(history, protocol="described", run=run, seed="0", sessions=list(sessions))


@pytest.fixture
def folder(tmp_path):
    """Results of a study: two trainings, the second of them stopped after two epochs, and some pages."""
    folder = tmp_path / "irkd"
    trained(folder, "first", session("10:00:00"))
    trained(folder, "second", session("09:00:00"), session("12:00:00", from_epoch=3))
    for name in (SETTINGS, TABLE, FIGURE):
        (folder / name).parent.mkdir()
        (folder / name).write_text(f"of {name}", encoding="utf-8")
    (tmp_path / "Snakefile").write_text("rule all:\n", encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text(CITATION, encoding="utf-8")
    return folder


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def described(folder, files=None):
    """The metadata of the results in a folder."""
    given = {"workflow": folder.parent / "Snakefile", "citation": folder.parent / "CITATION.cff"}
    return crate.metadata(folder, files or files_in(folder), **given, snakemake="9.8.7")


@pytest.fixture
def unpacked(folder, tmp_path):
    """The folder of an unpacked archive with its metadata."""
    more = {crate.METADATA: described(folder), crate.WORKFLOW: (tmp_path / "Snakefile").read_bytes()}
    archive.pack(folder, files_in(folder), tmp_path / "irkd.tar.gz", more)
    with tarfile.open(tmp_path / "irkd.tar.gz") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    return tmp_path / "unpacked/irkd"


@pytest.fixture
def read(unpacked):
    """The archive as the reader of RO-Crates has it."""
    return ROCrate(unpacked)


def ids(entities):
    return {entity.id for entity in entities}


def test_every_file_is_listed_with_its_size_and_digest_but_for_the_list_itself_and_the_checksums(
    read, unpacked
):
    listed = {entity.id: (entity["contentSize"], entity["sha256"]) for entity in read.data_entities}
    contents = {str(path.relative_to(unpacked)): path.read_bytes() for path in files_in(unpacked)}
    for name in (crate.METADATA, archive.SUMS):
        del contents[name]
    assert listed == {
        name: (str(len(content)), hashlib.sha256(content).hexdigest()) for name, content in contents.items()
    }
    assert {RUN.format("first"), TABLE, FIGURE, "Snakefile"} < listed.keys()


def test_the_snakefile_is_the_workflow_with_its_language_authors_and_license(read):
    main = read.mainEntity
    assert main.id == "Snakefile"
    assert main.type == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert (main.lang["name"], main.lang["version"]) == ("Snakemake", "9.8.7")
    assert (main["name"], main["version"]) == ("A workflow", "1.2.3")
    assert [(author.type, author["name"]) for author in main["author"]] == [
        ("Organization", "The authors"),
        ("Person", "Ada Lovelace"),
    ]
    for entity in (main, read.root_dataset):
        assert entity["license"].id == "https://spdx.org/licenses/MIT"


def test_the_results_conform_to_the_profiles_of_a_run_of_a_workflow(read):
    assert ids(read.root_dataset["conformsTo"]) == {
        "https://w3id.org/ro/wfrun/process/0.6",
        "https://w3id.org/ro/wfrun/workflow/0.6",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.1",
    }
    assert read.name == "Results of the study irkd"
    assert read.description


def test_the_run_made_the_results_from_the_settings_and_ends_with_the_last_epoch_of_any_training(read):
    [action] = read.root_dataset["mentions"]
    assert action.type == "CreateAction"
    assert action["instrument"] is read.mainEntity
    assert ids(action["object"]) == {SETTINGS}
    assert {TABLE, FIGURE, RUN.format("first")} < ids(action["result"])
    assert not {SETTINGS, "Snakefile"} & ids(action["result"])
    # The epochs before the second session of the second training are not counted again.
    assert action["startTime"] == "2026-01-02T09:00:00+00:00"
    assert action["endTime"] == "2026-01-02T12:00:30+00:00"
    assert read.root_dataset["datePublished"] == action["endTime"]


def test_results_without_a_page_of_settings_are_made_from_nothing_that_is_packed(folder):
    (folder / SETTINGS).unlink()
    (folder.parent / "read").mkdir()
    (folder.parent / "read" / crate.METADATA).write_bytes(described(folder))
    [action] = ROCrate(folder.parent / "read").root_dataset["mentions"]
    assert "object" not in action.properties()


def test_equal_inputs_give_equal_bytes_whatever_their_order_and_times(folder):
    before = described(folder)
    for path in files_in(folder):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert described(folder, files_in(folder)[::-1]) == before


def test_without_a_training_nothing_is_described(folder):
    with pytest.raises(InputError, match="irkd: no finished run of this study is packed; choose one"):
        described(folder, [folder / TABLE])


def test_a_damaged_training_is_refused(folder):
    path = folder / RUN.format("first")
    path.with_name("history.csv").write_text("global_epoch,seconds\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"history\.csv: this file is not that of .*run\.json"):
        described(folder)


def test_the_citation_of_this_repository_has_what_is_needed(folder):
    given = {"workflow": ROOT / "Snakefile", "citation": ROOT / "CITATION.cff", "snakemake": "9"}
    assert b"https://spdx.org/licenses/MIT" in crate.metadata(folder, files_in(folder), **given)
