"""What a person sees of trainings that wait, work, are silent or are done."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import record_files
import tiny_runs
from distillation.study import spec
from distillation.study.spec import Stage
from distillation.training import history, progress
from distillation.training.checkpoint import Checkpoint
from distillation.training.progress import Report, duration, last_report, survey, view, watch
from rich.console import Console

NOW = 1_700_000_000.0
# With ten epochs of 8 px and four of 16 px.
RUN = tiny_runs.run(stages=(Stage(8, 10), Stage(16, 4)))


def rows(count, seconds=30.0):
    places = [(stage, epoch) for stage in RUN.stages for epoch in range(1, stage.epochs + 1)]
    return [
        dict.fromkeys(history.COLUMNS)
        | {"stage_px": stage.resolution, "epoch": epoch, "global_epoch": number}
        | {"train_acc": 40.0 + number, "val_acc": 50.0 - number}
        | {"seconds": seconds, "images_per_second": 1500.0}
        for number, (stage, epoch) in enumerate(places[:count], start=1)
    ]


def reported(folder, count, ago, run=RUN, seconds=30.0):
    """The report of a training that has finished so many epochs, and says so some seconds ago."""
    Checkpoint(folder / "resume", "0" * 64).report(history.report(run, rows(count, seconds), count))
    path = folder / "resume" / ("0" * 16) / "progress.json"
    os.utime(path, (NOW - ago, NOW - ago))
    return path


def finished(folder, run=RUN):
    folder.mkdir(parents=True)
    history.write(rows(run.epochs), folder / "history.csv")
    record = {
        "sha256": {"spec": spec.digest(run)},
        "weights": {"best": {"val_acc": 39.0, "sha256": "0" * 64}},
        "stages": [{"resolution": stage.resolution, "epochs": stage.epochs} for stage in run.stages],
    }
    record_files.beside(folder / "history.csv", **record)


class Study:
    """What `survey` asks of a study, of runs that all have the same settings."""

    def __init__(self, *runs, protocols=("described",), settings=RUN, name="study"):
        self.name = name
        self.entries = [
            SimpleNamespace(protocol=protocol, run=run, seeds=(0,), resolve=lambda seed: settings)
            for protocol in protocols
            for run in runs
        ]

    def chosen(self):
        return iter(self.entries)


STUDY = Study("teacher", "student-ce", "student-kd", "student-kd-cl-sal", "student-late")


@pytest.fixture
def results(tmp_path):
    """One training of each kind, and one that has just begun."""
    runs = tmp_path / "results/study/runs/described"
    finished(runs / "teacher/seed-0")
    reported(runs / "student-ce/seed-0", 9, ago=12)
    reported(runs / "student-kd/seed-0", 12, ago=720)
    reported(runs / "student-late/seed-0", 0, ago=3)
    return tmp_path / "results"


def drawn(trainings, width, height=None):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(view(trainings, "results", console, height))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("name", ["run.json", "history.csv", "resume/0000000000000000/progress.json"])
@pytest.mark.parametrize("content", ["", '{"sha256": ', "[]"])
def test_a_training_with_a_damaged_file_is_said_to_be_and_hides_no_other(results, name, content):
    folder = results / "study/runs/described/student-kd-cl-sal/seed-0"
    if name.startswith("resume"):
        reported(folder, 9, ago=12)
    else:
        finished(folder)
    (folder / name).write_text(content)
    states = {training.run: training.state for training in survey([STUDY], results, NOW)}
    assert states["student-kd-cl-sal"] == "damaged"
    assert (states["teacher"], states["student-ce"]) == ("done", "running")


def test_a_network_that_stays_untrained_is_done_once_its_record_is_there(tmp_path):
    folder = tmp_path / "study/runs/described/one/seed-0"
    folder.mkdir(parents=True)
    history.write([], folder / "history.csv")
    record_files.beside(folder / "history.csv", sha256={"spec": spec.digest(RUN)})
    [training] = survey([Study("one")], tmp_path, NOW)
    assert training.state == "done"
    assert drawn([training], 120)[-1].split() == ["one", "0", "done"]


WIDE = """\
results, study, described: 1 of 5 trainings done, 2 running, 1 silent, 1 waiting
run                seed  stage         epoch  train %  val %  best %  images/s  time left
teacher               0  2/2  16 px    14/14    54.00  36.00   39.00     1,500  done
student-ce            0  1/2   8 px     9/14    49.00  41.00   49.00     1,500  ~8 min
student-kd            0  2/2  16 px    12/14    52.00  38.00   39.00     1,500  silent for 12 min
student-kd-cl-sal     0                                                         waiting
student-late          0  1/2   8 px     0/14                                    first epoch
"""

NARROW = """\
results, study, described: 1 of 5 trainings done, 2 running, 1 silent, 1 waiting
run                seed  stage         epoch  val %  best %  time left
teacher               0  2/2  16 px    14/14  36.00   39.00  done
student-ce            0  1/2   8 px     9/14  41.00   49.00  ~8 min
student-kd            0  2/2  16 px    12/14  38.00   39.00  silent for 12 min
student-kd-cl-sal     0                                      waiting
student-late          0  1/2   8 px     0/14                 first epoch
"""


@pytest.mark.parametrize(("width", "expected"), [(120, WIDE), (80, NARROW)])
def test_the_table_says_of_each_training_what_fits_the_terminal(results, width, expected):
    assert drawn(survey([STUDY], results, NOW), width) == expected.splitlines()


def test_nothing_is_wrapped_on_a_terminal_too_narrow_for_all(results):
    lines = drawn(survey([STUDY], results, NOW), 60)
    assert lines[1].split() == ["run", "seed", "epoch", "val", "%", "time", "left"]
    for width in (60, 30):
        lines = drawn(survey([STUDY], results, NOW), width)
        assert len(lines) == len(NARROW.splitlines())
        assert max(map(len, lines)) <= width


def test_on_a_terminal_too_low_for_all_those_at_work_come_first(results):
    lines = drawn(survey([STUDY], results, NOW), 80, height=6)
    names = ["student-ce", "student-kd", "student-late"]
    assert [line.split()[0] for line in lines[2:]] == [*names, "and"]
    assert lines[-1] == "and 2 more"


def test_the_columns_are_the_same_before_the_first_report_as_after_it(tmp_path):
    trainings = survey([STUDY], tmp_path, NOW)
    assert drawn(trainings, 80)[1] == NARROW.splitlines()[1]
    assert drawn(trainings, 120)[1] == WIDE.splitlines()[1]


def test_several_protocols_have_a_column(results):
    lines = drawn(survey([Study("teacher", protocols=("described", "released"))], results, NOW), 120)
    assert lines[0] == "results, study: 1 of 2 trainings done, 1 waiting"
    assert [line.split()[0] for line in lines[1:]] == ["protocol", "described", "released"]


def test_several_studies_have_a_column(results):
    studies = [Study("teacher"), Study("other", name="another")]
    lines = drawn(survey(studies, results, NOW), 120)
    assert lines[0] == "results, described: 1 of 2 trainings done, 1 waiting"
    assert [line.split()[:2] for line in lines[1:]] == [
        ["study", "run"],
        ["study", "teacher"],
        ["another", "other"],
    ]


@pytest.mark.parametrize("state", ["finished", "working"])
def test_what_was_trained_with_other_settings_waits(tmp_path, state):
    folder = tmp_path / "study/runs/described/teacher/seed-0"
    if state == "finished":
        finished(folder)
    else:
        reported(folder, 3, ago=1)
    assert [t.state for t in survey([Study("teacher")], tmp_path, NOW)] != ["waiting"]
    changed = Study("teacher", settings=tiny_runs.run(batch_size=8, stages=RUN.stages))
    assert [t.state for t in survey([changed], tmp_path, NOW)] == ["waiting"]


def test_the_latest_report_counts_where_a_run_was_begun_more_than_once(tmp_path):
    reported(tmp_path, 3, ago=100)
    other = tmp_path / "resume/1111/progress.json"
    other.parent.mkdir()
    other.write_text(json.dumps(history.report(RUN, rows(5), 5)))
    os.utime(other, (NOW - 10, NOW - 10))
    assert (last_report(tmp_path, NOW).done, last_report(tmp_path, NOW).age) == (5, 10)
    assert last_report(tmp_path, NOW, within=9) is None
    assert last_report(tmp_path / "absent", NOW) is None


# Time left and silence


def test_the_time_left_is_that_of_the_missing_epochs_less_what_has_passed_since(tmp_path):
    # One epoch of 8 px and four of 16 px with four times the pixels, of which 12 s have passed.
    reported(tmp_path, 9, ago=12)
    report = last_report(tmp_path, NOW)
    assert report.seconds_left == pytest.approx(30 + 4 * 4 * 30)
    assert report.outlook == "~8 min left"
    assert str(report) == "stage 1/2 (8 px), epoch 9/14, validation 41.00 %, ~8 min left"


@pytest.mark.parametrize(
    ("epoch", "patience"), [(None, 600), (1.0, 60), (30.0, 90)], ids=["unknown", "short", "long"]
)
def test_a_training_is_silent_after_three_of_its_epochs_and_not_before_a_minute(epoch, patience):
    def report(age):
        return Report(age, "", 1, 1, 8, 1, 9, 1, 9, seconds_left=5.0, seconds_an_epoch=epoch)

    assert report(patience - 1).state == "running"
    assert report(patience + 1).outlook == f"silent for {duration(patience + 1)}"


def test_an_overdue_epoch_has_no_time_left_and_never_less():
    assert Report(50, "", 1, 1, 8, 8, 9, 8, 9, seconds_left=5.0, seconds_an_epoch=5.0).outlook == "~0 s left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.5, "2 min"),
        (5969, "99 min"),
        (5970, "1 h 40 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_a_duration_is_as_short_as_its_size_allows(seconds, text):
    assert duration(seconds) == text


# Of real trainings

KILL = """
import os, signal, tiny_runs
from distillation.training.learner import Learner
epoch = Learner.epoch
def deadly(self, images, labels, stage, number, *others):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return epoch(self, images, labels, stage, number, *others)
Learner.epoch = deadly
tiny_runs.train(tiny_runs.run(), tiny_runs.Path(sys.argv[1]))
"""


def test_a_killed_training_has_left_word_of_its_last_epoch_and_falls_silent(tmp_path):
    process = tiny_runs.python(KILL, tmp_path)
    assert process.wait(60) == -9
    (said,) = (path.stat().st_mtime for path in tmp_path.glob("resume/*/progress.json"))
    report = last_report(tmp_path, said)
    assert (report.done, report.total, report.stage, report.state) == (2, 4, 2, "running")
    assert last_report(tmp_path, said + 3600).outlook.startswith("silent for 60 min")


def test_a_stopped_training_has_said_where_it_stood_a_finished_one_leaves_no_report(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        tiny_runs.stopping_after(patch, 3)
        tiny_runs.train(tiny_runs.run(), tmp_path)
    report = last_report(tmp_path, NOW)
    assert (report.stage, report.stage_px, report.epoch, report.done, report.total) == (2, 12, 1, 3, 4)
    assert report.state == "stopped"
    tiny_runs.train(tiny_runs.run(), tmp_path)
    assert last_report(tmp_path, NOW) is None


def test_a_finished_training_is_read_from_its_files(tmp_path):
    folder = tmp_path / "study/runs/described/tiny/seed-0"
    files = tiny_runs.train(tiny_runs.run(), folder)
    (training,) = survey([Study("tiny", settings=tiny_runs.run())], tmp_path, NOW)
    record = json.loads(files.record.read_text())
    assert training.state == "done"
    assert training.report.val_acc == record["weights"]["last"]["val_acc"]
    assert training.report.best_val_acc == record["weights"]["best"]["val_acc"]
    assert (training.report.done, training.report.stage_px) == (4, 12)


# Watching


def test_without_a_terminal_the_whole_table_is_printed_once(results):
    console = Console(file=io.StringIO(), width=80, height=4, highlight=False)
    watch(lambda: survey([STUDY], results, NOW), "results", console)
    said = console.file.getvalue()
    assert [line.rstrip() for line in said.splitlines()] == WIDE.splitlines()
    assert "\x1b" not in said


def test_on_a_terminal_it_looks_again_until_all_are_done(results):
    looks = [Study("student-ce"), Study("student-ce"), Study("teacher")]
    console = Console(file=io.StringIO(), width=80, height=10, force_terminal=True, highlight=False)
    watch(lambda: survey([looks.pop(0)], results, NOW), "results", console, pause=0)
    assert looks == []
    assert console.file.getvalue().count("trainings done") == 3 + 1


def test_planning_and_watching_need_no_torch():
    code = "import distillation.training.progress; assert not {'torch', 'snakemake'} & set(sys.modules)"
    library = Path(progress.__file__).parents[2]
    subprocess.run([sys.executable, "-c", f"import sys; {code}"], cwd=library, check=True)
