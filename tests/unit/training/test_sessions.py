"""What a record says of the processes that trained a run."""

import datetime
import time

import pytest
from distillation.training import sessions


@pytest.fixture
def elsewhere(monkeypatch):
    """A machine whose clock on the wall is half a day ahead of UTC."""
    monkeypatch.setenv("TZ", "EAST-12")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_start_of_a_session_is_in_utc_wherever_the_machine_stands(elsewhere):
    assert time.localtime().tm_gmtoff == 12 * 3600
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    text = sessions.session()["started"]
    assert text.endswith("+00:00")
    assert before <= datetime.datetime.fromisoformat(text) <= datetime.datetime.now(datetime.UTC)
