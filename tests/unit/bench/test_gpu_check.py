"""What a check of a GPU measures, and what it makes of that."""

import json
import subprocess
from dataclasses import replace

import pytest
import tiny_runs
import torch
from distillation.core.errors import UserError
from distillation.pages import documents
from distillation.study import study
from distillation.training import gradients, graph_recording
from shipped import CONFIG
from tape import Tape
from tiny_runs import CPU, MODEL, student_run

from bench import estimates, fused_check, gpu_check, gpu_check_page, kind_check, kinds
from bench.estimates import Measured
from bench.kinds import Kind

STUDENT = Kind("described/student", student_run(), MODEL, (8, 12))
ALONE = Kind("described/alone", tiny_runs.run(), None, (8, 12))


@pytest.fixture
def tape(monkeypatch):
    """Graphs on a CPU."""
    monkeypatch.setattr(gradients, "Recording", Tape)
    monkeypatch.setattr(graph_recording, "possible", lambda device: True)
    return Tape


@pytest.fixture
def quickly(monkeypatch):
    monkeypatch.setattr(kind_check, "_LEAST", 1)
    monkeypatch.setattr(kind_check, "_MOST", 1)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


# Kinds of step


def test_runs_that_differ_in_seed_curriculum_or_data_alone_have_one_kind_of_step():
    shipped = study.resolve("irkd", CONFIG)
    listed = kinds.of(shipped)
    by_name = {kind.name: kind for kind in listed}
    # CE and CL, and KD and KD+CL, are each of one kind; the two protocols differ in precision.
    described = [name for name in by_name if name.startswith("described/")]
    assert len(described) == 11
    assert by_name["described/custom-p2-ce"].resolutions == (12, 32)
    assert by_name["described/small-p4"].resolutions == (32,)
    assert len({kind.key for kind in listed}) == len(listed)
    trained = {kinds.key_of(run, teacher) for _, run, teacher in kinds.trainings(shipped)}
    assert trained == {kind.key for kind in listed}


def test_kinds_come_protocol_by_protocol_from_few_operations_to_many():
    listed = kinds.of(study.resolve("irkd", CONFIG))
    protocols = [kind.name.split("/")[0] for kind in listed]
    assert protocols == sorted(protocols)
    for protocol in ("described", "released"):
        flops = [kind.flops(kind.resolutions[-1]) for kind in listed if kind.name.startswith(protocol)]
        assert flops == sorted(flops)


# One kind of step


@pytest.mark.parametrize("kind", [ALONE, STUDENT], ids=["alone", "taught"])
def test_a_step_repeats_and_a_replay_has_its_bits_and_both_are_timed(tape, quickly, kind):
    row = kind_check.check(kind, 12, CPU)
    assert row["batch"] == 16
    assert row["repeats"]
    assert row["equal"]
    assert row["launched_ms"] > 0 < row["replayed_ms"]


def test_batches_of_an_update_are_checked_together(tape, quickly):
    run = tiny_runs.fine_tuning_run()
    row = kind_check.check(Kind("described/teacher", run, None, (16,)), 16, CPU)
    assert row["repeats"]
    assert row["equal"]


def test_a_replay_with_other_bits_is_told(tape, quickly, monkeypatch):
    monkeypatch.setattr(tape, "wrong", True)
    row = kind_check.check(ALONE, 12, CPU)
    assert row["repeats"]
    assert row["equal"] is False


def test_a_step_that_does_not_repeat_is_told(quickly, monkeypatch):
    monkeypatch.setattr(torch, "manual_seed", lambda seed: torch.default_generator.seed())
    dropping = replace(ALONE.run, model=replace(ALONE.run.model, dropout=0.5))
    assert kind_check.check(replace(ALONE, run=dropping), 12, CPU)["repeats"] is False


def test_a_step_that_cannot_be_recorded_is_told_with_what_it_took_launched(quickly, monkeypatch):
    def refuse(function, arguments):
        raise graph_recording.RecordingError("no") from RuntimeError("stream is capturing")

    monkeypatch.setattr(graph_recording, "possible", lambda device: True)
    monkeypatch.setattr(gradients, "Recording", refuse)
    row = kind_check.check(ALONE, 12, CPU)
    assert row["recording_error"] == "stream is capturing"
    assert row["launched_ms"] > 0
    assert "recording_error" not in kind_check.check(ALONE, 12, CPU, graphs=False)


def test_a_device_with_too_little_memory_is_told(quickly, monkeypatch):
    def refuse(self, *arguments):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 1 GiB")

    monkeypatch.setattr(gradients.Gradients, "__call__", refuse)
    assert kind_check.check(ALONE, 12, CPU) == {"batch": 16, "error": "CUDA out of memory"}


# Estimates


def flops(kind, side):
    return kind.flops(side)


def test_between_two_resolutions_the_time_is_linear_in_the_operations():
    measured = Measured(ALONE, {8: 2.0, 12: 6.0}, {})
    assert measured.milliseconds(ALONE.run, None, 8) == pytest.approx(2.0)
    assert measured.milliseconds(ALONE.run, None, 12) == pytest.approx(6.0)
    low, high = flops(ALONE, 8), flops(ALONE, 12)

    expected = 2.0 + 4.0 * (flops(ALONE, 4) - low) / (high - low)
    assert measured.milliseconds(ALONE.run, None, 4) == pytest.approx(expected)


def test_of_one_resolution_or_another_kind_the_time_is_in_proportion_to_the_operations():
    single = Measured(ALONE, {12: 8.0}, {12: 6.0})
    assert single.milliseconds(ALONE.run, None, 8) == pytest.approx(6.0 * flops(ALONE, 8) / flops(ALONE, 12))
    # A launched step waits for Python, however small its images are.
    launched = Measured(ALONE, {12: 8.0}, {})
    assert launched.milliseconds(ALONE.run, None, 8) == 8.0
    assert launched.milliseconds(ALONE.run, None, 16) > 8.0
    both = Measured(ALONE, {8: 2.0, 12: 6.0}, {})
    expected = 6.0 * flops(STUDENT, 12) / flops(ALONE, 12)
    assert both.milliseconds(STUDENT.run, MODEL, 12) == pytest.approx(expected)


def test_replayed_steps_count_where_all_of_a_kind_are_equal():
    rows = {
        "described/alone at 8 px": {"launched_ms": 4.0, "equal": True, "replayed_ms": 2.0},
        "described/alone at 12 px": {"launched_ms": 8.0, "equal": True, "replayed_ms": 6.0},
        "described/student at 8 px": {"launched_ms": 4.0, "equal": False, "replayed_ms": 2.0},
        "described/student at 12 px": {"launched_ms": 8.0, "equal": True, "replayed_ms": 6.0},
    }
    alone, student = estimates.measured(rows, [ALONE, STUDENT])
    assert alone.replayed == {8: 2.0, 12: 6.0}
    assert student.replayed == {}
    assert student.launched == {8: 4.0, 12: 8.0}
    short = {"described/alone at 12 px": {"error": "CUDA out of memory"}}
    assert estimates.measured(short, [ALONE, STUDENT]) == []


def test_a_run_takes_its_steps_and_the_rest_of_its_epochs_and_names_what_stands_for_it():
    changed = study.merge(CONFIG, {"select": ["tiny-p4-ce", "tiny-p4-cl", "custom-p2-kd"]})
    shipped = study.resolve("irkd", study.merge(changed, {"reproduce": ["described"]}))
    listed = {kind.name: kind for kind in kinds.of(shipped)}
    tiny = listed["described/tiny-p4-ce"]
    found = [Measured(tiny, {12: 3.0, 32: 10.0}, {12: 1.0, 32: 4.0})]
    parameters = {run.model: 1_000_000 for _, run, _ in kinds.trainings(shipped, chosen=False)}
    runs = estimates.of_runs(shipped, found, 45_000, {False: 0.5, True: 2.0}, parameters)
    # 60 epochs of 352 steps at 32 px, and those at the beginning of the stage.
    steps = 60 * 352 + 30
    assert runs["described/tiny-p4-ce"] == {
        "seconds": pytest.approx(steps * 0.004 + 60 * 0.5),
        "launched_seconds": pytest.approx(steps * 0.010 + 60 * 0.5),
        "trainings": 3,
        "state_mb": 16.0,
        "measured_kind": "described/tiny-p4-ce",
    }
    assert runs["described/tiny-p4-cl"]["seconds"] < runs["described/tiny-p4-ce"]["seconds"]
    assert runs["described/custom-p2-kd"]["measured_kind"] == "described/tiny-p4-ce"
    assert runs["described/small-p2"]["trainings"] == 1


# The page


FOUND = {
    "device": "GPU X",
    "rehearsal": False,
    "session": {"git": {"commit": "abc", "dirty": False}, "torch_build": "2.12", "started": "2026-01-02"},
    "cases": {
        "described/a at 32 px": {
            "batch": 128, "repeats": True, "launched_ms": 10.0, "equal": True, "replayed_ms": 4.0,
            "recorded_in": 1.0, "peak_gb": 1.5,
        },
        "described/b at 32 px": {"batch": 128, "error": "CUDA out of memory"},
    },
    "epoch_seconds": {"plain": 0.05, "AutoAugment": 0.2},
    "save": {"seconds": 0.4, "mb": 340.0},
    "job_start_seconds": 10.0,
    "runs": {
        "described/a": {
            "seconds": 350.0, "launched_seconds": 600.0, "trainings": 3, "state_mb": 9.0,
            "measured_kind": "described/a",
        },
        "released/a": {
            "seconds": 710.0, "launched_seconds": 800.0, "trainings": 1, "state_mb": 9.0,
            "measured_kind": "described/a",
        },
    },
    "groups": {"first": {"described/a": 1}},
    "chosen": {"described": ["described/a"], "released": ["released/a"]},
}  # fmt: skip


def remarks(**changes):
    return gpu_check_page.page({**FOUND, "cases": changes}).remarks


def test_hours_are_of_one_training_after_the_other_with_their_starts():
    assert gpu_check_page.hours(FOUND, {"described/a": 3, "released/a": 1}) == pytest.approx(0.5)
    text = documents.markdown(gpu_check_page.page(FOUND))
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["described, all seeds", "3", "0.3"] in cells
    assert ["released, all seeds", "1", "0.2"] in cells
    assert ["group first", "1", "0.1"] in cells
    assert ["the study", "4", "0.5"] in cells
    assert ["described/a at 32 px", "10", "4", "yes", "yes", "1.5", "-"] in cells
    assert ["described/b at 32 px", "-", "-", "-", "-", "-", "CUDA out of memory"] in cells


def test_the_page_says_what_to_set():
    equal = {"launched_ms": 10.0, "replayed_ms": 4.0, "repeats": True, "equal": True}
    assert remarks(a=equal)[0] == (
        "every measured replay gives the bits of the launched step, in 0.40 of its time: leave"
        " `execution: {cuda_graphs: auto}`"
    )
    assert remarks(a=equal, b={**equal, "equal": False})[0] == (
        "replays of b give other bits: leave `execution: {cuda_graphs: auto}`, which launches those"
    )
    assert remarks(a={"repeats": True, "launched_ms": 1.0, "recording_error": "capturing"})[0] == (
        "steps cannot be recorded here (capturing): set `execution: {cuda_graphs: false}`"
    )
    assert remarks(a={"repeats": True, "launched_ms": 1.0})[0] == (
        "this device has no CUDA graphs: steps are launched"
    )
    assert remarks(a={"repeats": False, "launched_ms": 1.0})[1] == (
        "steps of a do not repeat bit by bit: nothing trained here can be reproduced"
    )


# The program


@pytest.fixture
def measured_quickly(monkeypatch):
    """A check whose steps take no time."""
    row = {"batch": 4, "repeats": True, "launched_ms": 1.0}
    monkeypatch.setattr(kind_check, "check", lambda *_: dict(row))
    monkeypatch.setattr(gpu_check._Check, "_images", lambda self: 45)
    return row


def checked(folder):
    return json.loads((folder / "cpu/gpu-check.json").read_text(encoding="utf-8"))


def test_a_rehearsal_ends_with_hours_of_all_runs_and_groups_and_a_page(tmp_path, measured_quickly, capsys):
    gpu_check.main(["--rehearse", "--out", str(tmp_path)])
    found = checked(tmp_path)
    assert found["rehearsal"]
    assert {len(chosen) for chosen in found["chosen"].values()} == {17}
    # Those of protocols that are not reproduced, such as the bridge's, are estimated as well.
    assert "crops/custom-p2-cl" in found["runs"]
    assert set(found["hours"]) == {"described", "released"}
    assert set(found["groups"]) == {path.stem for path in gpu_check._GROUPS.glob("*.yaml")}
    assert all(run in found["runs"] for group in found["groups"].values() for run in group)
    assert "the hours are meaningless" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "cpu").iterdir()} == {"gpu-check.json", "gpu-check.md"}


def test_what_was_measured_is_there_after_each_kind_of_step(tmp_path, measured_quickly, monkeypatch):
    seen = []

    def check(kind, resolution, *_):
        path = tmp_path / "cpu/gpu-check.json"
        seen.append(len(json.loads(path.read_text())["cases"]) if path.exists() else 0)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return dict(measured_quickly)

    monkeypatch.setattr(kind_check, "check", check)
    with pytest.raises(KeyboardInterrupt):
        gpu_check.main(["--rehearse", "--out", str(tmp_path)])
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("group", sorted(gpu_check._GROUPS.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_group_can_be_checked_alone(tmp_path, measured_quickly, group):
    gpu_check.main(["--rehearse", "--out", str(tmp_path), "--config", str(group)])
    assert checked(tmp_path)["hours"]


def test_a_protocol_whose_teachers_are_of_another_can_be_checked():
    crops = study.resolve("irkd", study.merge(CONFIG, {"reproduce": ["crops"]}))
    assert {kind.name.split("/")[0] for kind in kinds.of(crops)} == {"crops", "described"}


def test_replays_do_not_count_where_they_are_switched_off():
    rows = {
        f"described/alone at {side} px": {"launched_ms": 8.0, "equal": True, "replayed_ms": 6.0}
        for side in (8, 12)
    }
    [alone] = estimates.measured(rows, [ALONE], replays=False)
    assert alone.replayed == {}


def test_when_its_time_is_over_the_rest_is_estimated(tmp_path, measured_quickly):
    gpu_check.main(["--rehearse", "--seconds", "0", "--out", str(tmp_path)])
    found = checked(tmp_path)
    assert len(found["cases"]) == 1
    assert len({row["measured_kind"] for row in found["runs"].values()}) == 1


def test_after_a_recording_that_failed_a_fresh_process_goes_on_without(
    tmp_path, measured_quickly, monkeypatch
):
    class ReplacedError(Exception):
        pass

    def start_again(failure):
        raise ReplacedError(failure)

    calls = []

    def check(kind, resolution, device, batch, graphs):
        calls.append(graphs)
        return measured_quickly | ({"recording_error": "capturing"} if graphs else {})

    monkeypatch.setattr(kind_check, "check", check)
    monkeypatch.setattr(graph_recording, "start_again_without_graphs", start_again)
    with pytest.raises(ReplacedError, match="capturing"):
        gpu_check.main(["--rehearse", "--out", str(tmp_path)])
    assert calls == [True]
    monkeypatch.setattr(graph_recording, "graphs_given_up", lambda: "capturing")
    gpu_check.main(["--rehearse", "--out", str(tmp_path)])
    assert not any(calls[1:])
    found = checked(tmp_path)
    assert sum("recording_error" in row for row in found["cases"].values()) == 1


def test_steps_that_do_not_repeat_end_the_check_with_status_1_and_a_sentence(tmp_path, measured_quickly):
    measured_quickly["repeats"] = False
    with pytest.raises(SystemExit) as ended:
        gpu_check.main(["--rehearse", "--out", str(tmp_path)])
    assert str(ended.value) == (
        "Steps do not repeat bit by bit here: no training on this GPU can be reproduced."
    )
    assert (tmp_path / "cpu/gpu-check.md").exists()


def test_without_a_gpu_a_check_says_how_to_rehearse_it(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        gpu_check.main(["--out", str(tmp_path)])
    assert str(ended.value) == (
        "torch finds no CUDA device here; run this on a machine with one, or rehearse it on a CPU:"
        " make gpu-check ARGS=--rehearse"
    )


# Fused steps


class _Cpu:
    """A run of this module's child process in this one, without compiling."""

    def __init__(self, monkeypatch, bits=None):
        self.bits, self.caches = bits or ["same", "same"], []
        monkeypatch.setattr(fused_check.subprocess, "run", self)

    def __call__(self, command, env, **_):
        self.caches.append(env["TORCHINDUCTOR_CACHE_DIR"])
        assert json.loads(command[-1])[0] == "described/tiny-p4-ce"
        row = {"batch": 4, "bits": self.bits.pop(), "first_s": 31.0, "launched_ms": 2.0, "repeats": True}
        text = f"a warning\n{json.dumps(row)}\n"
        return subprocess.CompletedProcess(command, 0, stdout=text, stderr="")


@pytest.mark.parametrize(("bits", "same"), [(["a", "a"], True), (["a", "b"], False)])
def test_fused_steps_are_compared_between_two_processes_with_empty_caches(monkeypatch, bits, same):
    ran = _Cpu(monkeypatch, bits)
    row = fused_check.check("described/tiny-p4-ce", [], "cpu", 4)
    assert row["same_bits"] is same
    assert row["first_s"] == 31.0
    assert len(set(ran.caches)) == 2


def test_a_kind_without_blocks_cannot_be_checked_fused():
    with pytest.raises(UserError) as refusal:
        fused_check.check("described/nothing", [], "cpu", 4)
    assert str(refusal.value).startswith(
        "--fused described/nothing: not a kind of step with blocks; there are described/custom-p2-ce, "
    )


def test_a_fused_step_that_fails_is_told_in_one_line(monkeypatch):
    def fails(command, **_):
        return subprocess.CompletedProcess(
            command, 1, stdout="", stderr="Traceback\nRuntimeError: no compiler\n"
        )

    monkeypatch.setattr(fused_check.subprocess, "run", fails)
    with pytest.raises(UserError) as refusal:
        fused_check.check("described/tiny-p4-ce", [], "cpu", 4)
    assert str(refusal.value) == "A fused step of described/tiny-p4-ce failed: RuntimeError: no compiler"


def test_the_page_compares_fused_steps_with_the_same_ones_unfused():
    found = {
        "cases": {
            "described/a at 32 px": {"launched_ms": 9.0, "replayed_ms": 8.0},
            "described/a at 12 px": {"launched_ms": 3.0, "replayed_ms": 2.0},
        },
        "fused": {
            "described/a": {
                "first_s": 40.0,
                "launched_ms": 6.0,
                "replayed_ms": 4.0,
                "same_bits": True,
                "equal": True,
            },
            "described/b": {"first_s": 30.0, "launched_ms": 6.0, "same_bits": False},
        },
    }
    [section] = gpu_check_page._fused(found)
    assert section.table["of the time unfused"].to_dict() == {"described/a": "0.5", "described/b": "-"}
    assert section.table["same bits in two processes"].to_list() == ["yes", "no"]
    assert list(gpu_check_page._fused({"cases": {}})) == []
