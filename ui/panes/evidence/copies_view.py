"""Copies: the newest checkpoints, and what outside of this home holds or has seen the log, each with its age."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from ... import words
from ...models.cells import Cell
from ...widgets.buttons import Button
from ...widgets.layout import STRETCH, column, grow, row
from ...widgets.scroll import Scroll
from ...widgets.table import CompactTable
from ...widgets.text import Text
from . import kept

if TYPE_CHECKING:
    from .pane import EvidencePane

NO_VAULT = "No vault is set up. A vault is a folder on another disk; name one under [[records.vault]] in studio.toml."
NO_WITNESS = (
    "No witness is set up. A witness is another installation that remembers the size of this log and signs what it "
    "saw; name one under [[records.witness]] in studio.toml."
)


class CopiesRoom(QWidget):
    """Asks through its pane."""

    def __init__(self, pane: "EvidencePane") -> None:
        super().__init__()
        self.pane, self.desk = pane, pane.desk
        self.anchors: dict[str, Any] | None = None
        self.head = Text("", "title", wrap=True)
        self.head.setObjectName("copies-said")
        self.copy = Button("Copy to the vaults now", name="copies-export", tip_text="Each vault is brought up to date")
        self.copy.clicked.connect(lambda: self._perform("vault.export"))
        self.ask = Button("Ask the witnesses now", name="copies-ask", tip_text="No content leaves, only the checkpoint")
        self.ask.clicked.connect(lambda: self._perform("witness.ask"))
        self.checkpoints = CompactTable(
            "checkpoints", "Newest checkpoints", ("Log", "Covers", "Signed", ""), stretch=(3,)
        )
        names = ("Vault", "Log", "Holds", "Since", "")
        self.vaults = CompactTable("vaults", "Vaults", names, stretch=(4,))
        self.witnesses = CompactTable(
            "witnesses", "Witnesses", ("Witness", "Log", "Has seen", "Cosigned", ""), stretch=(4,)
        )
        self.no_vault, self.no_witness = Text(NO_VAULT, "muted", wrap=True), Text(NO_WITNESS, "muted", wrap=True)
        self.required = Text("", "caption", wrap=True)
        inside = column(
            self.head,
            3,
            Text("Newest signed checkpoints", "overline"),
            self.checkpoints,
            3,
            row(Text("Vaults", "overline"), STRETCH, self.copy),
            self.no_vault,
            self.vaults,
            3,
            row(Text("Witnesses", "overline"), STRETCH, self.ask),
            self.no_witness,
            self.witnesses,
            2,
            self.required,
            STRETCH,
            gap=2,
            margins=(0, 1, 2, 1),
        )
        self.setLayout(column(grow(Scroll(inside)), gap=0))

    def take(self, anchors: dict[str, Any], *, shown: bool) -> None:
        self.anchors = anchors
        if shown:
            self.refresh()

    def refresh(self) -> None:
        """Ages grow; what is shown is the same."""
        if self.anchors is None:
            return
        now_ms, zone, reason = self.desk.now_ms(), self.desk.zone, self.desk.reason
        self.head.setText(kept.summary(self.anchors))
        checkpoints = kept.checkpoint_rows(self.anchors, now_ms, zone)
        self.checkpoints.show_rows([_cells((r.log, r.reaches, r.when, r.state), r.tone) for r in checkpoints])
        vaults = kept.vault_rows(self.anchors, now_ms, zone, reason)
        witnesses = kept.witness_rows(self.anchors, now_ms, zone, reason)
        for table, rows, nothing in (
            (self.vaults, vaults, self.no_vault),
            (self.witnesses, witnesses, self.no_witness),
        ):
            table.show_rows([_cells((r.name, r.log, r.reaches, r.when, r.state), r.tone) for r in rows])
            table.setVisible(bool(rows))
            nothing.setVisible(not rows)
        required = self.anchors
        self.required.setText(
            f"An entry counts as vaulted when {words.count(required['vaultsRequired'], 'vault')} "
            f"and as witnessed when {words.count(required['witnessesRequired'], 'witness', 'witnesses')} cover it."
        )
        self.may()

    def may(self) -> None:
        blocked = self.desk.why_not_write()
        found = self.anchors or {"logs": []}
        self.copy.block(blocked or ("" if any(log["vaults"] for log in found["logs"]) else "No vault is set up."))
        asked = any(not w["byFile"] for log in found["logs"] for w in log["witnesses"])
        self.ask.block(blocked or ("" if asked else "No witness with an address is set up."))

    def _perform(self, capability: str) -> None:
        button = self.copy if capability == "vault.export" else self.ask
        button.block("This is under way.")
        args = {"capability": capability, "payload": {}}
        self.pane.ask(capability, "perform", args, self._done, self._failed)

    def _done(self, done: dict[str, Any]) -> None:
        said = (
            f"{done['sentence']} {done['remedy']}".strip()
            if done.get("reasonCode")
            else words.readable(done["outcome"])
        )
        self.desk.said.emit(words.sentence(said))
        self.pane.load_anchors()

    def _failed(self, error: dict[str, Any]) -> None:
        self.desk.said.emit(" ".join(words.fault(error)))
        self.may()


def _cells(texts: Sequence[str], tone: str) -> tuple[Cell, ...]:
    *most, last = texts
    return (*(Cell(text) for text in most), Cell(last, ink="garnet" if tone == "danger" else "muted"))
