"""A column that scrolls when it is taller than its room. Its height follows from its width."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea


class _Page(QFrame):
    """Content whose least height is left to height-for-width: wrapped texts would ask for that of the least width."""

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), 0)


class Scroll(QScrollArea):
    """Holds a layout, given at once or with `fill`; scrolls up and down only."""

    def __init__(self, content: QLayout | None = None, name: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        if content is not None:
            self.fill(content)

    def fill(self, content: QLayout) -> None:
        page = _Page()
        page.setProperty("surface", "clear")
        page.setLayout(content)
        self.setWidget(page)
