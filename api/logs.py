"""Logs as JSON lines on standard error; what may identify a person never gets that far."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import structlog

from api.errors import where_raised

_SECRET_NAMES = re.compile(r"token|secret|password|authorization|citizen|phone|name$", re.IGNORECASE)
# Thirteen digits however they are spaced, phones, and anything shaped like a token.
_SECRET_SHAPES = re.compile(r"(?:\d[ -]?){12}\d|\+?\d[\d -]{8,}\d|ey[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]+")
_EXEMPT = {"request_id", "raised_at", "timestamp", "client_id"}


def redact(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The last word on every line that is not a request's own."""
    for name, value in line.items():
        if name in _EXEMPT or name.startswith("_") or value is None or isinstance(value, bool | float):
            continue  # `_record` and the like are the machinery's, and taken out before the line is written
        if _SECRET_NAMES.search(name):
            line[name] = "[redacted]"
        else:
            text = value if isinstance(value, str) else str(value)
            clean = _SECRET_SHAPES.sub("[redacted]", text)
            line[name] = value if isinstance(value, int) and clean == text else clean
    return line


def _placed(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """An exception as its type and its place: its text, and a traceback's lines, may quote values."""
    given = line.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        line.update(where_raised(error))
    record = line.get("_record")
    if record is not None and record.name == "asyncio":
        # Further lines show the future, and with it the exception's text.
        line["event"] = str(line["event"]).partition("\n")[0]
    return line


def _rendered(_: Any, __: str, line: MutableMapping[str, Any]) -> bytes:
    return orjson.dumps(line, default=str)


class _Stream:
    """Whatever standard error is now: a test or a supervisor may have replaced it."""

    def write(self, data: bytes) -> int:
        return sys.stderr.buffer.write(data)

    def flush(self) -> None:
        sys.stderr.flush()


def configure(level: int = logging.INFO) -> None:
    """Sends structlog and the standard library's loggers down one road."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _placed,
        redact,
    ]
    structlog.configure(
        processors=[*shared, _rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=_Stream()),  # type: ignore[arg-type]  # two methods of it are used
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda *given: _rendered(*given).decode(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Its access lines hold URLs with their queries; ours name the operation.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel(logging.WARNING)


def request_line(line: dict[str, Any]) -> None:
    """One line a request. Its fields are ours, so it is written as it is."""
    sys.stderr.buffer.write(orjson.dumps(line) + b"\n")
    sys.stderr.buffer.flush()
