import write_readme
from workspace import REPOSITORY


def test_the_made_parts_of_the_readme_are_what_make_readme_would_write(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    assert write_readme.README.read_text() == write_readme.made(), "stale: run `make readme`"
