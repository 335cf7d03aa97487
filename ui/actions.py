"""Every action as data: an id, a title, its keys, where it counts, why it may not be done now, and what it does.

Shortcuts, the key sheet, and later menus and a palette read the same list. Keys that are a single letter are off while
somebody types. Two actions never share a key in the same place (a test walks them).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

EVERYWHERE: Final = ""


def _always() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """`when` gives the reason why it cannot be done now, or an empty text. `place` is a pane's id, or everywhere."""

    id: str
    title: str
    keys: tuple[str, ...]
    run: Callable[[], None]
    when: Callable[[], str] = _always
    place: str = EVERYWHERE

    @property
    def shown_keys(self) -> str:
        return " or ".join(key.replace(", ", " then ") for key in self.keys)


def is_letter(key: str) -> bool:
    """Whether a key alone would be typed into a text field."""
    return "+" not in key.rstrip("+") and not key.startswith("F") and key not in ("Return", "Esc", "Up", "Down")


class Keys(QObject):
    """Binds actions to a window's keys. `place` says which pane is on screen."""

    def __init__(self, window: QWidget, place: Callable[[], str], refused: Callable[[str], None]) -> None:
        super().__init__(window)
        self._window, self._place, self._refused = window, place, refused
        self.actions: list[Action] = []
        self._letters: list[QShortcut] = []
        self._bound: dict[str, QShortcut] = {}
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus)

    def add(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self.actions.append(action)
            for key in action.keys:
                self._bind(key)

    def at(self, place: str) -> list[Action]:
        """The actions that count there: its own first."""
        return [a for a in self.actions if a.place == place] + [a for a in self.actions if a.place == EVERYWHERE]

    def trigger(self, id: str) -> None:
        """Does what the key would do."""
        self._do(next(action for action in self.actions if action.id == id))

    def _bind(self, key: str) -> None:
        if key in self._bound:
            return
        shortcut = QShortcut(QKeySequence(key), self._window)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(lambda: self._pressed(key))
        self._bound[key] = shortcut
        if is_letter(key):
            self._letters.append(shortcut)

    def _pressed(self, key: str) -> None:
        place = self._place()
        for action in self.at(place):
            if key in action.keys:
                self._do(action)
                return

    def _do(self, action: Action) -> None:
        reason = action.when()
        if reason:
            self._refused(f"{action.title}: {reason}")
        else:
            action.run()

    def _focus(self, old: QWidget | None, new: QWidget | None) -> None:
        types = isinstance(new, QLineEdit | QPlainTextEdit | QTextEdit | QAbstractSpinBox)
        types = types or (isinstance(new, QComboBox) and (new.isEditable() or new.view().isVisible()))
        for shortcut in self._letters:
            shortcut.setEnabled(not types)
