"""Evidence: every receipt of the studio's log; sweeping it; its copies; Verify.

Three rooms behind one row of tabs. A receipt is gold only where this window hashed its bytes, or a Verify of this
session covered it; how far it is kept outside of this home is what the engine's rows say, and is never gold.
"""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QTabBar, QWidget

from ... import words
from ...actions import Action
from ...desk import Desk
from ...engine_client import Reply
from ...widgets.buttons import Button
from ...widgets.layout import STRETCH, column, grow, panel, row
from ..base import Pane, State
from .copies_view import CopiesRoom
from .file_strip import FileStrip
from .presenter import STOPPED, VerifyView, verified
from .receipts_view import ReceiptsView
from .sweep_view import SweepRoom
from .verify_strip import VerifyStrip

RECEIPTS, SWEEP, COPIES = range(3)
TABS = ("Receipts", "Sweep", "Copies")
INDEX_BITS = 40
"""A place is log · 2⁴⁰ + index."""

EPOCH_STARTED = "epoch.started"
ANCHORS_MS = 1_000
"""How long after something was sealed it is asked who keeps it."""

FILES = "Receipt files (*.tlog-proof);;All files (*)"


class EvidencePane(Pane):
    id = "evidence"
    title = "Evidence"

    def __init__(self, desk: Desk) -> None:
        self._verify: Reply | None = None
        super().__init__(desk)
        self._later = QTimer(self, singleShot=True, interval=ANCHORS_MS)
        self._later.timeout.connect(lambda: self.desk.live and self.load_anchors())

    def build(self) -> QWidget:
        self.tabs = QTabBar()
        self.tabs.setObjectName("evidence-tabs")
        self.tabs.setAccessibleName("What is shown of the evidence")
        self.tabs.setExpanding(False)
        for tab in TABS:
            self.tabs.addTab(tab)
        self.check_file = Button(
            "Check a file…", "quiet", name="receipt-import", tip_text="A receipt file, from anybody"
        )
        self.check_file.clicked.connect(self.import_file)
        self.verify_button = Button("Verify", "primary", "shield", name="verify", tip_text="Checks the whole log (v)")
        self.verify_button.clicked.connect(self.verify)
        self.strip = VerifyStrip()
        self.strip.stopped.connect(self._stop)
        self.strip.entry.connect(self.show_record)
        self.file = FileStrip()
        self.file.entry.connect(self.show_record)
        self.receipts = ReceiptsView(self)
        self.receipts.filled.connect(self._filled)
        self.receipts.panel.export.connect(self.export_file)
        self.sweep = SweepRoom(self)
        self.copies = CopiesRoom(self)
        self._rooms = QStackedWidget()
        for room in (self.receipts, self.sweep, self.copies):
            self._rooms.addWidget(room)
        self.tabs.currentChanged.connect(self._turn)
        bar = row(self.tabs, STRETCH, self.check_file, self.verify_button, gap=3)
        return panel(column(bar, self.strip, self.file, grow(self._rooms), gap=3, margins=(8, 5, 8, 5)), "clear")

    @property
    def origin(self) -> str:
        """The studio's own log."""
        return self.receipts.origin

    # loading

    def load(self) -> None:
        self.query("size", "evidence.page", self._sized, limit=1, log=self.receipts.log)
        self.load_anchors()
        self.sweep.load()

    def load_anchors(self) -> None:
        if not self.is_asked("anchors"):
            args = {"name": "evidence.anchors", "params": {}}
            self.ask("anchors", "query", args, self._take_anchors, lambda error: None)

    def start_over(self) -> None:
        self.receipts.start_over()
        self.load()

    def first(self, page: dict[str, Any]) -> None:
        evidence = page["evidence"]
        if not self.receipts.pages.size and evidence["size"]:
            self.receipts.sized(evidence)
            self.receipts.start(evidence["size"])
            self.receipts.put(0, evidence)

    def _sized(self, page: dict[str, Any]) -> None:
        self.receipts.sized(page)
        if not page["size"]:
            self.show_empty(
                "evidence",
                "Nothing is sealed yet",
                "Every reading, proposal, decision and denial leaves a receipt here that can be checked later.",
                (("Take the first snapshot", "primary", lambda: self.desk.wanted.emit("today", None)),),
            )
            return
        if not self.receipts.pages.size:
            self.receipts.start(page["size"])
        self.show_ready()
        self.receipts.show_counts()

    def _take_anchors(self, anchors: dict[str, Any]) -> None:
        self.receipts.take_anchors(anchors)
        self.copies.take(anchors, shown=self.tabs.currentIndex() == COPIES)

    def _filled(self) -> None:
        if self.state is not State.READY:
            self.show_ready()

    def _turn(self, tab: int) -> None:
        self._rooms.setCurrentIndex(tab)
        if tab == COPIES:
            self.copies.refresh()
            if self.desk.live:
                self.load_anchors()
        elif self.desk.live and tab == SWEEP:
            self.sweep.load()

    def show_record(self, record: Any) -> None:
        """The index of a receipt in the log that is shown, or {"place"} of one in any log."""
        self.tabs.setCurrentIndex(RECEIPTS)
        place = (
            int(record["place"]) if isinstance(record, dict) else self.receipts.shown_log << INDEX_BITS | int(record)
        )
        log, index = place >> INDEX_BITS, place & (1 << INDEX_BITS) - 1
        if log == self.receipts.shown_log:
            self.receipts.show_record(index)
        else:
            self.receipts.turn_to(log, index)

    def tick(self) -> None:
        if self.tabs.currentIndex() == COPIES:
            self.copies.refresh()

    def leave(self) -> None:
        super().leave()
        self._later.stop()

    # verify

    def verify(self) -> None:
        if self._verify is not None:
            return
        self.strip.show_running()
        self.verify_button.block("A verification is under way.")
        self._verify = self.ask("verify", "verify", {}, self._verified, self._not_verified)

    def _verified(self, report: dict[str, Any]) -> None:
        self._verify = None
        self.on_changed()
        self.desk.verified(report)
        self.strip.show_result(verified(report, self.desk.reason))

    def _not_verified(self, error: dict[str, Any]) -> None:
        self._verify = None
        self.on_changed()
        what, remedy = words.fault(error)
        self.strip.show_result(VerifyView(f"It could not be verified. {what}", (remedy,), "bad"))

    def _stop(self) -> None:
        if self._verify is not None:
            self.take_back_tag("verify")
            self._verify = None
            self.on_changed()
            self.strip.show_result(STOPPED)

    # receipt files

    def export_file(self) -> None:
        """Asks for the file of the receipt that is shown, then where to put it."""
        if self.receipts.receipt is not None:
            index = self.receipts.receipt["index"]
            args = {"name": "evidence.receipt", "params": {"index": index, "epoch": self.receipts.epoch}}
            self.ask("export", "query", args, self._save, lambda error: self._say(error))

    def _save(self, found: dict[str, Any]) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the receipt file", str(Path.home() / found["name"]), FILES)
        if not path:
            return
        try:
            Path(path).write_text(found["text"], encoding="utf-8", newline="\n")
        except OSError as error:
            self.desk.said.emit(f"It could not be written: {error.strerror}. Choose another folder.")
            return
        self.desk.said.emit(f"Saved as {Path(path).name}. “studio-brain receipt verify” checks it anywhere, offline.")

    def import_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Check a receipt file", str(Path.home()), FILES)
        if path:
            self.check(Path(path))

    def check(self, path: Path) -> None:
        """Has the engine check a receipt file, whoever made it."""
        name = path.name
        try:
            with path.open("rb") as file:
                text = file.read(MOST_BYTES + 1).decode("utf-8")
        except (OSError, UnicodeDecodeError):
            self.file.show_fault(name, "It cannot be read as text.", "Choose a file that ends in .tlog-proof.")
            return
        if len(text) > MOST_BYTES:
            self.file.show_fault(name, "It is too large for a receipt file.", "Choose a file that ends in .tlog-proof.")
            return
        self.ask(
            "check-file",
            "receipt.check",
            {"text": text},
            lambda found: self.file.show_found(name, found),
            lambda error: self.file.show_fault(name, *words.fault(error)),
        )

    def _say(self, error: dict[str, Any]) -> None:
        self.desk.said.emit(" ".join(words.fault(error)))

    # events

    def on_moved(self, topic: str, data: Any) -> None:
        if topic == "receipts":
            self._sealed(data)
        elif topic == "progress" and data.get("what") == "verify" and self._verify is not None:
            self.strip.show_progress(data)
        elif topic == "sweep":
            self.sweep.on_sweep(data)
        elif topic == "seals":
            self.receipts.show_check()
        elif topic in ("who", "capabilities", "reasons"):
            self.receipts.model.reload()  # names and times are said anew
            self.receipts.show_receipt()
            self.copies.refresh()

    def _sealed(self, data: dict[str, Any]) -> None:
        rows = [r for r in data.get("rows", ()) if r.get("tenant") == self.desk.tenant]
        mine = [r["index"] for r in rows]
        if not mine or self.receipts.log:
            return
        if any(r.get("kind") == EPOCH_STARTED for r in rows):
            self.load()
            return
        self.receipts.seen_size = max(self.receipts.seen_size, max(mine) + 1)
        if self.receipts.pages.size:
            self.receipts.show_counts()
        elif self.desk.live:
            self.load()
        if self.desk.live and self.isVisible() and not self._later.isActive():
            self._later.start()

    def on_changed(self) -> None:
        live = "" if self.desk.live else self.desk.why_not_write() or "The engine is starting."
        if self._verify is None:
            self.verify_button.block(live)
        self.check_file.block(live)
        self.sweep.may()
        self.copies.may()
        if self.state in (State.READY, State.STALE):
            if self.desk.live:
                self.show_ready()
            else:
                self.show_stale("This is what was last known. " + live)

    def actions(self) -> tuple[Action, ...]:
        here, view = self.id, self.receipts
        may_verify = lambda: self.verify_button.why_not  # noqa: E731
        return (
            Action("evidence.next", "Older receipt", ("j",), lambda: view.step(1), place=here),
            Action("evidence.previous", "Newer receipt", ("k",), lambda: view.step(-1), place=here),
            Action("evidence.search", "Search", ("/",), self._search, place=here),
            Action("evidence.search-end", "Clear the search", ("Esc",), view.bar.text.clear, place=here),
            Action("evidence.verify", "Verify the log", ("v",), self.verify, may_verify, here),
            Action("evidence.copy", "Copy the sealed bytes", ("c",), view.panel.copy_bytes, place=here),
            Action("evidence.export", "Save the receipt as a file", ("x",), self.export_file, place=here),
            Action("evidence.keep", "Keep the receipt to compare", ("m",), view.keep, place=here),
            Action("evidence.sweep", "Sweep everything", ("s",), self._sweep, lambda: self.sweep.full.why_not, here),
            Action("evidence.refresh", "Show the newest", ("Ctrl+R",), lambda: view.start(view.seen_size), place=here),
        )

    def _search(self) -> None:
        self.tabs.setCurrentIndex(RECEIPTS)
        self.receipts.bar.text.setFocus()
        self.receipts.bar.text.selectAll()

    def _sweep(self) -> None:
        self.tabs.setCurrentIndex(SWEEP)
        self.sweep.begin(full=True)


MOST_BYTES = 200_000
