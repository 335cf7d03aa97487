"""Drafting a proposal: which capability, for what, with which input, and why. Drafting changes nothing outside."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from ... import words
from ...desk import Desk
from ...safe_text import plain, short_id
from ...theme import theme
from ...widgets.buttons import Button
from ...widgets.choice import Choice
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.rationale import Rationale
from ...widgets.risk import RiskChip
from ...widgets.scroll import Scroll
from ...widgets.text import Text
from .draft import BATCH_STATES, FIRST_STATE, OTHER_FIRST_STATE, Field, fields, missing, payload


class DraftPanel(QWidget):
    """`drafted` carries the id of the new proposal; `closed` leaves without one."""

    drafted = Signal(str)
    closed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.setObjectName("draft")
        self._form: tuple[Field, ...] = ()
        self._inputs: dict[str, QLineEdit | QPlainTextEdit] = {}
        self._busy = False
        self.capability = Choice("draft-capability", "What is proposed")
        self.capability.chosen.connect(lambda _: self._show_form())
        self.risk = RiskChip()
        self.description = Text("", "muted", wrap=True)
        self.rollback = Text("", "muted", wrap=True)
        self.state = Choice("draft-batch-state", "State of the batches to choose from")
        self.state.offer([(text, data) for text, data in BATCH_STATES])
        self.state.chosen.connect(lambda _: self._load_batches())
        self.batch = Choice("draft-batch", "Batch")
        self.batch.setMinimumWidth(theme.current().unit * 80)
        self.batch.chosen.connect(lambda _: self._may())
        self._batches = panel(
            column(Text("Batch", "strong"), row(Text("that is", "muted"), self.state, grow(self.batch)), gap=1), "clear"
        )
        self._fields = column(gap=3)
        self._field_widgets: list[QWidget] = []
        self.rationale = Rationale("draft-rationale", "Why should this happen? Whoever decides will read it.")
        self.rationale.changed.connect(self._may)
        self.rationale.sent.connect(self._propose)
        self.propose = Button("Propose", "primary", "forward", name="propose")
        self.propose.clicked.connect(self._propose)
        close = Button("Cancel", "quiet", name="draft-cancel")
        close.clicked.connect(self.closed)
        self.answer = Text("", "body", wrap=True)
        inside = column(
            Text("New proposal", "headline"),
            Text("Drafting reads the cloud and seals the draft. Nothing leaves before it is approved.", wrap=True),
            1,
            row(self.capability, self.risk, STRETCH),
            self.description,
            self._batches,
            self._fields,
            self.rationale,
            self.rollback,
            row(self.propose, close, STRETCH),
            self.answer,
            STRETCH,
            gap=3,
            margins=(0, 5, 4, 4),
        )  # fmt: skip
        self.setLayout(column(grow(Scroll(inside)), gap=0))

    def open(self) -> None:
        """Fills itself with what can be drafted now."""
        self.capability.offer([(c["title"], c["id"]) for c in self.desk.capabilities])
        self.answer.setText("")
        self._show_form()
        self.capability.setFocus()

    def _chosen(self) -> dict[str, Any] | None:
        id = self.capability.currentData()
        return next((c for c in self.desk.capabilities if c["id"] == id), None)

    def _show_form(self) -> None:
        for widget in self._field_widgets:
            widget.hide()
            widget.deleteLater()
        self._field_widgets, self._inputs, self._form = [], {}, ()
        chosen = self._chosen()
        if chosen is not None:
            self.description.setText(plain(chosen["description"]))
            self.risk.show_risk(chosen["risk"])
            self.rollback.setText(plain(chosen["rollbackNote"]))
            self._form = fields(chosen["schema"])
            for field in self._form:
                if field.kind != "batch":
                    self._add_input(field)
            has_batch = any(field.kind == "batch" for field in self._form)
            self._batches.setVisible(has_batch)
            if has_batch:
                self.state.choose(FIRST_STATE.get(chosen["id"], OTHER_FIRST_STATE))
                self._load_batches()
        self._may()

    def _add_input(self, field: Field) -> None:
        label = Text(field.label if field.required else f"{field.label} (optional)", "strong")
        edit: QLineEdit | QPlainTextEdit
        if field.kind == "text":
            edit = QPlainTextEdit()
            edit.setTabChangesFocus(True)
            edit.setFixedHeight(edit.fontMetrics().lineSpacing() * 3 + theme.current().unit * 6)
        else:
            edit = QLineEdit()
        edit.setObjectName(f"draft-{field.name}")
        edit.setAccessibleName(field.label)
        edit.textChanged.connect(self._may)
        self._inputs[field.name] = edit
        holder = panel(column(label, edit, gap=1), "clear")
        self._fields.addWidget(holder)
        self._field_widgets.append(holder)

    def _load_batches(self) -> None:
        self.batch.offer([("Reading the cloud…", None)])
        reply = self.desk.ask("batches", {"state": self.state.currentData()})
        reply.done.connect(self._take_batches)
        reply.failed.connect(lambda error: self.batch.offer([(" ".join(words.fault(error)), None)]))

    def _take_batches(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            named = [(f"{plain(r['title'], 60) or 'untitled'}  ·  {short_id(r['id'], 12, 4)}", r["id"]) for r in rows]
            self.batch.offer([("Choose a batch", None), *named])
        else:
            self.batch.offer([("No batch is in this state", None)])
        self._may()

    def _texts(self) -> dict[str, str]:
        texts = {
            name: edit.text() if isinstance(edit, QLineEdit) else edit.toPlainText()
            for name, edit in self._inputs.items()
        }
        if any(field.kind == "batch" for field in self._form):
            texts["batchId"] = str(self.batch.currentData() or "")
        return texts

    def _may(self) -> None:
        texts = self._texts()
        wrong = next((w for f in self._form if (w := missing(f, texts.get(f.name, "")))), "")
        busy = "It is being read and sealed." if self._busy else ""
        self.propose.block(self.desk.why_not_write() or busy or wrong or self.rationale.missing())

    def _propose(self) -> None:
        chosen = self._chosen()
        if chosen is None or not self.propose.isEnabled():
            return
        self._busy = True
        self.answer.setText("The cloud is read for what would change…")
        self._may()
        reply = self.desk.perform(chosen["id"], payload(self._form, self._texts()), self.rationale.text())
        reply.done.connect(self._done)
        reply.failed.connect(self._failed)

    def _done(self, done: dict[str, Any]) -> None:
        self._busy = False
        self._may()
        if done["outcome"] == "asked" and done["proposalId"]:
            self.rationale.clear()
            self.answer.setText("")
            self.drafted.emit(done["proposalId"])
        else:
            said = f"{done['sentence']} {words.sentence(plain(done['detail'], 300))} {done['remedy']}"
            self.answer.setText(" ".join(said.split()))

    def _failed(self, error: dict[str, Any]) -> None:
        self._busy = False
        self._may()
        self.answer.setText(" ".join(words.fault(error)))
