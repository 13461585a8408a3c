"""A cluster with Slurm on this machine: a node without GPUs and one with two pretend GPUs.

Everything it has (configuration, key, state, logs) lies in one folder, and its daemons are children of
the test, so it neither needs nor touches a Slurm that this machine may have otherwise.
"""

import contextlib
import getpass
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from workspace import ENVIRONMENT

PATIENCE = 60

CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
# Nodes may claim more cores and memory than this machine has.
SlurmdParameters=config_overrides
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=5
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
# Ended jobs stay known until the tests have asked for them.
MinJobAge=3600
GresTypes=gpu
NodeName=plain NodeHostname=localhost Port={plain} CPUs=8 RealMemory=64000
NodeName=gpu NodeHostname=localhost Port={gpu} CPUs=8 RealMemory=64000 Gres=gpu:2
PartitionName=plain Nodes=plain Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu MaxTime=1-00:00:00 State=UP
"""

# Any character devices will do; Slurm does not open them.
DEVICES = """
AutoDetect=off
NodeName=gpu Name=gpu File=/dev/null
NodeName=gpu Name=gpu File=/dev/zero
"""


class Cluster:
    """A running cluster; `environment` leads the commands of Slurm to it."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._daemons: list[subprocess.Popen] = []
        self._conf = folder / "slurm.conf"
        path = f"{folder / 'bin'}{os.pathsep}{ENVIRONMENT['PATH']}"
        self.environment = {"SLURM_CONF": str(self._conf), "PATH": path}

    def start(self) -> None:
        """Write the configuration and start the daemons; returns when both nodes are idle."""
        munge = self._folder / "munge"
        for folder in (munge, self._folder / "state"):
            folder.mkdir()
        # Clients have to reach the socket; the key is its owner's alone.
        self._folder.chmod(0o755)
        (munge / "key").touch(0o600)
        (munge / "key").write_bytes(secrets.token_bytes(128))
        port, *others = _free_ports(3)
        nodes = dict(zip(("plain", "gpu"), others, strict=True))
        configuration = CONFIGURATION.format(folder=self._folder, user=getpass.getuser(), port=port, **nodes)
        self._conf.write_text(configuration)
        (self._folder / "gres.conf").write_text(DEVICES)
        self._lead_srun_here()
        files = [f"--{name}-file={munge / name}" for name in ("key", "pid", "log", "seed")]
        self._daemon("munged", "--foreground", f"--socket={munge / 'socket'}", *files)
        _until(lambda: (munge / "socket").exists(), "munged")
        self._daemon("slurmctld", "-D")
        for node in nodes:
            self._daemon("slurmd", "-D", "-N", node)
        _until(
            lambda: len(self.say("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()) == 2, "idle nodes"
        )

    def _lead_srun_here(self) -> None:
        """Inside a job the executor plugin takes SLURM_CONF, like all of Slurm's variables, from srun."""
        wrapper = self._folder / "bin/srun"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self._conf} exec {shutil.which("srun")} "$@"\n')
        wrapper.chmod(0o755)

    def stop(self) -> None:
        """Cancel all jobs and end all daemons, the last started first."""
        try:
            if len(self._daemons) > 1:
                self.say("scancel", f"--user={getpass.getuser()}")
                _until(lambda: not self.say("squeue", "-h"), "the end of all jobs")
        finally:
            for daemon in reversed(self._daemons):
                daemon.terminate()
                try:
                    daemon.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()

    def say(self, *command: str) -> str:
        """What a command of Slurm says."""
        environment = {**ENVIRONMENT, **self.environment}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout

    def jobs(self, comment: str = "") -> list["Job"]:
        """All jobs that were ever submitted, ended ones included, in order; or those with a comment."""
        numbers = sorted(map(int, self.say("squeue", "-h", "-t", "all", "-o", "%i").split()))
        jobs = [Job.parse(self.say("scontrol", "show", "job", "-d", str(number))) for number in numbers]
        return [job for job in jobs if comment in (job.comment, "")]

    def _daemon(self, *command: str) -> None:
        log = (self._folder / f"{len(self._daemons)}-{command[0]}.log").open("w")
        environment = {**ENVIRONMENT, **self.environment}
        # In a session of its own: Ctrl-C ends the tests, and they end the daemons.
        self._daemons.append(
            subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        )


@dataclass(frozen=True)
class Job:
    """What Slurm knows of a job; times are None while they are not known."""

    number: str
    name: str
    comment: str
    state: str
    node: str
    partition: str
    gpus: str
    restarts: int
    limit: timedelta
    memory: str
    started: datetime | None
    ended: datetime | None

    @classmethod
    def parse(cls, text: str) -> "Job":
        """A job as `scontrol show job` describes it."""
        fields = dict(re.findall(r"(\S+?)=(\S*)", text))
        times = {
            name: None if fields[key] == "Unknown" else datetime.fromisoformat(fields[key])
            for name, key in (("started", "StartTime"), ("ended", "EndTime"))
        }
        return cls(
            number=fields["JobId"],
            name=fields["JobName"],
            comment=fields["Comment"],
            state=fields["JobState"],
            node=fields["NodeList"],
            partition=fields["Partition"],
            gpus=fields.get("TresPerJob", ""),
            restarts=int(fields["Restarts"]),
            limit=_duration(fields["TimeLimit"]),
            memory=fields["MinMemoryNode"],
            **times,
        )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def _duration(text: str) -> timedelta:
    hours, minutes, seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _until(condition, name: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {name}"
        time.sleep(0.05)
