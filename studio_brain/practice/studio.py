"""One practice studio: its clock, documents, accounts and journal, brought up from a seed or from its folder."""

import gc
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from . import clock as practice_clock
from . import days, journal, keys, resources, world
from .accounts import Account, Accounts, from_json
from .clock import PracticeClock
from .indexes import Indexes
from .options import PracticeOptions
from .paths import Root
from .rules import Rules
from .store import HISTORY_US, Change, Commit, Store

DAY_MS = practice_clock.DAY // practice_clock.MS


class OtherWorld(Exception):
    """A folder holds a studio that this version cannot go on with."""


@dataclass
class Studio:
    """`notes` say what a person should know about how it came up."""

    options: PracticeOptions
    clock: PracticeClock
    store: Store
    accounts: Accounts
    keys: keys.Keys
    root: Root
    rules: Rules
    indexes: Indexes
    day: int = 0
    seeded_us: int = 0
    notes: list[str] = field(default_factory=list)
    _journal: journal.Journal | None = None
    _seed_accounts: dict[str, Account] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        return self.options.seed

    def advance(self, count: int) -> list[dict[str, int]]:
        """Lives through so many days; for each its number and how many documents changed."""
        lived = []
        for _ in range(count):
            if self._journal is not None:
                self._journal.begin_day()
            changed = days.live(self.store, self.seed, self.day + 1)
            self.day += 1
            self.clock.shift_ms += DAY_MS
            if self._journal is not None:
                self._journal.end_day(self.day, self.clock.shift_ms)
            lived.append({"day": self.day, "documents": changed})
        return lived

    def reset(self) -> None:
        """As just started: a fresh seed, the clock shifted as at first; what was is gone, from the folder too."""
        self.store.listener = self.accounts.listener = None
        self.clock.shift_ms = -self.options.days_ago * DAY_MS
        self.clock.last_us = 0  # the next commits come before those that are gone
        self.store.clear()
        for account in self.accounts.all():
            self.accounts.restore(account.uid, None)
        self.day = 0
        self.seeded_us = self.clock.now_us()
        self._build()
        if self._journal is not None:
            self._journal.start([self._start_entry()])
        self._listen()

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    # --- coming up ---

    def _build(self) -> None:
        seeded = world.build(self.store, self.seed, self.options.batches, self.seeded_us)
        self._seed_accounts = {account.uid: account for account in seeded}
        self.accounts.seed(seeded)

    def _listen(self) -> None:
        if self._journal is not None:
            self.store.listener = self._journal.commit
            self.accounts.listener = self._note_account

    def _note_account(self, uid: str, account: Account | None) -> None:
        if self._journal is not None:
            self._journal.write(_account_entry(uid, account))

    def _start_entry(self) -> journal.Entry:
        return {
            "k": "start",
            "world": world.WORLD_VERSION,
            "project": self.options.project,
            "seed": self.seed,
            "batches": self.options.batches,
            "seededUs": self.seeded_us,
            "day": self.day,
            "shiftMs": self.clock.shift_ms,
        }

    def _replay(self, entries: list[journal.Entry]) -> tuple[dict[str, Change], list[Commit]]:
        """Documents that differ from the seed, folded up to an hour before the end, and the commits after that."""
        commits: list[Commit] = []
        base: dict[str, Change] = {}
        for entry in _flat(entries):
            kind = entry["k"]
            if kind == "base":
                base |= {change.path: change for change in journal.changes(entry["docs"])}
            elif kind == "commit":
                commits.append(Commit(entry["at"], tuple(journal.changes(entry["docs"]))))
            elif kind == "account":
                self.accounts.restore(entry["account"]["uid"], from_json(entry["account"]))
            elif kind == "gone":
                self.accounts.restore(entry["uid"], None)
            elif kind in ("start", "day"):
                self.day, self.clock.shift_ms = entry["day"], entry["shiftMs"]
        horizon = (commits[-1].at if commits else 0) - HISTORY_US
        for commit in commits:
            if commit.at <= horizon:
                base |= {change.path: change for change in commit.changes}
        return base, [commit for commit in commits if commit.at > horizon]

    def _restore(self, entries: list[journal.Entry]) -> None:
        base, recent = self._replay(entries)
        for change in sorted(base.values(), key=lambda change: change.updated):
            self.store.restore(change)
        for commit in recent:
            for change in commit.changes:
                self.store.restore(change)
            self.clock.last_us = max(self.clock.last_us, commit.at)
        if self._journal is not None:
            differing = [
                _account_entry(account.uid, account)
                for account in self.accounts.all()
                if self._seed_accounts.get(account.uid) != account
            ]
            gone = [_account_entry(uid, None) for uid in self._seed_accounts if self.accounts.get(uid) is None]
            self._journal.start(journal.compacted(self._start_entry(), base, recent, [*differing, *gone]))

    def describe(self) -> dict[str, Any]:
        return {
            "project": self.options.project,
            "studio": identity(),
            "seed": self.seed,
            "batches": self.options.batches,
            "day": self.day,
            "shiftMs": self.clock.shift_ms,
            "now": practice_clock.text(self.clock.now_us()),
            "notes": self.notes,
        }


def identity() -> dict[str, str]:
    """The studio's name and time zone."""
    data = resources.load("studio.json")
    return {"name": data["name"], "timeZone": data["timeZone"]}


def open_studio(
    options: PracticeOptions, wall: Callable[[], int] | None = None, own_keys: keys.Keys | None = None
) -> Studio:
    """A studio from its folder, or a new one. Raises journal.Damaged, journal.InUse, OtherWorld.

    `wall` is the machine's clock in nanoseconds since 1970; `own_keys` stand in for those of the folder, or new ones.
    """
    shift_ms = -options.days_ago * DAY_MS
    clock = PracticeClock(shift_ms) if wall is None else PracticeClock(shift_ms, wall)
    kept = journal.Journal(options.state) if options.state is not None else None
    own_keys = own_keys or keys.make(options.state)
    store = Store(clock)
    studio = Studio(
        options=options,
        clock=clock,
        store=store,
        accounts=Accounts(options.project, clock, own_keys),
        keys=own_keys,
        root=Root(options.project),
        rules=Rules(resources.load("rules.json")),
        indexes=Indexes(resources.load("indexes.json")["indexes"]),
        _journal=kept,
    )
    gc.disable()  # many small objects that all stay: collecting while they are made finds nothing
    try:
        _bring_up(studio, kept)
    except BaseException:
        studio.close()
        raise
    finally:
        gc.enable()
    return studio


def _bring_up(studio: Studio, kept: journal.Journal | None) -> None:
    entries, note = journal.read(kept.path) if kept is not None else ([], None)
    if note is not None:
        studio.notes.append(note)
    if entries:
        _adopt(studio, entries[0])
    else:
        studio.seeded_us = studio.clock.now_us()
    studio._build()
    if entries:
        studio._restore(entries)
    elif kept is not None:
        kept.start([studio._start_entry()])
    studio._listen()


def _adopt(studio: Studio, start: journal.Entry) -> None:
    """A kept studio goes on as it was begun; other options than those then are only noted."""
    if start.get("k") != "start" or start["world"] != world.WORLD_VERSION:
        raise OtherWorld("the folder holds a studio of another version: start with an empty folder")
    wanted = asdict(studio.options)
    for name in ("project", "seed", "batches"):
        if wanted[name] != start[name]:
            studio.notes.append(f"{name}: the kept studio was begun with {start[name]!r} and goes on so")
            wanted[name] = start[name]
    studio.options = PracticeOptions(**wanted)
    studio.seeded_us = start["seededUs"]
    if studio.root.project != start["project"]:
        studio.root = Root(start["project"])
        studio.accounts.project = start["project"]


def _flat(entries: list[journal.Entry]) -> list[journal.Entry]:
    """Days unpacked, each followed by the shift after it."""
    flat: list[journal.Entry] = []
    for entry in entries:
        if entry["k"] == "day":
            flat += entry["entries"]
        flat.append(entry)
    return flat


def _account_entry(uid: str, account: Account | None) -> journal.Entry:
    return {"k": "gone", "uid": uid} if account is None else {"k": "account", "account": account.to_json()}
