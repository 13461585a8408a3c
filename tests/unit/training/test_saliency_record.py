"""Saliency maps recorded beside a training."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_runs
import torch
from distillation.core import components
from distillation.data import views
from distillation.networks.losses.ce import CrossEntropy
from distillation.networks.losses.kd import Distillation
from distillation.networks.losses.saliency import Saliency
from distillation.networks.saliency import gradient
from distillation.networks.terms import Losses
from distillation.study.spec import Stage
from distillation.training.records.saliency import SaliencyRecord

DATA = tiny_runs.arrays()
KD = Losses(ce=CrossEntropy(1.0), kd=Distillation(0.5, 4.0))
DEEP = replace(tiny_runs.MODEL, depth=4)


def networks():
    student = tiny_runs.start_of(tiny_runs.student_run())
    return student, tiny_runs.start_of(tiny_runs.run(seed=5)).eval().requires_grad_(False)


def observed(run=None, stages=tiny_runs.STAGES, teacher=tiny_runs.MODEL, pair=None):
    run = replace(run or tiny_runs.student_run(), stages=tuple(stages))
    record = SaliencyRecord(run, teacher, DATA.test_images, DATA.test_labels)
    for index, stage in enumerate(stages):
        for epoch in range(1, stage.epochs + 1):
            record.observe(*(pair or networks()), index, epoch, epoch == stage.epochs)
    return record


def test_maps_are_recorded_at_the_first_and_the_last_epoch_of_each_stage_even_of_equal_resolution():
    record = observed(stages=(Stage(8, 3), Stage(12, 1), Stage(8, 2)))
    moments = {name.rsplit("-", 1)[0] for name in record.arrays}
    assert moments == {
        "stage1-8px-epoch1",
        "stage1-8px-epoch3",
        "stage2-12px-epoch1",
        "stage3-8px-epoch1",
        "stage3-8px-epoch2",
    }
    assert {name.rsplit("-", 1)[1] for name in record.arrays} == {"student", "teacher", "correlation"}


@pytest.mark.parametrize(("resolution", "side"), [(8, 2), (12, 3), (32, 8)])
def test_maps_are_square_one_per_layer_and_image_with_values_from_zero_to_one(resolution, side):
    arrays = observed(stages=(Stage(resolution, 1),)).arrays
    for who in ("student", "teacher"):
        maps = arrays[f"stage1-{resolution}px-epoch1-{who}"]
        assert maps.shape == (3, 8, side, side)
        assert (maps.amin((2, 3)) == 0).all()
        assert (maps.amax((2, 3)) > 0.9).all()
    assert arrays[f"stage1-{resolution}px-epoch1-correlation"].shape == (3, 8)


def test_maps_are_those_of_the_first_test_images_without_augmentation_or_dropout():
    student, teacher = networks()
    run = tiny_runs.student_run()
    arrays = observed(run, (Stage(12, 1),), pair=(student, teacher)).arrays
    shown = views.plain_view(DATA.test_images[:8], 12, run.normalization)
    maps = components.load("networks.saliency", "gradient").maps
    for who, network in (("student", student), ("teacher", teacher)):
        expected = maps(
            network.eval()(shown, gradient.features((0, 1, 2))), DATA.test_labels[:8], (0, 1, 2), False
        )
        assert torch.equal(arrays[f"stage1-12px-epoch1-{who}"].flatten(2), expected)


def test_the_correlation_is_pearsons():
    arrays = observed(stages=(Stage(16, 1),)).arrays
    student, teacher = (
        arrays[f"stage1-16px-epoch1-{who}"].flatten(2).numpy() for who in ("student", "teacher")
    )
    expected = [
        [np.corrcoef(s, t)[0, 1] for s, t in zip(*pair, strict=True)]
        for pair in zip(student, teacher, strict=True)
    ]
    np.testing.assert_allclose(arrays["stage1-16px-epoch1-correlation"], expected, atol=1e-5)
    assert np.ptp(expected) > 0.1


def test_a_network_agrees_with_itself():
    one = tiny_runs.start_of(tiny_runs.run())
    run = tiny_runs.run(losses=KD)
    arrays = observed(run, (Stage(16, 1),), pair=(one, one)).arrays
    torch.testing.assert_close(arrays["stage1-16px-epoch1-correlation"], torch.ones(3, 8))


def test_layers_are_those_that_the_loss_compares(tmp_path):
    losses = replace(KD, saliency=Saliency(0.8, "gradient", (2, 0), (1, 3), "sum"))
    student, teacher = networks()[0], tiny_runs.start_of(tiny_runs.run(model=DEEP))
    record = observed(tiny_runs.student_run(losses=losses), (Stage(8, 1),), DEEP, (student, teacher))
    record.write(tmp_path / "saliency.npz")
    with np.load(tmp_path / "saliency.npz") as stored:
        assert stored["student_layers"].tolist() == [2, 0]
        assert stored["teacher_layers"].tolist() == [1, 3]
        assert stored["stage1-8px-epoch1-student"].shape[0] == 2


def test_without_a_saliency_term_layers_are_the_first_second_and_last_of_each(tmp_path):
    student, teacher = networks()[0], tiny_runs.start_of(tiny_runs.run(model=DEEP))
    record = observed(tiny_runs.student_run(losses=KD), (Stage(8, 1),), DEEP, (student, teacher))
    record.write(tmp_path / "saliency.npz")
    with np.load(tmp_path / "saliency.npz") as stored:
        assert stored["student_layers"].tolist() == [0, 1, 2]
        assert stored["teacher_layers"].tolist() == [0, 1, 3]


def test_a_file_holds_the_arrays_and_the_labels_and_equal_records_give_equal_bytes(tmp_path):
    record = observed()
    other = SaliencyRecord(tiny_runs.student_run(), tiny_runs.MODEL, DATA.test_images, DATA.test_labels)
    other.restore(record.arrays)
    record.write(tmp_path / "one.npz")
    other.write(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as stored:
        assert stored["view"] == "scale"
        assert stored["labels"].tolist() == DATA.test_labels[:8].tolist()
        assert len(stored.files) == len(record.arrays) + 4
        for name, value in record.arrays.items():
            np.testing.assert_array_equal(stored[name], value.numpy())


def test_observing_leaves_weights_gradients_and_random_state_alone():
    student, teacher = networks()
    before = [p.clone() for p in student.parameters()]
    state = torch.get_rng_state()
    observed(pair=(student, teacher))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(p, old) for p, old in zip(student.parameters(), before, strict=True))
    assert all(p.grad is None for network in (student, teacher) for p in network.parameters())


def test_a_training_has_the_same_bits_with_and_without_observation(tmp_path, monkeypatch, teacher):
    files = tiny_runs.teacher_files(teacher)
    seen = tiny_runs.results(tiny_runs.train(tiny_runs.student_run(), tmp_path / "seen", files))
    monkeypatch.setattr(SaliencyRecord, "observe", lambda *_: None)
    unseen = tiny_runs.results(tiny_runs.train(tiny_runs.student_run(), tmp_path / "unseen", files))
    assert seen.pop("saliency.npz") != unseen.pop("saliency.npz")
    assert seen == unseen


def test_run_json_has_the_agreement_moment_by_moment_and_layer_by_layer(unbroken):
    folder, _ = unbroken("saliency")
    content = json.loads((folder / "run.json").read_text())["saliency_agreement"]
    assert content["kind"] == "gradient"
    assert content["student_layers"] == content["teacher_layers"] == [0, 1, 2]
    places = [(moment["stage"], moment["resolution"], moment["epoch"]) for moment in content["moments"]]
    assert places == [(1, 8, 1), (1, 8, 2), (2, 12, 1), (2, 12, 2)]
    record = np.load(folder / "saliency.npz")
    for (stage, side, epoch), moment in zip(places, content["moments"], strict=True):
        expected = record[f"stage{stage}-{side}px-epoch{epoch}-correlation"].mean(axis=1)
        assert moment["correlation"] == pytest.approx(expected.tolist())


def test_the_kind_in_run_json_is_that_of_the_recorded_maps(unbroken):
    kinds = {name: tiny_runs.RUNS[name].compared_maps.kind for name in ("saliency", "released")}
    assert kinds["saliency"] != kinds["released"]
    for name, kind in kinds.items():
        record = json.loads((unbroken(name)[0] / "run.json").read_text())
        assert record["saliency_agreement"]["kind"] == kind


def test_run_json_of_a_run_without_a_teacher_has_no_agreement(unbroken):
    folder, _ = unbroken("curriculum")
    assert json.loads((folder / "run.json").read_text())["saliency_agreement"] is None
