"""A number of the studio's state as a card: what it is, its value, what changed, its days, where it comes from.

The whole card is a button: pressing it asks "why?". It paints itself, so that baselines of neighbours agree.
"""

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from ..theme import theme
from .chip import paint_pill
from .sparkline import paint_sparkline

SINGLE = Qt.TextFlag.TextSingleLine | Qt.AlignmentFlag.AlignVCenter


class StatCard(QAbstractButton):
    """Shows a `CardView` (see panes/today/presenter.py)."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setObjectName(f"card-{key}")
        self.key = key
        self.view = None
        self.open = False
        self.setCheckable(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_view(self, view) -> None:
        if view == self.view:
            return
        self.view = view
        self.setText(view.value)
        self.setAccessibleName(view.spoken)
        self.setAccessibleDescription("Press to see the receipts and reads behind it.")
        self.update()

    def mark_open(self, open: bool) -> None:
        if self.open != open:
            self.open = open
            self.update()

    def sizeHint(self) -> QSize:
        current = theme.current()
        unit = current.unit
        lines = sum(QFontMetrics(current.font(role)).height() for role in ("body", "figure", "caption", "caption"))
        return QSize(unit * 40, lines + unit * 11)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.current().unit * 34, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        current, unit = theme.current(), theme.current().unit
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_body(painter)
        if self.view is None:
            painter.end()
            return
        inner = self.rect().adjusted(unit * 4, unit * 3, -unit * 4, -unit * 3)
        y = self._paint_title(painter, inner)
        if self.view.known:
            self._paint_value(painter, inner, y)
        else:
            self._paint_unknown(painter, inner, y)
        caption = QFontMetrics(current.font("caption"))
        painter.setFont(current.font("caption"))
        painter.setPen(current.colour("muted"))
        space = QRect(inner.left(), inner.bottom() - caption.height() + 1, inner.width(), caption.height())
        painter.drawText(
            space, SINGLE, caption.elidedText(self.view.source, Qt.TextElideMode.ElideRight, inner.width())
        )
        painter.end()

    def _paint_body(self, painter: QPainter) -> None:
        current, radius = theme.current(), theme.current().tokens.shape["radius"]
        rect = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current.colour("hover" if self.underMouse() else "soft"))
        painter.drawRoundedRect(rect, radius, radius)
        if self.open or self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(current.colour("focus" if self.hasFocus() else "line"), 2))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius - 1, radius - 1)

    def _paint_title(self, painter: QPainter, inner: QRect) -> int:
        current = theme.current()
        metrics = QFontMetrics(current.font("body"))
        painter.setFont(current.font("body"))
        painter.setPen(current.colour("ink"))
        width = inner.width()
        if self.underMouse() or self.hasFocus() or self.open:
            why = QFontMetrics(current.font("caption")).horizontalAdvance("why?")
            painter.save()
            painter.setFont(current.font("caption"))
            painter.setPen(current.colour("teal_ink"))
            painter.drawText(QRect(inner.right() - why, inner.top(), why + 2, metrics.height()), SINGLE, "why?")
            painter.restore()
            width -= why + current.unit * 2
        title = metrics.elidedText(self.view.title, Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(inner.left(), inner.top(), width, metrics.height()), SINGLE, title)
        return inner.top() + metrics.height() + current.unit

    def _paint_value(self, painter: QPainter, inner: QRect, y: int) -> None:
        current, unit, view = theme.current(), theme.current().unit, self.view
        metrics = QFontMetrics(current.font("figure"))
        painter.setFont(current.font("figure"))
        painter.setPen(current.colour("ink"))
        width = metrics.horizontalAdvance(view.value)
        painter.drawText(QRect(inner.left(), y, width + unit, metrics.height()), SINGLE, view.value)
        left = inner.left() + width + unit * 4
        spark = QRectF(left, y + unit, inner.right() - left, metrics.height() - unit * 2)
        if spark.width() > unit * 10:
            spark.setLeft(max(spark.left(), spark.right() - unit * 32))
            paint_sparkline(painter, spark, view.history, good=view.tone == "good")
        self._paint_change(painter, inner, y + metrics.height() + unit)

    def _paint_change(self, painter: QPainter, inner: QRect, y: int) -> None:
        current, unit, view = theme.current(), theme.current().unit, self.view
        bold = view.tone != "even"
        font = current.font("caption", bold=bold)
        metrics = QFontMetrics(font)
        text = metrics.elidedText(view.change, Qt.TextElideMode.ElideRight, inner.width() - unit * 2)
        ink = {"bad": "garnet", "even": "muted"}.get(view.tone, "ink")
        left = inner.left()
        if view.tone == "good":
            pill = QRectF(left, y - 2, metrics.horizontalAdvance(text) + unit * 4, metrics.height() + 4)
            ink = paint_pill(painter, pill, "teal", outlined=False)
            left += unit * 2
        painter.setFont(font)
        painter.setPen(current.colour(ink))
        painter.drawText(QRect(left, y, inner.width(), metrics.height()), SINGLE, text)

    def _paint_unknown(self, painter: QPainter, inner: QRect, y: int) -> None:
        current = theme.current()
        metrics = QFontMetrics(current.font("title"))
        painter.setFont(current.font("title"))
        painter.setPen(current.colour("muted"))
        painter.drawText(QRect(inner.left(), y, inner.width(), metrics.height()), SINGLE, self.view.value)
        caption = QFontMetrics(current.font("caption"))
        painter.setFont(current.font("caption"))
        top = y + metrics.height() + current.unit
        space = QRect(inner.left(), top, inner.width(), inner.bottom() - caption.height() - top)
        painter.drawText(space, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, self.view.reason)
