"""The study on a cluster: what is submitted, what jobs ask for, and what happens when they die."""

import contextlib
import json
import re
import shlex
import threading
from collections import Counter
from datetime import timedelta

import pytest
from background import Background, processes_in
from extending_page import add_study
from workspace import REPOSITORY, Workspace

TEACHER, CANCELLED, SLOW = "small-p4", "tiny-p4-kd", "tiny-p4-kd-cl-sal"
EPOCHS = {TEACHER: 3, CANCELLED: 30, SLOW: 120}
# With it, the slow training takes longer than its first time limit of two minutes allows, of which Slurm
# takes up to a half in advance.
SECONDS_PER_EPOCH = 0.6
STUDY = {
    "select": [CANCELLED, SLOW],
    "execution": {"device": "cuda"},
    "curricula": {
        "teacher": [{"resolution": 16, "epochs": EPOCHS[TEACHER]}],
        "fixed": [{"resolution": 16, "epochs": EPOCHS[CANCELLED]}],
        "progressive": [{"resolution": 8, "epochs": 60}, {"resolution": 16, "epochs": 60}],
    },
}
DRIVER = ["snakemake", "--profile", "slurm"]
MINUTES = 7


def on_pretend_gpus(workspace):
    """Compute on the CPU where Slurm has given the job one of its pretend GPUs, and nowhere else."""
    devices = "workflow_scripts/distillation/core/devices.py"
    workspace.edit(devices, "torch.cuda.is_available()", 'os.environ.get("CUDA_VISIBLE_DEVICES")')
    workspace.edit(devices, "else _gpu()", 'else torch.device("cpu")')
    return workspace


def within_minutes(workspace):
    """Trainings slow enough to be disturbed, and time limits that they run into."""
    training, demand = (
        "workflow_scripts/distillation/training/train.py",
        "workflow_scripts/distillation/study/costs/demand.py",
    )
    after = "            if ending.requested"
    workspace.edit(training, after, f"            time.sleep({SECONDS_PER_EPOCH})\n{after}")
    images = 'images=FORMATS[dataset["format"]].train'
    workspace.edit("workflow_scripts/distillation/study/study.py", images, "images=64")
    workspace.edit(demand, "_START_MINUTES = 15", "_START_MINUTES = 1")
    workspace.edit(demand, "_STEP_MINUTES = 10", "_STEP_MINUTES = 2")
    return workspace


def as_a_site_fills_it_in(workspace):
    """The profile with an overlay of the study, asking often: it costs nothing here."""
    profile, interval = "profiles/slurm/config.yaml", "slurm-init-seconds-before-status-checks: "
    workspace.edit(profile, f"{interval}40", f"{interval}1\nconfigfile: [tiny.yaml]")
    return workspace


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A workspace where nothing disturbed the trainings and no Slurm had part in them."""
    workspace = Workspace.create(tmp_path_factory.mktemp("unbroken") / "workspace", **STUDY)
    workspace.configure(seeds={"students": [0, 1]})
    on_pretend_gpus(workspace).prepare_data()
    wanted = [(CANCELLED, 0), (CANCELLED, 1), (SLOW, 0)]
    files = [f"results/irkd/runs/described/{run}/seed-{seed}/run.json" for run, seed in wanted]
    gpu = {"CUDA_VISIBLE_DEVICES": "0"}
    workspace.snakemake(*files, "--cores", "2", "--resources", "gpu=2", environment=gpu)
    return workspace


class Site:
    """A workspace on the login node of the cluster."""

    def __init__(self, cluster, workspace):
        self.cluster, self.workspace = cluster, workspace

    def call(self, command, **options):
        """A command to its end; all that it says."""
        return self.workspace.call(command, environment=self.cluster.environment, **options)

    def start(self, command):
        """A driver at work while the test goes on."""
        leading = [f"{name}={value}" for name, value in self.cluster.environment.items()]
        return Background(self.workspace, driver=["env", *leading, *command])

    def log(self, run, seed=0):
        """The log of a training with a teacher."""
        path = self.workspace.path / f"results/irkd/logs/distill/described/{run}/seed-{seed}.log"
        return path.read_text() if path.exists() else ""

    def jobs(self, run, seed=0):
        """The jobs that trained a run with a teacher, in order."""
        return self.cluster.jobs(f"rule_distill_wildcards_irkd_described_{run}_{seed}")

    def said(self, job):
        """All that a failed job said."""
        (path,) = (self.workspace.path / ".snakemake/slurm_logs").rglob(f"{job.number}.log")
        return path.read_text()

    def first_epochs(self, run, seed=0):
        """The epoch from which each process that trained a run went on."""
        record = self.workspace.study / f"runs/described/{run}/seed-{seed}/run.json"
        return [session["from_epoch"] for session in json.loads(record.read_text())["sessions"]]


def trained(workspace, run, seed=0):
    """Weights, maps and history of a run."""
    folder = f"runs/described/{run}/seed-{seed}/"
    made = {name: content for name, content in workspace.outcome().items() if name.startswith(folder)}
    del made[f"{folder}run.json"]  # has the digest of the code, which differs
    assert len(made) == 4
    return made


@contextlib.contextmanager
def watching(cluster):
    """How many jobs were in which state for which reason, moment by moment, while the block ran."""
    moments, over = [], threading.Event()

    def watch():
        while not over.wait(0.5):
            moments.append(Counter(cluster.say("squeue", "-h", "-o", "%T:%r").splitlines()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield moments
    finally:
        over.set()
        watcher.join()


def stopped_in_order(said, run):
    return f"WARNING {run}: stopped by SIGTERM; the next start continues after the last saved epoch" in said


def assert_continued(first_epochs):
    """Each process went on where the one before was stopped; on a slow machine there are more than two."""
    assert first_epochs[0] == 1
    assert len(first_epochs) > 1
    assert first_epochs == sorted(set(first_epochs))


def recovery(run_id):
    """The commands that the page on clusters gives for a driver that died, for one of its runs."""
    text = (REPOSITORY / "docs/cluster.md").read_text().partition("## When the driver dies\n")[2]
    block = re.search(r"(?:\n    .+)+", text)[0]
    lines = [line.strip().partition("  #")[0] for line in block.strip().splitlines()]
    return [line.replace("irkd_...", run_id) for line in lines]


@pytest.fixture(scope="module")
def site(cluster, tmp_path_factory):
    workspace = Workspace.create(tmp_path_factory.mktemp("site") / "workspace", **STUDY)
    as_a_site_fills_it_in(within_minutes(on_pretend_gpus(workspace))).prepare_data()
    yield Site(cluster, workspace)
    for process in processes_in(workspace.path):
        process.kill()


@pytest.fixture(scope="module")
def finished(site):
    """The study by one driver. One training is cancelled; one is requeued, then hits its time limit."""
    with watching(site.cluster) as site.moments:
        driver = site.start([*DRIVER, "all"])
        driver.until(lambda: "(5/" in site.log(CANCELLED), "the training to cancel")
        site.cluster.say("scancel", site.jobs(CANCELLED)[0].number)
        driver.until(lambda: "(5/" in site.log(SLOW), "the training to requeue")
        (job,) = site.jobs(SLOW)
        site.cluster.say("scontrol", "requeue", job.number)
        driver.until(lambda: site.jobs(SLOW)[0].state == "PENDING", "the end of the training to requeue")
        # Not after the two minutes for which Slurm holds such a job back.
        site.cluster.say("scontrol", "update", f"JobId={job.number}", "StartTime=now")
        driver.process.wait(MINUTES * 60)
        assert driver.process.returncode == 0, driver.said
    return site


def test_trainings_and_evaluations_alone_are_submitted_and_run_on_the_gpu_node_with_one_gpu(finished):
    jobs = finished.cluster.jobs()
    rules = {re.match(r"rule_([a-z_]+?)_wildcards", job.comment)[1] for job in jobs}
    assert rules == {"train", "distill", "evaluate"}
    assert {(job.partition, job.node, job.gpus) for job in jobs} == {("gpu", "gpu", "gres:gpu:1")}
    assert (finished.workspace.study / "tables/table1.md").exists()


def test_two_jobs_ran_at_once_and_never_three_though_three_wanted_to(finished):
    assert max(states["RUNNING:None"] for states in finished.moments) == 2
    assert any(states["RUNNING:None"] == 2 and states["PENDING:Resources"] for states in finished.moments)


def test_a_cancelled_training_goes_on_in_another_job_and_ends_as_the_unbroken_one(finished, unbroken):
    first, *_, last = finished.jobs(CANCELLED)
    assert (first.state, last.state) == ("CANCELLED", "COMPLETED")
    assert_continued(finished.first_epochs(CANCELLED))
    assert stopped_in_order(finished.said(first), CANCELLED)
    assert trained(finished.workspace, CANCELLED) == trained(unbroken, CANCELLED)


def test_a_requeued_training_goes_on_in_the_same_job(finished):
    assert finished.jobs(SLOW)[0].restarts == 1
    assert finished.first_epochs(SLOW)[1] > 1


def test_a_training_that_hits_its_time_limit_gets_more_time_and_memory_and_goes_on(finished, unbroken):
    *stopped, last = finished.jobs(SLOW)
    assert {job.state for job in stopped} == {"FAILED"}
    assert last.state == "COMPLETED"
    for number, job in enumerate([*stopped, last], start=1):
        assert job.limit == timedelta(minutes=2 * number)
        assert job.memory == f"{7 * number}000M"
    for job in stopped:
        assert job.ended - job.started < job.limit
        assert stopped_in_order(finished.said(job), SLOW)
    epochs = finished.first_epochs(SLOW)
    assert_continued(epochs)
    assert len(epochs) == len(stopped) + 2  # the requeued job began twice
    assert trained(finished.workspace, SLOW) == trained(unbroken, SLOW)


def test_a_finished_study_submits_nothing(finished):
    before = len(finished.cluster.jobs())
    assert "Nothing to be done" in finished.call([*DRIVER, "all"])
    assert len(finished.cluster.jobs()) == before


def test_a_killed_driver_and_its_orphans_are_recovered_as_the_readme_says(finished, unbroken):
    site = finished
    site.workspace.configure(seeds={"students": [1, 2]}, select=[CANCELLED])
    driver = site.start([*DRIVER, "students"])
    driver.until(lambda: all("(5/" in site.log(CANCELLED, seed) for seed in (1, 2)), "two trainings")
    driver.process.kill()
    driver.end()
    orphans = [job for job in site.cluster.jobs() if job.state == "RUNNING"]
    assert len(orphans) == 2
    assert "Directory cannot be locked" in site.call([*DRIVER, "students"], status=1)

    look, *others = recovery(orphans[0].name)
    said = site.call(shlex.split(look))
    assert all(orphan.number in said and orphan.name in said for orphan in orphans)
    for command in others:
        # The trainings are enough here.
        site.call(shlex.split(command.replace(" all", " students")))
    for seed in (1, 2):
        assert_continued(site.first_epochs(CANCELLED, seed))
    assert trained(site.workspace, CANCELLED, 1) == trained(unbroken, CANCELLED, 1)
    assert "Nothing to be done" in site.call([*DRIVER, "students"])


def test_runs_of_two_studies_are_submitted_by_one_driver(finished):
    site = finished
    before = {job.number for job in site.cluster.jobs()}
    add_study(site.workspace)
    site.workspace.configure(seeds={"students": [1]}, select=[CANCELLED])
    site.call([*DRIVER, "evaluation"])
    submitted = {job.comment for job in site.cluster.jobs() if job.number not in before}
    runs = [f"widths_described_{run}_0" for run in ("narrow-ce", "wide-ce")]
    tested = [f"irkd_described_{CANCELLED}_1", *runs]
    assert submitted == {
        *(f"rule_train_wildcards_{run}" for run in runs),
        *(f"rule_evaluate_wildcards_{run}" for run in tested),
    }
    for study, run, seed in (("irkd", CANCELLED, 1), ("widths", "wide-ce", 0)):
        place = f"results/{study}/evaluation/described/{run}/seed-{seed}.json"
        assert json.loads((site.workspace.path / place).read_text())["images"] > 0
