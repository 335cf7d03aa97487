"""`apiV1`: one Function, many routes. What every route goes through, in the order in which the real one does it."""

from collections.abc import Callable

from ..plain import Plain
from ..wire import Reply
from . import agent_requests, fairness, feed, kiln_timeline, pickup, reservations, stations
from .agents import agent_switch, trail
from .audit import audit_event
from .call import Call
from .callers import Caller, Unknown, identify
from .limits import Limit, admit
from .schema import Number, Object, Text
from .v1 import Problem, Visit, failure, success

_ENDPOINT = "/v1/"
_TERMS_EXEMPT = ("/v1/hello", "/v1/agent.terms.get", "/v1/agent.terms.accept")
_TERMS = "Current agent terms must be accepted before using this endpoint."
_LIMIT = Number(whole=True, least=1, most=500).optional()


def _hello(visit: Visit) -> Plain:
    scopes = list(visit.caller.scopes) if visit.caller.mode == "pat" else None
    return {"uid": visit.uid, "mode": visit.caller.mode, "scopes": scopes, "isStaff": visit.staff}


def _feed(visit: Visit) -> Plain:
    visit.need_scope("events:read")
    data = visit.body(
        Object({"uid": Text(1).nullish(), "cursor": Number(whole=True, least=0).optional(), "limit": _LIMIT})
    )
    owner = data.get("uid") or visit.uid
    visit.need_owner("events_feed", owner, f"owner:{owner}", "events:read")
    events, cursor = feed.after(visit.documents, owner, data.get("cursor") or 0, data.get("limit") or 100)
    return {"uid": owner, "events": events, "nextCursor": cursor}


ROUTES: dict[str, Callable[[Visit], Plain]] = {
    "hello": _hello,
    "events.feed": _feed,
    "firings.listUpcoming": kiln_timeline.list_upcoming,
    "firings.listTimeline": kiln_timeline.list_timeline,
    "reservations.create": reservations.create,
    "reservations.update": reservations.update,
    "reservations.assignStation": stations.assign,
    "reservations.pickupWindow": pickup.change,
    "reservations.queueFairness": fairness.record,
    "agent.requests.listStaff": agent_requests.list_staff,
    "agent.requests.updateStatus": agent_requests.update_status,
}
# Old names of reservation routes: they forward.
LEGACY = {
    "createReservation": "reservations.create",
    "updateReservation": "reservations.update",
    "assignReservationStation": "reservations.assignStation",
}


def _limit(route: str) -> Limit:
    most = 120
    if route == "/v1/events.feed":
        most = 600
    elif route.startswith(("/v1/batches.", "/v1/firings.")):
        most = 300
    return Limit(f"apiV1:{route}", most)


def handle(call: Call) -> Reply:
    request_id = call.request_id()
    try:
        return success(request_id, _run(call, request_id))
    except Problem as problem:
        reply = failure(request_id, problem)
        if problem.status == 429 and isinstance(problem.details, dict):
            reply.headers["Retry-After"] = str(-(-problem.details["retryAfterMs"] // 1000))
        return reply


def _run(call: Call, request_id: str) -> Plain:
    if call.request.method != "POST":
        raise Problem(405, "INVALID_ARGUMENT", "Use POST")
    route = call.path.rstrip("/") or "/"
    try:
        caller = identify(call)
    except Unknown as error:
        audit_event(
            call,
            request_id,
            "api_v1_request",
            "api_v1",
            "deny",
            resource_id=route,
            reason="UNAUTHENTICATED",
            metadata={"routeFamily": "v1"},
        )
        raise Problem(401, "UNAUTHENTICATED", str(error)) from error
    handler = ROUTES.get(route.removeprefix(_ENDPOINT)) if route.startswith(_ENDPOINT) else None
    if handler is None:
        audit_event(
            call,
            request_id,
            "api_v1_route_reject",
            "api_v1_route",
            "deny",
            resource_id=route,
            reason="ROUTE_NOT_FOUND",
            caller=caller,
            metadata={"routeFamily": "v1"},
        )
        raise Problem(404, "NOT_FOUND", "Unknown route", {"route": route})
    _admit(call, caller, _limit(route), "Too many requests")
    if route.startswith("/v1/agent."):
        _admit_agent(call, caller, route, request_id)
    return handler(Visit(call, caller, route, request_id))


def _admit(call: Call, caller: Caller, limit: Limit, message: str) -> None:
    retry_ms = admit(call.documents, limit, caller.uid, call.ip_hash())
    if retry_ms is not None:
        raise Problem(429, "RATE_LIMITED", message, {"retryAfterMs": retry_ms})


def _admit_agent(call: Call, caller: Caller, route: str, request_id: str) -> None:
    """A limit of their own, the staff's switch, and the terms that software has to accept."""
    actor = f"agent:{caller.token_id}:{caller.uid}" if caller.mode == "delegated" else f"actor:{caller.uid}"
    _admit(call, caller, Limit(f"apiV1:{route}:{actor}", 90), "Agent route rate limit exceeded")
    if not agent_switch(call.documents)["enabled"]:
        raise Problem(503, "UNAVAILABLE", "Agent API is temporarily disabled by staff")
    if caller.mode == "firebase" or route in _TERMS_EXEMPT:
        return
    version = (call.documents.get("config/agentTerms") or {}).get("currentVersion") or ""
    accepted = any(
        row.get("version") == version and row.get("status") == "accepted"
        for _, row in call.documents.where("agentTermsAcceptances", "uid", caller.uid)
    )
    if not accepted:
        details = {"requiredVersion": version, "acceptRoute": "/v1/agent.terms.accept"}
        trail(
            call.documents,
            caller.uid,
            "agent_terms_required_block",
            caller.mode,
            requestId=request_id,
            route=route,
            requiredVersion=version,
        )
        raise Problem(428, "FAILED_PRECONDITION", _TERMS, details)
