"""One receipt whole: who, what, why; its bytes; its path through the tree; how far it is kept; beside another one."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QTabBar

from ...models.cells import Cell
from ...seals import Check
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.choice import Choice
from ...widgets.facts import Facts
from ...widgets.hash_label import HashLabel
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.notice import Notice
from ...widgets.scroll import Scroll
from ...widgets.table import CompactTable
from ...widgets.text import Text
from .compare import Comparison
from .presenter import ReceiptView
from .proof import ProofView
from .proof_view import ProofPanel

RECEIPT, BYTES, PATH, KEPT, COMPARED = range(5)
TABS = ("Receipt", "Bytes", "Path", "Kept", "Compare")
SAID = {
    Check.CHECKED: "Checked in this window: its bytes give its seal.",
    Check.WRONG: "Its bytes do not give its seal. This is not what was sealed.",
    Check.UNCHECKED: "Not checked in this window yet.",
}
NOTHING_KEPT = "Press “Keep to compare”, then choose another receipt: what differs is shown here."


class ReceiptPanel(QStackedWidget):
    """`proposal` and `stream` carry what the receipt belongs to; `path` asks for the proof, `export` for its file,
    `keep` for holding it beside the next one."""

    proposal = Signal(str)
    stream = Signal(str)
    path = Signal()
    export = Signal()
    keep = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("receipt")
        self.view: ReceiptView | None = None
        self._body = ""
        self.nothing = Notice("no-receipt")
        self.nothing.show_notice(
            "evidence", "No receipt is chosen", "Choose one at the left: it is shown as it is sealed."
        )
        self.title = Text("", "title", wrap=True)
        self.when = Text("", "caption")
        self.seal = HashLabel("Seal", label="seal")
        self.said = Text("", "caption", wrap=True)
        self.tabs = QTabBar()
        self.tabs.setObjectName("receipt-tabs")
        self.tabs.setAccessibleName("What is shown of the receipt")
        self.tabs.setExpanding(False)
        for tab in TABS:
            self.tabs.addTab(tab)
        self._pages = QStackedWidget()
        for page in (
            self._receipt_page(),
            self._bytes_page(),
            self._path_page(),
            self._kept_page(),
            self._compare_page(),
        ):
            self._pages.addWidget(page)
        self.tabs.currentChanged.connect(self._turn)
        self.copy = Button("Copy", icon="copy", name="receipt-copy", tip_text="The sealed bytes as they are (c)")
        self.copy.clicked.connect(self.copy_bytes)
        self.export_button = Button("Export…", name="receipt-export", tip_text="A file that proves it to anybody (x)")
        self.export_button.clicked.connect(self.export)
        self.keep_button = Button("Keep to compare", name="receipt-keep", tip_text="Hold it beside another one (m)")
        self.keep_button.clicked.connect(self.keep)
        self._whole = panel(
            column(
                self.title,
                self.when,
                row(self.seal, STRETCH),
                self.said,
                self.tabs,
                grow(self._pages),
                row(self.copy, self.export_button, self.keep_button, STRETCH, gap=2),
                gap=2,
                margins=(4, 4, 4, 4),
            ),
            "card",
        )
        self.addWidget(self.nothing)
        self.addWidget(self._whole)

    # its pages

    def _receipt_page(self) -> Scroll:
        self.facts = Facts()
        self.go = Button("Show the proposal", "link", name="receipt-proposal")
        self.go.clicked.connect(lambda: self.view is not None and self.proposal.emit(self.view.proposal or ""))
        self.along = Button("Show its stream", "link", name="receipt-stream")
        self.along.clicked.connect(lambda: self.view is not None and self.stream.emit(self.view.stream))
        links = row(self.go, self.along, STRETCH, gap=3)
        return Scroll(column(self.facts, links, STRETCH, gap=3, margins=(0, 1, 2, 1)))

    def _bytes_page(self):
        self.form = Choice("bytes-form", "How the sealed bytes are shown")
        self.form.offer([("indented, to read", "pretty"), ("as they are sealed", "raw")], "pretty")
        self.form.chosen.connect(lambda _: self._show_bytes())
        self.bytes = _sealed("Sealed bytes")
        self.bytes.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        return panel(column(row(self.form, STRETCH), grow(self.bytes), gap=2), "clear")

    def _path_page(self) -> ProofPanel:
        self.proof = ProofPanel()
        return self.proof

    def _kept_page(self):
        self.kept = Facts()
        self.covered = Text("Signed checkpoint", "overline")
        self.note = _sealed("Signed checkpoint")
        return panel(column(self.kept, 1, self.covered, grow(self.note), STRETCH, gap=2), "clear")

    def _compare_page(self) -> Scroll:
        self.compared = Text(NOTHING_KEPT, "body", wrap=True)
        self.compared.setObjectName("compared")
        self.differences = CompactTable("differences", "What differs", ("Field", "", ""), stretch=(1, 2))
        self.same = Text("", "caption", wrap=True)
        return Scroll(column(self.compared, self.differences, self.same, STRETCH, gap=2, margins=(0, 1, 2, 1)))

    # showing

    def show_receipt(self, view: ReceiptView, check: Check, body: str) -> None:
        """`body` is the sealed text as it came, for copying."""
        self.view, self._body = view, body
        self.title.setText(f"{view.title}  #{view.index:,}")
        self.when.setText(view.when)
        hashes = [(name, HashLabel(name, value)) for name, value in view.hashes]
        self.facts.show_facts([*view.facts, *hashes])
        self._show_bytes()
        self.note.setPlainText(view.checkpoint)
        self.covered.setVisible(bool(view.checkpoint))
        self.note.setVisible(bool(view.checkpoint))
        self.go.setVisible(view.proposal is not None)
        self.along.setVisible(bool(view.stream))
        self.show_check(check)
        self.setCurrentWidget(self._whole)

    def show_check(self, check: Check) -> None:
        if self.view is not None:
            self.seal.show_hash(self.view.seal, check)
            self.said.setText(SAID[check])
            self.said.set_role("danger" if check is Check.WRONG else "caption")

    def show_kept(self, lines: tuple[tuple[str, bool, str], ...]) -> None:
        """(state, whether it holds, what that means)."""
        self.kept.show_facts([(f"{'✓' if holds else '○'} {state}", said) for state, holds, said in lines])

    def show_proof(self, view: ProofView | None, waiting: str = "") -> None:
        self.proof.show_proof(view, waiting)

    def show_keeping(self, index: int | None) -> None:
        """Which receipt is held for comparing; None for none."""
        self.keep_button.say("Keep to compare" if index is None else f"Let go of #{index:,}")

    def show_comparison(self, found: Comparison | None, said: str = "") -> None:
        self.compared.setText(said or NOTHING_KEPT if found is None else f"{found.head}: what differs.")
        self.differences.setVisible(found is not None and bool(found.differences))
        self.same.setText("" if found is None else found.same)
        if found is not None:
            one, _, other = found.head.partition(" and ")
            self.differences.show_rows(
                [(Cell(d.field, ink="muted"), Cell(d.one or "–"), Cell(d.other or "–")) for d in found.differences],
                ("Field", one, other),
            )

    def show_none(self) -> None:
        self.view = None
        self.setCurrentWidget(self.nothing)

    def copy_bytes(self) -> None:
        QGuiApplication.clipboard().setText(self._body)

    def open_tab(self, tab: int) -> None:
        self.tabs.setCurrentIndex(tab)

    def _turn(self, tab: int) -> None:
        self._pages.setCurrentIndex(tab)
        if tab == PATH:
            self.path.emit()

    def _show_bytes(self) -> None:
        if self.view is not None:
            self.bytes.setPlainText(self.view.raw if self.form.currentData() == "raw" else self.view.pretty)

    def minimumSizeHint(self):
        hint = super().minimumSizeHint()
        hint.setWidth(theme.current().unit * 90)
        return hint


def _sealed(name: str) -> QPlainTextEdit:
    edit = QPlainTextEdit()
    edit.setProperty("role", "sealed")
    edit.setReadOnly(True)
    edit.setAccessibleName(name)
    edit.setFont(theme.current().font("caption", mono=True))
    edit.setTabChangesFocus(True)
    return edit
