"""From entries to incidents, and to the trust record of each capability."""

import json
from typing import Any, Final

from ...evidence.erasure import ERASED
from ...evidence.facts import Fact
from ...gateway.receipts import COMPARED, RESULT
from ...kernel.hashing import to_text
from ...store.projections import Projection
from ...store.rows import Rows
from . import facts
from .tables import INCIDENTS, incident, incident_receipt, incident_switch, incident_text, trust


def _opened(rows: Rows, fact: Fact) -> None:
    data = fact.data
    rows.add(
        incident,
        {
            "tenant": fact.tenant,
            "id": data["incidentId"],
            "kind": data["incidentKind"],
            "subject": data["subject"],
            "state": data["approvalState"],
            "severity": data["severity"],
            "owner": data["owner"],
            "receipts": 0,
            "outcome": None,
            "opened_at_ms": fact.at_ms,
            "changed_at_ms": fact.at_ms,
            "opened_place": fact.place,
            "place": fact.place,
        },
    )
    if fact.commitment is not None:
        rows.add(
            incident_text,
            {
                "tenant": fact.tenant,
                "payload": to_text(fact.commitment),
                "incident": data["incidentId"],
                "summary": None if fact.content is None else json.loads(fact.content)["summary"],
                "erased_place": None,
            },
        )
    _link(rows, fact)


def _linked(rows: Rows, fact: Fact) -> None:
    _moved(rows, fact)
    _link(rows, fact)


def _link(rows: Rows, fact: Fact) -> None:
    data, key = fact.data, (fact.tenant, fact.data["incidentId"])
    row = rows.get(incident, key)
    if row is None or "count" not in data:
        return
    rows.update(incident, key, {"receipts": row["receipts"] + data["count"]})
    for index in data["indexes"]:
        rows.put(incident_receipt, {"tenant": key[0], "incident": key[1], "origin": data["origin"], "seq": index})


def _moved(rows: Rows, fact: Fact) -> None:
    data = fact.data
    rows.update(
        incident,
        (fact.tenant, data["incidentId"]),
        {
            "state": data["approvalState"],
            "severity": data["severity"],
            "owner": data["owner"],
            "outcome": data.get("outcome"),
            "changed_at_ms": fact.at_ms,
            "place": fact.place,
        },
    )


def _reviewed(rows: Rows, fact: Fact) -> None:
    key = (fact.tenant, fact.data["incidentId"])
    before = rows.get(incident, key)
    outcome = None if before is None else before["outcome"]
    _moved(rows, fact)
    rows.update(incident, key, {"outcome": outcome})


def _contained(rows: Rows, fact: Fact) -> None:
    data = fact.data
    _moved(rows, fact)
    rows.put(
        incident_switch,
        {
            "tenant": fact.tenant,
            "incident": data["incidentId"],
            "scope": data["scope"],
            "target": data["scopeTarget"],
            "at_ms": fact.at_ms,
        },
    )


def _erased(rows: Rows, fact: Fact) -> None:
    """A payload was erased, of this log or of an earlier one: what it held is empty from now on."""
    rows.update(incident_text, (fact.tenant, fact.data["payloadSha256"]), {"summary": None, "erased_place": fact.place})


_NOTHING_YET: Final[dict[str, Any]] = {
    "executions": 0, "compared": 0, "deviations": 0, "refused": 0, "failed": 0, "unknown": 0, "executed_at_ms": None,
    "deviated_at_ms": None, "deviated_place": None,
}  # fmt: skip
_COUNTED: Final = {"executed": "executions", "refused": "refused", "failed": "failed", "unknown": "unknown"}


def _result(rows: Rows, fact: Fact) -> None:
    row = _trust(rows, fact)
    name = _COUNTED[fact.data["outcome"]]
    row[name] += 1
    if name == "executions":
        row["executed_at_ms"] = fact.at_ms
    rows.put(trust, row)


def _compared(rows: Rows, fact: Fact) -> None:
    row = _trust(rows, fact)
    row["compared"] += 1
    if fact.data["deviates"]:
        row |= {"deviations": row["deviations"] + 1, "deviated_at_ms": fact.at_ms, "deviated_place": fact.place}
    rows.put(trust, row)


def _trust(rows: Rows, fact: Fact) -> dict[str, Any]:
    key = (fact.tenant, fact.data["capabilityId"])
    found = rows.get(trust, key)
    return {"tenant": key[0], "capability": key[1], **_NOTHING_YET} if found is None else dict(found)


PROJECTION: Final = Projection(
    "incidents",
    2,
    INCIDENTS,
    {
        facts.OPENED: _opened,
        facts.LINKED: _linked,
        facts.ACKNOWLEDGED: _moved,
        facts.CONTAINED: _contained,
        facts.RESOLVED: _moved,
        facts.REVIEWED: _reviewed,
        RESULT: _result,
        COMPARED: _compared,
        ERASED: _erased,
    },
    {ERASED: _erased},
)
