"""Type: the system's interface font in a few sizes, and the mono face that is shipped for hashes.

Sizes are points, as ratios of the system's own size, so that a person's text scale carries through. A *role* names what
a text is for; the ratio stands in the token file. Lengths on screen come from `unit`, a quarter of a line of body text.
"""

from PySide6.QtGui import QFont, QFontMetrics

from .. import resources
from .tokens import Tokens

MONO_FILE, MONO_FAMILY = "JetBrainsMono-Regular.ttf", "JetBrains Mono"

_BOLD = {"title": QFont.Weight.DemiBold, "headline": QFont.Weight.DemiBold, "figure": QFont.Weight.DemiBold}


class Fonts:
    """The fonts of one application."""

    def __init__(self, tokens: Tokens, system: QFont) -> None:
        self._ratios = tokens.type
        self.base_pt = max(system.pointSizeF(), tokens.type["smallest_base_pt"])
        self._system = system
        self._made: dict[tuple[str, bool, bool], QFont] = {}
        self.unit = max(4, round(QFontMetrics(self.role("body")).height() / 4))

    def role(self, role: str, *, bold: bool = False, mono: bool = False) -> QFont:
        """A font for a role: caption, body, lead, title, headline, figure."""
        key = (role, bold, mono)
        font = self._made.get(key)
        if font is None:
            font = QFont(mono_family()) if mono else QFont(self._system)
            font.setPointSizeF(self.points(role))
            font.setWeight(QFont.Weight.DemiBold if bold else _BOLD.get(role, QFont.Weight.Normal))
            if mono:
                font.setStyleHint(QFont.StyleHint.Monospace)
                font.setFixedPitch(True)
            self._made[key] = font
        return font

    def points(self, role: str) -> float:
        return round(self.base_pt * self._ratios[role], 1)

    def body(self) -> QFont:
        return self.role("body")


def mono_family() -> str:
    """The shipped face, loaded when it is first asked for; where it cannot be, whatever the system has."""
    if not _loaded:
        from PySide6.QtGui import QFontDatabase

        id = QFontDatabase.addApplicationFont(str(resources.path("fonts", MONO_FILE)))
        families = QFontDatabase.applicationFontFamilies(id) if id >= 0 else []
        _loaded[:] = families[:1] or [QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()]
    return _loaded[0]


_loaded: list[str] = []
