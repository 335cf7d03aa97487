"""What stands where there is nothing to show: what is the matter, and the one thing to do next.

Used for the states *empty* and *error* of every pane and for the screens of the whole window.
"""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ..theme import icons, theme
from .buttons import Button
from .layout import STRETCH, column, row
from .text import Text

Act = tuple[str, str, Callable[[], None]]
"""(text, kind, what happens)."""


class Mark(QWidget):
    """An icon in a ring."""

    def __init__(self, icon: str, ink: str = "ink") -> None:
        super().__init__()
        self._icon, self._ink = icon, ink
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_icon(self, icon: str, ink: str = "ink") -> None:
        self._icon, self._ink = icon, ink
        self.update()

    def sizeHint(self) -> QSize:
        side = theme.current().unit * 14
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        current, rect = theme.current(), QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(current.colour("line"), 1))
        painter.setBrush(current.colour("soft"))
        painter.drawEllipse(rect)
        quarter = rect.width() / 4
        icons.draw(painter, self._icon, rect.adjusted(quarter, quarter, -quarter, -quarter), self._ink)
        painter.end()


class Notice(QWidget):
    """Centred: an icon, a headline, what to know, and the buttons."""

    def __init__(self, name: str = "notice") -> None:
        super().__init__()
        self.setObjectName(name)
        self.mark = Mark("evidence")
        self.head = Text("", "headline", wrap=True)
        self.body = Text("", "muted", wrap=True)
        self.remedy = Text("", "body", wrap=True)
        for text in (self.head, self.body, self.remedy):
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._buttons = QWidget()
        self._row = row(gap=3)
        self._buttons.setLayout(self._row)
        inner = QWidget()
        inner.setLayout(column(row(STRETCH, self.mark, STRETCH), 2, self.head, self.body, self.remedy, 2, gap=2))
        inner.setMaximumWidth(theme.current().unit * 140)
        inner.setMinimumWidth(theme.current().unit * 130)
        self.extra = QWidget()
        self.extra.setMaximumWidth(theme.current().unit * 140)
        self.extra.hide()
        self.setLayout(
            column(
                STRETCH,
                row(STRETCH, inner, STRETCH),
                row(STRETCH, self.extra, STRETCH),
                row(STRETCH, self._buttons, STRETCH),
                STRETCH,
                STRETCH,
                gap=2,
                margins=(6, 6, 6, 6),
            )
        )

    def show_notice(
        self, icon: str, head: str, body: str = "", remedy: str = "", acts: tuple[Act, ...] = (), ink: str = "ink"
    ) -> None:
        self.mark.show_icon(icon, ink)
        self.head.setText(head)
        self.body.setText(body)
        self.body.setVisible(bool(body))
        self.remedy.setText(remedy)
        self.remedy.setVisible(bool(remedy))
        while (item := self._row.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        for text, kind, act in acts:
            button = Button(text, kind)
            button.clicked.connect(lambda _=False, act=act: act())
            self._row.addWidget(button)
        self._buttons.setVisible(bool(acts))
