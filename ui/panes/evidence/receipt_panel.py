"""One receipt whole: who, what, why, its hashes, its sealed bytes, the checkpoint that covers it."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QTabBar

from ...seals import Check
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.facts import Facts
from ...widgets.hash_label import HashLabel
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.notice import Notice
from ...widgets.scroll import Scroll
from ...widgets.text import Text
from .presenter import ReceiptView

TABS = ("Receipt", "Sealed bytes", "Raw", "Checkpoint")
SAID = {
    Check.CHECKED: "Checked in this window: its bytes give its seal.",
    Check.WRONG: "Its bytes do not give its seal. This is not what was sealed.",
    Check.UNCHECKED: "Not checked in this window yet.",
}


class ReceiptPanel(QStackedWidget):
    """`proposal` carries the id of the proposal it belongs to."""

    proposal = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("receipt")
        self.view: ReceiptView | None = None
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
        self.facts = Facts()
        self.go = Button("Show the proposal", "link", name="receipt-proposal")
        self.go.clicked.connect(self._go)
        inside = column(self.facts, row(self.go, STRETCH), STRETCH, gap=3, margins=(0, 1, 2, 1))
        scroll = Scroll(inside)
        self.pretty, self.raw, self.note = (
            _sealed("Sealed bytes, indented"),
            _sealed("Sealed bytes"),
            _sealed("Checkpoint"),
        )
        self.raw.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.covered = Text("", "caption", wrap=True)
        checkpoint = panel(column(self.covered, grow(self.note), gap=2), "clear")
        self._pages = QStackedWidget()
        for page in (scroll, self.pretty, self.raw, checkpoint):
            self._pages.addWidget(page)
        self.tabs.currentChanged.connect(self._pages.setCurrentIndex)
        self.copy = Button("Copy", icon="copy", name="receipt-copy", tip_text="The sealed bytes as they are (c)")
        self.copy.clicked.connect(self.copy_bytes)
        whole = panel(
            column(
                row(grow(self.title), self.copy, gap=2),
                self.when,
                row(self.seal, STRETCH),
                self.said,
                self.tabs,
                grow(self._pages),
                gap=2,
                margins=(4, 4, 4, 4),
            ),
            "card",
        )
        self.addWidget(self.nothing)
        self.addWidget(whole)
        self._whole = whole
        self._body = ""

    def show_receipt(self, view: ReceiptView, check: Check, body: str) -> None:
        """`body` is the sealed text as it came, for copying."""
        self.view, self._body = view, body
        self.title.setText(f"{view.title}  #{view.index:,}")
        self.when.setText(view.when)
        hashes = [(name, HashLabel(name, value)) for name, value in view.hashes]
        self.facts.show_facts([*view.facts, *hashes])
        self.pretty.setPlainText(view.pretty)
        self.raw.setPlainText(view.raw)
        self.note.setPlainText(view.checkpoint)
        self.covered.setText(view.covered)
        self.go.setVisible(view.proposal is not None)
        self.show_check(check)
        self.setCurrentWidget(self._whole)

    def show_check(self, check: Check) -> None:
        if self.view is not None:
            self.seal.show_hash(self.view.seal, check)
            self.said.setText(SAID[check])
            self.said.set_role("danger" if check is Check.WRONG else "caption")

    def show_none(self) -> None:
        self.view = None
        self.setCurrentWidget(self.nothing)

    def copy_bytes(self) -> None:
        QGuiApplication.clipboard().setText(self._body)

    def _go(self) -> None:
        if self.view is not None and self.view.proposal:
            self.proposal.emit(self.view.proposal)

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
