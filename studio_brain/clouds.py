"""The clouds of this installation's studios: for each studio its connectors, its reader and its signed-in accounts.

Part of the composition root: it knows connectors and settings, and no domain.
"""

from collections.abc import Callable
from typing import Any

from .connectors.auth.client import Account, AuthClient
from .connectors.auth.wire import Tokens
from .connectors.firestore.client import FirestoreClient
from .connectors.firestore.connector import FirestoreConnector
from .connectors.firestore.wire import plain
from .connectors.functions.client import FunctionsClient
from .connectors.functions.connector import FunctionsConnector
from .connectors.studio_cloud import StudioCloud
from .connectors.transport import Transport
from .home.keeper import RefreshTokenKeeper
from .home.practice import Practice
from .home.secrets import SecretStore
from .home.settings import Settings, TenantSettings
from .kernel.clock import Clock
from .kernel.ports import Connector, ConnectorError
from .kernel.reasons import ReasonCode

LIST_DEADLINE_S = 15.0


class Clouds:
    """`connectors` and `readers` are by tenant; a studio without cloud settings has none of either.

    `practice`, where it is given, is the practice studio whose published accounts sign in by themselves.
    """

    def __init__(
        self, settings: Settings, secrets: SecretStore, transport: Transport, clock: Clock, practice: Practice | None
    ) -> None:
        self._secrets = secrets
        self._transport = transport
        self._clock = clock
        self._practice = practice if settings.practice else None
        self._keep = not settings.practice
        self.connectors: dict[str, dict[str, Connector]] = {}
        self.readers: dict[str, StudioCloud] = {}
        self._documents: dict[str, FirestoreClient] = {}
        self._accounts: dict[tuple[str, str], Account] = {}
        for tenant in settings.tenant:
            self.connectors[tenant.id] = {}
            self._connect(tenant)

    async def batches(self, tenant: str, state: str, limit: int = 200) -> list[dict[str, Any]]:
        """Batches of a state as the cloud has them now, to choose one from: id, title, state."""
        documents = self._documents.get(tenant)
        if documents is None:
            raise ConnectorError("this studio has no cloud settings", code=ReasonCode.NOT_CONFIGURED)
        found = await documents.where("batches", "state", state, ("state", "title"), limit, LIST_DEADLINE_S)
        return [
            {
                "id": document.id.removeprefix("batches/"),
                "title": plain(document.fields.get("title")) or "",
                "state": plain(document.fields.get("state")),
            }
            for document in found
        ]

    def _connect(self, tenant: TenantSettings) -> None:
        cloud = tenant.cloud
        if cloud is None or not tenant.account:
            return
        auth = AuthClient(self._transport, cloud.auth, cloud.token, cloud.api_key)
        for account in tenant.account:
            keeper = RefreshTokenKeeper(self._secrets, tenant.id, account.id, keep=self._keep)
            self._accounts[tenant.id, account.id] = Account(
                auth, keeper, self._clock, self._practice_sign_in(auth, account.id)
            )
        reader = tenant.account[0].id
        documents = FirestoreClient(self._transport, cloud.firestore, cloud.project, self._accounts[tenant.id, reader])
        calls = FunctionsClient(self._transport, cloud.functions, lambda uid: self._accounts[tenant.id, uid])
        firestore = FirestoreConnector(documents, self._transport, self._clock)
        functions = FunctionsConnector(calls, documents, self._transport, reader, self._clock)
        self.connectors[tenant.id] = {firestore.id: firestore, functions.id: functions}
        self._documents[tenant.id] = documents
        self.readers[tenant.id] = StudioCloud(firestore, functions)

    def _practice_sign_in(self, auth: AuthClient, uid: str) -> Callable[[], Any] | None:
        """Practice accounts sign in with the passwords that the practice studio publishes."""
        account = None if self._practice is None else self._practice.account(uid)
        if account is None:
            return None

        async def sign_in() -> Tokens:
            return await auth.sign_in(account.email, account.password)

        return sign_in
