"""Labelled facts, one below the other: label at the left in muted ink, value beside it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from ..theme import theme
from .text import Text


class Facts(QWidget):
    """`show_facts` takes (label, value) pairs; a value is text or a widget, and an empty text leaves the line out."""

    def __init__(self) -> None:
        super().__init__()
        unit = theme.current().unit
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(unit * 4)
        self._grid.setVerticalSpacing(unit * 2)
        self._grid.setColumnStretch(1, 1)
        self.setLayout(self._grid)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def show_facts(self, facts: Sequence[tuple[str, str | QWidget]]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        line = 0
        for label, value in facts:
            if value == "":
                continue
            name = Text(label, "muted")
            shown = Text(value, wrap=True) if isinstance(value, str) else value
            if isinstance(value, str):
                shown.setAccessibleName(f"{label}: {value}")
            middle = Qt.AlignmentFlag.AlignVCenter
            is_text = isinstance(value, str)
            self._grid.addWidget(name, line, 0, Qt.AlignmentFlag.AlignTop if is_text else middle)
            align = Qt.AlignmentFlag.AlignTop if is_text else middle | Qt.AlignmentFlag.AlignLeft
            self._grid.addWidget(shown, line, 1, align)
            line += 1
