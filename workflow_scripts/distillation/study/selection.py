"""Which runs, files and settings each table, figure and page of a study needs; free of torch."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from distillation.study import figure_selection, spec
from distillation.study.contents import (
    BridgePage,
    ChangedSwitch,
    ChecksPage,
    ClaimsPage,
    IndexPage,
    Key,
    Layout,
    Page,
    PairsPage,
    RunSettings,
    SettingsPage,
    TablePage,
)
from distillation.study.protocols import weights_tested
from distillation.study.study import Entry, Study


@dataclass(frozen=True)
class Selection:
    """What a study trains and shows.

    Attributes:
        study: the resolved study.
        config: its configuration.
        from_evidence: whether its trainings are the kept ones, of which there are no images and no maps.
    """

    study: Study
    config: Mapping
    from_evidence: bool = False

    @classmethod
    def of_evidence(cls, study: Study, config: Mapping, trainings: Iterable[Key]) -> "Selection":
        """The selection of only those trainings whose evidence is kept."""
        return cls(study.limited_to(trainings), config, from_evidence=True)

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

    def ids(self, *, taught: bool, maps: bool = False) -> set[str]:
        """Ids of all runs, chosen or not, that have a teacher or not, and record saliency maps or not."""
        return {
            entry.run
            for entry in self.study.entries.values()
            if bool(entry.teacher) == taught and entry.records_maps == maps
        }

    @property
    def datasets(self) -> list[str]:
        """Ids of the data sets of the chosen trainings."""
        return sorted({entry.settings["dataset"] for entry in self.study.chosen()})

    @property
    def tables(self) -> list[str]:
        """Ids of the tables of accuracies."""
        return list(self.config["tables"])

    @property
    def figures(self) -> dict[str, Mapping]:
        """The figures that can be drawn, by id.

        A figure of one run needs a reproduced protocol with that run; from evidence, a figure needs some,
        or something published, and no images and no maps.
        """
        return {name: one for name, one in self.config["figures"].items() if self._can_be_drawn(one)}

    def figures_of(self, *kinds: str) -> list[str]:
        """Ids of the figures of these kinds."""
        return [name for name, one in self.figures.items() if one["kind"] in kinds]

    def table(self, name: str) -> TablePage:
        """A table of accuracies."""
        settings, layout = self.config["tables"][name], self.layout(name)
        milestones = settings.get("milestones", [])
        named = {(one["protocol"], one["run"]) for one in milestones}
        remarks = (
            f"{label}: {self.config['protocols'][protocol]['remark']}"
            for protocol, label in self.protocols.items()
            if "remark" in self.config["protocols"][protocol]
        )
        return TablePage(
            **self.page(settings, layout.ids, is_tested=True),
            layout=layout,
            published=settings.get("published"),
            remarks=tuple(remarks),
            milestones=milestones,
            milestone_runs=[key for key in self.runs() if key[:2] in named],
        )

    @property
    def pairs(self) -> PairsPage:
        """The differences between rows of a table."""
        settings = self.config["pairs"]
        layout = self.layout(settings["table"])
        return PairsPage(
            **self.page(settings, layout.ids, is_tested=True),
            layout=layout,
            published=self.config["tables"][settings["table"]].get("published"),
            pairs=settings["rows"],
        )

    @property
    def costs(self) -> Page:
        """The cost of every training."""
        return Page(**self.page({"title": "Cost of each training"}))

    @property
    def settings(self) -> SettingsPage:
        """Every setting of every run, chosen or not."""
        settings = self.config["switches"]
        shown = (
            RunSettings(
                protocol=entry.protocol,
                run=entry.run,
                role=entry.role,
                label=entry.label,
                selection=entry.selection,
                seeds=entry.seeds,
                spec=spec.to_mapping(entry.resolve(entry.seeds[0])),
            )
            for entry in self.study.entries.values()
            if entry.protocol in self.protocols
        )
        page = self.page({"title": settings["title"]}, ids=())
        return SettingsPage(**page, settings=tuple(shown), sources=settings["sources"])

    @property
    def claims(self) -> ClaimsPage:
        """The claims, and every run that they compare or that teaches one of these."""
        claims = self.config["claims"]
        cases = [case for claim in claims["stated"].values() for case in claim["cases"]]
        named = {case[key] for case in cases for key in ("run", "against") if key in case}
        named |= {run for case in cases for run in case.get("instead", {}).values()}
        students = self.config["students"]
        teachers = {
            run: students[run]["teacher"] for run in sorted(named) if "teacher" in students.get(run, {})
        }
        used = {teacher[1] for (_, run), teacher in self._taught_by.items() if run in named}
        needed = named | used | set(teachers.values())
        return ClaimsPage(
            **self.page({"title": "Claims of the paper"}, needed, is_tested=True),
            claims=claims["stated"],
            teachers=teachers,
            taught_by=self._taught(needed),
            no_verdict=self.config.get("no_verdict", ""),
            accuracies=claims["published"]["accuracies"],
            reported=claims["published"]["reported"],
        )

    @property
    def index(self) -> IndexPage:
        """The index from each number to its run."""
        layouts = {name: self.layout(name) for name in self.tables}
        shown = {run for layout in layouts.values() for run in layout.ids}
        return IndexPage(
            **self.page({"title": "From each number to its run"}, absent_of=shown, is_tested=True),
            tables=layouts,
            headings={name: self.table(name).heading for name in self.tables},
            taught_by=self._taught({entry.run for entry in self.study.entries.values()}),
        )

    @property
    def bridge(self) -> BridgePage:
        """The effect of each switch; its runs are those of all protocols that it compares."""
        settings = self.config["bridge"]
        base = settings["base"]
        switches = [
            ChangedSwitch(
                label=switch["label"],
                protocol=switch.get("protocol", base),
                selection=switch.get("selection"),
                runs=switch.get("runs")
                or [run for protocol, run in self.study.entries if protocol == switch["protocol"]],
            )
            for switch in settings["switches"]
        ]
        ids = {run for switch in switches for run in switch.runs}
        compared = {base, *(switch.protocol for switch in switches)}
        page = self.page({"title": settings["title"]}, ids, runs=self.runs(ids, protocols=compared))
        page["protocols"] = {base: self.config["protocols"][base]["label"]}
        labels = {entry.run: entry.label for entry in self.study.entries.values() if entry.run in ids}
        return BridgePage(**page | {"labels": labels}, base=base, switches=tuple(switches))

    @property
    def checks(self) -> ChecksPage | None:
        """Runs of the first protocol to compare with published accuracies; None without any."""
        settings = self.config.get("checks", {"title": "", "runs": {}})
        first, seed = self.study.reproduced[0], self.config["seeds"]["students"][0]
        kept = set(self.runs())
        found = [
            (first, run, seed)
            for run in settings["runs"]
            if not self.from_evidence or (first, run, seed) in kept
        ]
        if not found:
            return None
        checks = {run: settings["runs"][run] for _, run, _ in found}
        return ChecksPage(**self.page({"title": settings["title"]}, runs=found), checks=checks)

    def figure(self, name: str) -> Page:
        """A figure, as the type of its kind."""
        return figure_selection.figure(self, self.figures[name])

    def page(
        self,
        settings: Mapping,
        ids: Collection[str] | None = None,
        *,
        runs: list[Key] | None = None,
        absent_of: Collection[str] | None = None,
        is_tested: bool = False,
        paper: str = "Table",
    ) -> dict[str, Any]:
        """What every page has, as arguments of its type: of these runs, by default of all."""
        runs = self.runs(ids) if runs is None else runs
        number = settings.get(f"paper_{paper.lower()}")
        return {
            "title": settings["title"],
            "note": self.study.note,
            "paper": f"{paper} {number}" if number else "",
            "protocols": self.protocols,
            "absent": self._absent((ids or ()) if absent_of is None else absent_of),
            "runs": runs,
            "seeds": self._seeds(runs),
            "tested": {each: weights_tested(self.config, each) for each in self.protocols}
            if is_tested
            else {},
        }

    @property
    def protocols(self) -> dict[str, str]:
        """Labels of the reproduced protocols by id."""
        return {each: self.config["protocols"][each]["label"] for each in self.study.reproduced}

    @property
    def _taught_by(self) -> dict[tuple[str, str], tuple[str, str]]:
        return {key: entry.teacher for key, entry in self.study.entries.items() if entry.teacher}

    def _taught(self, ids: Collection[str]) -> dict[str, dict[str, tuple[str, str]]]:
        """By protocol and run, the teachers of these runs."""
        taught: dict[str, dict[str, tuple[str, str]]] = {}
        for (protocol, run), teacher in self._taught_by.items():
            if run in ids:
                taught.setdefault(protocol, {})[run] = teacher
        return taught

    def _absent(self, ids: Collection[str]) -> dict[str, dict[str, str]]:
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
            by_role[self.study.entries[protocol, run].role].add(seed)
        students, teachers = (", ".join(map(str, sorted(seeds))) for seeds in by_role.values())
        parts = [students] * bool(students) + [f"of teachers {teachers}"] * bool(teachers)
        return "; ".join(parts) or "none was run"

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

    def _can_be_drawn(self, figure: Mapping) -> bool:
        run = figure.get("run")
        if run and not any((protocol, run) in self.study.entries for protocol in self.study.reproduced):
            return False
        return not self.from_evidence or figure_selection.needs_evidence_alone(self, figure)
