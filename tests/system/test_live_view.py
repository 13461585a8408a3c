"""What is seen on a terminal, and what in a pipe, while a training is at work."""

import re
import sys

from background import STUDENT, student_log
from terminal import on_a_terminal

TARGET = f"results/irkd/runs/described/{STUDENT}/seed-0/run.json"
NAME = f"Training {STUDENT} with its teacher, described, seed 0"
EPOCH = " px epoch "


def test_on_a_terminal_jobs_and_trainings_are_shown_live_and_no_line_of_a_job_tears_the_view(taught):
    status, said = on_a_terminal([*taught.driver, TARGET], taught.path)
    assert status == 0, said
    standing = r"stage \d/2 \(\d+ px\), epoch \d+/32, validation"
    assert re.search(rf"jobs +0/1 .*\n  {NAME} \(\d+ s\)\n    {standing}", said)
    assert re.search(rf"done in \d+ s: {NAME}\n", said)
    assert EPOCH not in said
    assert EPOCH in student_log(taught)


def test_in_a_pipe_there_are_snakemakes_own_lines_and_those_of_the_training(taught):
    said = taught.drive(TARGET)
    assert f"\nJob 0: {NAME}\n" in said
    assert "\n1 of 1 steps (100%) done\n" in said
    assert said.count(EPOCH) == 32
    assert "\x1b" not in said


def test_a_failed_job_says_why_on_a_terminal(taught):
    path = "workflow_scripts/distillation/networks/losses/kd/compute.py"
    taught.edit(path, "from torch import", 'raise ValueError("no such thing")\nfrom torch import')
    status, said = on_a_terminal([*taught.driver, TARGET], taught.path)
    assert status == 1
    assert "Error in rule distill:" in said
    # Once: from its log, not also past the view.
    assert said.count("ValueError: no such thing") == 1


def test_a_plan_is_the_same_on_a_terminal(taught):
    command = [*taught.driver, "-n", "--quiet", "host", "--", TARGET]
    status, said = on_a_terminal(command, taught.path)
    assert status == 0
    assert lines_without_times(said) == lines_without_times(taught.call(command))


def test_the_trainings_of_a_folder_are_listed_once_where_there_is_no_terminal(taught):
    said = taught.call([sys.executable, "workflow_scripts/watch.py", "tiny.yaml"])
    lines = [re.split(r"  +", line.strip()) for line in said.splitlines()]
    assert lines[0] == ["results, irkd, described: 1 of 2 trainings done, 1 waiting"]
    assert [(line[0], line[-1]) for line in lines[2:]] == [("small-p4", "done"), (STUDENT, "waiting")]


def test_a_study_on_request_is_watched_once_it_has_begun(taught):
    (taught.path / "results/vlm").mkdir()
    try:
        said = taught.call([sys.executable, "workflow_scripts/watch.py", "tiny.yaml"])
    finally:
        (taught.path / "results/vlm").rmdir()
    assert "vit-tiny-from-vit" in said


def test_watching_a_study_that_is_not_there_says_so(taught):
    said = taught.call([sys.executable, "workflow_scripts/watch.py", "absent.yaml"], status=1)
    assert "absent.yaml" in said
    assert len(said.splitlines()) == 1


def lines_without_times(text):
    return [line for line in text.splitlines() if line and not line.startswith("[")]
