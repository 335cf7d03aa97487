"""What moves in the window: which pane is shown, banners, kill switches, keys, badges, and the screens for a start.

Panes are made when they are first wanted; `prewarm` makes the others one by one while nothing else happens. F6 goes
through the regions of the window.
"""

import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QProcess, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from ..actions import Action, Keys
from ..desk import Desk
from ..first_days import FirstDays
from ..panes.base import Pane
from ..panes.catalogue import PANES, entry
from .banner_rules import banners, wants_passphrase
from .banners import Banners
from .header import Header
from .status import Status
from .welcome import Welcome

if TYPE_CHECKING:
    from .lost_panel import LostPanel
    from .switch_panel import SwitchPanel
    from .window import Window

AGE_MS = 15_000


class Rooms(QObject):
    """Made once, when the shell is on screen."""

    def __init__(self, window: "Window", desk: Desk) -> None:
        super().__init__(window)
        self.window, self.desk = window, desk
        self.header, self.status = Header(desk), Status()
        window.above.fill(self.header)
        window.below.fill(self.status)
        self.panes: dict[str, Pane] = {}
        self.place = PANES[0].id
        self.first_days = FirstDays(desk)
        self.banners = Banners()
        self.switches: SwitchPanel | None = None
        self.lost: LostPanel | None = None
        self.welcome = Welcome()
        window.insert_below_header(self.banners, 0)
        window.stack.addWidget(self.welcome)
        self.keys = Keys(window, lambda: self.place, self.status.say)
        self.keys.add(self._actions())
        window.rail.picked.connect(self.go)
        self.header.switches.connect(self.toggle_switches)
        self.header.account.connect(self._use_account)
        self.status.keys.clicked.connect(self.show_keys)
        self.banners.acted.connect(self._act)
        self.first_days.changed.connect(self.refresh)
        self.first_days.ended.connect(self._days_ended)
        desk.changed.connect(self.refresh)
        desk.moved.connect(self._moved)
        desk.wanted.connect(self.show_record)
        desk.said.connect(self.status.say)
        desk.first_page.connect(self._first)
        self._ages = QTimer(self, interval=AGE_MS)
        self._ages.timeout.connect(self.refresh)
        self._ages.start()
        self.go(self.place)
        if desk.first is not None:
            self._first(desk.first)
        self.refresh()

    # panes

    def pane(self, id: str) -> Pane:
        """The pane of that id; it is made when it is not there yet."""
        if id not in self.panes:
            pane = entry(id).make(self.desk)
            self.panes[id] = pane
            self.window.stack.addWidget(pane)
            self.keys.add(pane.actions())
            if self.desk.first is not None:
                pane.first(self.desk.first)
            if self.desk.live:
                pane.load()
        return self.panes[id]

    def go(self, id: str) -> None:
        if id != self.place and self.place in self.panes:
            self.panes[self.place].leave()
        self.place = id
        pane = self.pane(id)
        self.window.rail.show_pane(id)
        pane.visit()
        self._show_central()

    def show_record(self, id: str, record: Any) -> None:
        """Goes to a pane and shows a record of it there."""
        self.go(id)
        if record is not None:
            self.panes[id].show_record(record)

    def prewarm(self) -> None:
        """Makes the panes nobody has looked at yet, one for each idle moment."""
        if self.first_days.running:
            return  # they are made when somebody goes there
        for found in PANES:
            if found.id not in self.panes:
                self.pane(found.id)
                QTimer.singleShot(0, self, self.prewarm)
                return
        gc.freeze()  # the panes stay: no collection has to look at them again

    def leave(self) -> None:
        """The window closes: nothing is waited for any more."""
        self._ages.stop()
        for pane in self.panes.values():
            pane.leave()
            pane.take_back()

    # what is shown

    def refresh(self) -> None:
        """Header, banners, badges and the welcome screen follow what the desk knows."""
        desk, offline = self.desk, self.desk.offline
        self.header.refresh()
        self.banners.show_banners(
            banners(
                state=desk.state,
                fault=desk.fault,
                practice=desk.practice.life.value if desk.practice is not None else "",
                offline=offline,
                reason=desk.reason(offline["reasonCode"]) if offline is not None else ("", ""),
                switches=desk.switches,
                who={person.id: person.name for person in desk.people},
                now_ms=desk.now_ms(),
                lost=desk.lost,
            )
        )
        if self.lost is not None and desk.lost is None and self.lost.isVisible():
            self.toggle_lost()
        self.window.rail.badge("connectors", "!" if offline else "", "out of reach" if offline else "", alarm=True)
        self._show_central()

    def _show_central(self) -> None:
        shown: QWidget = self.welcome if self._shows_welcome() else self.panes[self.place]
        if self.window.stack.currentWidget() is not shown:
            self.window.stack.setCurrentWidget(shown)

    def _shows_welcome(self) -> bool:
        days, desk = self.first_days, self.desk
        if days.running:
            self.welcome.show_days(days)
            return True
        if days.error is not None:
            self.welcome.show_fault(days.error, (("Try again", "primary", days.start),), "The practice days stopped")
            return True
        never = desk.first is None and not any(pane.state in ("ready", "stale") for pane in self.panes.values())
        if never and desk.state == "failed" and desk.fault is not None:
            if wants_passphrase(desk.fault):
                self.welcome.show_locked(new=desk.fault.get("code") == "KEYRING_ABSENT")
            else:
                self.welcome.show_fault(desk.fault, self._ways_out())
            return True
        if desk.practice is not None and never and not (days.known and desk.live):
            self.welcome.show_starting()
            return True
        return False

    def _ways_out(self) -> tuple[tuple[str, str, Callable[[], None]], ...]:
        ways = [("Try again", "primary", self.desk.engine.retry)]
        if self.desk.practice is None:
            ways.append(("Open the practice studio", "plain", self._practise))
        details = str(self.desk.fault)
        ways.append(("Copy details", "plain", lambda: QGuiApplication.clipboard().setText(details)))
        return tuple(ways)

    def _practise(self) -> None:
        """Another cockpit, on the practice studio; this one makes room."""
        if QProcess.startDetached(sys.executable, ["-m", "ui", "--practice"])[0]:
            self.window.close()

    def _days_ended(self) -> None:
        for pane in self.panes.values():
            pane.start_over()

    def _first(self, page: dict[str, Any]) -> None:
        self.show_counts(page["proposals"]["counts"])
        for pane in self.panes.values():
            pane.first(page)

    def _moved(self, topic: str, data: Any) -> None:
        if topic in ("receipts", "session", "who") and self.desk.live:
            self.desk.query("proposals.page", limit=1).done.connect(lambda page: self.show_counts(page["counts"]))

    def show_counts(self, counts: dict[str, int]) -> None:
        """How many proposals wait, beside the pane's name."""
        waiting = sum(counts.get(state, 0) for state in ("pending_approval", "approved", "unknown"))
        self.window.rail.badge("proposals", str(waiting) if waiting else "", f"{waiting} waiting" if waiting else "")

    # kill switches, accounts, banners

    def toggle_switches(self) -> None:
        if self.switches is None:
            from .switch_panel import SwitchPanel

            self.switches = SwitchPanel(self.desk)
            self.switches.hide()
            self.switches.closed.connect(self.toggle_switches)
            self.window.insert_below_header(self.switches, 1)
        shown = not self.switches.isVisible()
        self.switches.setVisible(shown)
        if shown:
            self.switches.refresh()
            self.switches.focus()
        else:
            self.header.kill.setFocus()

    def toggle_lost(self) -> None:
        """What can be done about a log that was set back, folded out below the header."""
        if self.lost is None:
            from .lost_panel import LostPanel

            self.lost = LostPanel(self.desk)
            self.lost.hide()
            self.lost.closed.connect(self.toggle_lost)
            self.window.insert_below_header(self.lost, 1)
        self.lost.setVisible(not self.lost.isVisible())
        if self.lost.isVisible():
            self.lost.open()

    def _use_account(self, id: str) -> None:
        reply = self.desk.use_account(id)
        reply.done.connect(lambda here: self.status.say(f"You act as {here['actor']['name']} now."))
        reply.failed.connect(lambda error: self.status.say(str(error["sentence"])))

    def _act(self, act: str, text: str) -> None:
        desk = self.desk
        if act == "retry":
            desk.engine.retry()
        elif act == "practice" and desk.practice is not None:
            desk.practice.retry()
        elif act in ("unlock", "choose"):
            reply = desk.ask("unlock", {"passphrase": text})
            reply.failed.connect(lambda error: self.status.say(str(error["sentence"])))
        elif act == "switches":
            self.toggle_switches()
        elif act == "lost":
            self.toggle_lost()
        elif act == "check":
            self.go("connectors")
            self.keys.trigger("connectors.check")

    # keys

    def _actions(self) -> tuple[Action, ...]:
        panes = tuple(
            Action(
                f"go.{found.id}",
                f"Go to {found.title}",
                (f"Ctrl+{number}", f"g, {found.letter.lower()}"),
                lambda id=found.id: self.go(id),
            )
            for number, found in enumerate(PANES, 1)
        )
        return (
            *panes,
            Action("region.next", "Next region of the window", ("F6",), self.next_region),
            Action("switches", "Kill switches", ("Ctrl+Shift+K",), self.toggle_switches),
            Action("keys", "All keys", ("?",), self.show_keys),
        )

    def show_keys(self) -> None:
        from .keysheet import KeySheet

        KeySheet(self.keys.at(self.place), entry(self.place).title, self.window).open()

    def regions(self) -> list[QWidget]:
        """What F6 goes through: rail, header, banners when there are some, the pane, the status line."""
        window = self.window
        found: list[QWidget] = [window.rail.list, self.header.kill]
        if self.banners.isVisible():
            found.append(self.banners)
        return [*found, window.stack.currentWidget(), self.status.keys]

    def next_region(self) -> None:
        focused = self.window.focusWidget()
        regions = self.regions()
        here = next((i for i, r in enumerate(regions) if focused is not None and _holds(r, focused)), -1)
        for step in range(1, len(regions) + 1):
            region = regions[(here + step) % len(regions)]
            first = region if region.focusPolicy() & Qt.FocusPolicy.TabFocus else _first_focus(region)
            if first is not None:
                first.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return


def _holds(region: QWidget, widget: QWidget) -> bool:
    return region is widget or region.isAncestorOf(widget)


def _first_focus(region: QWidget) -> QWidget | None:
    for child in region.findChildren(QWidget):
        if child.isVisible() and child.isEnabled() and child.focusPolicy() & Qt.FocusPolicy.TabFocus:
            return child
    return None
