"""Kernels and bytes of a step: what a change must not add, seen without a GPU."""

from dataclasses import replace

import pytest
import torch
from distillation.statistics.training_seeds import TrainingSeed
from torch.nn import functional

from bench import cases, launches

# Kernels of a step of `described`, launched one by one and with fused blocks, and the share of the bytes that
# fused blocks move. The counts of this code, rounded up.
BOUNDS = {
    "small-p4": (590, 450, 0.80),
    "tiny-p4-ce": (540, 400, 0.80),
    "tiny-p4-kd": (735, 555, 0.80),
    "tiny-p4-kd-cl-sal": (4030, 1600, 0.58),
    "custom-p2-kd": (395, 330, 0.81),
    "tiny-p2-kd-cl-sal": (4100, 1760, 0.53),
}
# Bytes of the launched steps, in 10^9, rounded up.
BYTES = {
    "small-p4": 13.4,
    "tiny-p4-ce": 6.6,
    "tiny-p4-kd": 10.8,
    "tiny-p4-kd-cl-sal": 55.6,
    "custom-p2-kd": 20.2,
    "tiny-p2-kd-cl-sal": 291,
}


@pytest.fixture(scope="module")
def resolved():
    return cases.load([])[1]


@pytest.mark.parametrize("name", BOUNDS)
def test_a_step_launches_no_more_kernels_and_moves_no_more_bytes_than_it_did(resolved, name):
    entry, seed = resolved.entries["described", name], TrainingSeed(0)
    teacher = resolved.teacher_of("described", name, seed)
    run, network = entry.resolve(seed), teacher.model if teacher else None
    launched = launches.of_step(run, network)
    fused = launches.of_step(replace(run, fused=True), network)
    kernels, of_fused, share = BOUNDS[name]
    assert 0.9 * kernels < launched.kernels <= kernels
    assert 0.9 * of_fused < fused.kernels <= of_fused
    assert 0.9 * BYTES[name] < launched.bytes / 1e9 <= BYTES[name]
    assert 0.9 * share < fused.bytes / launched.bytes <= share


def counted(function, fused=False):
    recorder = launches._Recorder()
    values, weight = torch.empty(8, 4, device="meta"), torch.empty(4, 4, device="meta")
    if fused:
        function = recorder.as_block(function)
    with recorder:
        result = function(values, weight)
    return launches._count(recorder), result


def test_operations_on_values_and_rows_between_products_are_one_kernel_if_they_are_fused():
    def between(values, weight):
        return functional.gelu((values @ weight).softmax(dim=-1) * 2) @ weight

    launched, _ = counted(between)
    fused, _ = counted(between, fused=True)
    # Two products; softmax, product with 2 and GELU. Each of the three reads and writes 8 x 4 x 4 bytes.
    assert (launched.kernels, fused.kernels) == (5, 3)
    assert launched.bytes == 2 * (128 + 64 + 128) + 3 * 256
    assert fused.bytes == 2 * (128 + 64 + 128) + 256


def test_what_another_kernel_must_run_between_is_not_fused():
    def around(values, weight):
        scaled = values * 2
        return scaled + scaled @ weight

    assert counted(around, fused=True)[0].kernels == 3


def test_operations_without_a_tensor_in_common_are_kernels_of_their_own():
    def apart(values, weight):
        return values * 2, weight * 3

    assert counted(apart, fused=True)[0].kernels == 2


def test_views_launch_nothing_and_copies_and_sums_over_rows_are_not_fused():
    def views(values, weight):
        return values.view(4, 8).t()[:2]

    def copies(values, weight):
        return (values * 2).t().contiguous() * 3

    def sums(values, weight):
        return (values * 2).sum(dim=(0,)) * 3

    assert counted(views)[0].kernels == 0
    assert counted(copies, fused=True)[0].kernels == 3
    assert counted(sums, fused=True)[0].kernels == 3


def test_the_casts_are_those_of_autocast_and_a_parameter_is_cast_once():
    layer = torch.nn.Linear(4, 4, device="meta")
    values = torch.empty(8, 4, device="meta")
    with launches._CudaAutocast() as mode:
        first, second = layer(values), layer(values)
        assert first.dtype == second.dtype == torch.bfloat16
        assert functional.layer_norm(first, (4,)).dtype == torch.float32
        assert first.softmax(dim=-1).dtype == torch.float32
        assert functional.gelu(first).dtype == torch.bfloat16
    assert len(mode._casts) == 2
