"""One proposal whole: what will change, why, what was seen, who may, and its receipts. It only shows."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from ...models.cells import Cell
from ...safe_text import short_hash
from ...seals import GLYPHS, WORDS, Check
from ...theme import theme
from ...widgets.chip import Chip
from ...widgets.facts import Facts
from ...widgets.layout import STRETCH, column, grow, panel, row
from ...widgets.risk import RiskChip
from ...widgets.scroll import Scroll
from ...widgets.stepper import Step, Stepper
from ...widgets.table import CompactTable
from ...widgets.text import Text
from .presenter import DetailView

STATE_TONES = {"approved": "plain", "executed": "plain", "failed": "danger", "refused": "danger", "unknown": "danger"}


class DetailPanel(Scroll):
    """`receipt` carries the place of a receipt that was asked for."""

    receipt = Signal(object)

    def __init__(self) -> None:
        super().__init__(name="proposal-detail")
        self.setAccessibleName("The proposal")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.view: DetailView | None = None
        self.risk = RiskChip()
        self.state = Chip()
        self.left = Text("", "muted")
        self.title = Text("", "headline", wrap=True)
        self.subject = Text("", "lead", wrap=True, selectable=True)
        self.description = Text("", "muted", wrap=True)
        self.warning = Text("", "body", wrap=True)
        self._warning = panel(row(grow(self.warning), margins=(4, 3, 4, 3)), "strip", "risk-banner")
        self.news = Text("", "body", wrap=True)
        self._news = panel(row(grow(self.news), margins=(4, 3, 4, 3)), "strip", "proposal-news")
        self.stepper = Stepper()
        self.changes = CompactTable("changes", "What will change", ("Field", "Now", "After", "Happened"), (1, 2, 3))
        self.rationale = Text("", "body", wrap=True, selectable=True)
        self.asked = Text("", "caption", wrap=True)
        self.approvals = Text("", "body", wrap=True, selectable=True)
        self.seen = CompactTable("seen", "What it saw", ("Document", "Updated in the cloud", "Hash"), (0,))
        self.policy = Facts()
        self.history = CompactTable("history", "Receipts of this proposal", ("Receipt", "What", "Who", "When"), (1, 2))
        self.history.activated.connect(lambda index: self._open(index.row()))
        self.history.doubleClicked.connect(lambda index: self._open(index.row()))
        self.changes_title = Text("", "strong")
        self._before = panel(column(self.changes_title, self.changes, STRETCH, gap=1), "clear")
        self._seen = self._section("What it saw", self.seen)
        policy = self._section("Policy", self.policy)
        self._approved = self._section("Decisions", self.approvals)
        head = column(
            row(self.risk, self.state, self.left, STRETCH, gap=2), self.title, self.subject, self.description, gap=1
        )
        why = panel(column(self.rationale, self.asked, gap=1, margins=(4, 3, 4, 3)), "card")
        content = column(
            head,
            self._news,
            self.stepper,
            self._warning,
            self._before,
            self._section("Why", why),
            self._approved,
            row(grow(self._seen, 3), grow(policy, 2), gap=6, centred=False),
            self._section("History", self.history),
            STRETCH,
            gap=4,
            margins=(0, 5, 4, 4),
        )
        self.fill(content)

    def _section(self, title: str, content: QWidget) -> QWidget:
        return panel(column(Text(title, "strong"), content, STRETCH, gap=1), "clear")

    def _open(self, place: int) -> None:
        if self.view is not None and 0 <= place < len(self.view.history):
            self.receipt.emit(self.view.history[place].place)

    def show_detail(self, view: DetailView, checks: dict[int, Check]) -> None:
        """`checks` is what this window knows of each receipt."""
        same = self.view is not None and self.view.id == view.id
        self.view = view
        self.risk.show_risk(view.risk)
        self.state.show_text(view.state_words, STATE_TONES.get(view.state, "quiet"))
        self.left.setText(view.left)
        self.title.setText(view.title)
        self.subject.setText("  ·  ".join(part for part in (view.subject, view.target) if part))
        self.description.setText(view.description)
        loud = view.risk in ("high", "critical")
        sign = "▲  " if loud else ""
        note = view.risk_note[:1].lower() + view.risk_note[1:]
        self.warning.setText(f"{sign}{view.risk.capitalize()} risk. Undoing it: {note}")
        self._warning.setVisible(bool(view.risk_note) and view.state not in ("executed", "rolled_back"))
        self.news.setText(view.news)
        self.news.set_role({"danger": "danger", "good": "body"}.get(view.news_tone, "body"))
        self._news.setVisible(bool(view.news))
        self.stepper.show_steps([Step(step.title, step.state, step.when) for step in view.steps])
        self.stepper.setVisible(bool(view.steps))
        self.changes_title.setText(view.changes_title)
        self._show_changes(view)
        self.rationale.setText(view.rationale)
        self.asked.setText(f"{view.asked_by}, {view.asked_at}")
        self.approvals.setText("\n".join(view.approvals))
        self._approved.setVisible(bool(view.approvals))
        self.seen.show_rows([(Cell(r), Cell(at), Cell(short_hash(sha), mono=True)) for r, at, sha in view.seen])
        self._seen.setVisible(bool(view.seen))
        self.policy.show_facts(view.policy)
        self.show_checks(checks)
        if not same:
            self.verticalScrollBar().setValue(0)

    def show_checks(self, checks: dict[int, Check]) -> None:
        if self.view is not None:
            self.history.show_rows([self._history_row(line, checks) for line in self.view.history])

    def _history_row(self, line: Any, checks: dict[int, Check]) -> tuple[Cell, ...]:
        check = checks.get(line.place, Check.UNCHECKED)
        pill = "gold" if check is Check.CHECKED else ""
        ink = "garnet" if check is Check.WRONG else "muted"
        return (
            Cell(f"{GLYPHS[check]} {line.index:,}", ink=ink, pill=pill, spoken=f"receipt {line.index}, {WORDS[check]}"),
            Cell(line.what, bold=True),
            Cell(line.who),
            Cell(line.when, ink="muted"),
        )

    def _show_changes(self, view: DetailView) -> None:
        rows = []
        for change in view.changes:
            ink = "garnet" if change.deviates else "ink"
            note = f"✗ {change.happened}" if change.deviates else change.happened
            rows.append(
                (
                    Cell(change.field, ink="muted"),
                    Cell(change.before),
                    Cell(change.after, bold=True),
                    Cell(note if view.shows_happened else "", ink=ink),
                )
            )
        self.changes.show_rows(rows)
        self.changes.setColumnHidden(3, not view.shows_happened)

    def minimumSizeHint(self) -> Any:
        hint = super().minimumSizeHint()
        hint.setWidth(theme.current().unit * 120)
        return hint
