"""Every test runs on one thread, so that bits and times do not depend on the machine's cores.

As this folder has a conftest, pytest puts it on the path: tests import `tiny_runs` from here.
"""

import pytest
import tiny_runs
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def teacher(tmp_path_factory):
    """Folder of a finished teacher, to be read only."""
    folder = tmp_path_factory.mktemp("teacher")
    tiny_runs.train(tiny_runs.teacher_run(), folder)
    return folder


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory, teacher):
    """By the name of one of `RUNS`: its folder and results where nobody stopped it, to be read only."""
    made = {}

    def get(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            files = tiny_runs.train(tiny_runs.RUNS[name], folder, tiny_runs.taught(name, teacher))
            made[name] = folder, tiny_runs.results(files)
        return made[name]

    return get
