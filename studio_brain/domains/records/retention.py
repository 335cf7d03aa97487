"""Retention: what a studio decided not to keep goes, when its time is over, a person has seen the list, and no legal
hold covers it.

It takes payloads and derived rows, never an entry: every seal and every proof stays, and nothing is written to the
cloud. The entries concerned have to be covered by a signed checkpoint and, where vaults are configured, to lie in as
many of them as the settings ask for. Each run is one receipt, `retention.ran`, beside one `payload.erased` for each
payload. Times count in whole days of UTC, so that what is approved is what is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from ...evidence.entry import decode
from ...evidence.erasure import PRUNED
from ...evidence.tables import INDEX_BITS, place, seq_of
from ...gateway.decide import Refusal
from ...gateway.lifecycle import OPEN
from ...gateway.limits import EffectClass, Scope, per_hour
from ...gateway.proposals import find_proposal
from ...gateway.receipts import gateway_event
from ...gateway.registry import Capability, Idempotency, Outside, Query, Staleness
from ...home.settings import Settings
from ...kernel.canonical import canonical_entry
from ...kernel.clock import DAY, utc_text
from ...kernel.errors import ConfigError
from ...kernel.hashing import sha256, to_text
from ...kernel.policy import Actor, ActorType, Mode, Risk, Role
from ...kernel.ports import Change, Preview, ReadBack, Seen, Settled, WriteCall
from ...kernel.reasons import ReasonCode
from ...store.database import selecting
from ...store.reading import Row, Select, Sources
from ...store.sequencer import Unit
from ...store.wipe import wipe
from .holds import holds
from .keeper import ID
from .office import Office, Topic
from .payloads import BY_PLACE, GONE, erase, resource_of, stored
from .retention_rules import RULES, Rule, Takes
from .selecting import on
from .vault import last_data, stream_of

CAPABILITY: Final = "retention.run"
STREAM: Final = "retention:runs"
MOST: Final = 500
"""Items in one run; what is left waits for the next."""
KEPT_DAYS: Final = 2
"""The latest days of the studio stay, however old: they are its state."""

LOGS: Final = "SELECT log_id, epoch, origin FROM log WHERE tenant = :tenant ORDER BY epoch"
PAYLOADS: Final = """
SELECT entry.place, entry.kind, entry.at_ms, entry.seal, entry.body FROM payload_key
  JOIN entry ON entry.place = payload_key.place
 WHERE payload_key.place >= :first AND payload_key.place < :last AND entry.kind = :kind AND entry.at_ms < :until
 ORDER BY payload_key.place
"""
OPEN_STATE: Final = "SELECT state FROM proposal WHERE tenant = :tenant AND id = :id"
OBSERVATIONS: Final = """
SELECT place, day, state_hash FROM observation WHERE tenant = :tenant AND observed_at_ms < :until
   AND day NOT IN (SELECT day FROM day WHERE tenant = :tenant ORDER BY day DESC LIMIT :kept)
 ORDER BY place
"""
DIFFS: Final = "SELECT from_day, to_day FROM diff WHERE tenant = :tenant ORDER BY from_day, to_day"
DAYS: Final = "SELECT day, place FROM day WHERE tenant = :tenant"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing whose time is over; it follows from the entry at `place`, in the log of that `epoch`."""

    kind: str
    epoch: int
    place: int
    takes: Takes
    at: str
    seal: bytes

    @property
    def resource(self) -> str:
        name = resource_of(self.epoch, seq_of(self.place))
        return name if self.takes is Takes.PAYLOAD else f"{name}/observation"

    def to_json(self) -> dict[str, Any]:
        return {
            "index": seq_of(self.place),
            "epoch": self.epoch,
            "kind": self.kind,
            "takes": self.takes.value,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """`held` and `needed` were spared: by a legal hold, or by a proposal still open. `left`: for the next run."""

    items: tuple[Item, ...]
    until: dict[str, str]
    held: int
    needed: int
    left: int

    def to_json(self) -> dict[str, Any]:
        rules = [
            {"kind": r.kind, "takes": r.takes.value, "leastDays": r.least_days, "keptUntil": self.until.get(r.kind)}
            for r in RULES
        ]
        items = [item.to_json() for item in self.items]
        return {"rules": rules, "items": items, "held": self.held, "needed": self.needed, "left": self.left}


def days_of(settings: Settings) -> dict[str, int]:
    """Days by kind, as the settings say. Raises ConfigError for a kind without a rule, or too few days."""
    known = {rule.kind: rule for rule in RULES}
    for kind, days in settings.records.retention.items():
        rule = known.get(kind)
        if rule is None:
            raise ConfigError(f"records.retention: {kind} cannot be given a time; known are {', '.join(known)}")
        if days < rule.least_days:
            raise ConfigError(f"records.retention.{kind}: at least {rule.least_days} days: {rule.why}")
    return settings.records.retention


def plan(brain: Select, views: Select, tenant: str, settings: Settings, now_ms: int) -> Plan:
    """What would go now, oldest first within each kind."""
    today, found, held, needed = now_ms - now_ms % DAY, [], 0, 0
    until = {kind: today - days * DAY for kind, days in days_of(settings).items()}
    epochs = {row["log_id"]: row["epoch"] for row in brain(LOGS, {"tenant": tenant})}
    covered = holds(brain, tenant)
    for rule in RULES:
        if rule.kind not in until:
            continue
        for item, proposal in _due(brain, views, tenant, epochs, rule, until[rule.kind]):
            if covered.cover(index=seq_of(item.place), kind=item.kind, proposal=proposal):
                held += 1
            elif proposal is not None and _is_open(brain, tenant, proposal):
                needed += 1
            else:
                found.append(item)
    named = {kind: utc_text(ms) for kind, ms in until.items()}
    return Plan(tuple(found[:MOST]), named, held, needed, max(0, len(found) - MOST))


def _due(
    brain: Select, views: Select, tenant: str, epochs: Mapping[int, int], rule: Rule, until: int
) -> list[tuple[Item, str | None]]:
    """What a rule takes, in all logs of the studio, with the proposal that it belongs to. `epochs` by log id."""
    due: list[tuple[Item, str | None]] = []
    if rule.takes is Takes.ROWS:
        for row in views(OBSERVATIONS, {"tenant": tenant, "until": until, "kept": KEPT_DAYS}):
            at, seal = row["place"], bytes(row["state_hash"])
            due.append((Item(rule.kind, epochs[at >> INDEX_BITS], at, rule.takes, row["day"], seal), None))
        return due
    for log_id, epoch in epochs.items():
        bounds = {"first": place(log_id, 0), "last": place(log_id + 1, 0), "kind": rule.kind, "until": until}
        for row in brain(PAYLOADS, bounds):
            proposal = decode(bytes(row["body"])).data.get("proposalId")
            item = Item(rule.kind, epoch, row["place"], rule.takes, utc_text(row["at_ms"]), bytes(row["seal"]))
            due.append((item, proposal if isinstance(proposal, str) else None))
    return due


def _is_open(brain: Select, tenant: str, proposal: str) -> bool:
    rows = brain(OPEN_STATE, {"tenant": tenant, "id": proposal})
    return bool(rows) and rows[0]["state"] in OPEN


class Run:
    """`keeper.Operation` for `retention.run`."""

    def preview(self, office: Office, tenant: str, input: Mapping[str, Any]) -> Preview:
        office.projections.catch_up()
        brain, views = selecting(office.databases.brain), selecting(office.databases.views)
        due = plan(brain, views, tenant, office.settings, office.clock.now_ms())
        if not due.items:
            raise Refusal(ReasonCode.NOTHING_TO_DO, f"nothing is due; {due.held} held, {due.needed} still needed")
        _require_copies(office, brain, tenant, due.items)
        changes = tuple(Change(item.resource, item.takes.value, f"{item.kind}, {item.at}", GONE) for item in due.items)
        seen = tuple(Seen(item.resource, to_text(item.seal), sha256(item.seal)) for item in due.items)
        return Preview(changes, seen, {"until": due.until})

    def execute(self, office: Office, tenant: str, call: WriteCall) -> dict[str, Any]:
        views = selecting(office.databases.views)

        def work(unit: Unit) -> dict[str, int]:
            brain = on(unit.conn)
            due = plan(brain, views, tenant, office.settings, unit.now_ms)
            if {item.resource: sha256(item.seal) for item in due.items} != {s.resource: s.sha256 for s in call.seen}:
                raise Refusal(ReasonCode.STALE, "another list than the one that was approved")
            return _take(unit, views, due, call)

        office.replay.forget()
        counts = office.gateway.writer.submit(tenant, work).result().value
        office.replay.forget()
        office.projections.catch_up()
        wiped = wipe(office.databases, [], rewrite=True)
        return {"taken": counts, "detail": wiped.detail}

    def read_back(self, office: Office, tenant: str, call: WriteCall) -> ReadBack:
        office.projections.catch_up()
        brain, views = selecting(office.databases.brain), selecting(office.databases.views)
        there = {
            item.resource
            for item in plan(brain, views, tenant, office.settings, office.clock.now_ms()).items
            if item.resource in {seen.resource for seen in call.seen}
        }
        names = [seen.resource for seen in call.seen]
        kinds = {name: Takes.ROWS if name.endswith("/observation") else Takes.PAYLOAD for name in names}
        changes = tuple(
            Change(name, takes.value, None, "still there" if name in there else GONE) for name, takes in kinds.items()
        )
        return ReadBack(Settled.NOT_DONE if there else Settled.DONE, changes)


def _require_copies(office: Office, brain: Select, tenant: str, items: Sequence[Item]) -> None:
    """Every entry concerned is checkpointed and, where there are vaults, in as many as the settings ask for."""
    for log in brain(LOGS, {"tenant": tenant}):
        mine = [seq_of(item.place) for item in items if item.place >> INDEX_BITS == log["log_id"]]
        if mine:
            _require_copies_of(office, brain, tenant, log, max(mine) + 1)


def _require_copies_of(office: Office, brain: Select, tenant: str, log: Row, need: int) -> None:
    """The first `need` entries of one log."""
    settings = office.settings.records
    signed = brain("SELECT max(size) AS size FROM checkpoint WHERE log_id = :log_id", {"log_id": log["log_id"]})
    if need > (signed[0]["size"] or 0):
        raise Refusal(ReasonCode.AUDIT_UNAVAILABLE, f"no signed checkpoint covers entry {need - 1}")
    if not settings.vault:
        return

    logs = [row["log_id"] for row in brain(LOGS, {"tenant": tenant})]

    def held(name: str) -> int:
        def told(conn: Connection) -> list[Mapping[str, Any] | None]:
            """What each log says last of this vault: a copy is told in the log that was the latest then."""
            return [last_data(conn, log_id, stream_of(name, log["origin"])) for log_id in logs]

        return max((int(last.get("size", 0)) for last in office.databases.brain.reading(told) if last), default=0)

    copies = sum(held(vault.name) >= need for vault in settings.vault)
    if copies < settings.vaults_required:
        raise Refusal(ReasonCode.NOT_VAULTED, f"{copies} of {settings.vaults_required} vaults hold entry {need - 1}")


def _take(unit: Unit, views: Select, due: Plan, call: WriteCall) -> dict[str, int]:
    """Erases and seals, in one unit: one entry for each payload, and one for the run that names the rows."""
    counts: dict[str, int] = {}
    for item in due.items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    payloads = [p for i in due.items if i.takes is Takes.PAYLOAD for p in stored(unit.conn, BY_PLACE, i.place)]
    erase(unit, payloads, call, capability=CAPABILITY, reason="its time was over")
    places = [item.place for item in due.items if item.takes is Takes.ROWS]
    approved = find_proposal(unit.conn, unit.tenant, call.proposal)
    unit.append(
        gateway_event(
            PRUNED,
            STREAM,
            Actor(ActorType.SYSTEM, "records", unit.tenant, Role.OWNER, via="engine"),
            call.correlation_id,
            capability=CAPABILITY,
            target="records",
            proposal=call.proposal,
            rationale="" if approved is None else approved.rationale,
            state="ran",
            input_hash=sha256(canonical_entry(call.input)),
            request_id=call.request_id,
            taken=counts,
            until=due.until,
            held=due.held,
            needed=due.needed,
            left=due.left,
            places=places,
            diffs=_diffs_of(views, unit.tenant, frozenset(places)),
            executedFor=call.actor,
            approvedBy=call.approved_by,
        )
    )
    return counts


def _diffs_of(views: Select, tenant: str, places: frozenset[int]) -> list[list[str]]:
    """The comparisons of days that go with these observations."""
    gone = {row["day"] for row in views(DAYS, {"tenant": tenant}) if row["place"] in places}
    pairs = views(DIFFS, {"tenant": tenant})
    return [[p["from_day"], p["to_day"]] for p in pairs if p["from_day"] in gone or p["to_day"] in gone]


def _dry_run(settings: Settings) -> Query:
    """What a run would take now; looking changes nothing. Times that are not allowed stop the start."""
    days_of(settings)

    def run(sources: Sources, tenant: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return plan(sources.brain, sources.views, tenant, settings, sources.now_ms).to_json()

    return Query("retention.due", "retention.read", run)


TOPIC: Final = Topic(
    capabilities=(
        Capability(
            id=CAPABILITY,
            title="Let go of what its time is over of",
            description="Destroys payloads and derived rows that the settings give a time to. Entries and proofs stay.",
            target="record",
            mode=Mode.OUTSIDE,
            risk=Risk.HIGH,
            role=Role.OWNER,
            owner="records",
            failure_mode="nothing goes, or all of the list does; which one is read back",
            test="tests/domains/records/test_retention.py",
            rationale=True,
            outside=Outside(
                connector=ID,
                operation=CAPABILITY,
                staleness=Staleness.CHECKED,
                idempotency=Idempotency.READ_BACK,
                rollback=None,
                rollback_note="What has gone cannot be brought back, not from a vault either.",
            ),
            scope=Scope.RECORD,
            effects=frozenset({EffectClass.RECORDS}),
            limits=per_hour(actor=20, owner=20, capability=20, tenant=400),
            escalation=(Role.OWNER,),
        ),
    ),
    kinds=frozenset({PRUNED}),
    settled=lambda settings: (_dry_run(settings),),
)
