"""Where the refresh token of one signed-in account is kept: in the secret store, or nowhere for practice accounts."""

from .secrets import SecretStore


class RefreshTokenKeeper:
    """`connectors.auth.client.TokenKeeper`. Without `keep` the token lives only as long as the process."""

    def __init__(self, secrets: SecretStore, tenant: str, account: str, *, keep: bool) -> None:
        self._secrets = secrets
        self._name = f"{tenant}/{account}/refresh-token"
        self._keep = keep
        self._held: str | None = None

    def load(self) -> str | None:
        if not self._keep:
            return self._held
        found = self._secrets.get(self._name)
        return None if found is None else found.reveal()

    def store(self, refresh_token: str) -> None:
        if self._keep:
            self._secrets.set(self._name, refresh_token)
        else:
            self._held = refresh_token

    def forget(self) -> None:
        if self._keep:
            self._secrets.delete(self._name)
        self._held = None
