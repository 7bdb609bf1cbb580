"""Where personal data may leak to, watched for the whole session: logs, spans, errors, URLs, statements, PostgreSQL's log.

Every application that `create_app` makes in this process logs at DEBUG and samples every trace. What it tells is searched
as it comes for the numbers and names that tests use, and for any other sixteen digits that could be a NIK.
"""

import base64
import binascii
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import asyncpg
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from starlette.types import Message, Receive, Scope, Send

from slrt_api import app as composition
from slrt_api.households import identity
from slrt_api.runtime import logs
from slrt_api.runtime.edge import Edge
from slrt_api.runtime.telemetry import Telemetry
from slrt_api.settings import Settings

ROOT = Path(__file__).parents[1]
#: people, homes and hostile text that the tests send
NAMES = ("Siti Aminah", "Budi Santoso", "Zulaikha", "Dusun III RT 02")
#: what the test cluster is started with: every statement of every level is kept, and none makes room for another
STATEMENTS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.max": "50000",
    "pg_stat_statements.track": "all",
}

_NUMBER = re.compile("99[0-9]{14}")
#: not within a longer run of hexadecimal digits: hashes, trace and span ids hold sixteen digits in a row by chance
_DIGITS = re.compile("(?<![0-9A-Fa-f])[0-9]{16}(?![0-9A-Fa-f])")
_IDS = re.compile(r'"(?:trace_id|span_id)":"[0-9a-f]+"')
_OPAQUE = re.compile("[A-Za-z0-9_-]{24,}")
#: headers that a client follows or keeps
_VOLATILE = {b"traceparent", b"etag"}


def _numbers() -> frozenset[str]:
    """Every number with the prefix of test data that stands in the tests, the documents or the demo regency."""
    folders = (ROOT / "tests", ROOT / "docs", ROOT / "src/slrt_api/demo")
    files = [file for folder in folders for kind in ("*.py", "*.md") for file in folder.rglob(kind)]
    return frozenset(number for file in files for number in _NUMBER.findall(file.read_text(encoding="utf-8")))


_KNOWN = re.compile("|".join(re.escape(text) for text in sorted(_numbers() | set(NAMES))))


def found_in(text: str) -> set[str]:
    """The canaries in a text: known ones wherever they stand, other numbers where they are no part of a longer one."""
    return {
        *_KNOWN.findall(text),
        *(digits for digits in _DIGITS.findall(text) if identity.well_formed(digits)),
    }


def found_in_address(text: str) -> set[str]:
    """The canaries in a URL or a header, also percent-encoded or within an opaque token such as a cursor."""
    plain = unquote_plus(text)
    found = found_in(plain)
    for token in _OPAQUE.findall(plain):
        try:
            inside = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            continue
        found |= found_in(inside.decode("latin-1"))
    return found


@dataclass
class Leaks:
    """What was seen and what was found. `seen` counts by sink: a sink that saw nothing proves nothing."""

    seen: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    def look(self, sink: str, text: str, where: str, *, address: bool = False) -> None:
        """Search a text that came out of `sink`."""
        self.seen[sink] += 1
        for canary in sorted(found_in_address(text) if address else found_in(text)):
            test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
            self.found.append(f"{sink}: {canary} in {where}, during {test}")

    def log(self, text: str, where: str = "a log") -> None:
        """Search lines that a server wrote. A value that the logger itself had to strike out is a find as well."""
        for line in text.splitlines():
            self.look("logs", _IDS.sub("", line), f"{where}: {line[:200]}")
            if logs.REDACTED in line:
                self.found.append(f"logs: a struck-out value in {where}: {line[:200]}")

    async def statements(self, superuser_url: str) -> None:
        """Search the text of every statement that the cluster has run."""
        admin = await asyncpg.connect(superuser_url)
        await admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        if await admin.fetchval("SELECT dealloc FROM pg_stat_statements_info"):
            self.found.append("statements: some were dropped before they were searched, raise pg_stat_statements.max")
        for text in await admin.fetch("SELECT query FROM pg_stat_statements"):
            self.look("statements", text[0] or "", f"{(text[0] or '')[:300]!r}")
        await admin.close()

    def postgres_log(self, file: Path, start: int = 0) -> None:
        """Search what PostgreSQL wrote to its log, from the byte `start` on."""
        for line in file.read_bytes()[start:].decode(errors="replace").splitlines():
            self.look("postgres log", line, line[:200])


class _Lines(RawIOBase):
    """The stream that loggers write to."""

    def __init__(self, leaks: Leaks) -> None:
        super().__init__()
        self._leaks = leaks

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._leaks.log(bytes(data).decode(errors="replace"))
        return len(data)


class _Spans(SpanProcessor):
    """Receives every span: all of it but its ids is searched."""

    def __init__(self, leaks: Leaks, further: SpanProcessor | None) -> None:
        self._leaks = leaks
        self._further = further

    def on_end(self, span: ReadableSpan) -> None:
        attributes = [dict(span.attributes or {}), *(dict(event.attributes or {}) for event in span.events)]
        names = [span.name, *(event.name for event in span.events), span.status.description]
        self._leaks.look("spans", f"{names} {attributes}", span.name)
        if self._further is not None:
            self._further.on_end(span)


def watched_telemetry(leaks: Leaks) -> type[Telemetry]:
    """Telemetry that samples everything, logs at DEBUG and tells it all to `leaks`."""

    class Watched(Telemetry):
        def __init__(self, settings: Settings, *, processor: SpanProcessor | None = None) -> None:
            everything = settings.model_copy(update={"trace_sample_ratio": 1.0, "log_level": "DEBUG"})
            super().__init__(everything, processor=_Spans(leaks, processor))

        def start(self) -> None:
            super().start()
            logs.configure("DEBUG", _Lines(leaks))  # type: ignore[arg-type]

    return Watched


def watched_edge(leaks: Leaks) -> type[Edge]:
    """The edge, with every refusal and every address that was accepted told to `leaks`."""

    class Watched(Edge):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await super().__call__(scope, receive, send)
                return
            answer = _Answer(send)
            try:
                await super().__call__(scope, receive, answer)
            finally:
                answer.tell(leaks, scope)

    return Watched


class _Answer:
    """Keeps what of an answer may have to be searched."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], message["headers"]
        elif message["type"] == "http.response.body":
            self._body.append(message.get("body", b""))
        await self._send(message)

    def tell(self, leaks: Leaks, scope: Scope) -> None:
        where = f"{scope['method']} {scope['path'].split('/')[1:3]} {self._status}"
        body = b"".join(self._body).decode(errors="replace")
        for name, value in self._headers:
            if name not in _VOLATILE:
                leaks.look("headers", value.decode("latin-1"), f"{name.decode()} of {where}", address=True)
        if self._status >= 400:
            leaks.look("errors", _IDS.sub("", body), where)
        elif scope["path"] == "/graphql" and '"errors"' in body:
            leaks.look("errors", json.dumps(json.loads(body).get("errors"), ensure_ascii=False), where)
        if 0 < self._status < 400:
            # A hostile test may put a number into an address. It has to be refused: an address that is accepted stays
            # in logs, histories and caches of everybody between.
            target = scope["path"] + "?" + scope.get("query_string", b"").decode("latin-1")
            leaks.look("urls", target, where, address=True)


#: of the whole session
LEAKS = Leaks()


def install() -> None:
    """Make every application of this process tell what it says to `LEAKS`."""
    patch = pytest.MonkeyPatch()
    patch.setattr(composition, "Telemetry", watched_telemetry(LEAKS))
    patch.setattr(composition, "Edge", watched_edge(LEAKS))


@contextmanager
def logging_kept() -> Iterator[None]:
    """Put back where log lines go: a test that reads them must not take them from the applications that run on."""
    import logging

    root = logging.getLogger()
    handlers, level, chosen, output = root.handlers[:], root.level, structlog.get_config(), logs._requests.output
    try:
        yield
    finally:
        logs.flush()
        structlog.configure(**chosen)
        root.handlers, root.level = handlers, level
        logs._requests.output = output
        logging.getLogger("uvicorn.access").disabled = False
