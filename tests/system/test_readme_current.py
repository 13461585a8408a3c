import write_readme
from workspace import REPOSITORY


def test_the_made_parts_of_the_readme_are_what_make_readme_would_write(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    for path, text in write_readme.made().items():
        assert path.read_text() == text, f"{path} is stale: run `make readme`"
