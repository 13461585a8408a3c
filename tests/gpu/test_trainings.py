"""Small trainings on this machine's GPU; not part of `make test`: `make gpu-test`."""

import csv
import json
from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.core import devices
from distillation.data.scaling import scaled
from tiny_runs import RUNS, arrays, results, stopping_after, teacher_files, teacher_run, train

PRECISIONS = ("fp32", "bf16")
FUSED = {name: replace(RUNS[name], fused=True) for name in ("curriculum", "saliency")}
TRAININGS = RUNS | {f"fused {name}": run for name, run in FUSED.items()}


@pytest.fixture(scope="module")
def device():
    """A GPU; without one every test here fails, with the sentence that a job would have."""
    return devices.setup("cuda", 1)


@pytest.fixture(scope="module")
def teacher(device, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    train(teacher_run(), folder, device=device)
    return teacher_files(folder)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", TRAININGS)
def test_repeated_recorded_or_resumed_a_training_gives_the_same_bytes(
    tmp_path, monkeypatch, device, teacher, name, precision
):
    run = replace(TRAININGS[name], precision=precision)
    # The last batch of an epoch is a partial one, which is launched among replayed ones.
    settings = {"teacher": teacher if run.teacher else None, "data": arrays(train=72), "device": device}
    first = results(train(run, tmp_path / "first", **settings))
    assert results(train(run, tmp_path / "again", **settings)) == first
    assert results(train(run, tmp_path / "graph", **settings, cuda_graphs=True)) == first
    chosen = train(run, tmp_path / "chosen", **settings, cuda_graphs="auto")
    assert results(chosen) == first
    [session] = json.loads(chosen.record.read_text())["sessions"]
    assert [step["replayed"] for step in session["steps"]] == [True] * len({s.resolution for s in run.stages})
    with monkeypatch.context() as patch:
        stopping_after(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            train(run, tmp_path / "resumed", **settings, cuda_graphs=True)
    assert results(train(run, tmp_path / "resumed", **settings, cuda_graphs=True)) == first


@pytest.mark.parametrize("resolution", [12, 16, 20, 24, 28])
def test_scaled_views_have_the_grey_levels_of_a_cpu(device, resolution):
    images = torch.randint(256, (5000, 3, 32, 32), generator=torch.Generator().manual_seed(0)).byte()
    assert torch.equal(scaled(images.to(device), resolution).cpu(), scaled(images, resolution))


@pytest.mark.parametrize("name", RUNS)
def test_the_first_epoch_is_that_of_a_cpu_but_for_rounding(tmp_path, device, teacher, name):
    # Dropout and stochastic depth draw other numbers on a GPU.
    model = replace(RUNS[name].model, dropout=0.0, attention_dropout=0.0, stochastic_depth=0.0)
    run = replace(RUNS[name], model=model)
    taught = teacher if run.teacher else None
    losses = []
    for place in (device, tiny_runs.CPU):
        files = train(run, tmp_path / place.type, taught, device=place)
        with files.history.open(newline="") as file:
            losses.append(float(next(csv.DictReader(file))["loss"]))
    assert torch.isfinite(torch.tensor(losses)).all()
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
