"""Sweep: everything sealed is looked at again, live, as a map; what was found; what was not looked at."""

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QProgressBar, QWidget

from ... import words
from ...models.cells import Cell
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.hash_label import HashLabel
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.range_map import Legend, RangeMap
from ...widgets.scroll import Scroll
from ...widgets.table import CompactTable
from ...widgets.text import Text
from .sweep import NEVER, LogMap, SweepView, sweep

if TYPE_CHECKING:
    from .pane import EvidencePane

GLYPHS = {"good": "✓", "bad": "✗", "plain": "◌"}


class SweepRoom(QWidget):
    """Asks through its pane. A sweep that this window began can be stopped here."""

    def __init__(self, pane: "EvidencePane") -> None:
        super().__init__()
        self.pane, self.desk = pane, pane.desk
        self.view: SweepView = NEVER
        self._fresh = ""
        self.head = Text("", "title", wrap=True)
        self.head.setObjectName("sweep-said")
        self.bar = QProgressBar()
        self.bar.setObjectName("sweep-progress")
        self.bar.setAccessibleName("How far the sweep is")
        self.bar.setTextVisible(False)
        self.far = Text("", "caption")
        self.new = Button("Sweep what is new", name="sweep-new", tip_text="From the last good sweep on")
        self.new.clicked.connect(lambda: self.begin(full=False))
        self.full = Button("Sweep everything", icon="shield", name="sweep-full", tip_text="From the first entry")
        self.full.clicked.connect(lambda: self.begin(full=True))
        self.stop = Button("Stop", name="sweep-stop", tip_text="The next sweep goes on where this one stopped")
        self.stop.clicked.connect(self._stop)
        self.open = Button("Show the entry", name="sweep-entry")
        self.open.clicked.connect(lambda: self.view.index is not None and pane.show_record(self.view.index))
        self._maps: list[tuple[Text, RangeMap]] = []
        self._map_column = column(gap=2)
        self.legend = Legend()
        self.findings = CompactTable("sweep-findings", "What the sweep found", ("Where", "What"), stretch=(1,))
        self.checked, self.not_checked = Text("", "body", wrap=True), Text("", "body", wrap=True)
        self.report = HashLabel("Hash of the report, which is sealed in the log", label="report")
        self._looked_at = panel(column(Text("Looked at", "overline"), self.checked, STRETCH, gap=1), "clear")
        self._about = panel(
            row(
                grow(self._looked_at),
                grow(panel(column(Text("Not looked at", "overline"), self.not_checked, STRETCH, gap=1), "clear")),
                gap=6,
                centred=False,
            ),
            "clear",
        )
        maps = QWidget()
        maps.setLayout(self._map_column)
        acts = row(self.far, self.stop, self.open, self.new, self.full, gap=2)
        inside = column(
            row(grow(self.head), acts, gap=4),
            self.bar,
            1,
            maps,
            row(self.legend, STRETCH, self.report),
            2,
            self.findings,
            self._about,
            STRETCH,
            gap=2,
            margins=(0, 1, 2, 1),
        )
        self.setLayout(column(grow(Scroll(inside)), gap=0))
        self.show_view(NEVER)

    def load(self) -> None:
        self.pane.query("sweep", "evidence.sweep", self.take)

    def begin(self, *, full: bool) -> None:
        if self.pane.is_asked("sweeping"):
            return
        self._fresh = "begun"
        args = {"capability": "evidence.sweep", "payload": {"full": full}}
        self.pane.ask("sweeping", "perform", args, self._swept, self._not_swept)
        self.may()

    def take(self, shown: dict[str, Any]) -> None:
        """An answer of `evidence.sweep`."""
        if shown.get("running") and self._fresh == "begun":
            self._fresh = str(shown.get("id", ""))
        self.show_view(sweep(shown, self.pane.origin, self.desk.now_ms(), self.desk.zone), str(shown.get("id", "")))

    def on_sweep(self, data: dict[str, Any]) -> None:
        """A `sweep` event: how far it is, or only that it ended."""
        if data.get("tenant") != self.desk.tenant:
            return
        if "logs" in data and data.get("phase") not in ("done", "stopped"):
            self.take({**data, "running": True, "report": None})
        elif self.desk.live:
            self.load()

    def show_view(self, view: SweepView, id: str = "") -> None:
        self.view = view
        fresh = bool(id) and id == self._fresh
        self.head.setText(f"{GLYPHS[view.tone]}  {view.head}")
        self.head.set_role("danger" if view.tone == "bad" else "title")
        self.bar.setVisible(view.running)
        self.bar.setRange(0, max(1, view.total))
        self.bar.setValue(view.done)
        self.far.setText(f"{view.done:,} of {words.count(view.total, 'entry', 'entries')}" if view.running else "")
        self._show_maps(view.maps, fresh=fresh)
        self.legend.setVisible(bool(view.maps))
        self.legend.show_fresh(fresh)
        self.findings.show_rows([(Cell(where, ink="garnet", bold=True), Cell(what)) for where, what in view.findings])
        self.findings.setVisible(bool(view.findings))
        self.checked.setText("\n".join(view.checked))
        self.not_checked.setText("\n".join(view.not_checked))
        self._looked_at.setVisible(bool(view.checked))
        self._about.setVisible(bool(view.checked or view.not_checked))
        self.report.show_hash(view.report)
        self.report.setVisible(bool(view.report))
        self.open.setVisible(view.index is not None)
        self.may()

    def _show_maps(self, maps: tuple[LogMap, ...], *, fresh: bool) -> None:
        while len(self._maps) < len(maps):
            words_, map_ = Text("", "caption"), RangeMap()
            map_.setFixedHeight(theme.current().unit * 7)
            self._maps.append((words_, map_))
            self._map_column.addWidget(words_)
            self._map_column.addWidget(map_)
        for place, (said, drawn) in enumerate(self._maps):
            shown = place < len(maps)
            said.setVisible(shown)
            drawn.setVisible(shown)
            if shown:
                found = maps[place]
                said.setText(f"{found.name}: {found.counts}")
                ranges = [(r.first, r.end, r.state) for r in found.ranges]
                drawn.show_ranges(found.name, ranges, found.counts, fresh=fresh)

    def may(self) -> None:
        """What can be pressed now, and why not."""
        blocked = self.desk.why_not_write()
        if not blocked and (self.view.running or self.pane.is_asked("sweeping")):
            blocked = "A sweep is under way."
        self.new.block(blocked)
        self.full.block(blocked)
        self.stop.setVisible(self.pane.is_asked("sweeping"))

    def _stop(self) -> None:
        self.pane.take_back_tag("sweeping")
        self._fresh = ""
        self.may()

    def _swept(self, done: dict[str, Any]) -> None:
        if done.get("reasonCode") and done.get("outcome") == "denied":
            self.desk.said.emit(f"{done['sentence']} {done['remedy']}".strip())
        self.load()

    def _not_swept(self, error: dict[str, Any]) -> None:
        self.desk.said.emit(" ".join(words.fault(error)))
        if self.desk.live:
            self.load()
