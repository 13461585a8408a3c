import pytest
from workspace import Workspace, once

SELECTED = ["tiny-p4-ce", "tiny-p4-kd", "tiny-p4-kd-cl", "tiny-p4-kd-cl-sal"]


@pytest.fixture
def workspace(tmp_path):
    """Makes a workspace in which nothing was run; what it is given changes the configuration."""
    return lambda **changes: Workspace.create(tmp_path / "workspace", **changes)


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory):
    """Four students and their teacher, trained, tested, tabulated and drawn; to be read only."""

    def build(path):
        workspace = Workspace.create(path, select=SELECTED)
        workspace.prepare_data()
        workspace.snakemake("--cores", "2")
        return path

    return once(tmp_path_factory, "finished", build)


@pytest.fixture
def finished(finished_once, tmp_path):
    """A finished workspace of the test's own."""
    return finished_once.copy(tmp_path / "finished")
