"""Structured logs: one JSON object a line on standard output, each with the trace id, none with personal data.

Our own log calls name an event and add codes, counts and ids. What other libraries say passes through here too, without
the arguments that they would fill in. Exceptions are told by type and place: their messages may quote a row. As a last
wall every value that holds 16 digits in a row, the length of NIK and KK numbers, is replaced.
"""

import asyncio
import atexit
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, BinaryIO, Final, TypeAlias

import orjson
import structlog

from slrt_api.runtime.traces import current_trace_id

Event: TypeAlias = MutableMapping[str, Any]
Excepted: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

REDACTED: Final = "[redacted]"
MAX_FRAMES: Final = 20
TOGETHER_SECONDS: Final = 0.02
# Hexadecimal ids may hold 16 digits in a row by chance; both are made by this service or checked when they come in.
_IDS: Final = frozenset({"trace_id", "span_id"})
_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
_DIGITS: Final = re.compile(r"\d{16}")
_DIGITS_IN_BYTES: Final = re.compile(rb"[0-9]{16}")
# Servers of our own composition, whose messages hold addresses and process ids only.
_TRUSTED: Final = ("uvicorn",)


@dataclass
class _Requests:
    """Where lines of requests go: nowhere until `configure`, and where it asks for less than `INFO`."""

    output: structlog.BytesLogger | None = None
    waiting: list[bytes] = field(default_factory=list)


_requests = _Requests()


def configure(level: str = "INFO", stream: BinaryIO | None = None) -> None:
    """Send structlog and the standard library's loggers to `stream` (standard output) as JSON lines.

    Silences uvicorn's access log: it writes raw paths. The edge writes one line a request instead.
    """
    flush()
    number = logging.getLevelNamesMapping()[level.upper()]
    output = stream or sys.stdout.buffer
    structlog.configure(
        processors=[_identify, structlog.processors.add_log_level, _stamp, _exceptions, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(output),
        cache_logger_on_first_use=False,
    )
    _requests.output = structlog.BytesLogger(output) if number <= logging.INFO else None
    root = logging.getLogger()
    root.handlers = [_Routed(output)]
    root.setLevel(max(number, logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("uvicorn.access").disabled = True
    # Libraries that tell every call or quote SQL below this level.
    for name in ("httpx", "httpcore", "urllib3", "asyncio", "sqlalchemy", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.WARNING)


def request_line(event: Event) -> None:
    """Write the line of one request straight out: structlog's way to it costs twice as much as the line."""
    output = _requests.output
    if output is None:
        return
    event["event"] = "request"
    event["trace_id"] = current_trace_id()
    event["level"] = "info"
    _stamp(None, "", event)
    # Codes, templates and counts of ours only: nothing here can hold what `render` looks for.
    waiting = _requests.waiting
    waiting.append(orjson.dumps(event, option=_OPTIONS))
    if len(waiting) > 1:
        return
    # Lines of one moment are written together: a system call costs more than the line.
    try:
        asyncio.get_running_loop().call_later(TOGETHER_SECONDS, flush)
    except RuntimeError:
        flush()


def flush() -> None:
    """Write the lines that wait. For the end of a process; otherwise they go out within TOGETHER_SECONDS."""
    waiting, _requests.waiting = _requests.waiting, []
    if waiting and _requests.output is not None:
        _requests.output.msg(b"\n".join(waiting))


atexit.register(flush)


def render(_: Any, __: str, event: Event) -> bytes:
    """The line of an event. Walks the values only when the finished line shows that there is something to replace."""
    line = orjson.dumps(event, default=_name_of_type, option=_OPTIONS)
    if line.isascii() and not _DIGITS_IN_BYTES.search(line):
        return line
    return orjson.dumps(redact(event), default=_name_of_type, option=_OPTIONS)


def redact(event: Event) -> dict[str, Any]:
    """`event` with every value and every key of 16 digits in a row replaced, however deep."""
    return {_redacted(key): value if key in _IDS else _redacted(value) for key, value in event.items()}


def frames_of(error: BaseException) -> list[str]:
    """Where an exception came from, innermost last: `module.py:line function`, never the source line or the message."""
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    ]


class _Routed(logging.Handler):
    """Takes records of the standard library: the template without its arguments, and only its first line.

    asyncio, for one, writes the whole exception into the second line.
    """

    def __init__(self, output: BinaryIO) -> None:
        super().__init__()
        self._output = structlog.BytesLogger(output)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            trusted = record.name.startswith(_TRUSTED)
            text = record.getMessage() if trusted else str(record.msg)
            event: Event = {
                "event": text.strip().partition("\n")[0][:300],
                "logger": record.name,
                "level": record.levelname.lower(),
            }
            if record.exc_info and record.exc_info[1] is not None:
                event["exc_info"] = record.exc_info
            for process in (_identify, _stamp, _exceptions):
                process(None, "", event)
            self._output.msg(render(None, "", event))
        except Exception:
            self.handleError(record)


def _stamp(_: Any, __: str, event: Event) -> Event:
    event["at"] = datetime.now(UTC)
    return event


def _identify(_: Any, __: str, event: Event) -> Event:
    event.setdefault("trace_id", current_trace_id())
    return event


def _exceptions(_: Any, __: str, event: Event) -> Event:
    told = event.pop("exc_info", None)
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["error_type"] = f"{type(error).__module__}.{type(error).__qualname__}"
        event["frames"] = frames_of(error)
    event.pop("stack_info", None)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return REDACTED if _DIGITS.search(value) else value
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return REDACTED if _DIGITS.search(str(value)) else value
    if isinstance(value, dict):
        return {_redacted(key): _redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    return value


def _name_of_type(value: object) -> str:
    # Never the representation: that of a row or a command holds its values.
    return f"<{type(value).__name__}>"
