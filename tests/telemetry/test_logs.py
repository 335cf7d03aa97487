"""Log lines: JSON, known names first, nothing secret, whatever it hides in."""

import base64
import json
from pathlib import Path

import pytest

from studio_brain.store.database import open_databases
from studio_brain.store.projections import Projections
from studio_brain.telemetry.logs import open_log
from studio_brain.telemetry.metrics import Metrics, read_metrics
from studio_brain.telemetry.redact import HIDDEN, redact, redact_text

JWT = "eyJhbGciOiJSUzI1NiJ9." + base64.urlsafe_b64encode(b'{"sub":"someone"}').decode().rstrip("=") + ".c2lnbmF0dXJl"
SECRETS = [
    "Bearer abcdefgh12345678",
    JWT,
    "mf_pat_v1.tokenid.secretsecret",
    "mf_dlg_v1.payload.signature",
    "sk" + "_live_0123456789",
    "whsec" + "_0123456789",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_out_of_text_and_structures(secret: str) -> None:
    assert secret not in redact_text(f"before {secret} after")
    shown = json.dumps(redact({"detail": f"x {secret} y", "list": [secret], "deep": {"er": secret}}))
    assert secret not in shown
    assert "before" in redact_text(f"before {secret} after")


@pytest.mark.parametrize(
    "name", ["authorization", "password", "refresh_token", "idToken", "apiKey", "client_secret", "Cookie"]
)
def test_a_telling_name_hides_its_value(name: str) -> None:
    assert redact({name: "anything at all"}) == {name: HIDDEN}


def test_a_token_in_an_address_is_taken_out() -> None:
    assert (
        redact_text("GET http://hub/devices?access_token=abc-123&x=1")
        == f"GET http://hub/devices?access_token={HIDDEN}&x=1"
    )


def test_what_is_no_secret_stays() -> None:
    event = {"tenant": "a", "count": 3, "ok": True, "took_ms": 1.5, "none": None, "text": "desk_lamp sk_SK.UTF-8"}
    assert redact(event) == event


def test_lines_are_json_with_known_names_first(tmp_path: Path) -> None:
    log, file = open_log(tmp_path, "engine", "info")
    log.info("performed", corr="c", capability="x.y", actor="a", tenant="t", extra=SECRETS[0])
    log.debug("not at this level")
    try:
        raise ValueError(f"token {JWT}")
    except ValueError:
        log.exception("internal")
    file.close()
    lines = (tmp_path / "logs" / "engine.jsonl").read_text().splitlines()
    assert len(lines) == 2
    first = json.loads(lines[0])
    assert list(first)[:7] == ["ts", "level", "event", "tenant", "actor", "capability", "corr"]
    assert first["level"] == "info"
    assert "abcdefgh12345678" not in lines[0]
    assert JWT not in lines[1]


def test_a_home_that_cannot_be_written_logs_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log, file = open_log(tmp_path / "file", "engine", "info")
    log.info("still fine")
    file.close()


def test_counters_of_several_flushes_add_up(tmp_path: Path) -> None:
    databases = open_databases(tmp_path)
    Projections(databases, []).prepare()
    metrics = Metrics()
    for ms in (10, 20):
        metrics.count("performed", capability="a", outcome="done")
        metrics.duration("perform", ms, capability="a")
        databases.views.writing(metrics.flush)
    databases.views.writing(metrics.flush)
    rows = {row["name"]: row["value"] for row in databases.views.reading(read_metrics)}
    assert rows == {"performed": 2, "perform_count": 2, "perform_ms_sum": 30}
    databases.close()
