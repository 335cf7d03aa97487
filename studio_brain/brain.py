"""The composition root: the only file that knows domains and connectors together.

`Brain` opens a home, checks settings and keys, brings the databases up to date, puts gateway, connectors and domains
together, and offers the two paths: `perform` and `query`. What runs by itself lives in `engine`.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import platformdirs

from .clouds import Clouds
from .connectors.functions.operations import OPERATIONS
from .connectors.transport import Transport
from .connectors.witness.client import WitnessClient
from .domains.compliance import manifest as compliance
from .domains.compliance.classify import rules as compliance_rules
from .domains.compliance.decide import Intake
from .domains.incidents import manifest as incidents
from .domains.installation.manifest import installation_manifest
from .domains.installation.queries import Installed
from .domains.installation.rebuild import Rebuild
from .domains.records import manifest as records
from .domains.records.continuity import Continuity
from .domains.records.epochs import RotateKey, StartEpoch, follow_key
from .domains.records.office import Office
from .domains.studio import manifest as studio
from .domains.studio.observe import Snapshot
from .evidence.note import VerifierKey
from .flows import STORIES
from .flows.runner import Runner
from .gateway import catalogue, quota_desk, rows
from .gateway import manifest as gateway_manifest
from .gateway.execution import Executor, Process, Storage
from .gateway.integrity import Progress, Report, check
from .gateway.perform import Gateway, Performed, Session
from .gateway.recovery import Recovery
from .gateway.registry import Manifest, Registry, RegistryError, narrowed
from .gateway.rollback import Rollback
from .gateway.switches import SYSTEM
from .home import installation as installations
from .home.files import free_bytes, make_home
from .home.installation import CurrentSigner, Installation, LockedSigner, SigningKey
from .home.pins import PinPlaces
from .home.practice import FILE as PRACTICE_FILE
from .home.practice import Practice, read_practice
from .home.process import is_alive, own_name, uptime
from .home.secrets import LockedStore, SecretStore
from .home.settings import FILE, Settings, TenantSettings, checked, load_settings
from .home.unlock import PassphraseSource, open_secrets
from .kernel.clock import Clock, ShiftedClock, utc_ms
from .kernel.errors import ConfigError, StudioBrainError
from .kernel.ids import Uuid7Source
from .kernel.policy import Actor, ActorType
from .kernel.reasons import ReasonCode
from .store.database import Databases, open_databases, selecting
from .store.migrate import migrate
from .store.projections import Projections
from .store.reading import Sources
from .store.replay import Replay
from .store.sequencer import Sequencer
from .store.writer import OnCommit, Writer
from .telemetry.logs import Logger, open_log
from .telemetry.metrics import Metrics

PRACTICE_VAULT: Final = "practice-vault"
"""Name and folder, within the home, of the vault that a practice home has without settings."""


@dataclass(frozen=True)
class Opening:
    """How a home is to be opened. `passphrase` is asked only where there is no keyring."""

    home: Path
    config: Path | None = None
    passphrase: PassphraseSource | None = None
    via: str = "cli"
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(os.environ))


class Brain:
    """An open home. Make it with `Brain.open`; use it as an asynchronous context manager."""

    def __init__(
        self,
        opening: Opening,
        settings: Settings,
        practice: Practice | None,
        installation: Installation,
        secrets: SecretStore,
        signer: SigningKey | LockedSigner,
    ) -> None:
        self.opening = opening
        self.home = opening.home
        self.settings = settings
        self.installation = installation
        self.secrets = secrets
        self.clock: Clock = ShiftedClock(0 if practice is None else practice.shift_ms)
        self.practice = practice
        self.metrics = Metrics()
        self.log: Logger
        self.log, self._log_file = open_log(opening.home, opening.via, settings.engine.log_level)
        self.databases: Databases = open_databases(opening.home, settings.database.url)
        migrate(self.databases.brain)
        rows.prepare(self.databases.brain)
        self._listeners: list[OnCommit] = []
        self._watchers: list[Callable[[str, dict[str, Any]], None]] = []
        ids = Uuid7Source(self.clock)
        self._signer = CurrentSigner(signer)
        self.writer = Writer(
            Sequencer(self.databases.brain, self._signer, installation.origin_prefix, rows.apply, self.clock, ids),
            self._committed,
        )
        logs = [SYSTEM, *(tenant.id for tenant in settings.tenant)]
        places = PinPlaces(secrets, _pin_folder(opening.home, settings, installation))
        self.continuity = Continuity(
            self.databases.brain,
            self.writer,
            places,
            self._signer,
            self.clock,
            logs,
            lambda: self._tell("continuity", {}),
        )
        self.continuity.check()
        self.transport = Transport(self.clock)
        self.clouds = Clouds(settings, secrets, self.transport, self.clock, practice)
        self.connectors = self.clouds.connectors
        installed = Installed(settings, installation, secrets.kind)
        manifests = manifests_of(settings, installed)
        self.registry = Registry(manifests, OPERATIONS_OF)
        self.projections = Projections(self.databases, [p for m in manifests for p in m.projections])
        self.projections.prepare()
        everything = [rows.GATEWAY, *(p for m in manifests for p in m.projections)]
        self.replay = Replay(self.databases, everything, opening.home / "replay")
        carriers = {tenant: dict(found) for tenant, found in self.connectors.items()}
        self.gateway = Gateway(self.registry, self.databases.brain, self.writer, carriers, self.clock, ids, uptime)
        self.gateway.intake = Intake(compliance_rules())
        self.executor = Executor(
            self.gateway,
            self.clock,
            Process(own_name(), is_alive),
            settings.engine.write_deadline_s,
            Storage(partial(free_bytes, opening.home), settings.engine.reserve_mb * 1_000_000),
        )
        self.recovery = Recovery(self.executor)
        self.stories = Runner(
            STORIES,
            self.databases,
            self.registry,
            self.perform,
            [tenant.id for tenant in settings.tenant],
            lambda story, code, detail: self.log.warning("story", story=story, reason=code, detail=detail[:300]),
        )
        zones = {tenant.id: tenant.time_zone for tenant in settings.tenant}
        self.gateway.procedures |= {
            "proposal.execute": self.executor,
            "proposal.rollback": Rollback(self.gateway),
            "studio.snapshot": Snapshot(self.gateway, self.clouds.readers, zones, settings.engine.read_deadline_s),
            "system.rebuild": Rebuild(self.gateway, self.projections),
        }
        self.office = Office(
            home=opening.home,
            settings=settings,
            installation=installation,
            signer=self._signer,
            databases=self.databases,
            projections=self.projections,
            replay=self.replay,
            gateway=self.gateway,
            clock=self.clock,
            key_of=self.verifier_key,
            courier=WitnessClient(self.transport),
            mended=self.continuity.check,
            known_size=self._known_size,
            anchors=self.continuity.anchors,
            tell=self._tell,
        )
        pins = self.continuity.pins
        self.gateway.procedures |= records.procedures(self.office)
        self.gateway.procedures |= {
            "evidence.start_epoch": StartEpoch(
                self.gateway, pins, self.continuity.check, lambda: self._signer.public_key
            ),
            "evidence.rotate_key": RotateKey(self.gateway, self.writer, pins, self._signer, self._new_key),
        }
        if not isinstance(signer, LockedSigner):
            self._follow_key()
        for tenant_id, found in carriers.items():
            found[records.KEEPER] = records.keeper(self.office, tenant_id)

    @classmethod
    def open(cls, opening: Opening, *, unlock: bool = True) -> Self:
        """Checks settings, unlocks the signing key, migrates. Raises StudioBrainError that says what to mend.

        Without `unlock` nothing can be sealed and no secret is read: enough for looking and verifying.
        """
        make_home(opening.home)
        practice = read_practice(opening.home)
        settings = read_settings(opening, practice)
        installation = installations.read_installation(opening.home)
        practising = settings.practice if installation is None else installation.practice
        if practising != settings.practice:
            raise ConfigError(
                "this home was set up for another kind of studio (practice or real)",
                code=ReasonCode.PRACTICE_KEY_REFUSED,
            )
        if installation is not None and not unlock:
            return cls(opening, settings, practice, installation, LockedStore(), LockedSigner(installation.public_key))
        id = installations.new_id() if installation is None else installation.id
        secrets = open_secrets(opening.home, id, practice=practising, passphrase=opening.passphrase)
        if installation is None:
            installation = installations.create_installation(opening.home, id, secrets, practice=practising)
        signer = installations.load_signing_key(installation, secrets)
        return cls(opening, settings, practice, installation, secrets, signer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Commits what is queued, then lets go of everything."""
        await self.transport.close()
        await asyncio.to_thread(self.writer.close)
        await asyncio.to_thread(self.continuity.pins.close)
        try:
            await asyncio.to_thread(self.projections.catch_up)
            await asyncio.to_thread(self.databases.views.writing, self.metrics.flush)
        except StudioBrainError as error:
            self.log.warning("views not brought up to date", code=error.code.value)
        self.replay.close()
        self.databases.close()
        self._log_file.close()

    # the two paths

    async def perform(
        self,
        capability: str,
        payload: Mapping[str, Any],
        session: Session,
        *,
        rationale: str = "",
        key: str | None = None,
        corr: str | None = None,
    ) -> Performed:
        """`Gateway.perform`, counted and logged."""
        began = self.clock.monotonic()
        done = await self.gateway.perform(capability, payload, session, rationale=rationale, key=key, corr=corr)
        took_ms = int((self.clock.monotonic() - began) * 1000)
        code = "" if done.code is None else done.code.value
        self.metrics.count("performed", capability=capability[:80], outcome=done.outcome, reason=code)
        self.metrics.duration("perform", took_ms, capability=capability[:80])
        self.log.info(
            "performed",
            tenant=session.tenant,
            actor=session.actor.id,
            capability=capability[:80],
            corr=done.corr,
            outcome=done.outcome,
            reason=code,
            took_ms=took_ms,
        )
        return done

    async def query(
        self, name: str, params: Mapping[str, Any], session: Session, as_of: Mapping[str, Any] | None = None
    ) -> Any:
        """`Gateway.query` on views that hold everything the log held when it was asked.

        `as_of` asks how it stood: {"index": n} of the studio's log, or {"time": "YYYY-MM-DDTHH:MM:SS.mmmZ"}.
        """
        if as_of:
            await self.gateway.authorize("evidence.read", session)
            then = await asyncio.to_thread(self.as_of, session.tenant, **moment_of(as_of))
            return await self.gateway.query(name, params, session, then)
        if await asyncio.to_thread(self.projections.lag):
            await asyncio.to_thread(self.projections.catch_up)
        return await self.gateway.query(name, params, session, self.sources())

    def as_of(self, tenant: str, *, index: int | None = None, at_ms: int | None = None) -> Sources:
        """Everything derived, and the logs, as they were: what every query can be answered from."""
        return self.replay.sources(self.replay.cut(tenant, index=index, at_ms=at_ms))

    def sources(self) -> Sources:
        brain, views = self.databases.brain, self.databases.views
        return Sources(selecting(brain), selecting(views), self.clock.now_ms(), brain.dialect)

    async def batches(self, state: str, session: Session, limit: int = 200) -> list[dict[str, Any]]:
        """Batches of a state as the cloud has them now, to choose one from: id, title, state."""
        await self.gateway.authorize("studio.read", session)
        return await self.clouds.batches(session.tenant, state, limit)

    async def verify(self, session: Session, progress: Progress | None = None) -> Report:
        """Checks this studio's log and the installation's own from their bytes, and the gateway's rows against them."""
        await self.gateway.authorize("evidence.read", session)
        tenants = frozenset({session.tenant, SYSTEM})
        anchors = await asyncio.to_thread(self.continuity.anchors, tenants)
        return await asyncio.to_thread(check, self.databases.brain, tenants, self.verifier_key, progress, anchors)

    # who, where

    def session(self, tenant: str | None, actor: str | None, via: str = "") -> Session:
        """The session of an account in a studio. One studio or one account need not be named."""
        found = self._tenant(tenant)
        account = next((a for a in found.account if actor in (None, a.id, a.email)), None)
        if account is None:
            raise StudioBrainError(f"{actor or 'nobody'} in {found.id}", code=ReasonCode.NOT_SIGNED_IN)
        who = Actor(ActorType.STAFF, account.id, found.id, account.role, account.name, via or self.opening.via)
        return Session(who, found.id)

    def _tenant(self, id: str | None) -> TenantSettings:
        tenants = self.settings.tenant
        if not tenants:
            raise ConfigError("no studio is configured", remedy="Start the practice studio, or write studio.toml.")
        if id is None:
            if len(tenants) > 1:
                raise StudioBrainError(", ".join(t.id for t in tenants), code=ReasonCode.TENANT_REQUIRED)
            return tenants[0]
        found = self.settings.tenant_named(id)
        if found is None:
            raise StudioBrainError(f"no studio {id!r} is configured", code=ReasonCode.TENANT_MISMATCH)
        return found

    def verifier_key(self, origin: str) -> VerifierKey:
        return self.continuity.key_of(origin)

    def _new_key(self) -> SigningKey:
        self.installation, key = installations.replace_signing_key(self.home, self.installation, self.secrets)
        return key

    def _follow_key(self) -> None:
        """Begins the next log where another key of this home signed the last: a change of keys was interrupted, or this
        home was restored without its key."""
        former = self.installation.former_keys
        work = self.databases.brain.reading(lambda conn: follow_key(conn, self._signer, former)) if former else []
        for tenant, mend in work:
            if tenant not in self.continuity.lost:
                self.writer.submit(tenant, mend).result()

    def _known_size(self, tenant: str) -> int:
        missing = self.continuity.lost.get(tenant)
        return 0 if missing is None else missing.anchor.size

    def on_news(self, listener: Callable[[str, dict[str, Any]], None]) -> None:
        """`listener` is called with (topic, data) when something moved; on whatever thread it moved."""
        self._watchers.append(listener)

    def _tell(self, topic: str, data: dict[str, Any]) -> None:
        for watcher in self._watchers:
            watcher(topic, data)

    def on_commit(self, listener: OnCommit) -> None:
        """`listener` is called on the writer thread with the receipts of each group."""
        self._listeners.append(listener)

    def _committed(self, receipts: Any) -> None:
        self.continuity.pins.committed(receipts)
        for listener in self._listeners:
            listener(receipts)


OPERATIONS_OF: Final = {"functions": frozenset(OPERATIONS), **records.OPERATIONS}
"""What each connector can carry out."""


def manifests_of(settings: Settings, installed: Installed) -> tuple[Manifest, ...]:
    """All that this program brings, as these settings have it. Raises ConfigError for an unknown capability in them."""
    brought = (
        gateway_manifest.MANIFEST,
        studio.MANIFEST,
        records.manifest(settings),
        incidents.MANIFEST,
        compliance.MANIFEST,
        installation_manifest(installed),
    )
    try:
        offered = narrowed(brought, {tenant.id: tenant.without for tenant in settings.tenant})
    except RegistryError as error:
        raise ConfigError(f"tenant.without: {error}") from error
    counted = (*offered, quota_desk.manifest(offered, uptime))
    return (*counted, catalogue.manifest(counted))


def moment_of(as_of: Mapping[str, Any]) -> dict[str, int]:
    """{"index"} or {"time"} as the arguments of `Brain.as_of`. Raises INVALID_PAYLOAD for anything else."""
    try:
        (name, value), *more = as_of.items()
        if name == "index" and not more:
            return {"index": int(value)}
        if name == "time" and not more:
            return {"at_ms": utc_ms(str(value))}
    except (TypeError, ValueError) as error:
        raise StudioBrainError(f"asOf: {error}"[:200], code=ReasonCode.INVALID_PAYLOAD) from error
    raise StudioBrainError('asOf: {"index": n} or {"time": "…Z"}', code=ReasonCode.INVALID_PAYLOAD)


def _pin_folder(home: Path, settings: Settings, installation: Installation) -> Path:
    """The second place of the pins: what the settings say; else beside the user's other state, outside the home. A
    practice home keeps it inside, so that nothing is left when it is thrown away."""
    if settings.records.pin_folder is not None:
        return home / settings.records.pin_folder
    if installation.practice:
        return home / "pins"
    return Path(platformdirs.user_state_path("studio-brain")) / "pins" / installation.id


def read_settings(opening: Opening, practice: Practice | None) -> Settings:
    """The settings of a home. In a practice home the practice studio is its tenant, and without another vault it has
    one in a folder of its own."""
    settings = load_settings(opening.config or opening.home / FILE, opening.environment)
    if not settings.practice or practice is None:
        return settings
    document = {**settings.model_dump(), "tenant": [practice.tenant()]}
    if not settings.records.vault:
        document["records"]["vault"] = [{"name": PRACTICE_VAULT, "path": PRACTICE_VAULT}]
    return checked(document, opening.home / PRACTICE_FILE)
