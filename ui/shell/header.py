"""The header: which studio, how fresh it is; who I am and with which rights, kill switch, engine."""

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from .. import times, words
from ..desk import Desk
from ..safe_text import button_text, plain, tip
from ..theme import icons, theme
from ..widgets.chip import Chip
from ..widgets.layout import STRETCH, column, panel, row
from ..widgets.text import Text

ENGINE: Mapping[str, tuple[str, str]] = {
    "starting": ("engine starting", "quiet"),
    "ready": ("engine ready", "quiet"),
    "read-only": ("read-only", "plain"),
    "failed": ("engine cannot open", "danger"),
    "restarting": ("engine restarting", "plain"),
    "down": ("engine down", "danger"),
}


class Header(QWidget):
    """Reads the desk; `switches` asks for the kill-switch panel, `account` names another account to act as."""

    switches = Signal()
    account = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.setObjectName("header")
        self.studio = Text("Studio Brain", "title")
        self.studio.setObjectName("studio")
        self.fresh = Text("", "caption")
        self.fresh.setObjectName("freshness")
        self.practice = Chip("practice key", "plain", icon="practice")
        self.practice.setObjectName("practice-key")
        self.kill = Chip("kill switch off", "quiet", icon="power", press=True)
        self.kill.setObjectName("kill-switch")
        self.kill.clicked.connect(self.switches)
        self.engine = Chip("engine starting", "quiet", icon="engine")
        self.engine.setObjectName("engine-state")
        self.who = QToolButton()
        self.who.setObjectName("account")
        self.who.setProperty("kind", "quiet")
        self.who.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.who.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.who.setIcon(icons.icon("person"))
        side = theme.current().unit * 5
        self.who.setIconSize(QSize(side, side))
        self._menu = QMenu(self.who)
        self.who.setMenu(self._menu)
        self.who.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        names = panel(column(STRETCH, self.studio, self.fresh, STRETCH, gap=0), "clear")
        self.setLayout(
            row(names, STRETCH, self.practice, self.engine, self.kill, self.who, gap=2, margins=(8, 0, 6, 0))
        )
        desk.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        desk = self.desk
        self.studio.setText(plain(desk.studio, 60) or "Studio Brain")
        self._fresh()
        self.practice.setVisible(desk.is_practice)
        self.practice.show_text(
            "practice key",
            about="A made-up studio on this machine, signed with a practice key. Nothing real is touched.",
        )
        text, tone = ENGINE.get(desk.state, (desk.state, "plain"))
        self.engine.show_text(text, tone, about=desk.why_not_write() or "The engine answers and may write.")
        on, known = bool(desk.switches), desk.live or desk.first is not None
        self.kill.show_text(
            "kill switch ON" if on else "kill switch off" if known else "kill switch not known",
            "danger" if on else "quiet",
            about="Press to see, engage or release kill switches.",
        )
        self._who()

    def _fresh(self) -> None:
        desk = self.desk
        read = times.age(desk.observed_at, desk.now_ms())
        if desk.offline is not None:
            self.fresh.setText(f"Offline · last read {read}" if read else "Offline")
        elif read:
            self.fresh.setText(f"Derived from cloud · read {read}")
        else:
            self.fresh.setText("Derived from cloud" if desk.observed_at else "Nothing read yet")

    def _who(self) -> None:
        actor = self.desk.actor
        if actor is None:
            self.who.setText("nobody")
            self.who.setAccessibleName("Account: nobody")
            self.who.setEnabled(False)
            return
        rights = words.RIGHTS.get(actor.role, "")
        self.who.setText(f"{button_text(actor.name)}  ·  {actor.role}")
        self.who.setAccessibleName(f"Account: {plain(actor.name)}, {actor.role}, {rights}")
        self.who.setToolTip(tip(f"{actor.name}: {rights}"))
        self.who.setEnabled(True)
        people = self.desk.people
        self._menu.clear()
        for person in people:
            act = QAction(f"{button_text(person.name)}  ·  {person.role}", self._menu)
            act.setCheckable(True)
            act.setChecked(person.id == actor.id)
            act.setEnabled(self.desk.live)
            act.setToolTip(tip(words.RIGHTS.get(person.role, "")))
            act.triggered.connect(lambda _=False, id=person.id: self.account.emit(id))
            self._menu.addAction(act)
        self._menu.setToolTipsVisible(True)
