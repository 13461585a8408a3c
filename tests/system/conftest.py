import pytest
from background import STUDENT, Background, processes_in
from network_guard import guard
from workspace import Workspace, once

STAGES = [{"resolution": 8, "epochs": 8}, {"resolution": 16, "epochs": 24}]


@pytest.fixture(scope="session")
def taught_once(tmp_path_factory):
    """A study of one student whose teacher was trained and tested."""

    def build(path):
        workspace = Workspace.create(path, select=[STUDENT], curricula={"progressive": STAGES})
        workspace.prepare_data()
        workspace.drive("results/irkd/evaluation/described/small-p4/seed-0.json")
        return path

    return once(tmp_path_factory, "taught", build)


@pytest.fixture(scope="session")
def finished_once(taught_once, tmp_path_factory):
    """The study when nothing disturbed it, and without a network, to be read only."""

    def build(path):
        workspace = taught_once.copy(path)
        workspace.drive(environment=guard(path / "guard"))
        return path

    return once(tmp_path_factory, "unbroken", build)


@pytest.fixture(scope="session")
def unbroken(finished_once):
    """What the study produces when nothing disturbs it."""
    return finished_once.outcome()


@pytest.fixture
def finished(finished_once, tmp_path):
    """The finished study, in a workspace of the test's own."""
    return finished_once.copy(tmp_path / "finished")


@pytest.fixture
def taught(taught_once, tmp_path):
    """A workspace of the test's own; nothing that was started in it survives the test."""
    workspace = taught_once.copy(tmp_path / "taught")
    yield workspace
    for process in processes_in(workspace.path):
        process.kill()


@pytest.fixture
def start(taught):
    """Starts a driver in the workspace."""
    return lambda *targets, **options: Background(taught, *targets, **options)
