import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from cluster import Cluster


@pytest.fixture(scope="session")
def cluster():
    """A cluster of this machine alone; nothing of it is left after the tests."""
    # In a folder with a short name: sockets have no more than 108 characters.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    # A time limit on the tests ends them in order, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)
