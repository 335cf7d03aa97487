"""Buttons that can say why they may not be pressed."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QPushButton

from ..safe_text import button_text, plain, tip
from ..theme import icons, theme


class Button(QPushButton):
    """`kind` is plain, primary (one in a view), danger, quiet or link."""

    def __init__(self, text: str, kind: str = "plain", icon: str = "", *, name: str = "", tip_text: str = "") -> None:
        super().__init__(button_text(text))
        self.setProperty("kind", kind)
        self.setAutoDefault(False)
        self._about = tip_text
        self.why_not = ""
        if icon:
            ink = {"primary": "on_fill", "danger": "garnet", "link": "teal_ink"}.get(kind, "ink")
            self.setIcon(icons.icon(icon, ink))
            side = theme.current().unit * 4 + 1
            self.setIconSize(QSize(side, side))
        if name:
            self.setObjectName(name)
        self.setAccessibleName(plain(text))
        self.setToolTip(tip(tip_text))

    def block(self, reason: str) -> None:
        """Disables it and says why; an empty reason enables it."""
        self.why_not = reason
        self.setEnabled(not reason)
        self.setToolTip(tip(reason or self._about))
        self.setAccessibleDescription(plain(reason or self._about))

    def say(self, text: str) -> None:
        self.setText(button_text(text))
        self.setAccessibleName(plain(text))
