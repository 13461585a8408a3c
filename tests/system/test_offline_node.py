"""A machine without a network that is given back in the middle of a training, or before one would end."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pip
import pytest
from background import processes_in
from distillation.data import datasets
from offline_node import packages
from test_kill_and_resume import CONTINUING, EPOCH, SAVED
from workspace import Workspace, batches_in

pytestmark = pytest.mark.faults

LOG = "distill/described/tiny-p4-kd-cl-sal/seed-0.log"


@pytest.fixture
def node(tmp_path):
    """The command; what it brings and takes lies in `tmp_path`."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / packages.PYTHON_VERSION).write_text(f"{sys.version_info[0]}.{sys.version_info[1]}\n")
    # This Python has everything.
    (wheels / packages.REQUIREMENTS).write_text("")
    home = Path(pip.__file__).parent
    Path(shutil.make_archive(str(wheels / "pip"), "zip", home.parent, home.name)).rename(wheels / "pip-0.whl")
    options = ["--wheels", str(wheels), "--pack", str(tmp_path / "out.tar.gz")]
    options += ["--state", str(tmp_path / "state.tar"), "--part-size", "1"]
    snakemake = ["--", "--configfile", "tiny.yaml", "--cores", "2"]
    return [sys.executable, "workflow_scripts/node.py", *options, *snakemake, "all"]


@pytest.fixture
def node_with_times(node, tmp_path):
    """The same command with times of the one training that is left."""

    def within(seconds):
        runs = {"described/tiny-p4-kd-cl-sal": {"seconds": seconds, "state_mb": 1.0}}
        times = tmp_path / "gpu-check.json"
        times.write_text(json.dumps({"runs": runs, "job_start_seconds": 5}), encoding="utf-8")
        end = node.index("--")
        return [*node[:end], "--minutes", "30", "--times", str(times), *node[end:]]

    return within


def test_a_study_goes_on_elsewhere_and_ends_with_the_bytes_of_an_unbroken_one(
    taught, start, unbroken, node, tmp_path
):
    first = start(driver=node)
    first.until_logged(EPOCH)
    first.process.send_signal(signal.SIGTERM)
    assert first.end() == os.EX_TEMPFAIL, first.said
    for process in processes_in(taught.path):
        process.wait(10)
    assert "node: done: 1 trainings, 1 of them tested" in first.said
    assert "under way: irkd/runs/described/tiny-p4-kd-cl-sal/seed-0" in first.said
    assert "the same command continues from here" in first.said
    assert (tmp_path / "state.tar.001").exists()

    # The data are another machine's own, and are split there anew.
    elsewhere = Workspace.create(tmp_path / "elsewhere")
    shutil.copy2(taught.overlay, elsewhere.overlay)
    batches_in(elsewhere.path / "results/downloads/cifar10")
    (elsewhere.path / "results/downloads/cifar10/source.json").write_text("{}")
    _, held_out = datasets.split_indices(5 * 64, 64, 42)
    elsewhere.configure(datasets={"cifar10": {"split": {"holdout_index_sum": int(held_out.sum())}}})
    said = elsewhere.call(node)
    assert "node: finished: all requested results exist." in said
    assert CONTINUING in elsewhere.log(LOG)
    assert SAVED not in elsewhere.log(LOG)
    assert "Training small-p4" not in said
    assert elsewhere.outcome() == unbroken

    assert "Nothing to be done" in elsewhere.call(node)


def test_a_training_that_cannot_end_in_time_is_not_started_and_one_that_can_is_with_all_that_follows(
    taught, node_with_times, unbroken
):
    said = taught.call(node_with_times(10_000), status=os.EX_TEMPFAIL)
    assert "node: stopped: no remaining job can finish before the limit" in said
    assert "node: left: " in said and "distill 1, " in said
    assert not (taught.study / "logs" / LOG).exists()
    said = taught.call(node_with_times(60))
    assert "node: finished: all requested results exist." in said
    assert said.count("the evidence,") == 2
    assert taught.outcome() == unbroken
