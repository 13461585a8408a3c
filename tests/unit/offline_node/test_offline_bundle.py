"""What is carried from a machine to the next: parts, times, and nothing that is not needed."""

import io
import json
import os
import subprocess
import tarfile

import pytest
from distillation.core import commit
from distillation.core.errors import UserError
from offline_node import bundle, parts
from offline_node.evidence import Evidence

MIB = 2**20
RUN = "results/irkd/runs/described/{}/seed-0"
TIME = 1_700_000_000.123456


def write(home, name, content=b"content", time=TIME):
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time, time))


def finish(home, run, role, selection="best"):
    """Files of a training that was finished and tested."""
    for name in ("last.safetensors", "best.safetensors", "saliency.npz", "history.csv"):
        write(home, f"{RUN.format(run)}/{name}")
    record = json.dumps({"role": role}).encode()
    write(home, f"{RUN.format(run)}/run.json", record)
    write(home, f"{RUN.format(run)}/resume/0123/result/record", record)
    write(home, f"{RUN.format(run)}/resume/0123/result/last")
    tested = json.dumps({"selection": selection}).encode()
    write(home, f"results/irkd/evaluation/described/{run}/seed-0.json", tested, TIME + 1)


@pytest.fixture
def home(tmp_path):
    """A study with a teacher and a student that are tested, and a student at work."""
    home = tmp_path / "home"
    finish(home, "teacher", "teacher")
    finish(home, "student", "student")
    write(home, f"{RUN.format('other')}/resume/0123/state.pt")
    write(home, f"{RUN.format('other')}/resume/0123/.state.pt.partial-x")
    write(home, "results/irkd/tables/table1.md")
    write(home, "results/data/cifar10/arrays.safetensors")
    write(home, "results/data/cifar10/manifest.json")
    write(home, "results/downloads/cifar10/data_batch_1.bin")
    write(home, "results/reference/irkd/tables/table1.md")
    write(home, ".snakemake/metadata/abc", b"{}")
    (home / ".snakemake/incomplete").mkdir()
    return home


def names(home):
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def moved(home, tmp_path):
    """Packs the state, unpacks it elsewhere, and returns where."""

    def move(mebibytes=None, light=False):
        bundle.pack_state(home, home / "results", tmp_path / "state.tar", mebibytes, light)
        bundle.unpack_state(tmp_path / "elsewhere", tmp_path / "state.tar")
        return tmp_path / "elsewhere"

    return move


def test_a_state_is_all_that_a_study_goes_on_from_but_the_data(home, moved):
    left = names(home) - names(moved())
    twice = {
        f"{RUN.format(run)}/resume/0123/result/{n}"
        for run in ("teacher", "student")
        for n in ("record", "last")
    }
    assert left == twice | {
        f"{RUN.format('other')}/resume/0123/.state.pt.partial-x",
        "results/data/cifar10/arrays.safetensors",
        "results/downloads/cifar10/data_batch_1.bin",
        "results/reference/irkd/tables/table1.md",
    }


def test_what_is_unpacked_has_its_time_and_its_bytes(home, moved):
    elsewhere = moved()
    for name in names(elsewhere):
        assert (elsewhere / name).read_bytes() == (home / name).read_bytes()
        assert (elsewhere / name).stat().st_mtime == (home / name).stat().st_mtime
    assert (elsewhere / ".snakemake/incomplete").is_dir()


def test_a_light_state_has_no_weights_but_those_that_teach(home, moved):
    kept = {name for name in names(moved(light=True)) if name.endswith(".safetensors")}
    assert kept == {f"{RUN.format('teacher')}/best.safetensors"}
    assert f"{RUN.format('other')}/resume/0123/state.pt" in names(moved(light=True))


def test_weights_that_were_trained_again_and_not_yet_tested_are_not_spare(home):
    write(home, f"{RUN.format('student')}/run.json", b'{"role": "student"}', TIME + 2)
    spare = {path.parent.parent.name for path in bundle.spare_weights(home / "results")}
    assert spare == {"teacher"}


def test_a_result_that_is_not_yet_written_out_is_carried(home, moved):
    (home / RUN.format("student") / "run.json").unlink()
    assert f"{RUN.format('student')}/resume/0123/result/last" in names(moved())


def test_what_is_there_and_newer_stays(home, moved, tmp_path):
    write(tmp_path / "elsewhere", "results/irkd/tables/table1.md", b"newer", TIME + 60)
    write(tmp_path / "elsewhere", "results/data/cifar10/manifest.json", b"older", TIME - 60)
    elsewhere = moved()
    assert (elsewhere / "results/irkd/tables/table1.md").read_bytes() == b"newer"
    assert (elsewhere / "results/data/cifar10/manifest.json").read_bytes() == b"content"


def test_evidence_is_the_small_files_with_their_checksums(home, tmp_path):
    count = bundle.pack_evidence(home / "results", tmp_path / "out.tar.gz")
    with tarfile.open(tmp_path / "out.tar.gz") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    found = names(tmp_path / "unpacked")
    assert found == {
        "results/SHA256SUMS",
        "results/data/cifar10/manifest.json",
        "results/irkd/tables/table1.md",
        *(f"results/irkd/evaluation/described/{run}/seed-0.json" for run in ("teacher", "student")),
        *(
            f"{RUN.format(run)}/{name}"
            for run in ("teacher", "student")
            for name in ("history.csv", "run.json")
        ),
    }
    assert count == len(found) - 1
    subprocess.run(
        ["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path / "unpacked/results", check=True
    )


def test_parts_have_the_size_asked_for_and_join_to_what_was_written(tmp_path):
    content = os.urandom(2 * MIB + 5)
    with parts.writing(tmp_path / "state.tar", 1) as stream:
        stream.write(content)
    files = [tmp_path / f"state.tar.{number:03d}" for number in (1, 2, 3)]
    assert parts.of(tmp_path / "state.tar") == files
    assert [path.stat().st_size for path in files] == [MIB, MIB, 5]
    assert b"".join(path.read_bytes() for path in files) == content
    subprocess.run(["sha256sum", "--quiet", "-c", "state.tar.sha256"], cwd=tmp_path, check=True)
    with parts.opened(tmp_path / "state.tar") as stream:
        assert stream.read() == content


def test_fewer_parts_replace_more(tmp_path):
    for content, size in ((bytes(3 * MIB), 1), (bytes(1), 1), (bytes(2), None)):
        with parts.writing(tmp_path / "state.tar", size) as stream:
            stream.write(content)
    assert names(tmp_path) == {"state.tar", "state.tar.sha256"}


def test_parts_that_were_not_finished_replace_nothing(tmp_path):
    with parts.writing(tmp_path / "state.tar") as stream:
        stream.write(b"before")
    with pytest.raises(RuntimeError), parts.writing(tmp_path / "state.tar") as stream:
        stream.write(b"after")
        raise RuntimeError
    assert names(tmp_path) == {"state.tar", "state.tar.sha256"}
    with parts.opened(tmp_path / "state.tar") as stream:
        assert stream.read() == b"before"


def test_every_part_that_is_missing_or_has_changed_is_named(tmp_path):
    with parts.writing(tmp_path / "state.tar", 1) as stream:
        stream.write(bytes(2 * MIB + 5))
    (tmp_path / "state.tar.001").unlink()
    (tmp_path / "state.tar.003").write_bytes(b"other")
    with pytest.raises(UserError) as error, parts.opened(tmp_path / "state.tar"):
        pass
    assert str(error.value) == (
        f"{tmp_path}/state.tar.sha256: state.tar.001 is missing, state.tar.003 has changed: copy all files"
        " that it lists here again."
    )


def test_parts_without_their_list_are_refused(tmp_path):
    assert not parts.present(tmp_path / "state.tar")
    (tmp_path / "state.tar.001").touch()
    assert parts.present(tmp_path / "state.tar")
    with pytest.raises(UserError) as error, parts.opened(tmp_path / "state.tar"):
        pass
    expected = f"{tmp_path}/state.tar.sha256 is missing: copy it here together with all parts that it lists."
    assert str(error.value) == expected


def state_of(folder, made_by, *members):
    """A state that says what made it, if that is known, with further members."""
    content = json.dumps(made_by).encode()
    origin = tarfile.TarInfo("state.json")
    origin.size = len(content)
    with parts.writing(folder / "state.tar") as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for member in [*([origin] if made_by else []), *members]:
            tar.addfile(member, io.BytesIO(content if member is origin else b""))


def test_a_state_says_first_which_code_made_it(home, tmp_path):
    write(home, "workflow_scripts/train.py", b"pass\n")
    known = {"commit": "abc", "dirty": False, "code": commit.sha256_of_all_code(home)}
    (home / "commit.json").write_text(json.dumps(known), encoding="utf-8")
    bundle.pack_state(home, home / "results", tmp_path / "state.tar", None, False)
    with tarfile.open(tmp_path / "state.tar") as tar:
        first = tar.next()
        assert first.name == "state.json"
        made_by = json.load(tar.extractfile(first))
    assert made_by == {"commit": "abc", "code": commit.sha256_of_all_code(home)}


@pytest.mark.parametrize(
    ("made_by", "text"),
    [
        (
            {"commit": "abc", "code": "other"},
            "made by other code than this checkout, commit abc: check out that commit here, or name another"
            " state.",
        ),
        (
            {"commit": None, "code": "other"},
            "made by other code than this checkout, commit unknown: check out that commit here, or name"
            " another state.",
        ),
        (
            None,
            "does not begin with state.json, which names the code that made it: name another state, or remove"
            " this one to start from the beginning.",
        ),
    ],
)
def test_a_state_of_other_code_is_refused_before_anything_is_written(tmp_path, made_by, text):
    state_of(tmp_path, made_by, tarfile.TarInfo("results/x"))
    with pytest.raises(UserError) as error:
        bundle.unpack_state(tmp_path / "home", tmp_path / "state.tar")
    assert str(error.value) == f"{tmp_path}/state.tar: {text}"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("light", [False, True])
def test_what_a_state_will_weigh_is_known_before_it_is_written(home, tmp_path, light):
    write(home, f"results/irkd/{'long/' * 60}name", bytes(1000))
    bundle.pack_state(home, home / "results", tmp_path / "state.tar", None, light)
    size = bundle.state_bytes(home, home / "results", light)
    assert size == (tmp_path / "state.tar").stat().st_size


def test_evidence_is_packed_again_when_a_network_was_tested_and_only_then(home, tmp_path):
    said = []
    kept = Evidence(home / "results", tmp_path / "out.tar.gz", said.append)
    kept.refresh()
    assert not (tmp_path / "out.tar.gz").exists()
    finish(home, "other", "student")
    kept.refresh()
    kept.refresh()
    assert len(said) == 1
    with tarfile.open(tmp_path / "out.tar.gz") as tar:
        assert "results/irkd/evaluation/described/other/seed-0.json" in tar.getnames()


def test_evidence_that_cannot_be_packed_is_said_and_ends_nothing(home, tmp_path):
    said = []
    kept = Evidence(home / "results", tmp_path / "file/out.tar.gz", said.append)
    (tmp_path / "file").touch()
    finish(home, "other", "student")
    kept.refresh()
    assert said == [
        f"the evidence could not be packed; next try after the next test: [Errno 17] File exists:"
        f" '{tmp_path}/file'"
    ]


@pytest.mark.parametrize(
    ("name", "kind"), [("../x", tarfile.REGTYPE), ("/x", tarfile.REGTYPE), ("x", tarfile.SYMTYPE)]
)
def test_a_tar_that_would_write_elsewhere_is_refused(tmp_path, name, kind):
    member = tarfile.TarInfo(name)
    member.type = kind
    state_of(tmp_path, {"commit": None, "code": commit.sha256_of_all_code(tmp_path / "home")}, member)
    with pytest.raises(UserError) as error:
        bundle.unpack_state(tmp_path / "home", tmp_path / "state.tar")
    assert str(error.value) == f"{tmp_path}/state.tar: holds {name}, so it is not a state: name another."
