"""All keys on one sheet, made from the actions: those of this pane first, then those that count everywhere."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from ..actions import EVERYWHERE, Action
from ..theme import theme
from ..widgets.buttons import Button
from ..widgets.layout import STRETCH, column, row
from ..widgets.text import Text


class KeySheet(QDialog):
    """Esc closes it. An action that cannot be done now says why."""

    def __init__(self, actions: Sequence[Action], pane: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("key-sheet")
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        unit = theme.current().unit
        grid = QGridLayout()
        grid.setHorizontalSpacing(unit * 6)
        grid.setVerticalSpacing(unit * 2)
        grid.setColumnStretch(1, 1)
        line = 0
        for title, chosen in (
            (f"In {pane}", [a for a in actions if a.place != EVERYWHERE]),
            ("Everywhere", [a for a in actions if a.place == EVERYWHERE]),
        ):
            if not chosen:
                continue
            grid.addWidget(Text(title, "title"), line, 0, 1, 2)
            line += 1
            for action in chosen:
                line = self._add(grid, line, action)
        close = Button("Close", name="key-sheet-close")
        close.clicked.connect(self.accept)
        self.setLayout(column(grid, 2, row(STRETCH, close), gap=3, margins=(8, 6, 8, 5)))
        self.setMinimumWidth(unit * 120)

    def _add(self, grid: QGridLayout, line: int, action: Action) -> int:
        keys: QLabel = Text(action.shown_keys, "mono")
        keys.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        reason = action.when()
        grid.addWidget(keys, line, 0)
        grid.addWidget(Text(action.title, "muted" if reason else "body"), line, 1)
        if reason:
            grid.addWidget(Text(reason, "caption", wrap=True), line + 1, 1)
            return line + 2
        return line + 1
