"""The load generator, a process of its own: keep-alive connections that each send one request after the other.

Reads a plan (JSON) on standard input, writes what it saw (JSON) on standard output. It parses no more of an answer than
status and length, so that it takes little of the two cores that it shares with what it measures.
"""

import asyncio
import json
import random
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

import uvloop

_ID_BYTES = 36


@dataclass(frozen=True)
class Plan:
    """What to send. `{id}` in path, headers or body is replaced; `once` takes every id once, from `offset`, else they are random.

    expects      text that every right answer holds: GraphQL answers 200 for failures too
    tokens_file  access tokens, a line each: the requests take them in turn, from `offset`, and round again
    """

    port: int
    path: str
    method: str = "GET"
    headers: tuple[str, ...] = ()
    body: str = ""
    expects: str = ""
    ids_file: str = ""
    tokens_file: str = ""
    once: bool = False
    offset: int = 0
    connections: int = 16
    warmup_seconds: float = 1.0
    seconds: float = 5.0


@dataclass(frozen=True)
class Seen:
    """What came back in the measured time. `sent` counts every request, those of the warm-up too."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    non_2xx: int
    sent: int
    cpu_share: float
    bytes_: int
    failures: tuple[str, ...] = ()


class _Source:
    """The bytes of the next request."""

    def __init__(self, plan: Plan) -> None:
        lines = [f"{plan.method} {plan.path} HTTP/1.1", f"Host: 127.0.0.1:{plan.port}", *plan.headers]
        self._tokens: Iterator[bytes] | None = None
        if plan.tokens_file:
            tokens = Path(plan.tokens_file).read_bytes().split(b"\n")
            start = plan.offset % len(tokens)
            self._tokens = cycle(tokens[start:] + tokens[:start])
            lines.append("Authorization: Bearer {token}")
        if plan.body:
            length = len(plan.body.replace("{id}", "-" * _ID_BYTES, 1).encode())
            lines += ["Content-Type: application/json", f"Content-Length: {length}"]
        request = ("\r\n".join(lines) + "\r\n\r\n" + plan.body).encode()
        self._head, place, self._tail = request.partition(b"{id}")
        self._ids = Path(plan.ids_file).read_bytes().split(b"\n") if place else [b""]
        self._once = islice(self._ids, plan.offset, None) if plan.once else None
        self._choose = random.Random().choice
        self.sent = 0

    def next(self) -> bytes:
        """Raises StopIteration when `once` has used up the ids."""
        id_ = self._choose(self._ids) if self._once is None else next(self._once)
        self.sent += 1
        tail = self._tail if self._tokens is None else self._tail.replace(b"{token}", next(self._tokens))
        return self._head + id_ + (tail if b"{id}" not in tail else tail.replace(b"{id}", id_))


class _Connection(asyncio.Protocol):
    def __init__(self, source: _Source, tally: "_Tally") -> None:
        self._source = source
        self._tally = tally
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        if self._tally.over:
            return
        self._began = perf_counter()
        self._transport.write(self._source.next())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = buffer
            return
        at = buffer.find(b"content-length: ") + 16
        length = int(buffer[at : buffer.index(b"\r", at)])
        if len(buffer) < end + 4 + length:
            self._buffer = buffer
            return
        self._buffer = b""
        self._tally.note(self._began, buffer)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._tally.over:
            self._tally.failures.append("a connection was closed")


class _Tally:
    def __init__(self, expects: bytes) -> None:
        self._expects = expects
        self.measuring = False
        self.over = False
        self.times: list[float] = []
        self.non_2xx = 0
        self.bytes_ = 0
        self.failures: list[str] = []

    def note(self, began: float, answer: bytes) -> None:
        if answer[9:10] != b"2" or self._expects not in answer:
            # Of the warm-up as well: a wrong answer is never fast.
            self.non_2xx += 1
            if len(self.failures) < 3:
                self.failures.append(answer[9:12].decode("latin-1") + " " + answer[-300:].decode("latin-1"))
        if self.measuring:
            self.times.append(perf_counter() - began)
            self.bytes_ += len(answer)


async def run(plan: Plan) -> Seen:
    """Send for as long as the plan says."""
    source, tally = _Source(plan), _Tally(plan.expects.encode())
    loop = asyncio.get_running_loop()
    failed: list[str] = []
    # An exhausted source, or an answer without a length, ends the run as a failure and not in silence.
    loop.set_exception_handler(lambda _, told: failed.append(str(told.get("exception") or told["message"])))
    transports = []
    for _ in range(plan.connections):
        transport, _protocol = await loop.create_connection(lambda: _Connection(source, tally), "127.0.0.1", plan.port)
        transports.append(transport)
    await asyncio.sleep(plan.warmup_seconds)
    tally.measuring, began, used = True, perf_counter(), _cpu_seconds()
    await asyncio.sleep(plan.seconds)
    seconds, used = perf_counter() - began, _cpu_seconds() - used
    tally.measuring = False
    tally.over = True
    await asyncio.sleep(0.05)
    for transport in transports:
        transport.close()
    times = sorted(tally.times)
    return Seen(
        requests=len(times),
        seconds=seconds,
        p50_ms=_quantile(times, 0.50),
        p95_ms=_quantile(times, 0.95),
        p99_ms=_quantile(times, 0.99),
        non_2xx=tally.non_2xx,
        sent=source.sent,
        cpu_share=used / seconds,
        bytes_=tally.bytes_,
        failures=(*tally.failures, *failed[:3]),
    )


def _quantile(times: list[float], share: float) -> float:
    return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 3) if times else 0.0


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(run(Plan(**json.load(sys.stdin))))), sys.stdout)
