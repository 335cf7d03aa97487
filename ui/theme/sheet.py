"""The style sheet: one string, made from the theme, set once for the application.

It dresses Qt's own controls. What the cockpit paints itself (cards, chips, table cells) is not in here. A dynamic
property chooses a look: `kind` of a button (primary, danger, quiet, link), `role` of a text, `surface` of a frame.
"""

from string import Template
from typing import TYPE_CHECKING

from .fonts import MONO_FAMILY

if TYPE_CHECKING:
    from .theme import Theme

_SHEET = Template("""
QWidget { color: $ink; }
QMainWindow, QDialog { background: $surface; }
QFrame[surface="main"], QWidget[surface="main"] { background: $surface; }
QFrame[surface="soft"], QWidget[surface="soft"] { background: $soft; }
QFrame[surface="card"] { background: $soft; border-radius: ${radius}px; }
QFrame[surface="strip"] { background: $soft; border: 1px solid $line; border-radius: ${small}px; }
QFrame[surface="rule"] { background: $line; max-height: 1px; min-height: 1px; }
QScrollArea, QScrollArea > QWidget > QWidget[surface="clear"] { background: transparent; border: none; }

QLabel { background: transparent; }
QLabel[role="caption"] { font-size: ${caption}pt; color: $muted; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="lead"] { font-size: ${lead}pt; }
QLabel[role="title"] { font-size: ${title}pt; font-weight: 600; }
QLabel[role="headline"] { font-size: ${headline}pt; font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="overline"] { font-size: ${caption}pt; font-weight: 600; color: $muted; }
QLabel[role="mono"] { font-family: "$mono"; font-size: ${caption}pt; }
QLabel[role="danger"] { color: $garnet; }
QLabel[role="good"] { color: $teal_ink; }

QPushButton, QToolButton {
  background: $soft; color: $ink; border: 1px solid $line; border-radius: ${small}px;
  padding: ${pad}px ${pad2}px; min-height: ${line_height}px;
}
QPushButton:hover, QToolButton:hover { background: $hover; }
QPushButton:pressed, QToolButton:pressed { background: $selected; }
QPushButton:focus, QToolButton:focus { border: 2px solid $focus; padding: ${pad_f}px ${pad2_f}px; }
QPushButton:disabled, QToolButton:disabled { color: $muted; background: transparent; border: 1px dashed $line; }
QPushButton[kind="primary"] { background: $nacre; color: $on_fill; border: 1px solid $edge; font-weight: 600; }
QPushButton[kind="primary"]:hover { border: 2px solid $ink; padding: ${pad_f}px ${pad2_f}px; }
QPushButton[kind="primary"]:focus { border: 2px solid $focus; padding: ${pad_f}px ${pad2_f}px; }
QPushButton[kind="primary"]:disabled { background: transparent; color: $muted; border: 1px dashed $line; }
QPushButton[kind="danger"] { color: $garnet; border: 1px solid $garnet; background: transparent; }
QPushButton[kind="danger"]:hover { background: $hover; }
QPushButton[kind="danger"]:focus { border: 2px solid $focus; padding: ${pad_f}px ${pad2_f}px; }
QPushButton[kind="danger"]:disabled { color: $muted; border: 1px dashed $line; }
QPushButton[kind="quiet"], QToolButton[kind="quiet"] { background: transparent; border: 1px solid transparent; }
QPushButton[kind="quiet"]:hover, QToolButton[kind="quiet"]:hover { background: $hover; }
QPushButton[kind="quiet"]:focus, QToolButton[kind="quiet"]:focus {
  border: 2px solid $focus; padding: ${pad_f}px ${pad2_f}px;
}
QPushButton[kind="quiet"]:disabled { border: 1px solid transparent; color: $muted; }
QPushButton[kind="link"] {
  background: transparent; border: 1px solid transparent; color: $teal_ink; padding: 1px 2px; min-height: 0;
  text-align: left; text-decoration: underline;
}
QPushButton[kind="link"]:hover { color: $ink; }
QPushButton[kind="link"]:focus { border: 1px solid $focus; }
QToolButton::menu-indicator { image: none; }

QLineEdit, QPlainTextEdit, QComboBox, QAbstractSpinBox {
  background: $field; color: $ink; border: 1px solid $line; border-radius: ${small}px;
  padding: ${pad}px ${pad_side}px; selection-background-color: $selected; selection-color: $ink;
}
QLineEdit, QPlainTextEdit { placeholder-text-color: $muted; }
QLineEdit, QComboBox { min-height: ${line_height}px; }
QLineEdit:focus, QPlainTextEdit:focus, QComboBox:focus {
  border: 2px solid $focus; padding: ${pad_f}px ${pad_side_f}px;
}
QLineEdit:disabled, QPlainTextEdit:disabled, QComboBox:disabled { background: transparent; color: $muted; }
QPlainTextEdit[role="sealed"] { font-family: "$mono"; font-size: ${caption}pt; }
QComboBox { padding-right: ${combo}px; }
QComboBox::drop-down { border: none; width: 0; }
QComboBox QAbstractItemView {
  background: $field; color: $ink; border: 1px solid $line; outline: none; padding: 2px;
  selection-background-color: $selected; selection-color: $ink;
}
QComboBox QAbstractItemView::item { min-height: ${row}px; padding: 0 ${pad}px; }

QListView, QTableView { background: transparent; border: none; outline: none; }
QTableView { gridline-color: transparent; selection-background-color: $selected; selection-color: $ink; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section {
  background: $surface; color: $muted; border: none; border-bottom: 1px solid $line;
  padding: ${pad}px ${unit}px; font-size: ${caption}pt; font-weight: 600;
}
QTableCornerButton::section { background: transparent; border: none; }
QTableView:focus, QListView:focus { border: none; }

QTabBar { background: transparent; border: none; qproperty-drawBase: 0; }
QTabBar::tab {
  background: $soft; color: $muted; border: 1px solid $line; border-right: none;
  padding: ${pad}px ${pad2}px; min-height: ${line_height}px;
}
QTabBar::tab:first { border-top-left-radius: ${small}px; border-bottom-left-radius: ${small}px; }
QTabBar::tab:last {
  border-right: 1px solid $line; border-top-right-radius: ${small}px; border-bottom-right-radius: ${small}px;
}
QTabBar::tab:only-one { border-right: 1px solid $line; }
QTabBar::tab:hover { color: $ink; }
QTabBar::tab:selected { background: $nacre; color: $on_fill; font-weight: 600; }
QTabBar::tab:focus { border: 2px solid $focus; padding: ${pad_f}px ${pad2_f}px; }

QScrollBar:vertical { background: transparent; width: ${bar}px; margin: 2px; border: none; }
QScrollBar:horizontal { background: transparent; height: ${bar}px; margin: 2px; border: none; }
QScrollBar::handle { background: $line; border-radius: ${bar_radius}px; }
QScrollBar::handle:vertical { min-height: ${handle}px; }
QScrollBar::handle:horizontal { min-width: ${handle}px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; background: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: none; }
QAbstractScrollArea::corner { background: transparent; border: none; }

QProgressBar {
  background: $field; border: 1px solid $line; border-radius: ${small}px; color: $ink; text-align: center;
  min-height: ${progress}px; max-height: ${progress}px;
}
QProgressBar::chunk { background: $nacre; border-radius: ${chunk}px; }

QMenu { background: $field; color: $ink; border: 1px solid $line; padding: ${pad}px; }
QMenu::item { padding: ${pad}px ${pad2}px; border-radius: ${small}px; }
QMenu::item:selected { background: $selected; color: $ink; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { background: $line; height: 1px; margin: ${pad}px; }
QToolTip { background: $field; color: $ink; border: 1px solid $line; padding: ${pad}px; }
QSplitter::handle { background: transparent; }
""")


def sheet(theme: "Theme") -> str:
    """The style sheet of a theme."""
    fonts, unit, shape = theme.fonts, theme.unit, theme.tokens.shape
    pad, side = max(2, unit - 1), unit * 3
    return _SHEET.substitute(
        theme.tokens.colours,
        mono=MONO_FAMILY,
        **{role: fonts.points(role) for role in ("caption", "lead", "title", "headline")},
        radius=shape["radius"],
        small=shape["radius_small"],
        unit=unit,
        pad=pad,
        pad_f=pad - 1,
        pad2=side,
        pad2_f=side - 1,
        pad_side=unit * 2,
        pad_side_f=unit * 2 - 1,
        line_height=unit * 4 + 4,
        combo=unit * 7,
        row=unit * 6 + 2,
        bar=10,
        bar_radius=3,
        handle=unit * 8,
        progress=unit * 3,
        chunk=max(1, shape["radius_small"] - 1),
    )
