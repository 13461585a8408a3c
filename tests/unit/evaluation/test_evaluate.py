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
from distillation.evaluation import metrics, predictions, trained
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


def logits_of(run_folder, name, pixels, side, precision="fp32"):
    """What the weights of a run answer to pixels, scaled to a side."""
    model, run = trained.restore(run_folder / f"{name}.safetensors", run_folder / "run.json", CPU)
    return predictions.logits(
        model, pixels, lambda part: views.plain_view(part, side, run.normalization), precision
    )


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


def test_the_crop_is_the_centre_the_scaled_view_the_whole_image_and_both_are_the_image_at_full_size(
    run_folder, tmp_path
):
    shown = {
        "crop": DATA.test_images[:, :, 8:24, 8:24],
        "corner": DATA.test_images[:, :, :16, :16],
        "scale": DATA.test_images,
    }
    expected = {
        name: predictions.correct(logits_of(run_folder, "last", pixels, 16), DATA.test_labels)
        for name, pixels in shown.items()
    }
    assert len(set(expected.values())) == 3
    content = evaluated(run_folder, tmp_path / "test.json", "last")
    by_view = content["correct_by_view"]
    assert by_view["scale"]["32"] == by_view["crop"]["32"] == content["weights"]["last"]["correct"]
    for name in ("crop", "scale"):
        assert by_view[name]["16"] == expected[name]
        assert Evaluation(content).by_resolution(name)[16] == Share(expected[name], 40)


def test_a_run_in_bf16_is_tested_in_float32(tmp_path):
    run = tiny_runs.run(precision="bf16", optimizer=replace(tiny_runs.ADAMW, lr=0.02))
    tiny_runs.train(run, tmp_path, slow_bf16=True)
    full, rough = (
        functional.cross_entropy(
            logits_of(tmp_path, "last", DATA.test_images, 32, precision), DATA.test_labels
        ).item()
        for precision in ("fp32", "bf16")
    )
    assert rough != pytest.approx(full, rel=1e-5)
    content = evaluated(tmp_path, tmp_path / "test.json", "last")
    assert content["weights"]["last"]["nll"] == pytest.approx(full, rel=1e-6)


def test_the_divergence_reported_is_that_of_the_student_from_the_teacher(run_folder, teacher, tmp_path):
    files = tiny_runs.teacher_files(teacher)
    student = logits_of(run_folder, "last", DATA.test_images, 32)
    guide = logits_of(teacher, "best", DATA.test_images, 32)
    expected, reverse = (
        functional.kl_div(
            one.log_softmax(1), of.log_softmax(1), reduction="batchmean", log_target=True
        ).item()
        for one, of in ((student, guide), (guide, student))
    )
    assert reverse != pytest.approx(expected, rel=0.1)
    content = evaluated(run_folder, tmp_path / "test.json", "last", teacher=files)
    assert content["teacher"]["kl"] == pytest.approx(expected, rel=1e-4)


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
