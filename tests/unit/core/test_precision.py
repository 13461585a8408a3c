"""Where a network is executed."""

import os
import tempfile
from types import SimpleNamespace

import pytest
import torch
from distillation.core import devices, precision
from distillation.core.errors import UserError


@pytest.fixture(autouse=True)
def settings_restored(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "unset")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(False)
    yield
    torch.utils.deterministic.fill_uninitialized_memory = filled
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def test_cuda_without_a_device_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError) as refusal:
        devices.setup("cuda", 1)
    assert str(refusal.value) == (
        "execution.device is 'cuda', but torch finds no CUDA device here; run this job on a machine with one,"
        " or set `execution: {device: cpu}` in the configuration."
    )
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.fixture
def gpus(monkeypatch, tmp_path):
    """A machine that seems to have so many GPUs, whose locks are the test's own."""

    def present(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(
            torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=f"GPU-{index}")
        )
        monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(devices, "_HELD", [])
        return chosen

    chosen = []
    return present


def test_the_only_gpu_is_used_without_a_lock(gpus, tmp_path):
    chosen = gpus(1)
    assert devices.setup("cuda", 1) == torch.device("cuda", 0)
    assert chosen == [torch.device("cuda", 0)]
    assert not list(tmp_path.iterdir())


def test_of_several_gpus_each_job_takes_another(gpus):
    chosen = gpus(2)
    assert [devices.setup("cuda", 1) for _ in range(3)] == chosen
    assert [device.index for device in chosen] == [0, 1, 0]


def test_cpu_needs_no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.setup("cpu", 1) == torch.device("cpu")


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_threads_asked_for_are_used_and_described(threads):
    device = devices.setup("cpu", threads)
    assert torch.get_num_threads() == threads
    assert devices.describe(device) == {
        "device": "cpu",
        "name": "cpu",
        "cpu_threads": threads,
        "torch_build": torch.__version__,
    }


def test_algorithms_are_deterministic_without_exception():
    devices.setup("cpu", 1)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_float32_is_float32_in_products_and_convolutions(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    devices.setup("cpu", 1)
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_workspace_that_the_user_chose_is_kept(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    devices.setup("cpu", 1)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_a_gpu_is_described_by_its_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU of {device.type}")
    assert devices.describe(torch.device("cuda"))["name"] == "GPU of cuda"


GPU, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture
def instructions(monkeypatch):
    """A CPU that has these."""
    return lambda *names: monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: dict.fromkeys(names, True)
    )


def test_bf16_that_a_cpu_would_emulate_is_refused_with_the_ways_out(instructions):
    instructions("avx2")
    with pytest.raises(UserError) as refusal:
        precision.require_precision("bf16", CPU, slow_bf16=False)
    assert str(refusal.value) == (
        "precision is bf16, for which this CPU has no instructions: a step can take twenty times as long"
        " as in fp32; set `precision: fp32` in the recipes, train on a GPU or, to accept this, set"
        " `execution: {slow_bf16: true}` in the configuration."
    )


def test_bf16_is_trained_where_it_is_hardware_or_wanted_and_fp32_everywhere(instructions):
    instructions("avx2")
    precision.require_precision("bf16", CPU, slow_bf16=True)
    precision.require_precision("bf16", GPU, slow_bf16=False)
    precision.require_precision("fp32", CPU, slow_bf16=False)
    for name in ("avx512_bf16", "amx_bf16", "bf16"):
        instructions("avx2", name)
        precision.require_precision("bf16", CPU, slow_bf16=False)
