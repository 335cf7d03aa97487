"""The theme in force: tokens of a variant, its fonts, its colours as QColor. One for the whole application.

`apply` sets palette, font and style sheet. Painting code asks `current()` each time it paints, so that nothing keeps a
colour of yesterday's variant.
"""

import os

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication
from PySide6.QtWidgets import QApplication

from .fonts import Fonts
from .palette import palette
from .tokens import Tokens, read, tokens


class Theme:
    """A variant made ready for painting."""

    def __init__(self, tokens: Tokens, fonts: Fonts) -> None:
        self.tokens = tokens
        self.fonts = fonts
        self._colours: dict[str, QColor] = {}

    @property
    def unit(self) -> int:
        """A quarter of a line of body text, in pixels: the step of every distance."""
        return self.fonts.unit

    def colour(self, name: str) -> QColor:
        found = self._colours.get(name)
        if found is None:
            found = self._colours[name] = QColor(self.tokens[name])
        return found

    def font(self, role: str = "body", *, bold: bool = False, mono: bool = False) -> QFont:
        return self.fonts.role(role, bold=bold, mono=mono)


_state: dict[str, object] = {}


def current() -> Theme:
    """The theme in force; raises KeyError before `apply`."""
    return _state["theme"]  # type: ignore[return-value]


def preferred() -> str:
    """`SB_THEME` (light, night), else what the system prefers."""
    asked = os.environ.get("SB_THEME", "")
    if asked in ("light", "night"):
        return asked
    return "night" if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"


def apply(app: QApplication, variant: str) -> Theme:
    """Makes a variant the one in force and dresses the application in it."""
    from .sheet import sheet

    if "system" not in _state:
        _state["system"] = QFont(app.font())
        _state["document"] = read()
    chosen = tokens(variant, _state["document"])  # type: ignore[arg-type]
    theme = Theme(chosen, Fonts(chosen, _state["system"]))  # type: ignore[arg-type]
    _state["theme"] = theme
    app.setFont(theme.font())
    app.setPalette(palette(chosen))
    app.setStyleSheet(sheet(theme))
    return theme
