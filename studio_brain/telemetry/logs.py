"""JSON log lines: `ts, level, event`, then `tenant, actor, capability, corr` where they apply. One redacting processor.

Lines go to a file in the home folder that is renamed when it has grown to 5 MB; the last three are kept. Nothing is
written that did not pass the redaction, tracebacks included.
"""

import logging
import logging.handlers
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from .redact import redact

MAX_BYTES = 5 * 1024 * 1024
KEPT = 3
_ORDER = ("ts", "level", "event", "tenant", "actor", "capability", "corr")

Logger = structlog.typing.FilteringBoundLogger


class LineFile:
    """Writes ready lines to a rotating file; a folder that cannot be written swallows them."""

    def __init__(self, path: Path) -> None:
        self._handler: logging.Handler
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
            )
        except OSError:
            self._handler = logging.NullHandler()

    def msg(self, line: str) -> None:
        self._handler.handle(logging.makeLogRecord({"msg": line}))

    debug = info = warning = error = critical = msg

    def close(self) -> None:
        self._handler.close()


def open_log(home: Path, name: str, level: str) -> tuple[Logger, LineFile]:
    """The log of this process, `HOME/logs/<name>.jsonl`, and the file to close at the end."""
    lines = LineFile(home / "logs" / f"{name}.jsonl")
    logger: Logger = structlog.wrap_logger(
        lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            render,
        ],
    )
    return logger, lines


def render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """The last processor: everything redacted, known names first, one line."""
    clean: Mapping[str, Any] = redact(event)
    ordered = {name: clean[name] for name in _ORDER if name in clean}
    return orjson.dumps(ordered | dict(clean), default=str).decode()
