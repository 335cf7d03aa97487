"""What needs somebody: each waiting proposal as a line to press, the riskiest first."""

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ...theme import theme
from ...widgets.layout import STRETCH, column
from ...widgets.risk import paint_risk, risk_words
from ...widgets.text import Text
from .needs import Need, NeedsView

SINGLE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


class _Line(QAbstractButton):
    """Risk, title, time left; below them who asks, and why."""

    def __init__(self, need: Need) -> None:
        super().__init__()
        self.need = need
        self.setText(need.title)
        self.setAccessibleName(f"{need.title}, {risk_words(need.risk)}, {need.state}. {need.left}")
        self.setAccessibleDescription(need.about)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        current = theme.current()
        lines = QFontMetrics(current.font("body", bold=True)).height() + QFontMetrics(current.font("caption")).height()
        return QSize(current.unit * 60, lines + current.unit * 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.current().unit * 40, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = current.tokens.shape["radius"]
        painter.setPen(QPen(current.colour("focus"), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(current.colour("hover" if self.underMouse() else "soft"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), radius, radius)
        inner = self.rect().adjusted(unit * 3, unit * 2 + unit // 2, -unit * 3, -unit * 2 - unit // 2)
        bold, caption = QFontMetrics(current.font("body", bold=True)), QFontMetrics(current.font("caption"))
        risk = paint_risk(painter, QRect(inner.left(), inner.top(), 0, bold.height()), self.need.risk)
        left = inner.left() + risk + unit * 2
        time = caption.horizontalAdvance(self.need.left)
        painter.setFont(current.font("body", bold=True))
        painter.setPen(current.colour("ink"))
        width = inner.right() - left - time - unit * 2
        title = bold.elidedText(self.need.title, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(left, inner.top(), width, bold.height()), SINGLE, title)
        painter.setFont(current.font("caption"))
        painter.setPen(current.colour("muted"))
        painter.drawText(QRect(inner.right() - time, inner.top(), time + 2, bold.height()), SINGLE, self.need.left)
        below = QRect(inner.left(), inner.top() + bold.height() + unit, inner.width(), caption.height())
        painter.drawText(below, SINGLE, caption.elidedText(self.need.about, Qt.TextElideMode.ElideRight, inner.width()))
        painter.end()


class NeedsList(QWidget):
    """`picked` carries the id of the proposal that was pressed."""

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("needs")
        self._nothing = Text("Nothing waits for you.", "muted")
        self._more = Text("", "caption")
        self._lines = column(gap=2)
        self.setLayout(column(Text("Needs you", "title"), self._lines, self._nothing, self._more, STRETCH, gap=2))
        self._shown: tuple[Need, ...] = ()

    def show_needs(self, view: NeedsView) -> None:
        self._nothing.setVisible(not view.items)
        self._more.setText(view.more)
        self._more.setVisible(bool(view.more))
        if view.items == self._shown:
            return
        self._shown = view.items
        while (item := self._lines.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()
        for need in view.items:
            line = _Line(need)
            line.clicked.connect(lambda _=False, id=need.id: self.picked.emit(id))
            self._lines.addWidget(line)
