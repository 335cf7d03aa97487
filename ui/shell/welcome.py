"""What fills the window when there is nothing to work with: first practice days, or why a home cannot be opened."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QProgressBar, QWidget

from .. import words
from ..first_days import FirstDays
from ..theme import theme
from ..widgets.layout import column, grow
from ..widgets.notice import Act, Notice

STORY = (
    "The kilns are lit and the first batches shelved.",
    "Reservations come in; notes are written and approved.",
    "Firings finish, pieces are picked up, orders are paid.",
    "Every day is read once and sealed.",
)


class Welcome(QWidget):
    """One notice, and a bar while days pass."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("welcome")
        self.setProperty("surface", "main")
        self.notice = Notice("welcome-notice")
        self.bar = QProgressBar()
        self.bar.setObjectName("first-days")
        self.bar.setTextVisible(False)
        self.bar.setMinimumWidth(theme.current().unit * 100)
        self.bar.setAccessibleName("Practice days lived through")
        self.notice.extra.setLayout(column(self.bar))
        self.setLayout(column(grow(self.notice)))

    def show_days(self, days: FirstDays) -> None:
        """The practice studio lives through its days."""
        story = STORY[min(len(STORY) - 1, days.done * len(STORY) // max(1, days.total))]
        day = min(days.done + 1, days.total)
        head = f"Your practice studio lives through {words.count(days.total, 'day')}"
        self.notice.show_notice("practice", head, f"Day {day} of {days.total}. {story}")
        self.bar.setRange(0, days.total)
        self.bar.setValue(days.done)
        self.notice.extra.show()

    def show_starting(self) -> None:
        self.notice.show_notice(
            "practice", "The practice studio is opening", "A made-up studio on this machine. Nothing real is touched."
        )
        self.bar.setRange(0, 0)
        self.notice.extra.show()

    def show_locked(self, *, new: bool) -> None:
        """The passphrase is typed into the banner above."""
        head = "This home needs a passphrase" if new else "This home is locked"
        body = (
            "Every receipt is signed. Where the machine keeps no keys itself, the signing key lies in a file "
            "that opens with a passphrase only you know. It is never stored."
        )
        self.notice.show_notice("key", head, body)
        self.notice.extra.hide()

    def show_fault(
        self, error: Mapping[str, Any], acts: tuple[Act, ...], head: str = "This home cannot be opened"
    ) -> None:
        what, remedy = words.fault(error)
        self.notice.show_notice("warn", head, what, remedy, acts, ink="garnet")
        self.notice.extra.hide()
