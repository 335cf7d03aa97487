"""The path of one receipt through the tree, drawn: its seal below, the root above, the hashes beside the way.

Each line is one step up: what was known so far in the middle, what was given beside it, on the side where it is hashed
from. The root is gold only when it was worked out here and is the one that the checkpoint signs.
"""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from ...safe_text import plain
from ...seals import GLYPHS, PREFIX, Check
from ...theme import theme
from ...widgets.layout import column, grow
from ...widgets.text import Text
from .proof import Level, ProofView

CENTRE = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine
DIGITS = 8


class ProofPath(QWidget):
    """Paints a ProofView; as tall as its path."""

    def __init__(self) -> None:
        super().__init__()
        self._view: ProofView | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_path(self, view: ProofView | None) -> None:
        self._view = view
        self.setAccessibleName("Path to the root" if view is None else f"Path to the root. {plain(view.said)}")
        self.setAccessibleDescription(
            ""
            if view is None
            else "; ".join(
                f"step {number}: {'left' if level.left else 'right'} of it entries {level.spans}"
                for number, level in enumerate(view.levels, 1)
            )
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        levels = 0 if self._view is None else len(self._view.levels)
        return QSize(theme.current().unit * 80, self._pitch() * levels + self._tall() + theme.current().unit * 4)

    minimumSizeHint = sizeHint

    def _box(self) -> int:
        return QFontMetrics(theme.current().font("caption", mono=True)).height() + theme.current().unit * 2

    def _tall(self) -> int:
        """The height of a hash with the entries under it."""
        return self._box() + QFontMetrics(theme.current().font("caption")).height()

    def _pitch(self) -> int:
        return self._tall() + theme.current().unit * 3

    def paintEvent(self, event: QPaintEvent) -> None:
        view = self._view
        if view is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = theme.current().unit * 2 + self._pitch() * len(view.levels)
        for number, level in enumerate(view.levels):
            self._paint_step(painter, level, bottom - self._pitch() * number)
        for number, level in enumerate(view.levels):
            y = bottom - self._pitch() * number
            self._paint_node(painter, self._column(0), y, level.node, filled=number == 0)
            self._paint_beside(painter, level, y)
        self._paint_root(painter, view, bottom - self._pitch() * len(view.levels))
        painter.end()

    def _column(self, side: int) -> float:
        """The middle of a column: −1 left, 0 the way, 1 right."""
        return self.width() / 2 + side * self.width() * 0.335

    def _width(self) -> float:
        metrics = QFontMetrics(theme.current().font("caption", mono=True))
        return metrics.horizontalAdvance("0" * DIGITS) + theme.current().unit * 4.0

    def _paint_step(self, painter: QPainter, level: Level, y: float) -> None:
        """The lines from two hashes to the one above them."""
        painter.setPen(QPen(theme.current().colour("line"), 1.5))
        above = QPointF(self._column(0), y - self._pitch() + self._box())
        painter.drawLine(QPointF(self._column(0), y), above)
        middle = y - theme.current().unit * 1.5
        beside = self._column(-1 if level.left else 1)
        painter.drawLine(QPointF(beside, y), QPointF(beside, middle))
        painter.drawLine(QPointF(beside, middle), QPointF(self._column(0), middle))

    def _paint_node(self, painter: QPainter, x: float, y: float, value: str, *, filled: bool) -> None:
        current = theme.current()
        rect = QRectF(x - self._width() / 2, y, self._width(), self._box())
        painter.setPen(QPen(current.colour("ink" if filled else "line"), 1.5 if filled else 1))
        painter.setBrush(current.colour("soft"))
        painter.drawRoundedRect(rect, current.tokens.shape["radius_small"], current.tokens.shape["radius_small"])
        painter.setFont(current.font("caption", mono=True))
        painter.setPen(current.colour("ink"))
        painter.drawText(rect, CENTRE, value.removeprefix(PREFIX)[:DIGITS])

    def _paint_beside(self, painter: QPainter, level: Level, y: float) -> None:
        current, x = theme.current(), self._column(-1 if level.left else 1)
        caption = QFontMetrics(current.font("caption"))
        width = max(self._width(), caption.horizontalAdvance(level.spans) + current.unit * 3.0)
        rect = QRectF(x - width / 2, y, width, self._tall())
        painter.setPen(QPen(current.colour("line"), 1, Qt.PenStyle.DashLine))
        painter.setBrush(current.colour("field"))
        painter.drawRoundedRect(rect, current.tokens.shape["radius_small"], current.tokens.shape["radius_small"])
        painter.setPen(current.colour("muted"))
        painter.setFont(current.font("caption", mono=True))
        painter.drawText(QRectF(rect.left(), y, width, self._box()), CENTRE, level.beside.removeprefix(PREFIX)[:DIGITS])
        painter.setFont(current.font("caption"))
        below = QRectF(rect.left(), rect.bottom() - caption.height() - 2, width, caption.height())
        painter.drawText(below, CENTRE, level.spans)

    def _paint_root(self, painter: QPainter, view: ProofView, y: float) -> None:
        current = theme.current()
        gold, wrong = view.check is Check.CHECKED, view.check is Check.WRONG
        width = self._width() + current.unit * 16
        rect = QRectF(self._column(0) - width / 2, y, width, self._box())
        painter.setBrush(current.colour("gold" if gold else "soft"))
        painter.setPen(QPen(current.colour("garnet" if wrong else "line"), 1.5))
        painter.drawRoundedRect(rect, current.tokens.shape["radius_small"], current.tokens.shape["radius_small"])
        painter.setPen(current.colour("on_fill" if gold else "garnet" if wrong else "ink"))
        painter.setFont(current.font("caption", bold=True))
        painter.drawText(rect, CENTRE, f"{GLYPHS[view.check]} root {view.root.removeprefix(PREFIX)[:DIGITS]}")


class ProofPanel(QWidget):
    """The path with what was found about it, and what each part of the drawing is."""

    def __init__(self) -> None:
        super().__init__()
        self.said = Text("", "caption", wrap=True)
        self.said.setObjectName("proof-said")
        self.path = ProofPath()
        scroll = QScrollArea()
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.path)
        scroll.viewport().setAutoFillBackground(False)
        self.path.setAutoFillBackground(False)
        self.key = Text(
            "Below: the receipt's seal. Dashed: a hash given beside the way, and the entries under it.",
            "caption",
            wrap=True,
        )
        self.setLayout(column(self.said, grow(scroll), self.key, gap=2))

    def show_proof(self, view: ProofView | None, waiting: str = "") -> None:
        self.said.setText(waiting if view is None else view.said)
        self.said.set_role("danger" if view is not None and view.check is Check.WRONG else "caption")
        self.path.show_path(view)
        self.path.setVisible(view is not None)
        self.key.setVisible(view is not None and bool(view.levels))
