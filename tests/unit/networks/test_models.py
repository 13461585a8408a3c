"""Networks and their weight files."""

import pytest
import tiny_runs
import torch
from distillation.core.errors import UserError
from distillation.evaluation import trained
from distillation.networks import models
from safetensors.torch import load_file
from tiny_runs import CPU


@pytest.mark.parametrize("which", ["last", "best"])
def test_a_restored_network_is_the_trained_one_frozen_and_in_evaluation(teacher, which):
    model, run = trained.restore(teacher / f"{which}.safetensors", teacher / "run.json", CPU)
    stored = load_file(teacher / f"{which}.safetensors")
    assert model.state_dict().keys() == stored.keys()
    assert all(torch.equal(value, stored[name]) for name, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert run == tiny_runs.teacher_run()


def test_weights_that_are_not_those_of_the_record_are_refused(teacher, tmp_path):
    foreign = tmp_path / "best.safetensors"
    models.save(tiny_runs.start_of(tiny_runs.teacher_run()), foreign)
    with pytest.raises(UserError) as refusal:
        trained.restore(foreign, teacher / "run.json", CPU)
    assert str(refusal.value).startswith(
        f"{foreign}: this file is not that of {teacher / 'run.json'}; delete it"
    )


def test_the_last_weights_do_not_pass_as_the_best(teacher, tmp_path):
    swapped = tmp_path / "best.safetensors"
    swapped.write_bytes((teacher / "last.safetensors").read_bytes() + b" ")
    with pytest.raises(UserError, match="this file is not that of"):
        trained.restore(swapped, teacher / "run.json", CPU)


def test_saved_weights_come_back_bit_by_bit_and_equal_networks_give_equal_files(tmp_path):
    run = tiny_runs.student_run()
    for name in ("one", "two"):
        models.save(tiny_runs.start_of(run), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    stored = load_file(tmp_path / "one")
    expected = tiny_runs.start_of(run).state_dict()
    assert stored.keys() == expected.keys()
    assert all(torch.equal(stored[name], value) for name, value in expected.items())


def test_weights_of_any_memory_layout_are_saved(tmp_path):
    weights = {"turned": torch.arange(6.0).view(2, 3).T}
    models.save_weights(weights, tmp_path / "weights")
    assert torch.equal(load_file(tmp_path / "weights")["turned"], weights["turned"])


def test_a_seed_decides_the_start():
    one, same, other = (tiny_runs.start_of(tiny_runs.run(seed=seed)).head.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
