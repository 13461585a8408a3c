"""The test of a trained network."""

import json
from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.core import checksums, records
from distillation.core.errors import UserError
from distillation.data import views
from distillation.data.settings import Normalization
from distillation.evaluation import metrics, trained
from distillation.evaluation.evaluate import evaluate
from distillation.networks import models
from distillation.networks.families.timm import TimmNetwork
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.terms import Losses
from distillation.statistics.evaluations import Evaluation
from distillation.statistics.quantities import Share
from distillation.study.spec import Stage, Teacher
from tiny_runs import CPU
from torch.nn import functional

DATA = tiny_runs.arrays(test=40)


def evaluated(folder, output, selection="best", data=DATA, teacher=None):
    weights = {name: folder / f"{name}.safetensors" for name in ("last", "best")}
    evaluate(weights, folder / "run.json", teacher, selection, (16, 32), data, output, CPU)
    return json.loads(output.read_text())


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run whose last and best weights differ."""
    folder = tmp_path_factory.mktemp("run")
    run = tiny_runs.run(optimizer=replace(tiny_runs.ADAMW, lr=0.02))
    tiny_runs.train(run, folder)
    start = tiny_runs.start_of(run)
    models.save(start, folder / "best.safetensors")
    content = json.loads((folder / "run.json").read_text())
    content["weights"]["best"]["sha256"] = checksums.sha256(folder / "best.safetensors")
    del content["digest"]
    records.write(folder / "run.json", content)
    return folder


def by_hand(path):
    """Right answers and mean negative log-likelihood at full size, image by image, in float64."""
    run = tiny_runs.run()
    model = tiny_runs.start_of(run)
    model.load_state_dict(models.safetensors.torch.load_file(path))
    model.double().eval()
    right, nll = 0, 0.0
    shown = views.plain_view(DATA.test_images, 32, run.normalization).double()
    for image, label in zip(shown, DATA.test_labels.tolist(), strict=True):
        [logits] = model(image[None]).logits.tolist()
        right += logits.index(max(logits)) == label
        nll -= torch.tensor(logits, dtype=torch.float64).log_softmax(0)[label].item()
    return right, nll / len(shown)


def test_both_weight_files_are_tested_as_counted_by_hand(run_folder, tmp_path):
    content = evaluated(run_folder, tmp_path / "test.json")
    for name in ("last", "best"):
        right, nll = by_hand(run_folder / f"{name}.safetensors")
        entry = content["weights"][name]
        assert entry["correct"] == right
        assert entry["nll"] == pytest.approx(nll, rel=1e-5)
        assert entry["sha256"] == checksums.sha256(run_folder / f"{name}.safetensors")
    assert (content["images"], content["resolution"]) == (40, 32)
    assert content["weights"]["last"]["nll"] != content["weights"]["best"]["nll"]


@pytest.mark.parametrize("selection", ["last", "best"])
def test_the_selection_only_chooses_which_accuracy_is_reported(run_folder, tmp_path, selection):
    contents = {name: evaluated(run_folder, tmp_path / name, name) for name in ("last", "best")}
    found = contents[selection]
    assert found["selection"] == selection
    assert Evaluation(found).accuracy() == Evaluation(found).accuracy(selection)
    assert contents["last"]["weights"] == contents["best"]["weights"]
    assert Evaluation(contents["last"]).accuracy() != Evaluation(contents["best"]).accuracy()


def test_both_views_are_tested_at_each_resolution_and_are_the_same_at_full_size(run_folder, tmp_path):
    content = evaluated(run_folder, tmp_path / "test.json")
    by_view = content["correct_by_view"]
    assert by_view["scale"]["32"] == by_view["crop"]["32"] == content["weights"]["best"]["correct"]
    run = tiny_runs.run()
    model, _ = trained.restore(run_folder / "best.safetensors", run_folder / "run.json", CPU)
    for name, pixels, side in (
        ("crop", DATA.test_images[:, :, 8:24, 8:24], 16),
        ("scale", DATA.test_images, 16),
    ):
        answers = model(views.plain_view(pixels, side, run.normalization)).logits.argmax(dim=1)
        assert by_view[name]["16"] == (answers == DATA.test_labels).sum()
        assert Evaluation(content).by_resolution(name)[16] == Share(by_view[name]["16"], 40)


def test_the_confusion_holds_every_image_and_its_diagonal_the_right_answers(run_folder, tmp_path):
    content = evaluated(run_folder, tmp_path / "test.json")
    table = torch.tensor(content["confusion"])
    assert table.sum() == 40
    assert table.diagonal().sum() == content["weights"]["best"]["correct"]
    assert table.sum(dim=1).tolist() == DATA.test_labels.bincount(minlength=10).tolist()


def test_a_taught_run_is_compared_with_its_teacher_and_another_is_not(
    unbroken, teacher, run_folder, tmp_path
):
    folder, _ = unbroken("saliency")
    files = tiny_runs.teacher_files(teacher)
    content = evaluated(folder, tmp_path / "taught.json", teacher=files)
    assert 0 <= content["teacher"]["equal_predictions"] <= 40
    assert content["teacher"]["kl"] > 0
    alone = evaluated(run_folder, tmp_path / "alone.json")
    assert alone["teacher"] is None


def test_a_teacher_is_compared_by_what_it_is_shown_while_it_teaches(tmp_path):
    network = TimmNetwork(family="timm", name="test_resnet", image_size=32, classes=10)
    stages, losses = (Stage(32, 1),), Losses(ce=CrossEntropy(0.5), kd=Distillation(0.5, 4.0))
    guide = tiny_runs.run(model=network, stages=stages)
    files = tiny_runs.teacher_files(tiny_runs.train(guide, tmp_path / "teacher").record.parent)
    student = tiny_runs.run(
        model=replace(network, image_size=48),
        normalization=Normalization((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)),
        stages=(Stage(48, 1),),
        losses=losses,
        teacher=Teacher("teacher", 0, "best"),
        teacher_resolution=32,
    )
    tiny_runs.train(student, tmp_path / "student", files)
    content = evaluated(tmp_path / "student", tmp_path / "test.json", teacher=files)
    shown = views.plain_view(DATA.test_images, 48, student.normalization, 48)
    model, _ = trained.restore(tmp_path / "student/best.safetensors", tmp_path / "student/run.json", CPU)
    taught_by, _ = trained.restore(files.weights, files.record, CPU)
    small = functional.interpolate(shown, size=32, mode="bilinear", align_corners=False)
    expected = metrics.agreement(model(shown).logits, taught_by(small).logits)
    assert content["teacher"]["equal_predictions"] == expected["equal_predictions"]
    assert content["teacher"]["kl"] == pytest.approx(expected["kl"], rel=1e-4)


def test_equal_runs_give_equal_files(tmp_path):
    for name in ("one", "two"):
        tiny_runs.train(tiny_runs.run(), tmp_path / name)
        evaluated(tmp_path / name, tmp_path / name / "test.json")
    assert (tmp_path / "one/test.json").read_bytes() == (tmp_path / "two/test.json").read_bytes()


def test_training_and_validation_data_do_not_matter(run_folder, tmp_path):
    noise = tiny_runs.arrays(seed=9)
    other = replace(noise, test_images=DATA.test_images, test_labels=DATA.test_labels)
    assert evaluated(run_folder, tmp_path / "one") == evaluated(run_folder, tmp_path / "two", data=other)


def test_weights_that_are_not_those_of_the_record_are_not_tested(run_folder, tmp_path):
    for name in ("last.safetensors", "best.safetensors", "run.json"):
        (tmp_path / name).write_bytes((run_folder / name).read_bytes())
    (tmp_path / "last.safetensors").write_bytes((run_folder / "best.safetensors").read_bytes())
    with pytest.raises(UserError, match="this file is not that of"):
        evaluated(tmp_path, tmp_path / "test.json")
    assert not (tmp_path / "test.json").exists()


@pytest.mark.parametrize("taught", [False, True], ids=["ce", "distilled"])
def test_the_test_set_changes_nothing_in_a_training(tmp_path, teacher, taught):
    data = tiny_runs.arrays()
    labels = (data.test_labels + 1) % 10 if taught else torch.full_like(data.test_labels, -(2**40))
    garbage = replace(data, test_images=255 - data.test_images, test_labels=labels)
    run, files = (
        (tiny_runs.student_run(), tiny_runs.teacher_files(teacher)) if taught else (tiny_runs.run(), None)
    )
    one, two = (
        tiny_runs.results(tiny_runs.train(run, tmp_path / name, files, used))
        for name, used in (("one", data), ("two", garbage))
    )
    if taught:  # only observed, for a figure
        assert one.pop("saliency.npz") != two.pop("saliency.npz")
    assert one == two
