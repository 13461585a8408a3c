"""Which runs, files and settings each table, figure and page of a study needs; free of torch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from distillation.study import claim_selection, figure_selection, spec
from distillation.study.chosen import Chosen
from distillation.study.contents import (
    ChecksPage,
    ClaimsPage,
    Compared,
    IndexPage,
    Key,
    Page,
    Pair,
    PairsPage,
    RunSettings,
    SettingsPage,
    TablePage,
)
from distillation.study.protocols import weights_tested


@dataclass(frozen=True)
class Selection(Chosen):
    """What a study trains and shows."""

    def has(self, block: str) -> bool:
        """Whether the study has the page of a block such as `claims`; no block, no page."""
        return block in self.config

    @property
    def tables(self) -> list[str]:
        """Ids of the tables of accuracies."""
        return list(self.config["tables"])

    @property
    def figures(self) -> dict[str, Mapping]:
        """The figures that can be drawn, by id.

        A figure of one run needs a reproduced protocol with that run; from evidence, a figure needs some,
        and no images and no maps.
        """
        return {name: one for name, one in self.config["figures"].items() if self._can_be_drawn(one)}

    def figures_of(self, kind: str) -> list[str]:
        """Ids of the figures of a kind."""
        return [name for name, one in self.figures.items() if one["kind"] == kind]

    def table(self, name: str) -> TablePage:
        """A table of accuracies."""
        settings, layout = self.config["tables"][name], self.layout(name)
        remarks = (
            f"{label}: {self.config['protocols'][protocol]['remark']}"
            for protocol, label in self.protocols.items()
            if "remark" in self.config["protocols"][protocol]
        )
        return TablePage(
            **self.page(settings, layout.ids, absent_of=layout.ids, is_tested=True),
            layout=layout,
            published=settings.get("published"),
            remarks=tuple(remarks),
        )

    @property
    def pairs(self) -> PairsPage:
        """The differences between rows of a table."""
        settings = self.config["pairs"]
        layout = self.layout(settings["table"])
        printed = dict(layout.rows)
        pairs = [
            Pair(
                section=f"Protocol: {label}",
                label=f"{first} minus {second}, {column}",
                first=self._compared(protocol, runs[first][index]),
                second=self._compared(protocol, runs[second][index]),
                printed=(printed[first][index], printed[second][index]),
            )
            for protocol, label in self.protocols.items()
            for runs in [layout.in_protocol(protocol)]
            for first, second in settings["rows"]
            for index, column in enumerate(layout.columns)
        ]
        return PairsPage(
            **self.page(settings, layout.ids, absent_of=layout.ids, is_tested=True),
            pairs=pairs,
            taken_as_fixed=self.taken_as_fixed,
            published=self.config["tables"][settings["table"]].get("published"),
        )

    @property
    def costs(self) -> Page:
        """The cost of every training."""
        return Page(**self.page({"title": "Cost of each training"}))

    @property
    def switches(self) -> SettingsPage:
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
        return SettingsPage(**page, settings=tuple(shown), sources=settings.get("sources"))

    def judged(self, name: str) -> ClaimsPage:
        """A page of claims: "claims", "controls" or "best"."""
        return claim_selection.page(self, name)

    @property
    def judged_pages(self) -> list[str]:
        """The pages of claims that are shown with its results."""
        return claim_selection.shown(self)

    def further_runs(self, name: str) -> list[Key]:
        """The trainings for "controls" or "best" that are not those of reproduced protocols."""
        return claim_selection.further_runs(self, name)

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
    def bridge(self) -> PairsPage:
        """The effect of each switch; its runs are those of all protocols that it compares."""
        settings = self.config["bridge"]
        base, labels = settings["base"], self.labels(self.config["teachers"] | self.config["students"])
        pairs = [
            Pair(
                section="One switch changed at a time",
                label=f"{switch['label']}: {labels[run]}",
                first=self._compared(switch.get("protocol", base), run, switch.get("selection")),
                second=self._compared(base, run),
            )
            for switch in settings["switches"]
            for run in switch.get("runs") or self._runs_of(switch["protocol"])
        ]
        ids = {pair.second.run for pair in pairs}
        compared = {base, *(pair.first.protocol for pair in pairs)}
        page = self.page(settings, ids, runs=self.runs(ids, protocols=compared))
        page["remark"] = (
            f"One switch at a time is changed from the protocol {base}, in the runs that it affects;"
            f" everything else stays the same. {page['remark']}"
        ).rstrip()
        page["protocols"] = {base: self.config["protocols"][base]["label"]}
        page["tested"] = {base: weights_tested(self.config, base)}
        return PairsPage(**page, pairs=pairs, taken_as_fixed=self.taken_as_fixed)

    @property
    def checks(self) -> ChecksPage | None:
        """Runs of the first protocol, with their first seed, to compare with published values; maybe None."""
        settings = self.config.get("checks", {"title": "", "runs": {}})
        first, kept = self.study.reproduced[0], set(self.runs())
        wanted = [(first, run, self.study.entries[first, run].seeds[0]) for run in settings["runs"]]
        found = [key for key in wanted if not self.from_evidence or key in kept]
        if not found:
            return None
        checks = {run: settings["runs"][run] for _, run, _ in found}
        return ChecksPage(**self.page({"title": settings["title"]}, runs=found), checks=checks)

    def figure(self, name: str) -> Page:
        """A figure, as the type of its kind."""
        return figure_selection.figure(self, self.figures[name])

    def _compared(self, protocol: str, run: str, selection: str | None = None) -> Compared:
        return Compared(protocol, run, (protocol, run) in self.taught_by, selection)

    def _runs_of(self, protocol: str) -> list[str]:
        return [run for each, run in self.study.entries if each == protocol]

    def _taught(self, ids: Collection[str]) -> dict[str, dict[str, tuple[str, str]]]:
        """By protocol and run, the teachers of these runs."""
        taught: dict[str, dict[str, tuple[str, str]]] = {}
        for (protocol, run), teacher in self.taught_by.items():
            if run in ids:
                taught.setdefault(protocol, {})[run] = teacher
        return taught

    def _can_be_drawn(self, figure: Mapping) -> bool:
        run = figure.get("run")
        if run and not any((protocol, run) in self.study.entries for protocol in self.study.reproduced):
            return False
        return not self.from_evidence or figure_selection.shows_evidence(self, figure)
