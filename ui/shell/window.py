"""The window's shell: rail at the left, a band above, one place in the middle, a band below.

It is shown before anything else is known, and as early as it can be: what fills it (header, panes, banners, keys) comes
with `furnish`, after the first paint. From then on `rooms` is what moves in it.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from ..panes.catalogue import PANES
from ..theme import theme
from ..widgets.layout import column, grow, row
from .bands import Band
from .rail import Rail

if TYPE_CHECKING:
    from ..desk import Desk
    from .rooms import Rooms


class Window(QMainWindow):
    """`painted` is emitted once, after the shell was painted on an exposed window."""

    painted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rooms: Rooms | None = None
        self._painted = False
        self.setWindowTitle("Studio Brain")
        self.setObjectName("cockpit")
        self.rail = Rail(PANES)
        self.rail.show_pane(PANES[0].id)
        self.above = Band(16, "surface", line=True, text="Studio Brain")
        self.stack = QStackedWidget()
        self.below = Band(8, "soft", line=False)
        self.main = column(self.above, grow(self.stack), self.below, gap=0)
        whole = QWidget()
        whole.setLayout(row(self.rail, grow(self.main), gap=0, centred=False))
        self.setCentralWidget(whole)
        unit = theme.current().unit
        self.setMinimumSize(QSize(unit * 260, unit * 165))

    def furnish(self, desk: "Desk") -> "Rooms":
        """Brings in the panes and all that moves; a second call gives what is there."""
        if self.rooms is None:
            from .rooms import Rooms

            self.rooms = Rooms(self, desk)
        return self.rooms

    def insert_below_header(self, widget: QWidget, place: int) -> None:
        """A banner or a panel between header and pane; `place` counts from the header on."""
        self.main.insertWidget(1 + place, widget)

    def showEvent(self, event: QShowEvent) -> None:
        """Keys work from the start without a ring around anything that nobody chose."""
        super().showEvent(event)
        if self.focusWidget() in (None, self.rail.list):
            self.centralWidget().setFocus(Qt.FocusReason.OtherFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            handle = self.windowHandle()
            if handle is not None and handle.isExposed():
                self._painted = True
                QTimer.singleShot(0, self, self.painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.rooms is not None:
            self.rooms.leave()
        super().closeEvent(event)
