"""What tables, figures and pages show: their texts, and the trainings behind their numbers.

`selection` makes them when a study is planned, and the job that makes the page gets one as plain values:
`Type(**page.plain())` is the page again.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter

from distillation.core.settings import settings
from distillation.statistics.evaluations import AnySeed, Key


def filled(pattern: str, study: str, runs: Iterable[Key]) -> list[str]:
    """A pattern with the fields study, protocol, run and seed, filled in for each training of a study."""
    return [
        pattern.format(study=study, protocol=protocol, run=run, seed=seed) for protocol, run, seed in runs
    ]


def by_run(runs: Iterable[Key], paths: Iterable[str]) -> dict[Key, Path]:
    """The files of trainings by protocol, run and seed; the inverse of `filled`."""
    return {run: Path(path) for run, path in zip(runs, paths, strict=True)}


@settings(kw_only=True)
class Page:
    """What every table, figure and page shows.

    Attributes:
        study: its id.
        title: above all else.
        note: below the title; may be empty.
        remark: a sentence for its caption; may be empty.
        paper: what of the paper it reproduces, such as "Table 1"; may be empty.
        protocols: labels by id.
        labels: of the runs by id, where the page prints them.
        absent: by protocol and run, the text in place of a run that the protocol does not have.
        runs: every training that its numbers are from.
        seeds: of these, in words.
        tested: by protocol, the weights that its numbers are of, in words; empty if it shows no test.
    """

    study: str = ""
    title: str
    note: str = ""
    remark: str = ""
    paper: str = ""
    protocols: dict[str, str]
    labels: dict[str, str] = Field(default_factory=dict)
    absent: dict[str, dict[str, str]] = Field(default_factory=dict)
    runs: tuple[Key, ...] = ()
    seeds: str = ""
    tested: dict[str, str] = Field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The title and, if there is one, what of the paper it reproduces."""
        return f"{self.title} (the paper's {self.paper})" if self.paper else self.title

    def files(self, pattern: str) -> list[str]:
        """A pattern with the fields study, protocol, run and seed, filled in for each of its trainings."""
        return filled(pattern, self.study, self.runs)

    def why_absent(self, protocol: str, run: str) -> str | None:
        """The text in place of a run that a protocol does not have; None if it has the run."""
        return self.absent.get(protocol, {}).get(run)

    def plain(self) -> dict[str, Any]:
        """The page as plain values."""
        return TypeAdapter(type(self)).dump_python(self, mode="json")


@settings
class Layout:
    """The runs that a table shows: one run id for each row and column.

    Attributes:
        columns: headings of the columns.
        rows: heading and run ids of each row.
        instead: by protocol and heading of a row, the ids of the runs that this protocol has in that row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    instead: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)

    def in_protocol(self, protocol: str) -> dict[str, tuple[str, ...]]:
        """The run ids of each row in a protocol, by heading."""
        return dict(self.rows) | self.instead.get(protocol, {})

    @property
    def ids(self) -> set[str]:
        """Every run id."""
        choices = [dict(self.rows), *self.instead.values()]
        return {run for rows in choices for runs in rows.values() for run in runs}


@settings(kw_only=True)
class TablePage(Page):
    """A table of accuracies, or a figure of it.

    Attributes:
        layout: its rows, columns and runs.
        published: path of its published accuracies; see `published_values.accuracies`.
        remarks: sentences below it.
    """

    layout: Layout
    published: str | None = None
    remarks: tuple[str, ...] = ()


@settings
class Compared:
    """The accuracies of a run, by seed.

    Attributes:
        protocol: its id.
        run: its id.
        is_taught: whether it has a teacher.
        selection: weights that were tested, "last" or "best"; None for those of the protocol.
    """

    protocol: str
    run: str
    is_taught: bool
    selection: str | None = None


@settings
class Pair:
    """A difference: the first accuracy minus the second, of seeds paired as in `pairing.shared`.

    Attributes:
        section: heading of the table that shows it.
        label: heading of its row.
        first: what is compared.
        second: with what.
        printed: ids of the two runs with whose published accuracies it is shown; None if there are none.
    """

    section: str
    label: str
    first: Compared
    second: Compared
    printed: tuple[str, str] | None = None


@settings(kw_only=True)
class PairsPage(Page):
    """Differences in accuracy.

    Attributes:
        pairs: in the order of the rows.
        taken_as_fixed: what all seeds share, as a sentence.
        published: path of published accuracies; see `published_values.accuracies`.
    """

    pairs: tuple[Pair, ...]
    taken_as_fixed: str
    published: str | None = None


@settings
class RunSettings:
    """A run of a protocol, with all its settings.

    Attributes:
        protocol: its id.
        run: its id.
        role: "teacher" or "student".
        label: name in tables.
        selection: weights that are tested, "last" or "best".
        seeds: seeds of its trainings.
        spec: the resolved run, with any of its seeds; see `spec.from_mapping`.
    """

    protocol: str
    run: str
    role: str
    label: str
    selection: str
    seeds: tuple[AnySeed, ...]
    spec: dict[str, Any]


@settings(kw_only=True)
class SettingsPage(Page):
    """Every setting of every run.

    Attributes:
        settings: of each run of each protocol, chosen or not.
        sources: path of the sources of their values, if they are stated.
    """

    settings: tuple[RunSettings, ...]
    sources: str | None = None


@settings(kw_only=True)
class ClaimsPage(Page):
    """The claims of the paper.

    Attributes:
        claims: by id, as the configuration states them.
        taken_as_fixed: what all seeds share, as a sentence.
        teachers: by run, the teacher that it has in the paper.
        taught_by: by protocol and run, protocol and id of the teacher that it really has.
        no_verdict: text in place of every verdict; empty if verdicts are given.
        accuracies: path, if there are any; see `published_values.accuracies`.
        reported: path, if there are any; see `published_values.reported`.
    """

    claims: dict[str, dict[str, Any]]
    taken_as_fixed: str
    teachers: dict[str, str] = Field(default_factory=dict)
    taught_by: dict[str, dict[str, tuple[str, str]]] = Field(default_factory=dict)
    no_verdict: str = ""
    accuracies: str | None = None
    reported: str | None = None


@settings(kw_only=True)
class IndexPage(Page):
    """From each number to its run.

    Attributes:
        tables: layouts by table.
        headings: of these tables.
        taught_by: by protocol and run, protocol and id of its teacher.
    """

    tables: dict[str, Layout]
    headings: dict[str, str]
    taught_by: dict[str, dict[str, tuple[str, str]]] = Field(default_factory=dict)


@settings(kw_only=True)
class ChecksPage(Page):
    """The first epochs of runs beside published accuracies.

    Attributes:
        checks: by run, `tolerances` in percentage points and `published`, a path.
    """

    checks: dict[str, dict[str, Any]]
