"""What is planned for a cluster, by machines without one."""

import re
import shutil

import pytest
import yaml
from test_plan import EVERYTHING
from workspace import REPOSITORY, stats

PROFILE = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
SUBMITTED = {"train", "distill", "evaluate"}


@pytest.fixture
def without_slurm(tmp_path):
    """An environment whose programs are few, Slurm's not among them."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "which"):
        (tools / name).symlink_to(shutil.which(name))
    return {"PATH": str(tools)}


def described(workspace, *arguments, **options):
    """Rule and resources of each planned job."""
    # A job with a message is announced by it alone.
    for path in (workspace.path / "rules").glob("*.smk"):
        path.write_text(re.sub(r"^ +message:\n.*\n", "", path.read_text(), flags=re.MULTILINE))
    said = workspace.snakemake("--profile", "slurm", "-n", *arguments, **options)
    jobs = re.findall(r"^rule (\w+):\n((?:    .*\n)*)", said, re.MULTILINE)
    return [(rule, _resources(text)) for rule, text in jobs]


def _resources(text):
    (line,) = re.findall(r"    resources: (.*)\n", text) or [""]
    return dict(part.split("=", 1) for part in line.split(", ") if "=" in part)


def test_a_study_can_be_planned_for_a_cluster_where_there_is_none(workspace, without_slurm):
    said = workspace().snakemake(
        "--profile", "slurm", "-n", "irkd", configfile="config.yaml", environment=without_slurm
    )
    assert stats(said) == EVERYTHING


def test_trainings_and_evaluations_alone_ask_for_a_gpu_and_for_what_they_need(workspace):
    jobs = described(workspace(execution={"device": "cuda"}))
    assert {rule for rule, resources in jobs if resources.get("gpu") == "1"} == SUBMITTED
    for rule, resources in jobs:
        if rule in SUBMITTED:
            assert resources["slurm_partition"] == PROFILE["default-resources"]["slurm_partition"]
            assert resources["slurm_extra"] == "--signal=TERM@60"
            assert {"cpus_per_task", "mem_mb", "runtime"} <= set(resources)


def test_all_that_needs_no_gpu_is_done_by_the_driver():
    """A plan does not tell: the rules do."""
    submitted = set()
    for path in (REPOSITORY / "rules").glob("*.smk"):
        _, *rules = re.split(r"^ *rule ?", path.read_text(), flags=re.MULTILINE)
        submitted |= {text.partition(":")[0] for text in rules if "    localrule: True\n" not in text}
    # Those with a teacher are `train` with other outputs.
    assert submitted == {"train", "answer", "evaluate"}


def test_each_attempt_asks_for_more_time_and_memory(workspace):
    workspace = workspace(select=["tiny-p4-kd"])
    asked = []
    for attempt in ("1", "3"):
        jobs = described(workspace, "--attempt", attempt)
        asked.append({rule: (int(r["mem_mb"]), int(r["runtime"])) for rule, r in jobs if rule in SUBMITTED})
    first, third = asked
    assert first.keys() == SUBMITTED
    assert third == {rule: (3 * memory, 3 * minutes) for rule, (memory, minutes) in first.items()}


def test_a_site_can_say_what_jobs_ask_for(workspace):
    workspace = workspace(select=["tiny-p4-kd"])
    text = (workspace.path / "profiles/slurm/config.yaml").read_text()
    for key in ("slurm_account", "qos", "constraint", "gpu_model", "gres"):
        text, found = re.subn(rf"^  # ({key}: \S+)$", r"  \1", text, flags=re.MULTILINE)
        assert found == 1, key
    for line in ("set-resources:", "  train:", "    runtime: .*", "    mem_mb: .*"):
        text, found = re.subn(rf"^# ({line})$", r"\1", text, flags=re.MULTILINE)
        assert found == 1, line
    (workspace.path / "profiles/slurm/config.yaml").write_text(text)
    jobs = dict(described(workspace, "--attempt", "2"))
    named = {
        "slurm_account": "my-project",
        "qos": "normal",
        "constraint": "a100",
        "gpu_model": "a100",
        "gres": "gpu:1",
    }
    assert named.items() <= jobs["train"].items()
    assert (jobs["train"]["runtime"], jobs["train"]["mem_mb"]) == ("1200", "32000")
    assert jobs["distill"]["runtime"] != "1200"


def test_jobs_are_tried_again_by_the_profile_and_never_by_a_rule():
    assert PROFILE["retries"] == 3
    assert "up to three times" in (REPOSITORY / "docs/cluster.md").read_text()
    assert not any("retries" in path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))


def test_the_profile_leaves_cpus_to_the_jobs_and_asks_the_controller_for_their_state():
    assert "cores" not in PROFILE
    assert PROFILE["slurm-status-command"] == "squeue"


def test_the_documentation_has_the_message_of_a_machine_without_slurm(workspace, without_slurm):
    workspace = workspace(select=["tiny-p4-ce"])
    workspace.prepare_data()
    said = workspace.snakemake(
        *(
            "--profile",
            "slurm",
            "--retries",
            "0",
            "--slurm-init-seconds-before-status-checks",
            "1",
            "students",
        ),
        status=1,
        environment=without_slurm,
    )
    message = "Job submission failed with exception: [Errno 2] No such file or directory: 'sacct'"
    assert message in said
    assert f"| `{message}` |" in (REPOSITORY / "docs/troubleshooting.md").read_text()
