"""No job reaches for a network but those that fetch data and weights."""

import subprocess
import sys

import pytest
from network_guard import guard
from workspace import ENVIRONMENT

pytestmark = pytest.mark.faults

# None of them would send anything, even if it were not refused: UDP sends nothing when it connects.
REACHES = [
    "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))",
    "import socket; socket.getaddrinfo('192.0.2.1', 80)",
]


@pytest.mark.parametrize("reaches", REACHES, ids=["address", "name"])
def test_what_reaches_for_a_network_is_refused_and_listed(tmp_path, reaches):
    environment = {**ENVIRONMENT, **guard(tmp_path / "guard")}
    done = subprocess.run([sys.executable, "-c", reaches], env=environment, capture_output=True, text=True)
    assert "no network in this test" in done.stderr
    assert "192.0.2.1" in (tmp_path / "guard/refused.txt").read_text()


def test_a_study_whose_data_are_there_is_trained_tested_and_told_without_a_network(finished_once):
    guarded = (finished_once.path / "guard/guarded.txt").read_text()
    for job in ("train", "evaluate", "make_table", "plot", "make_claims", "make_pairs", "index_runs"):
        assert f".{job}.py" in guarded
    refused = finished_once.path / "guard/refused.txt"
    assert not refused.exists(), refused.read_text()
