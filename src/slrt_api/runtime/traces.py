"""Traces: every request and job has a trace id; spans are made only for the few that are sampled.

A span costs tens of microseconds, so the sampling decision is taken here, by the rule of OpenTelemetry's
`TraceIdRatioBased`, before any span exists. Spans hold names and codes only: no path, no query, no message of an error.
"""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

_HEX: Final = frozenset("0123456789abcdef")
_ZERO_TRACE: Final = "0" * 32
_ZERO_SPAN: Final = "0" * 16
_LOW_64_BITS: Final = (1 << 64) - 1
_NO_SPAN: Final[AbstractContextManager[None]] = nullcontext()


@dataclass(slots=True)
class Trace:
    """The trace of one request or job.

    trace_id   32 lower-case hexadecimal digits
    parent_id  span id of the caller, or None where the trace began here
    span_id    span id of this request, also when it is not recorded
    tracer     set where the trace is sampled
    role       role in which the caller acts, for the access log
    """

    trace_id: str
    span_id: str
    parent_id: str | None = None
    sampled: bool = False
    tracer: Tracer | None = None
    role: str | None = None

    @property
    def traceparent(self) -> str:
        """W3C `traceparent` for answers and for calls that this request makes."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_current: ContextVar[Trace | None] = ContextVar("slrt_trace", default=None)


def current_trace() -> Trace:
    """The trace of the running request or job; begins one where there is none."""
    trace = _current.get()
    if trace is None:
        trace = begin(None, ratio=0.0)
        _current.set(trace)
    return trace


def current_trace_id() -> str:
    """Trace id of the running request or job: 32 hexadecimal digits."""
    return current_trace().trace_id


def begin(traceparent: str | None, *, ratio: float, tracer: Tracer | None = None) -> Trace:
    """A trace that continues `traceparent`, or a new one where that is absent or invalid.

    A caller's decision to sample is followed; without one, `ratio` of all traces is sampled.
    """
    span_id = f"{random.getrandbits(64) or 1:016x}"
    parent = _parsed(traceparent) if traceparent is not None else None
    if parent is not None:
        trace_id, parent_id, sampled = parent
        return Trace(trace_id, span_id, parent_id, sampled, tracer if sampled else None)
    number = random.getrandbits(128) or 1
    sampled = (number & _LOW_64_BITS) < round(ratio * (1 << 64))
    return Trace(f"{number:032x}", span_id, None, sampled, tracer if sampled else None)


def use(trace: Trace) -> None:
    """Make `trace` the current one of this task."""
    _current.set(trace)


def act_span(name: str) -> AbstractContextManager[Span | None]:
    """Span around one use case; nothing at all where the trace is not sampled."""
    return _span(name, SpanKind.INTERNAL)


def statement_span(name: str) -> AbstractContextManager[Span | None]:
    """Span around one SQL statement. `name` is a name of ours, never the statement's values."""
    return _span(name, SpanKind.CLIENT)


def _span(name: str, kind: SpanKind) -> AbstractContextManager[Span | None]:
    trace = _current.get()
    if trace is None or trace.tracer is None:
        return _NO_SPAN
    return recorded(trace.tracer, name, kind)


@contextmanager
def recorded(tracer: Tracer, name: str, kind: SpanKind) -> Iterator[Span]:
    """A recorded span that notes the type of an error and not its message, which may hold personal data."""
    with tracer.start_as_current_span(name, kind=kind, record_exception=False, set_status_on_exception=False) as span:
        try:
            yield span
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(error).__name__)
            raise


def _parsed(traceparent: str) -> tuple[str, str, bool] | None:
    """(trace id, parent id, sampled) of a valid `traceparent`, by W3C Trace Context section 3.2."""
    parts = traceparent.strip().split("-", 4)
    if len(parts) < 4 or [len(part) for part in parts[:4]] != [2, 32, 16, 2]:
        return None
    version, trace_id, parent_id, flags = parts[:4]
    if version == "ff" or (version == "00" and len(parts) != 4) or not _HEX.issuperset("".join(parts[:4])):
        return None
    if trace_id == _ZERO_TRACE or parent_id == _ZERO_SPAN:
        return None
    return trace_id, parent_id, bool(int(flags, 16) & 1)
