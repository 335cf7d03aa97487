"""What the window knows and every pane shares: the engine and how it is, the studio, who acts, switches, connectors.

The desk listens to the engine, keeps the little that header and banners show, and passes the rest on. Panes ask through
it, so that no pane has to know whether the engine is there, may write, or was just started again.

    opened      the engine answers (again): load what you show
    first_page  what the files held before the engine was ready
    moved       (topic, data): receipts, state, connectors, switches, session, progress, seals
    changed     something that header or banners show
    wanted      (pane, record): somebody asked to see this there
    said        one sentence for the status bar
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from . import words
from .child import Life
from .engine_client import Engine, Reply
from .seals import Seals
from .times import Zone

if TYPE_CHECKING:
    from .practice_process import PracticeStudio

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """An account of this studio."""

    id: str
    name: str
    role: str


class Desk(QObject):
    """Shared by header, banners and panes. `state` is starting, ready, read-only, failed, restarting or down."""

    opened = Signal()
    first_page = Signal(object)
    moved = Signal(str, object)
    changed = Signal()
    wanted = Signal(str, object)
    said = Signal(str)

    def __init__(self, engine: Engine, practice: "PracticeStudio | None" = None) -> None:
        super().__init__()
        self.engine = engine
        self.practice = practice
        self.state = "starting"
        self.fault: Json | None = None
        self.tenant = ""
        self.studio = ""
        self.zone = Zone()
        self.people: tuple[Person, ...] = ()
        self.actor: Person | None = None
        self.is_practice = practice is not None
        self.keys = ""
        self.switches: list[Json] = []
        self.contacts: list[Json] = []
        self.reasons: dict[str, Json] = {}
        self.capabilities: list[Json] = []
        self.seals = Seals()
        self.lost: Json | None = None
        self.observed_at: str | None = None
        self.first: Json | None = None
        engine.event.connect(self._event)
        engine.life_changed.connect(self._lives)
        if practice is not None:
            practice.ready.connect(self._practice_ready)
            practice.life_changed.connect(lambda _: self.changed.emit())
        self._lives(engine.life)
        engine.listen()

    # asking

    def ask(self, op: str, args: Json | None = None) -> Reply:
        return self.engine.ask(op, args)

    def query(self, name: str, **params: Any) -> Reply:
        return self.engine.ask("query", {"name": name, "params": params})

    def perform(self, capability: str, payload: Json, rationale: str = "", key: str | None = None) -> Reply:
        args: Json = {"capability": capability, "payload": payload, "rationale": rationale}
        return self.engine.ask("perform", args | ({"key": key} if key else {}))

    def use_account(self, id: str) -> Reply:
        """Everything that follows is done as this account."""
        reply = self.ask("session.use", {"tenant": self.tenant, "actor": id})
        reply.done.connect(self._use)
        return reply

    def look_again(self) -> None:
        """Asks the engine anew how this studio is, after its log was mended."""
        actor = "" if self.actor is None else self.actor.id
        self.ask("session.use", {"tenant": self.tenant, "actor": actor}).done.connect(self._use)

    @property
    def live(self) -> bool:
        """Whether the engine answers."""
        return self.state in ("ready", "read-only")

    def why_not_write(self) -> str:
        """Why nothing can be changed from this window now; empty when it can."""
        if self.state == "ready" and self.lost is not None:
            return "The evidence log was set back; the banner says what can be done. Until then nothing is written."
        return {
            "starting": "The engine is starting; this works in a moment.",
            "restarting": "The engine is being started again; until then this window is read-only.",
            "down": "The engine is down; start it again from the banner.",
            "failed": "The engine could not open this home; the banner says why.",
            "read-only": "Another cockpit runs the engine of this home; this window is read-only.",
        }.get(self.state, "")

    def now_ms(self) -> int | None:
        return self.engine.clock.now_ms()

    def person(self, id: str | None) -> str:
        """The name of an account, or what can be said of the actor."""
        if not id:
            return "nobody"
        if id == "engine":
            return "the engine"
        return next((person.name for person in self.people if person.id == id), id)

    def reason(self, code: str | None) -> tuple[str, str]:
        """(sentence, remedy) of a reason code; the code in words while the engine has not told them."""
        if not code:
            return "", ""
        found = self.reasons.get(code)
        return (words.sentence(words.readable(code)), "") if found is None else (found["sentence"], found["remedy"])

    @property
    def titles(self) -> dict[str, str]:
        return {capability["id"]: capability["title"] for capability in self.capabilities}

    @property
    def offline(self) -> Json | None:
        """The contact that says that the studio's cloud is out of reach; None while it is not."""
        order = ("down", "refused", "degraded")
        bad = [contact for contact in self.contacts if contact.get("state") in order]
        return min(bad, key=lambda contact: order.index(contact["state"])) if bad else None

    def observed(self, at: str | None) -> None:
        """A pane has shown the state of this moment."""
        if at != self.observed_at:
            self.observed_at = at
            self.changed.emit()

    def verified(self, report: Json) -> None:
        self.seals.verified(report)
        self.moved.emit("seals", report)

    # hearing

    def _event(self, topic: str, data: Json) -> None:
        if topic == "first":
            self._first(data)
        elif topic == "engine":
            self._engine(data)
        elif topic == "session":
            self._restored(data)
        else:
            if topic == "continuity":
                self.look_again()
            elif topic == "connectors":
                self._ask_into("connectors.list", self._contacts)
            elif topic == "receipts" and any(str(r.get("kind", "")).startswith("killswitch.") for r in data["rows"]):
                self._ask_into("switches.list", self._switches)
            self.moved.emit(topic, data)

    def _first(self, page: Json) -> None:
        if self.live:
            return  # an engine that was started again: what is shown is not older
        tenant = page["tenant"]
        self.first = page
        self.tenant, self.studio = tenant["id"], tenant["name"]
        self.people = tuple(Person(a["id"], a["name"], a["role"]) for a in tenant["accounts"])
        if self.actor is None and self.people:
            self.actor = self.people[0]
        if tenant.get("timeZone"):
            self.zone = Zone(tenant["timeZone"])
        self.switches = page.get("switches") or []
        self.first_page.emit(page)
        self.changed.emit()

    def _engine(self, data: Json) -> None:
        self.state = data["state"]
        self.fault = data.get("error")
        if self.live:
            self._here(data)
            self._load()
        self.changed.emit()
        if self.live:
            self.opened.emit()

    def _here(self, data: Json) -> None:
        self.tenant = data["tenant"]
        if data["actor"]["id"] and (self.actor is None or not self._asked_for_another()):
            self.actor = Person(data["actor"]["id"], data["actor"]["name"], data["actor"]["role"])
        self.is_practice = bool(data.get("practice"))
        self.lost = data.get("lost")

    def _asked_for_another(self) -> bool:
        """After a restart the engine's greeting names the first account; the one in use is told to it again."""
        return self.actor is not None and self.people != () and self.actor.id != self.people[0].id

    def _load(self) -> None:
        self._ask_into("session.who", self._who)
        self._ask_into("switches.list", self._switches)
        self._ask_into("connectors.list", self._contacts)
        self.ask("capabilities").done.connect(self._capabilities)
        if not self.reasons:
            self.ask("reasons").done.connect(self._reasons)

    def _ask_into(self, name: str, take: Callable[[Any], None]) -> None:
        self.query(name).done.connect(take)

    def _who(self, who: Json) -> None:
        self.studio, self.keys = who["tenantName"] or who["tenant"], who["keys"]
        self.zone = Zone(who["timeZone"])
        self.people = tuple(Person(a["id"], a["name"], a["role"]) for a in who["accounts"])
        self.is_practice = bool(who["practice"])
        self.changed.emit()
        self.moved.emit("who", who)

    def _use(self, here: Json) -> None:
        actor = here["actor"]
        self.actor = Person(actor["id"], actor["name"], actor["role"])
        self.lost = here.get("lost")
        self.changed.emit()
        self.moved.emit("session", here)

    def _restored(self, answer: Json) -> None:
        """The engine was started again and told who acts; when it knows that account no longer, the first one does."""
        if "ok" in answer:
            self._use(answer["ok"])
        else:
            self.ask("session.use", {"tenant": self.tenant}).done.connect(self._use)

    def _switches(self, switches: list[Json]) -> None:
        self.switches = switches
        self.changed.emit()
        self.moved.emit("switches", switches)

    def _contacts(self, contacts: list[Json]) -> None:
        self.contacts = contacts
        self.changed.emit()
        self.moved.emit("contacts", contacts)

    def _capabilities(self, capabilities: list[Json]) -> None:
        self.capabilities = capabilities
        self.moved.emit("capabilities", capabilities)

    def _reasons(self, reasons: dict[str, Json]) -> None:
        self.reasons = reasons
        self.moved.emit("reasons", reasons)

    def _lives(self, life: str) -> None:
        if life == Life.RESTARTING:
            self.state = "restarting"
        elif life == Life.DOWN:
            self.state = "down"
        elif life == Life.STARTING:
            self.state = "starting"
        else:
            return
        self.changed.emit()

    def _practice_ready(self, document: Json) -> None:
        if self.engine.life is not Life.ENDED and self.state in ("ready", "read-only", "failed", "down"):
            self.engine.retry()  # the practice studio came back with other addresses
        self.engine.release()
        self.changed.emit()
