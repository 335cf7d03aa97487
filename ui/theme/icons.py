"""Icons: own 24-pixel strokes, drawn in the ink that is asked for, at whatever size and pixel ratio.

The SVG files say `currentColor`; the engine fills in a colour of the theme at the moment of painting, so that a change
of theme changes every icon. QtSvg is loaded with the first icon that is drawn.
"""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap

from .. import resources
from . import theme


@lru_cache(maxsize=128)
def _renderer(name: str, colour: str):
    from PySide6.QtSvg import QSvgRenderer

    text = resources.path("icons", f"{name}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(text.replace("currentColor", colour).encode()))


def draw(painter: QPainter, name: str, rect: QRect | QRectF, ink: str = "ink") -> None:
    """Draws an icon into `rect` in an ink of the current theme."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _renderer(name, theme.current().tokens[ink]).render(painter, QRectF(rect))
    painter.restore()


class _Engine(QIconEngine):
    def __init__(self, name: str, ink: str) -> None:
        super().__init__()
        self._name = name
        self._ink = ink

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        draw(painter, self._name, rect, "muted" if mode == QIcon.Mode.Disabled else self._ink)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> "QIconEngine":
        return _Engine(self._name, self._ink)


_icons: dict[tuple[str, str], QIcon] = {}


def icon(name: str, ink: str = "ink") -> QIcon:
    """The icon of that name. Raises FileNotFoundError when it is drawn and there is none."""
    key = (name, ink)
    if key not in _icons:
        _icons[key] = QIcon(_Engine(name, ink))
    return _icons[key]
