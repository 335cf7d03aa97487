"""A log that was set back, in the window: what is missing, and the two ways to go on. Both ask for a reason."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from .. import words
from ..desk import Desk
from ..safe_text import plain, short_hash
from ..widgets.buttons import Button
from ..widgets.choice import Choice
from ..widgets.layout import STRETCH, column, grow, panel, row, rule
from ..widgets.rationale import Rationale
from ..widgets.text import Text

OWNER = "Only an owner decides this."


class LostPanel(QWidget):
    """Folds out below the header."""

    closed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._busy = ""
        self.setObjectName("lost")
        self.what = Text("", "body", wrap=True)
        self.vault = Choice("lost-vault", "The vault that holds the missing tail")
        self.why = Rationale("lost-rationale", "Why this way? It is sealed with your name.")
        self.why.changed.connect(self._may)
        self.restore = Button("Take the tail back", "primary", "refresh", name="lost-restore")
        self.restore.clicked.connect(self._restore)
        self.begin = Button("Start the next epoch", "danger", "forward", name="lost-begin")
        self.begin.clicked.connect(self._begin)
        self.answer = Text("", "caption", wrap=True)
        self.answer.setObjectName("lost-answer")
        close = Button("Close", "quiet", "cross", name="lost-close")
        close.clicked.connect(self.closed)
        left = column(
            Text("The log was set back", "title"),
            self.what,
            Text(
                "Take the tail back where a vault still holds it: nothing is lost then. "
                "Or give it up: the next epoch begins a new log, and its first entry names what is missing for good.",
                "muted",
                wrap=True,
            ),
            STRETCH,
            gap=2,
        )
        right = column(
            row(Text("From the vault"), self.vault, STRETCH, close),
            self.why,
            row(self.restore, self.begin, grow(self.answer)),
            gap=2,
        )
        body = panel(
            row(grow(panel(left, "clear"), 2), 6, grow(panel(right, "clear"), 3), centred=False, margins=(8, 4, 8, 4)),
            "soft",
        )
        self.setLayout(column(body, rule(), gap=0))
        desk.changed.connect(self._may)

    def open(self) -> None:
        """Shows what is missing now, and asks which vaults there are."""
        lost = self.desk.lost
        if lost is not None:
            here = "no such log is here" if lost["have"] is None else f"{int(lost['have']):,} are here"
            known = f"{int(lost['size']):,} receipts are known of ({lost['where']}), {here}."
            self.what.setText(f"{known} Log {plain(lost['origin'], 160)}, root {short_hash(str(lost['root']))}.")
        self.vault.offer([("looking for vaults…", "")])
        self.desk.query("evidence.anchors").done.connect(self._take_vaults)
        self.why.focus()
        self._may()

    def _take_vaults(self, anchors: dict[str, Any]) -> None:
        vaults = [(plain(v["name"], 40), str(v["path"])) for v in anchors.get("vaults", ()) if v.get("path")]
        self.vault.offer(vaults or [("none is configured", "")])
        self._may()

    def _may(self) -> None:
        role = "" if self.desk.actor is None else self.desk.actor.role
        missing = self._busy or ("" if role == "owner" else OWNER) or self.why.missing()
        self.begin.block(missing)
        self.restore.block(missing or ("" if self.vault.currentData() else "No vault is configured."))

    def _restore(self) -> None:
        system = bool((self.desk.lost or {}).get("installation"))
        self._perform("vault.restore", {"path": str(self.vault.currentData()), "system": system})

    def _begin(self) -> None:
        self._perform("evidence.start_epoch", {"installation": bool((self.desk.lost or {}).get("installation"))})

    def _perform(self, capability: str, payload: dict[str, Any]) -> None:
        self._busy = "It is being done."
        self.answer.setText("Being checked and sealed…")
        self._may()
        reply = self.desk.perform(capability, payload, self.why.text())
        reply.done.connect(self._done)
        reply.failed.connect(lambda error: self._said(" ".join(words.fault(error))))

    def _done(self, done: dict[str, Any]) -> None:
        if done["reasonCode"]:
            self._said(plain(" ".join(f"{done['sentence']} {done['detail']} {done['remedy']}".split())))
            return
        self.why.clear()
        self._said("")
        self.desk.said.emit("The log goes on. What happened is its newest receipt.")
        self.desk.look_again()

    def _said(self, text: str) -> None:
        self._busy = ""
        self.answer.setText(text)
        self._may()
