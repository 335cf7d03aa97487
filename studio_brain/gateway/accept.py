"""The first gate: whether a call can be asked at all. Pure: payload, rationale and tenant against the registry."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..kernel.canonical import CanonicalError, canonical_entry
from ..kernel.hashing import sha256
from ..kernel.policy import Actor, Mode, Risk, Role
from ..kernel.reasons import ReasonCode
from ..kernel.secretscan import holds_secret_key, secret_paths
from .decide import Refusal
from .receipts import MAX_RATIONALE
from .registry import Capability, Nothing, Payload, Registry, Request

SHORTEST_RATIONALE = 10


def accept(
    registry: Registry,
    name: str,
    payload: Mapping[str, Any],
    *,
    actor: Actor,
    tenant: str,
    rationale: str,
    key: str,
    corr: str,
) -> tuple[Request, Refusal | None]:
    """The request with its payload as a model, and the refusal when it cannot be asked.

    What cannot be asked is known by its hash alone: neither its input nor a rationale with a secret goes any further.
    """
    given = dict(payload)
    named = given.pop("tenant", tenant)
    name, key, corr = _sealable(name), _sealable(key), _sealable(corr)
    capability = registry.capabilities.get(name) or _unregistered(name)
    refusal: Refusal | None = None
    try:
        stamp = sha256(canonical_entry(given))
    except CanonicalError as error:
        stamp = sha256(repr(payload).encode("utf-8", "surrogatepass"))
        refusal = Refusal(ReasonCode.INVALID_PAYLOAD, error.detail)
    if holds_secret_key(rationale):
        rationale, refusal = "", refusal or Refusal(ReasonCode.SECRET_IN_PAYLOAD, "the rationale")
    elif _readable(rationale) != rationale:
        rationale, refusal = "", refusal or Refusal(ReasonCode.INVALID_PAYLOAD, "rationale: half of a surrogate pair")
    model: Payload = Nothing()
    known: dict[str, Any] = {}
    if refusal is None:
        refusal = _refusal(registry, capability, given, tenant, named == tenant)
    if refusal is None:
        try:
            model = capability.payload.model_validate(given)
            known = model.model_dump(mode="json", exclude_none=True)
            stamp = sha256(canonical_entry(known))
            refusal = _rationale_missing(capability, rationale)
        except ValidationError as error:
            refusal = Refusal(ReasonCode.INVALID_PAYLOAD, explain(error))
    return Request(capability, model, known, stamp, actor, tenant, rationale[:MAX_RATIONALE], key, corr), refusal


def _refusal(
    registry: Registry, capability: Capability, given: Mapping[str, Any], tenant: str, same_tenant: bool
) -> Refusal | None:
    if not same_tenant:
        return Refusal(ReasonCode.TENANT_MISMATCH, "the payload names another studio")
    if capability.id not in registry.capabilities:
        return Refusal(ReasonCode.UNKNOWN_CAPABILITY, capability.id)
    if not capability.offered_in(tenant):
        return Refusal(ReasonCode.NOT_OFFERED, f"{capability.id} in {tenant}")
    if capability.internal:
        return Refusal(ReasonCode.INVALID_PAYLOAD, f"{capability.id} is reached only through proposal.rollback")
    if capability.mode is Mode.READ:
        return Refusal(ReasonCode.INVALID_PAYLOAD, f"{capability.id} is for reading; ask one of its queries")
    where = next(secret_paths(given), None)
    if where is not None:
        return Refusal(ReasonCode.SECRET_IN_PAYLOAD, where)
    return None


def _rationale_missing(capability: Capability, rationale: str) -> Refusal | None:
    if capability.rationale and len(rationale.strip()) < SHORTEST_RATIONALE:
        return Refusal(ReasonCode.RATIONALE_REQUIRED, f"at least {SHORTEST_RATIONALE} characters")
    if len(rationale) > MAX_RATIONALE:
        return Refusal(ReasonCode.INVALID_PAYLOAD, f"rationale: at most {MAX_RATIONALE} characters")
    return None


def explain(error: ValidationError) -> str:
    """`note: String should have at least 5 characters; batchId: Field required`."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    lines = (f"{'.'.join(str(part) for part in fault['loc']) or 'input'}: {fault['msg']}" for fault in faults)
    text = _readable("; ".join(lines))
    return "the name of a field holds a secret key" if holds_secret_key(text) else text


def _sealable(text: str) -> str:
    """A caller's name for something, as it may stand in the log."""
    return "(withheld)" if holds_secret_key(text) else _readable(text)[:120]


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _unregistered(name: str) -> Capability:
    """Stands for a capability that nobody registered, so that the denial can name it."""
    return Capability(
        id=name,
        title=name,
        description="not registered",
        target="none",
        mode=Mode.LOCAL,
        risk=Risk.CRITICAL,
        role=Role.OWNER,
        owner="nobody",
        failure_mode="always denied",
        test="none",
    )
