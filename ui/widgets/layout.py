"""Rows and columns of widgets, written as one writes them on paper.

    column(title, row(name, STRETCH, button), table, gap=2)

A *gap* is counted in units of the theme (a quarter of a line of text). STRETCH takes what is left over; a number is a
gap of its own; `grow(widget)` lets a widget take what is left.
"""

from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from ..theme import theme

STRETCH: Final = object()


@dataclass(frozen=True, slots=True)
class Grow:
    item: Any
    factor: int


def grow(item: Any, factor: int = 1) -> Grow:
    return Grow(item, factor)


def row(*items: Any, gap: int = 2, margins: tuple[int, int, int, int] = (0, 0, 0, 0), centred: bool = True) -> QLayout:
    return _fill(QHBoxLayout(), items, gap, margins, Qt.AlignmentFlag.AlignVCenter if centred else None)


def column(*items: Any, gap: int = 2, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QLayout:
    return _fill(QVBoxLayout(), items, gap, margins, None)


def _fill(
    layout: QBoxLayout, items: tuple[Any, ...], gap: int, margins: tuple[int, ...], align: Qt.AlignmentFlag | None
) -> QLayout:
    unit = theme.current().unit
    layout.setSpacing(gap * unit)
    layout.setContentsMargins(*(m * unit for m in margins))
    for item in items:
        factor = 0
        if isinstance(item, Grow):
            item, factor = item.item, item.factor
        if item is STRETCH:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item * unit)
        elif isinstance(item, QLayout):
            layout.addLayout(item, factor)
        elif align is not None and not factor:
            layout.addWidget(item, factor, align)
        else:
            layout.addWidget(item, factor)
    return layout


def panel(content: QLayout, surface: str = "main", name: str = "", parent: QWidget | None = None) -> QFrame:
    """A frame with a surface of the theme: main, soft, card, strip, clear."""
    frame = QFrame(parent)
    frame.setProperty("surface", surface)
    frame.setLayout(content)
    if name:
        frame.setObjectName(name)
    return frame


def rule() -> QFrame:
    """A pencil line."""
    frame = QFrame()
    frame.setProperty("surface", "rule")
    return frame
