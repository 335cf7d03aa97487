"""How a practice home reaches its practice studio: addresses, made-up accounts, the practice clock.

`practice.json` is written by whoever starts the practice studio and read by engine and CLI. Its passwords are published
with the practice studio and open nothing else; its control token lives as long as that process.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..kernel.errors import ConfigError
from ..kernel.policy import Role
from .files import write_private

FILE = "practice.json"
TENANT = "practice"


@dataclass(frozen=True, slots=True)
class PracticeAccount:
    uid: str
    email: str
    password: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice studio as it was last started. `shift_ms` moves the engine's clock into practice time."""

    name: str
    time_zone: str
    project: str
    firestore: str
    functions: str
    auth: str
    token: str
    control: str
    control_token: str
    api_key: str
    shift_ms: int
    accounts: tuple[PracticeAccount, ...]

    @classmethod
    def from_ready(cls, ready: dict[str, Any]) -> "Practice":
        """From the line that the practice studio prints when it is ready. The first account runs the studio."""
        urls = ready["urls"]
        accounts = tuple(
            PracticeAccount(
                uid=item["uid"],
                email=item["email"],
                password=item["password"],
                name=item["displayName"],
                role=(Role.OWNER if index == 0 else Role.EDITOR).value,
            )
            for index, item in enumerate(ready["accounts"])
            if item.get("staff")
        )
        return cls(
            name=ready["studio"]["name"],
            time_zone=ready["studio"]["timeZone"],
            project=ready["project"],
            firestore=urls["firestore"],
            functions=urls["functions"],
            auth=urls["auth"],
            token=urls["token"],
            control=urls["control"],
            control_token=ready["controlToken"],
            api_key=ready["apiKey"],
            shift_ms=ready["shiftMs"],
            accounts=accounts,
        )

    def tenant(self) -> dict[str, Any]:
        """The practice studio as the settings of a tenant, to be checked like any other."""
        return {
            "id": TENANT,
            "name": self.name,
            "time_zone": self.time_zone,
            "cloud": {
                "project": self.project,
                "firestore": self.firestore,
                "functions": self.functions,
                "auth": self.auth,
                "token": self.token,
                "api_key": self.api_key,
            },
            "account": [{"id": a.uid, "email": a.email, "name": a.name, "role": a.role} for a in self.accounts],
        }

    def account(self, uid: str) -> PracticeAccount | None:
        return next((account for account in self.accounts if account.uid == uid), None)


def write_practice(home: Path, practice: Practice) -> None:
    write_private(home / FILE, json.dumps(asdict(practice), indent=1).encode())


def read_practice(home: Path) -> Practice | None:
    """None when no practice studio was ever connected to this home."""
    try:
        document = json.loads((home / FILE).read_text(encoding="utf-8"))
        accounts = tuple(PracticeAccount(**account) for account in document.pop("accounts"))
        return Practice(**document, accounts=accounts)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{home / FILE} is damaged: {error}; start the practice studio again") from error
