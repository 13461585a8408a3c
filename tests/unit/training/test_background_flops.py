"""Operations that are counted beside a training on a GPU."""

import pytest
import tiny_runs
import torch
from distillation.training import background_flops, flops

GPU = torch.device("cuda")


@pytest.mark.parametrize(
    ("run", "teacher"),
    [(tiny_runs.run(), None), (tiny_runs.student_run(), tiny_runs.MODEL)],
    ids=["alone", "taught"],
)
def test_another_process_counts_what_this_one_would(run, teacher):
    expected = flops.training_flops_by_stage(run, teacher)
    assert len(expected) == 2
    assert expected[0] < expected[1]
    assert background_flops.start(run, teacher, GPU)() == expected
    assert background_flops.start(run, teacher, tiny_runs.CPU)() == expected


def test_what_a_process_that_fails_does_not_count_this_one_does_and_says_why(monkeypatch, caplog):
    monkeypatch.setattr(background_flops, "__name__", "distillation.absent")
    counted = background_flops.start(tiny_runs.run(), None, GPU)()
    assert counted == flops.training_flops_by_stage(tiny_runs.run(), None)
    [line] = caplog.messages
    assert line.startswith("counting FLOPs again: the process failed with status 1, ")
    assert "distillation.absent" in line


def test_counting_computes_nothing(monkeypatch):
    flops._step_flops.cache_clear()
    seen = []
    real = torch.Tensor.backward
    monkeypatch.setattr(torch.Tensor, "backward", lambda loss: (seen.append(loss.device.type), real(loss)))
    flops.training_flops_by_stage(tiny_runs.student_run(), tiny_runs.MODEL)
    assert set(seen) == {"meta"}
