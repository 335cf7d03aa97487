"""Typed settings: one TOML file, then the environment on top (`STUDIO_BRAIN_ENGINE__LOG_LEVEL=debug`).

Whatever is wrong is reported with the name of its field and what to write instead. Secrets have no place here: they are
named by what they belong to and live in the keyring. Combinations that are not safe refuse to start.
"""

import ipaddress
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..kernel.errors import ConfigError
from ..kernel.policy import Role
from ..kernel.reasons import ReasonCode
from ..kernel.secretscan import holds_secret_key, secret_paths

FILE = "studio.toml"
PREFIX = "STUDIO_BRAIN_"
NOT_SETTINGS = frozenset({"STUDIO_BRAIN_HOME", "STUDIO_BRAIN_TRACE"})


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a full address, such as https://firestore.googleapis.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address here has no user, password, query or fragment")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("plain http is only for this machine (127.0.0.1); write https")
    return value.rstrip("/")


def is_private(url: str) -> bool:
    """An address of this machine or of a private network, given as a number."""
    try:
        address = ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return is_loopback(url)
    return address.is_loopback or (address.is_private and not (address.is_unspecified or address.is_reserved))


def _witness_url(value: str) -> str:
    """What goes to a witness and comes back is signed, so plain http does within a private network."""
    parts = urlsplit(value)
    if parts.scheme == "http" and is_private(value):
        return _url("https" + value.removeprefix("http")).replace("https", "http", 1)
    return _url(value)


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("write an IANA name, such as America/Phoenix") from error
    return value


def _database_url(value: str) -> str:
    parts = urlsplit(value)
    if not parts.scheme.startswith("postgresql"):
        raise ValueError("only postgresql://… is known; leave it out for SQLite in the home folder")
    if parts.password:
        raise ValueError("take the password out of the address; it belongs into the keyring as database/password")
    return value


Url = Annotated[str, AfterValidator(_url)]
WitnessUrl = Annotated[str, AfterValidator(_witness_url)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
TenantId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CloudSettings(_Section):
    """Where a studio's cloud is. The API key is Firebase's public web key, not a secret."""

    project: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")]
    firestore: Url = "https://firestore.googleapis.com"
    functions: Url
    auth: Url = "https://identitytoolkit.googleapis.com"
    token: Url = "https://securetoken.googleapis.com"  # noqa: S105  an address
    api_key: Annotated[str, Field(min_length=1, max_length=200)]
    portal: Url | None = None

    def addresses(self) -> tuple[str, ...]:
        return (self.firestore, self.functions, self.auth, self.token)


class AccountSettings(_Section):
    """Somebody who works here. `id` is the account's uid in the cloud. The role narrows what the cloud grants."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    role: Role = Role.VIEWER


class TenantSettings(_Section):
    """A studio. `without` names the capabilities that are not offered there."""

    id: TenantId
    name: Annotated[str, Field(min_length=1, max_length=120)]
    time_zone: TimeZone
    cloud: CloudSettings | None = None
    without: frozenset[str] = frozenset()
    account: tuple[AccountSettings, ...] = ()

    @model_validator(mode="after")
    def _accounts_once(self) -> Self:
        ids = [account.id for account in self.account]
        if len(set(ids)) != len(ids):
            raise ValueError("an account stands here twice; give each id once")
        return self


class DatabaseSettings(_Section):
    url: DatabaseUrl | None = None


class EngineSettings(_Section):
    """`reserve_mb` is the space on the home's disk below which nothing is carried out."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    read_deadline_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    write_deadline_s: Annotated[float, Field(gt=0, le=120)] = 20.0
    reserve_mb: Annotated[int, Field(ge=0, le=100_000_000)] = 64
    health_every_s: Annotated[float, Field(ge=1, le=3600)] = 15.0


class VaultSettings(_Section):
    """A folder outside this home that holds a copy of the logs: another disk, a share, a stick. A relative path starts
    at the home."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
    path: Path


class WitnessSettings(_Section):
    """Another installation that cosigns our checkpoints. `key` is its verifier key; without `url` it is met by file."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    key: Annotated[str, Field(min_length=1, max_length=300)]
    url: WitnessUrl | None = None


class RecordsSettings(_Section):
    """How the evidence is kept. Times of day are the studio's. `retention` gives days by kind of receipt; what is not
    named is kept for ever."""

    vault: tuple[VaultSettings, ...] = ()
    vaults_required: Annotated[int, Field(ge=1, le=9)] = 1
    witness: tuple[WitnessSettings, ...] = ()
    witnesses_required: Annotated[int, Field(ge=1, le=9)] = 1
    pin_folder: Path | None = None
    retention: dict[str, Annotated[int, Field(ge=1, le=36_500)]] = Field(default_factory=dict)
    sweep_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "04:30"
    rebuild_check_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "04:00"


class Settings(_Section):
    practice: bool = False
    database: DatabaseSettings = DatabaseSettings()
    engine: EngineSettings = EngineSettings()
    records: RecordsSettings = RecordsSettings()
    tenant: tuple[TenantSettings, ...] = ()

    @model_validator(mode="after")
    def _safe(self) -> Self:
        ids = [tenant.id for tenant in self.tenant]
        if len(set(ids)) != len(ids):
            raise ValueError("tenant: an id stands here twice; each studio has one of its own")
        for kept in (self.records.vault, self.records.witness):
            names = [each.name for each in kept]
            if len(set(names)) != len(names):
                raise ValueError("records: a vault or witness has the name of another; give each a name of its own")
        if self.practice:
            for witness in self.records.witness:
                if witness.url and not is_loopback(witness.url):
                    raise ValueError(f"practice: the witness {witness.name} is not on this machine")
            for tenant in self.tenant:
                if tenant.cloud and not all(is_loopback(address) for address in tenant.cloud.addresses()):
                    raise ValueError(
                        f"practice: the cloud of {tenant.id} is not on this machine; "
                        "set practice = false and use a home of its own for a real studio"
                    )
        return self

    def tenant_named(self, id: str) -> TenantSettings | None:
        return next((tenant for tenant in self.tenant if tenant.id == id), None)


def load_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the file (absent: empty) and the environment. Raises ConfigError that names field and mend."""
    environment = os.environ if environment is None else environment
    refuse_secrets_in_environment(environment)
    document = _read(path)
    for where in secret_paths(document):
        raise ConfigError(f"{path.name}: {where} holds a secret key", code=ReasonCode.SECRET_IN_SETTINGS)
    _overlay(document, environment)
    return checked(document, path)


def checked(document: Mapping[str, Any], path: Path) -> Settings:
    """A document as settings. Raises ConfigError that names each field and its mend."""
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise ConfigError(_explain(error, path)) from error


def refuse_secrets_in_environment(environment: Mapping[str, str]) -> None:
    """Raises ConfigError that names the variable, never its value."""
    for name, value in environment.items():
        if holds_secret_key(value):
            raise ConfigError(
                f"the environment variable {name} holds a secret key",
                code=ReasonCode.SECRET_IN_SETTINGS,
                remedy=f"Start again without {name}; the brain needs no Stripe key of any kind.",
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error.__class__.__name__})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error


def _overlay(document: dict[str, Any], environment: Mapping[str, str]) -> None:
    """`STUDIO_BRAIN_DATABASE__URL` sets database.url; numbers address list items: `…TENANT__0__TIME_ZONE`."""
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        path = name[len(PREFIX) :].lower().split("__")
        place: Any = document
        try:
            for step in path[:-1]:
                place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
            last: Any = int(path[-1]) if isinstance(place, list) else path[-1]
            place[last] = _plain(value)
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            raise ConfigError(f"the environment variable {name} names no setting") from error


def _plain(value: str) -> Any:
    """Booleans and numbers as such, everything else as text."""
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return parsed if isinstance(parsed, bool | int | float) else value


def _explain(error: ValidationError, path: Path) -> str:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in fault["loc"]) or "the file"
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "there is no such setting; check the spelling"
        lines.append(f"{field}: {message}")
    return f"{path.name}: " + "; ".join(lines)
