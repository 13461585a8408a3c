"""Answers of a teacher that are stored once and read by its students."""

import json
from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.core import checksums, records
from distillation.core.errors import UserError
from distillation.data.settings import Augmentation, Views
from distillation.evaluation import answers, trained
from distillation.evaluation.answers import AnswerFiles
from distillation.networks.families import LAST_MAP, LAST_MAP_GRADIENT
from distillation.networks.families.cnn import ConvolutionalNetwork
from distillation.networks.losses.attention import Attention
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.terms import Losses
from distillation.study import spec
from distillation.study.spec import Optimizer, Run, Stage, Teacher
from distillation.training.flops import training_flops_by_stage
from tiny_runs import CPU, NORMALIZATION, arrays, results, stopping_after, teacher_files, train

SHAPE = {"family": "cnn", "image_size": 32, "classes": 10, "dropout": 0.1}
DEEP = ConvolutionalNetwork(**SHAPE, convolutions=((8, 8), (6,), (4,)), hidden_width=8)
LIGHT = ConvolutionalNetwork(**SHAPE, convolutions=((4,),), hidden_width=8)
ADAM = Optimizer("adam", lr=0.001, weight_decay=0.0, decay="all", restart="never")
PLAIN = Augmentation()
DATA = arrays(train=70, validation=0, test=30)
ALL_TERMS = Losses(
    ce=CrossEntropy(0.7), kd=Distillation(0.2, 3.0), attention=Attention(0.1, "gradients", normalized=True)
)


def run(**changes):
    fields = {"augmentation": PLAIN, "optimizer": ADAM, "stages": (Stage(32, 2),), "batch_size": 16}
    return tiny_runs.run(**{**fields, **changes})


TEACHER = run(model=DEEP, stages=(Stage(32, 1),))
STUDENT = run(model=LIGHT, losses=ALL_TERMS, teacher=Teacher("deep", 0, "last"))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    train(TEACHER, folder, data=DATA)
    return teacher_files(folder, "last")


@pytest.fixture(scope="module")
def stored(teacher, tmp_path_factory):
    return ask(teacher, tmp_path_factory.mktemp("answers"))


def ask(teacher, folder, data=DATA, mirrored=False):
    files = AnswerFiles(folder / "answers.safetensors", folder / "answers.json")
    answers.write(teacher, data, NORMALIZATION, 32, mirrored, files, CPU)
    return files


def live(monkeypatch):
    monkeypatch.setattr(Run, "stores_answers", lambda self, teacher: False)


# What is stored


def test_stored_answers_are_those_that_the_teacher_gives_batch_by_batch(teacher, stored):
    found = answers.load(stored, DATA, checksums.sha256(teacher.weights))
    model, _ = trained.restore(teacher.weights, teacher.record, CPU)
    shown = answers.views.plain_view(DATA.train_images, 32, NORMALIZATION)
    order = torch.randperm(len(shown), generator=torch.Generator().manual_seed(3))
    for part in order.split(16):
        images, labels = shown[part], DATA.train_labels[part]
        now = answers.answer(model, images, labels, {LAST_MAP, LAST_MAP_GRADIENT})
        torch.testing.assert_close(found.logits[0, part], now.logits, rtol=0, atol=1e-6)
        assert found.features.keys() == now.features.keys() == {LAST_MAP, LAST_MAP_GRADIENT}
        for name, values in now.features.items():
            torch.testing.assert_close(found.features[name][0, part], values, rtol=0, atol=1e-6)


def test_answers_to_mirrored_images_stand_beside_those_to_the_images(teacher, stored, tmp_path):
    sha256 = checksums.sha256(teacher.weights)
    plain = answers.load(stored, DATA, sha256)
    both = answers.load(ask(teacher, tmp_path / "both", mirrored=True), DATA, sha256)
    images = replace(DATA, train_images=DATA.train_images.flip(-1))
    mirror = answers.load(ask(teacher, tmp_path / "mirror", images), images, sha256)
    for orientation, alone in enumerate((plain, mirror)):
        assert torch.equal(both.logits[orientation], alone.logits[0])
        for name, values in alone.features.items():
            assert torch.equal(both.features[name][orientation], values[0])
    assert len(both.logits) == 2
    assert len(plain.logits) == 1


def test_the_record_has_the_hashes_and_how_well_the_teacher_does_on_the_test_images(teacher, stored):
    record = json.loads(stored.record.read_text(encoding="utf-8"))
    found = answers.load(stored, DATA, checksums.sha256(teacher.weights))
    assert record["sha256"] == checksums.sha256(stored.answers)
    assert record["teacher"] == checksums.sha256(teacher.weights)
    assert record["data"] == DATA.sha256
    correct = (found.test_logits.argmax(dim=1) == DATA.test_labels).sum().item()
    assert record["test"] == {"correct": correct, "images": 30}


def test_the_same_teacher_gives_the_same_bytes(teacher, stored, tmp_path):
    again = ask(teacher, tmp_path)
    assert again.answers.read_bytes() == stored.answers.read_bytes()
    assert again.record.read_bytes() == stored.record.read_bytes()


# Who reads them


@pytest.mark.parametrize("flip", [0.0, 0.5])
def test_a_student_of_stored_answers_learns_what_a_student_of_the_teacher_learns(
    teacher, tmp_path, monkeypatch, flip
):
    student = replace(STUDENT, augmentation=Augmentation(flip=flip))
    stored = ask(teacher, tmp_path, mirrored=bool(flip))
    read = train(student, tmp_path / "read", teacher, DATA, answers=stored)
    live(monkeypatch)
    asked = train(student, tmp_path / "asked", teacher, DATA)
    one, other = (results(files)["history"] for files in (read, asked))
    for column in ("loss", "ce_loss", "kl", "attention_loss"):
        pair = [[float(row[column]) for row in rows] for rows in (one, other)]
        assert pair[0] == pytest.approx(pair[1], rel=1e-5), column
    records = [json.loads(files.record.read_text()) for files in (read, asked)]
    assert records[0]["teacher_test"] == records[1]["teacher_test"]
    assert records[0]["sha256"]["answers"] == checksums.sha256(stored.answers)
    assert "answers" not in records[1]["sha256"]


def test_a_stopped_student_of_stored_answers_ends_with_the_same_bytes(teacher, stored, tmp_path, monkeypatch):
    whole = results(train(STUDENT, tmp_path / "whole", teacher, DATA, answers=stored))
    with monkeypatch.context() as context:
        stopping_after(context, 1)
        with pytest.raises(KeyboardInterrupt):
            train(STUDENT, tmp_path / "stopped", teacher, DATA, answers=stored)
    assert results(train(STUDENT, tmp_path / "stopped", teacher, DATA, answers=stored)) == whole


def test_other_answers_are_another_training(teacher, stored, tmp_path, caplog):
    caplog.set_level("INFO")
    train(STUDENT, tmp_path / "run", teacher, DATA, answers=stored)
    train(STUDENT, tmp_path / "run", teacher, DATA, answers=stored)
    assert "already trained" in caplog.text
    caplog.clear()
    changed = AnswerFiles(tmp_path / "changed.safetensors", tmp_path / "changed.json")
    tensors = answers.safetensors.torch.load_file(stored.answers)
    changed.answers.write_bytes(answers.safetensors.torch.save(tensors | {"logits": tensors["logits"] + 1}))
    record = records.read(stored.record, "")
    records.write(changed.record, record | {"sha256": checksums.sha256(changed.answers)})
    train(STUDENT, tmp_path / "run", teacher, DATA, answers=changed)
    assert "already trained" not in caplog.text


def test_the_cost_of_stored_answers_is_not_counted_again(monkeypatch):
    alone = training_flops_by_stage(replace(STUDENT, losses=Losses(ce=CrossEntropy(1.0))), None)
    without_maps = replace(STUDENT, losses=Losses(ce=CrossEntropy(0.7), kd=Distillation(0.2, 3.0)))
    assert training_flops_by_stage(without_maps, DEEP) == alone
    live(monkeypatch)
    assert training_flops_by_stage(without_maps, DEEP)[0] > alone[0] + DEEP.inference_flops(32) // 2


# Which runs store them


@pytest.mark.parametrize(
    ("changes", "stores"),
    [
        ({}, True),
        ({"augmentation": Augmentation(crop_padding=4)}, False),
        ({"augmentation": Augmentation(flip=0.5)}, True),
        ({"augmentation": Augmentation(auto_augment=0.5)}, False),
        ({"stages": (Stage(16, 1), Stage(32, 1))}, False),
        ({"stages": (Stage(16, 1),), "views": Views("crop", "scale")}, False),
        ({"views": Views("crop", "crop")}, True),
    ],
)
def test_answers_are_stored_if_every_epoch_shows_the_same_images(changes, stores):
    assert replace(STUDENT, **changes).stores_answers(DEEP) is stores
    assert not replace(STUDENT, **changes).stores_answers(None)


def test_answers_are_not_stored_where_maps_are_recorded_or_features_cannot_be_stored():
    both = tiny_runs.student_run(augmentation=PLAIN, stages=(Stage(32, 1),))
    assert not both.stores_answers(tiny_runs.MODEL)
    assert not STUDENT.stores_answers(tiny_runs.MODEL), "a vision transformer stores no last map"
    predictions = replace(STUDENT, losses=Losses(ce=CrossEntropy(0.7), kd=Distillation(0.2, 3.0)))
    assert predictions.stores_answers(tiny_runs.MODEL)


# Bad input


def test_answers_of_other_bytes_another_teacher_or_other_images_are_refused(teacher, stored, tmp_path):
    own = checksums.sha256(teacher.weights)
    files = AnswerFiles(tmp_path / "a.safetensors", tmp_path / "a.json")
    files.answers.write_bytes(stored.answers.read_bytes())
    files.record.write_bytes(stored.record.read_bytes())
    fix = f"delete {files.answers} and {files.record} and run the workflow again"
    with pytest.raises(UserError, match="these answers are from another data") as error:
        answers.load(files, replace(DATA, sha256="e" * 64), own)
    assert fix in str(error.value)
    with pytest.raises(UserError, match="these answers are from another teacher"):
        answers.load(files, DATA, "f" * 64)
    files.answers.write_bytes(stored.answers.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="these are not the answers of") as error:
        answers.load(files, DATA, own)
    assert fix in str(error.value)


def test_a_run_that_stores_answers_does_not_ask_its_teacher_and_no_other_run_reads_them(
    teacher, stored, tmp_path
):
    with pytest.raises(ValueError, match="stored answers are for runs that store them"):
        train(STUDENT, tmp_path / "asks", teacher, DATA)
    cropped = replace(STUDENT, augmentation=Augmentation(crop_padding=4))
    with pytest.raises(ValueError, match="and for no others"):
        train(cropped, tmp_path / "reads", teacher, DATA, answers=stored)


# A network that stays untrained

UNTRAINED = run(model=DEEP, stages=(Stage(32, 0),))


def test_a_run_without_epochs_writes_its_initial_weights(tmp_path):
    files = train(UNTRAINED, tmp_path, data=DATA)
    start = tiny_runs.start_of(UNTRAINED)
    start.load_state_dict(answers.safetensors.torch.load_file(files.last))
    expected = tiny_runs.start_of(UNTRAINED)
    assert all(torch.equal(a, b) for a, b in zip(start.parameters(), expected.parameters(), strict=True))
    assert files.best.read_bytes() == files.last.read_bytes()
    written = json.loads(files.record.read_text())
    assert written["stages"] == []
    assert written["weights"]["last"]["global_epoch"] == 0
    assert results(files)["history"] == []
    assert spec.from_mapping(written["spec"]) == UNTRAINED


def test_a_run_without_epochs_teaches(tmp_path):
    train(UNTRAINED, tmp_path / "teacher", data=DATA)
    untrained = teacher_files(tmp_path / "teacher", "last")
    stored = ask(untrained, tmp_path)
    files = train(STUDENT, tmp_path / "student", untrained, DATA, answers=stored)
    assert len(results(files)["history"]) == 2
    # One of ten classes is guessed: 3 of 30 images, give or take.
    assert json.loads(files.record.read_text())["teacher_test"]["correct"] < 12
