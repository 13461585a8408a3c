"""Drivers that work in a workspace while a test goes on."""

import signal
import subprocess
import time
from functools import partial

import psutil
from workspace import ENVIRONMENT

STUDENT = "tiny-p4-kd-cl-sal"
PATIENCE = 120


class Background:
    """A driver at work in a workspace while the test goes on."""

    def __init__(self, workspace, *targets, driver=None):
        self.workspace = workspace
        self._said = (workspace.path / "driver.log").open("w+")
        self.process = psutil.Popen(
            [*(driver or workspace.driver), *targets],
            cwd=workspace.path,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # As in a terminal; a shell that runs tests in the background lets them ignore it.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def until_logged(self, text):
        """Wait until the log of the student's training has a text."""
        self.until(lambda: text in student_log(self.workspace), f"{text!r} in the log")

    def until(self, condition, name):
        """Wait until a condition holds while the driver is at work."""
        end = time.monotonic() + PATIENCE
        while not condition():
            in_vain = self.process.poll() is not None or time.monotonic() > end
            assert not in_vain or condition(), f"waited in vain for {name}:\n{self.said}"
            time.sleep(0.05)

    def training(self):
        """The process of the student's training."""
        children = self.process.children(recursive=True)
        (process,) = [child for child in children if ".train.py" in " ".join(child.cmdline())]
        return process

    def end(self):
        """Wait for the end; the exit status."""
        return self.process.wait(PATIENCE)

    @property
    def said(self):
        self._said.seek(0)
        return self._said.read()


def student_log(workspace):
    path = workspace.path / f"results/irkd/logs/distill/described/{STUDENT}/seed-0.log"
    return path.read_text() if path.exists() else ""


def processes_in(folder):
    """Processes that work in a folder, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
