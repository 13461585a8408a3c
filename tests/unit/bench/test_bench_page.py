"""What is made of measured times: rounds in turns, ratios, and a page that says what its csv says."""

import re
from dataclasses import replace

import pandas as pd
import pytest
import torch
from distillation.pages import documents

from bench import __main__ as program
from bench import cases, document, frame, measure, parts, steps

CPU = torch.device("cpu")
DEMO = cases.HOME / "studies/irkd/overlays/demo.yaml"
FACTS = {"device": "cpu", "CPU threads": "2"}


def row(part, case, way, rate, precision="fp32", **others):
    return {
        "part": part,
        "case": case,
        "way": way,
        "precision": precision,
        "batch": 8,
        "steps": 2,
        "seconds": 16 / rate,
        "images_per_second": rate,
        "memory_mb": 12.5,
        **others,
    }


ROWS = [
    row("step", "kd", "notebook", 10.0, floor=0.1),
    row("step", "kd", "timm", 16.0, floor=0.16),
    row("step", "kd", "ours", 40.0, floor=0.4),
    row("step", "kd", "ours", 80.0, "bf16", floor=0.5),
    row("step", "sal", "notebook", 5.0, floor=0.05),
    row("step", "sal", "ours", 50.0, floor=0.5),
    row("step", "sal", "ours", 60.0, "bf16", floor=0.3, memory_mb=None),
    row("views", "crop", "per image", 100.0),
    row("views", "crop", "whole epoch", 2500.0),
    row("class map", "12 layers", "ten gradients", 4.0),
    row("class map", "12 layers", "closed form", 48.0),
    row("attention", "CLS", "whole matrix", 30.0),
    row("attention", "CLS", "one row", 45.0),
]


@pytest.fixture(scope="module")
def demo():
    """Cases of the demo that take milliseconds."""
    _, resolved = cases.load([DEMO])
    listed = {}
    for case in cases.steps_of(resolved, CPU, full=True):
        listed[case.name] = replace(case, run=replace(case.run, batch_size=2), steps=1)
    return resolved, listed


# Measuring


def test_tasks_run_in_turns_to_warm_up_twice_for_their_times_and_once_for_memory():
    calls = []
    tasks = {name: lambda name=name: calls.append(name) for name in "ABC"}
    timings = measure.interleaved(tasks, 2, CPU)
    assert calls == list("ABC") * 4
    assert {name: len(timing.seconds) for name, timing in timings.items()} == {"A": 2, "B": 2, "C": 2}


def test_the_time_of_a_task_is_the_median_of_its_rounds():
    assert measure.Timing(seconds=[5.0, 1.0, 2.0]).median == 2.0


def test_the_memory_of_a_task_is_what_it_had_at_most_and_not_what_was_there_before():
    kept = torch.ones(30_000_000)
    timings = measure.interleaved(
        {"large": lambda: torch.ones(20_000_000).sum(), "small": lambda: torch.ones(1000).sum()}, 1, CPU
    )
    assert 75e6 < timings["large"].memory < 110e6
    assert timings["small"].memory < 10e6
    assert kept[0] == 1


# Ratios


def test_ratios_are_speeds_over_that_of_the_same_case():
    made = frame.build(ROWS).set_index(["part", "case", "way", "precision"])
    over = made["over_notebook"]
    assert over["step", "kd", "ours", "bf16"] == 8.0
    assert over["step", "kd", "notebook", "fp32"] == 1.0
    assert over["step", "sal", "ours", "fp32"] == 10.0
    assert over["views", "crop", "whole epoch", "fp32"] == 25.0
    assert over["class map", "12 layers", "closed form", "fp32"] == 12.0
    assert over["attention", "CLS", "one row", "fp32"] == 1.5
    assert made["over_timm"]["step", "kd", "ours", "fp32"] == 2.5
    assert pd.isna(made["over_timm"]["step", "sal", "ours", "fp32"])


def test_the_page_says_what_its_csv_says(tmp_path):
    document.write(frame.build(ROWS), FACTS, tmp_path)
    read = pd.read_csv(tmp_path / "bench.csv")
    assert documents.markdown(document.page(read, FACTS)) == (tmp_path / "bench.md").read_text()


def test_replayed_steps_are_compared_with_the_same_kernels_launched_one_by_one(tmp_path):
    rows = [*ROWS, *(row("step", case, steps.GRAPHS, 100.0, "bf16") for case in ("kd", "sal"))]
    made = frame.build(rows).set_index(["part", "case", "way", "precision"])
    assert made["over_kernels"]["step", "kd", steps.GRAPHS, "bf16"] == 1.25
    document.write(frame.build(rows), FACTS, tmp_path)
    with_graphs, heading = (tmp_path / "bench.md").read_text(), "graphs bf16 / ours bf16"
    assert heading in with_graphs and "1.25" in with_graphs and "execution.cuda_graphs" in with_graphs
    document.write(frame.build(ROWS), FACTS, tmp_path)
    assert heading not in (tmp_path / "bench.md").read_text()


def cells(text: str) -> dict[str, list[str]]:
    """The rows of all tables of a page, by their first cell."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in rows}


def test_the_page_has_ratios_first_and_says_none_where_a_loop_has_no_such_step(tmp_path):
    text = documents.markdown(document.page(frame.build(ROWS), FACTS))
    assert re.findall("^### (.*)$", text, re.MULTILINE) == ["Training steps", "Parts", "This machine"]
    rows = cells(text)
    assert rows["kd"] == ["8 x 2", "4.00", "8.00", "1.60", "2.50", "5.00"]
    assert rows["sal"] == ["8 x 2", "10", "12", "none", "none", "none"]
    assert rows["crop"] == ["whole epoch / per image", "25", "8 / 8", "12.5 / 12.5"]
    assert rows["kd, ours fp32"] == ["40", "200", "12.5", "40 %"]
    assert rows["sal, ours bf16"] == ["60", "133", "not measured", "30 %"]


def test_where_bf16_was_not_measured_the_page_does_not_speak_of_it():
    rows = [each for each in ROWS if each["precision"] == "fp32"]
    text = documents.markdown(document.page(frame.build(rows), FACTS))
    assert "bf16" not in text.split("### Parts")[0]
    assert "ours / notebook" in text


# What is measured


def test_every_step_kind_has_the_teacher_and_views_of_its_released_run():
    _, resolved = cases.load([])
    listed = {case.name: case for case in cases.steps_of(resolved, CPU, full=False)}
    assert tuple(listed) == cases.RUNS
    assert listed["custom-p2-kd"].teacher.width == listed["tiny-p4-kd"].teacher.width == 384
    assert listed["custom-p2-ce"].teacher is listed["small-p4"].teacher is None
    assert listed["tiny-p2-kd"].run.augmentation.auto_augment == 1.0
    assert listed["small-p4"].run.mixing is not None
    assert {case.resolution for case in listed.values()} == {32}
    assert all(8 <= case.run.batch_size <= 32 for case in listed.values())
    assert all(case.images * case.flops < 4e11 for case in listed.values())


def test_a_full_measurement_has_the_batch_of_the_protocol():
    _, resolved = cases.load([])
    for device in (CPU, torch.device("cuda")):
        assert {case.run.batch_size for case in cases.steps_of(resolved, device, full=True)} == {128}


# A rehearsal


def test_each_measurement_runs_on_networks_of_the_demo(demo, tmp_path, monkeypatch):
    resolved, listed = demo
    monkeypatch.setattr(parts, "_OURS", 64)
    monkeypatch.setattr(parts, "_THEIRS", 8)
    rates = {"fp32": 1e11, "bf16": 1e11}
    rows = [
        *steps.rows(listed["tiny-p4-kd-cl-sal"], 1, CPU, rates),
        *steps.rows(listed["tiny-p2-kd"], 1, CPU, rates),
        *parts.rows(resolved, listed, 1, CPU),
    ]
    document.write(frame.build(rows), FACTS, tmp_path)
    text = (tmp_path / "bench.md").read_text()
    assert "tiny-p2-kd, timm fp32" in text
    assert "tiny-p4-kd-cl-sal, timm" not in text
    assert "AutoAugment and erasing, 32 px" in text


# Errors


def message(main, *arguments) -> str:
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    return str(stop.value)


def test_an_overlay_that_is_missing_or_wrong_is_told_in_a_sentence(tmp_path):
    missing = message(program.main, "--config", tmp_path / "no.yaml")
    assert "this file cannot be read (No such file or directory); name another." in missing
    (tmp_path / "list.yaml").write_text("- 1\n")
    wrong = message(program.main, "--config", tmp_path / "list.yaml")
    assert wrong.endswith("this file must be a mapping, lines such as `key: value`; correct it.")
    (tmp_path / "broken.yaml").write_text("a: [\n")
    assert "this file is not YAML" in message(program.main, "--config", tmp_path / "broken.yaml")
    (tmp_path / "key.yaml").write_text("stduents: {}\n")
    assert "1 error in the configuration" in message(program.main, "--config", tmp_path / "key.yaml")


def test_a_configuration_without_the_measured_study_is_refused(monkeypatch):
    monkeypatch.setattr(program.cases.studies, "resolve", lambda *_: {})
    told = message(program.main)
    assert told == "studies: the benchmark measures the study 'irkd'; add it to `studies`."


def test_a_measurement_without_rounds_is_refused():
    assert "a median needs 1 round or more" in message(program.main, "--rounds", 0)


def test_a_full_measurement_is_on_the_device_of_the_configuration(tmp_path, monkeypatch):
    class MeasuredError(Exception):
        pass

    def measured(_, device, *__):
        raise MeasuredError(device.type)

    (tmp_path / "cpu.yaml").write_text("execution: {device: cpu}\n")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(program, "_measured", measured)
    monkeypatch.setattr(program.measure, "matrix_rate", lambda *_: 1e11)
    with pytest.raises(MeasuredError, match="cpu"):
        program.main(["--full", "--config", str(tmp_path / "cpu.yaml")])


@pytest.mark.parametrize("arguments", [["--full"], ["--device", "cuda"]])
def test_without_a_gpu_a_measurement_on_one_says_how_to_rehearse_it(monkeypatch, arguments):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "--device cpu --config studies/irkd/overlays/demo.yaml" in message(program.main, *arguments)
