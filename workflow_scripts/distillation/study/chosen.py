"""Which trainings of a study are chosen, and what every page of some of them says; free of torch."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from distillation.study.contents import Key, Layout, filled
from distillation.study.protocols import taught_by, weights_tested
from distillation.study.study import Entry, Study


@dataclass(frozen=True)
class Chosen:
    """The chosen trainings of a study.

    Attributes:
        study: the resolved study.
        from_evidence: whether they are the kept ones, of which there are no images and no maps.
    """

    study: Study
    from_evidence: bool = False

    @classmethod
    def of_evidence(cls, study: Study, trainings: Iterable[Key]) -> Self:
        """Only those trainings whose evidence is kept."""
        return cls(study.limited_to(trainings), from_evidence=True)

    @property
    def config(self) -> Mapping:
        """The settings of the study."""
        return self.study.config

    def runs(
        self,
        ids: Collection[str] | None = None,
        role: str | None = None,
        protocols: Collection[str] | None = None,
    ) -> list[Key]:
        """Every chosen training; see `Study.chosen`.

        Args:
            ids: only of these runs.
            role: only of "teacher" or "student".
            protocols: only of these, reproduced or not.
        """
        return [
            (entry.protocol, entry.run, seed)
            for entry in self.study.chosen(role, protocols)
            if ids is None or entry.run in ids
            for seed in self.study.seeds_of(entry)
        ]

    def files(self, pattern: str, **chosen: Any) -> list[str]:
        """A pattern with the fields study, protocol, run and seed, filled in for each chosen training.

        Args:
            pattern: such as "{study}/{protocol}/{run}/{seed}.json".
            chosen: see `runs`.
        """
        return filled(pattern, self.study.name, self.runs(**chosen))

    def ids(self, *, taught: bool, maps: bool = False) -> set[str]:
        """Ids of all runs, chosen or not, that have a teacher or not, and record saliency maps or not."""
        return {
            entry.run
            for entry in self.study.entries.values()
            if bool(entry.teacher) == taught and entry.records_maps == maps
        }

    @property
    def taken_as_fixed(self) -> str:
        """What all seeds share, which intervals over seeds do not cover, as a sentence."""
        taught = [key for key in self.runs() if key[:2] in self.taught_by]
        teachers = {seed.teacher for _, _, seed in taught}
        is_shared = taught_by(self.config) != "same" and len(teachers) < 2 and bool(self.taught_by)
        teacher = ", and the one teacher of all seeds," if is_shared else ""
        return f"The test images{teacher} are taken as fixed."

    @property
    def datasets(self) -> list[str]:
        """Ids of the data sets of the chosen trainings."""
        return sorted({entry.settings["dataset"] for entry in self.study.chosen()})

    @property
    def protocols(self) -> dict[str, str]:
        """Labels of the reproduced protocols by id."""
        return {each: self.config["protocols"][each]["label"] for each in self.study.reproduced}

    @property
    def taught_by(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Protocol and id of the teacher of each run with one, by protocol and run."""
        return {key: entry.teacher for key, entry in self.study.entries.items() if entry.teacher}

    def labels(self, ids: Collection[str] | None = None) -> dict[str, str]:
        """Labels by id, in the order of the configuration: of these runs, by default of all reproduced."""
        entries: Iterable[Entry] = self.study.entries.values()
        if ids is None:
            return {entry.run: entry.label for entry in entries if entry.protocol in self.protocols}
        return {entry.run: entry.label for entry in entries if entry.run in ids}

    def layout(self, table: str) -> Layout:
        """The layout of a table; `all` rows are one row per run."""
        settings = self.config["tables"][table]
        if settings["rows"] == "all":
            rows = [(label, [run]) for run, label in self.labels().items()]
            return Layout(columns=settings["columns"], rows=rows)
        instead = {
            protocol: {
                row["label"]: row["instead"][protocol]
                for row in settings["rows"]
                if protocol in row.get("instead", {})
            }
            for protocol in self.protocols
        }
        rows = [(row["label"], row["runs"]) for row in settings["rows"]]
        return Layout(columns=settings["columns"], rows=rows, instead=instead)

    def page(
        self,
        settings: Mapping,
        ids: Collection[str] | None = None,
        *,
        runs: list[Key] | None = None,
        absent_of: Collection[str] = (),
        is_tested: bool = False,
        paper: str = "Table",
    ) -> dict[str, Any]:
        """What every page has, as arguments of its type.

        Args:
            settings: its title and, if it reproduces one, the number of the paper's table or figure.
            ids: its runs; by default all.
            runs: its trainings, instead of the chosen ones of these runs.
            absent_of: the runs that it shows as absent where a protocol does not have them.
            is_tested: whether it shows tests.
            paper: what it reproduces, "Table" or "Figure".
        """
        runs = self.runs(ids) if runs is None else runs
        number = settings.get(f"paper_{paper.lower()}")
        return {
            "study": self.study.name,
            "title": settings["title"],
            "note": self.config["note"],
            "remark": settings.get("remark", ""),
            "paper": f"{paper} {number}" if number else "",
            "protocols": self.protocols,
            "absent": self.absent(absent_of),
            "runs": runs,
            "seeds": self._seeds(runs),
            "tested": {each: weights_tested(self.config, each) for each in self.protocols}
            if is_tested
            else {},
        }

    def absent(self, ids: Collection[str]) -> dict[str, dict[str, str]]:
        """By protocol and run, the text in place of those of these runs that a protocol does not have."""
        texts = {
            protocol: self.config["protocols"][protocol].get("absent", "not in this protocol")
            for protocol in self.protocols
        }
        return {
            protocol: {run: text for run in sorted(ids) if (protocol, run) not in self.study.entries}
            for protocol, text in texts.items()
        }

    def _seeds(self, runs: Collection[Key]) -> str:
        by_role: dict[str, set[int]] = {"student": set(), "teacher": set()}
        for protocol, run, seed in runs:
            by_role[self.study.entries[protocol, run].role].add(seed.number)
        students, teachers = (", ".join(map(str, sorted(seeds))) for seeds in by_role.values())
        crossed = sorted({seed.teacher for *place, seed in runs if tuple(place) in self.taught_by})
        if crossed[-1:] > [0]:
            students += f", with each of the teachers {', '.join(map(str, crossed))}"
        parts = [students] * bool(students) + [f"of teachers {teachers}"] * bool(teachers)
        return "; ".join(parts) or "none was run"
