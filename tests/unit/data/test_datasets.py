import hashlib
import json
import stat

import pytest
import torch
from distillation.core.errors import UserError
from distillation.data import datasets
from distillation.data.formats.cifar10 import FORMAT, TEST, TRAIN

RECORDS = 8


@pytest.fixture
def batches(tmp_path):
    folder = tmp_path / "cifar10"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for name in FORMAT.files:
        records = torch.randint(256, (RECORDS, 3073), generator=generator, dtype=torch.uint8)
        records[:, 0] %= 10
        (folder / name).write_bytes(records.numpy().tobytes())
    return folder


@pytest.fixture
def prepare(batches, tmp_path):
    def call(**changes):
        arguments = {"split": {"holdout": 10, "seed": 42}, **changes}
        files = tmp_path / "out" / "arrays.safetensors", tmp_path / "out" / "manifest.json"
        datasets.prepare("cifar10", batches, *files, **arguments)
        return files

    return call


def record(batches, name, number):
    content = (batches / name).read_bytes()[number * 3073 : (number + 1) * 3073]
    return content[0], torch.tensor(list(content[1:]), dtype=torch.uint8).reshape(3, 32, 32)


def test_the_split_is_that_of_random_split():
    ours = datasets.split_indices(50_000, 5_000, 42)
    theirs = torch.utils.data.random_split(
        range(50_000), [45_000, 5_000], generator=torch.Generator().manual_seed(42)
    )
    assert [part.tolist() for part in ours] == [list(part.indices) for part in theirs]


def test_the_published_split_keeps_its_indices():
    train, validation = datasets.split_indices(50_000, 5_000, 42)
    assert train[:4].tolist() == [37542, 44491, 216, 43688]
    assert validation[:4].tolist() == [17408, 40845, 3378, 22188]
    assert int(validation.sum()) == 125_078_647


@pytest.mark.parametrize("holdout", [0, -1, 40, 41])
def test_a_holdout_out_of_range_is_refused(holdout):
    with pytest.raises(UserError, match=f"holdout is {holdout}, expected 1 to 39"):
        datasets.split_indices(40, holdout, 42)


def test_every_part_holds_the_records_its_indices_name(batches, prepare):
    arrays = datasets.load(*prepare())
    train, validation = datasets.split_indices(5 * RECORDS, 10, 42)
    for indices, images, labels in (
        (train, arrays.train_images, arrays.train_labels),
        (validation, arrays.validation_images, arrays.validation_labels),
    ):
        assert len(indices) == len(images) == len(labels)
        for index, image, label in zip(indices.tolist(), images, labels, strict=True):
            expected = record(batches, TRAIN[index // RECORDS], index % RECORDS)
            assert int(label) == expected[0]
            assert torch.equal(image, expected[1])
    for number, (image, label) in enumerate(zip(arrays.test_images, arrays.test_labels, strict=True)):
        expected = record(batches, TEST[0], number)
        assert int(label) == expected[0]
        assert torch.equal(image, expected[1])


def test_images_are_bytes_and_labels_are_int64(prepare):
    arrays = datasets.load(*prepare())
    for part in datasets.PARTS:
        assert getattr(arrays, f"{part}_images").dtype == torch.uint8
        assert getattr(arrays, f"{part}_images").shape[1:] == (3, 32, 32)
        assert getattr(arrays, f"{part}_labels").dtype == torch.int64


def test_without_a_split_every_training_image_is_trained_on_in_order_and_none_is_for_validation(
    batches, prepare
):
    arrays, manifest = prepare(split=None)
    loaded = datasets.load(arrays, manifest)
    assert loaded.validation_images.shape == (0, 3, 32, 32)
    assert len(loaded.validation_labels) == 0
    labels = [record(batches, name, number)[0] for name in TRAIN for number in range(RECORDS)]
    assert loaded.train_labels.tolist() == labels
    assert json.loads(manifest.read_text())["split"] is None


def test_an_index_sum_that_is_met_is_accepted_and_recorded(prepare):
    expected = int(datasets.split_indices(5 * RECORDS, 10, 42)[1].sum())
    _, manifest = prepare(split={"holdout": 10, "seed": 42, "holdout_index_sum": expected})
    assert json.loads(manifest.read_text())["split"]["holdout_index_sum"] == expected


def test_an_index_sum_that_is_not_met_is_refused_and_nothing_is_written(prepare, tmp_path):
    found = int(datasets.split_indices(5 * RECORDS, 10, 42)[1].sum())
    with pytest.raises(ValueError, match=f"add up to {found}, expected {found + 1}"):
        prepare(split={"holdout": 10, "seed": 42, "holdout_index_sum": found + 1})
    assert not (tmp_path / "out").exists()


def test_a_limit_keeps_the_first_images_of_each_part_after_the_split(prepare):
    whole = datasets.load(*prepare())
    limited = datasets.load(*prepare(limit={"train": 5, "validation": 3, "test": 2}))
    for part, count in {"train": 5, "validation": 3, "test": 2}.items():
        for field in (f"{part}_images", f"{part}_labels"):
            assert torch.equal(getattr(limited, field), getattr(whole, field)[:count])


def test_a_limit_leaves_the_parts_it_does_not_name_whole(prepare):
    arrays = datasets.load(*prepare(limit={"train": 5}))
    sizes = len(arrays.train_labels), len(arrays.validation_labels), len(arrays.test_labels)
    assert sizes == (5, 10, RECORDS)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"train": 31}, "31 images of train, expected 1 to 30"),
        ({"validation": 11}, "11 images of validation, expected 1 to 10"),
        ({"test": 0}, "0 images of test, expected 1 to 8"),
        ({"tset": 1}, "the part 'tset', expected one of train, validation, test"),
    ],
)
def test_a_limit_that_cannot_be_met_is_refused(prepare, limit, message):
    with pytest.raises(ValueError, match=message) as caught:
        prepare(limit=limit)
    assert isinstance(caught.value, UserError)


def test_equal_batches_give_equal_files_wherever_they_lie(batches, prepare, tmp_path):
    first = [path.read_bytes() for path in prepare()]
    elsewhere = batches.rename(tmp_path / "elsewhere")
    again = tmp_path / "again.safetensors", tmp_path / "again.json"
    datasets.prepare("cifar10", elsewhere, *again, split={"holdout": 10, "seed": 42})
    assert [path.read_bytes() for path in again] == first


def test_the_manifest_describes_batches_arrays_and_split(batches, prepare):
    arrays, manifest = prepare(limit={"train": 3})
    train, validation = datasets.split_indices(5 * RECORDS, 10, 42)
    described = json.loads(manifest.read_text())
    assert described == {
        "format": "cifar10",
        "classes": list(FORMAT.classes),
        "files_md5": {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in batches.iterdir()},
        "arrays_sha256": hashlib.sha256(arrays.read_bytes()).hexdigest(),
        "split": {"seed": 42, "holdout": 10, "holdout_index_sum": int(validation.sum())},
        "sizes": {"train": 3, "validation": 10, "test": RECORDS},
        "first_indices": {
            "train": train[:3].tolist(),
            "validation": validation[:4].tolist(),
            "test": [0, 1, 2, 3],
        },
    }


def test_nothing_but_the_two_files_is_left_and_others_may_read_them(prepare):
    arrays, manifest = prepare()
    assert set(arrays.parent.iterdir()) == {arrays, manifest}
    probe = arrays.parent / "probe"
    probe.touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (arrays, manifest, probe)}
    assert len(modes) == 1


def test_a_manifest_that_cannot_be_written_leaves_no_partial_file(prepare, tmp_path):
    (tmp_path / "out" / "manifest.json" / "occupied").mkdir(parents=True)
    with pytest.raises(OSError, match=r"manifest\.json"):
        prepare()
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0" * 3072, "has 3072 bytes, expected a positive multiple of 3073"),
        (b"", "has 0 bytes, expected a positive multiple of 3073"),
        (b"\x0a" + b"\0" * 3072, "has the label 10, expected 0 to 9"),
    ],
)
def test_a_malformed_batch_is_refused_by_name(batches, prepare, content, message):
    (batches / "data_batch_3.bin").write_bytes(content)
    with pytest.raises(UserError, match=rf"data_batch_3\.bin {message}"):
        prepare()


def test_a_missing_batch_is_refused_by_name(batches, prepare):
    (batches / "test_batch.bin").unlink()
    with pytest.raises(UserError, match=r"test_batch\.bin does not exist"):
        prepare()


def test_load_gives_the_classes_and_the_digest_of_the_file(prepare):
    arrays, manifest = prepare()
    loaded = datasets.load(arrays, manifest)
    assert loaded.classes == FORMAT.classes
    assert loaded.sha256 == hashlib.sha256(arrays.read_bytes()).hexdigest()


def test_load_refuses_a_changed_file_and_says_what_to_do(prepare):
    arrays, manifest = prepare()
    content = bytearray(arrays.read_bytes())
    content[-1] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(ValueError, match=r"has changed: .* expected .* delete .* and rerun") as caught:
        datasets.load(arrays, manifest)
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize("missing", [0, 1])
def test_load_refuses_a_missing_file_by_name(prepare, missing):
    files = prepare()
    files[missing].unlink()
    with pytest.raises(UserError, match=f"{files[missing].name} does not exist"):
        datasets.load(*files)


@pytest.mark.parametrize("content", ["{", "{}", "[]"])
def test_load_refuses_a_manifest_that_is_none(prepare, content):
    arrays, manifest = prepare()
    manifest.write_text(content)
    with pytest.raises(UserError, match=r"manifest\.json is not a manifest"):
        datasets.load(arrays, manifest)
