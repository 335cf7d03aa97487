"""The answer to "why?" for a number: the receipt that holds it, and the reads it was counted from."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from ...models.cells import Cell
from ...safe_text import plain, short_hash
from ...seals import Check
from ...widgets.buttons import Button
from ...widgets.facts import Facts
from ...widgets.hash_label import HashLabel
from ...widgets.layout import STRETCH, column, grow, row
from ...widgets.scroll import Scroll
from ...widgets.table import CompactTable
from ...widgets.text import Text
from .why import WhyView


class WhyPanel(QWidget):
    closed = Signal()
    receipt = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("why")
        self._index = -1
        self.title = Text("", "title")
        self.back = Button("Close", "quiet", "cross", name="why-close", tip_text="Back to what needs you (Esc)")
        self.back.clicked.connect(self.closed)
        self.counted = Text("", "body", wrap=True)
        self.facts = Facts()
        self.reads = CompactTable("why-reads", "Reads behind this number", ("Read", "Rows", "At", "Hash"), stretch=(0,))
        self.seal = HashLabel("Seal of the receipt", label="seal")
        self.open = Button("", "link", name="why-receipt")
        self.open.clicked.connect(lambda: self.receipt.emit(self._index))
        self.sealed = Text("", "caption", wrap=True)
        inside = column(
            self.counted,
            self.facts,
            self.reads,
            row(self.open, self.seal, STRETCH),
            self.sealed,
            STRETCH,
            gap=3,
            margins=(0, 0, 2, 0),
        )
        self.setLayout(column(row(self.title, STRETCH, self.back), grow(Scroll(inside)), gap=2))

    def focus(self) -> None:
        self.back.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_why(self, view: WhyView, index: int) -> None:
        if index != self._index:
            self.seal.show_hash("")
            self.sealed.setText("")
        self._index = index
        self.title.setText(f"Why {view.value}?  {view.title}")
        self.counted.setText(view.counted)
        self.counted.setVisible(bool(view.counted))
        self.facts.show_facts(view.facts)
        self.reads.show_rows(
            [
                (Cell(name), Cell(rows), Cell(at, ink="muted"), Cell(short_hash(sha), mono=True, spoken=sha))
                for name, rows, at, sha in view.reads
            ]
        )
        self.reads.setVisible(bool(view.reads))
        self.open.say(f"receipt {index:,}")

    def show_receipt(self, receipt: dict[str, Any], check: Check, who: str) -> None:
        self.seal.show_hash(receipt["seal"], check)
        words = {
            Check.CHECKED: "Its bytes were hashed in this window just now and give this seal.",
            Check.WRONG: "Its bytes do not give this seal: the receipt is not what was sealed.",
            Check.UNCHECKED: "",
        }[check]
        self.sealed.setText(f"Taken by {plain(who)}. {words}")
