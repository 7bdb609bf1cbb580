"""What the service tells about itself: traces, logs and metrics of one process, from the settings.

`Telemetry` is made once by the composition root. Code below it needs only the functions that this module hands on from
`traces`: the current trace travels in the context.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import context as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from slrt_api import __version__
from slrt_api.runtime import logs
from slrt_api.runtime.metrics import Metrics
from slrt_api.runtime.traces import Trace, act_span, begin, current_trace, current_trace_id, statement_span, use
from slrt_api.settings import Settings

__all__ = ["Telemetry", "Trace", "act_span", "current_trace", "current_trace_id", "statement_span"]

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


class Telemetry:
    """Tracer, metrics and logs.

    processor  receives finished spans beside the OTLP exporter; tests read them there
    """

    def __init__(self, settings: Settings, *, processor: SpanProcessor | None = None) -> None:
        self.metrics = Metrics()
        self._settings = settings
        self._ratio = settings.trace_sample_ratio
        self._provider = TracerProvider(
            # The same rule by which `traces.begin` has decided before.
            sampler=ParentBased(TraceIdRatioBased(self._ratio)),
            resource=Resource.create({"service.name": "slrt-api", "service.version": __version__}),
            id_generator=_Ids(),
            shutdown_on_exit=False,
        )
        if processor is not None:
            self._provider.add_span_processor(processor)
        if settings.otlp_endpoint:
            self._provider.add_span_processor(_otlp(settings.otlp_endpoint))
        self._tracer = self._provider.get_tracer("slrt_api", __version__)
        self._stop_serving: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to write JSON logs, and to show metrics if the settings name a port."""
        logs.configure(self._settings.log_level)
        if self._settings.metrics_port is not None:
            self._stop_serving = self.metrics.serve(self._settings.metrics_port)

    def stop(self) -> None:
        """Write the lines and send the spans that wait, stop showing metrics. May block for the exporter's timeout."""
        logs.flush()
        if self._stop_serving is not None:
            self._stop_serving()
            self._stop_serving = None
        self._provider.shutdown()

    def continue_trace(self, traceparent: str | None) -> Trace:
        """Begin or continue the trace of a request and make it the current one."""
        trace = begin(traceparent, ratio=self._ratio, tracer=self._tracer)
        use(trace)
        return trace

    @contextmanager
    def request_span(self, trace: Trace, name: str) -> Iterator[Span]:
        """Span of a request whose trace is sampled; the span's own id replaces the trace's provisional one."""
        with self._root(trace, name, SpanKind.SERVER) as span:
            yield span

    @contextmanager
    def job(self, name: str) -> Iterator[Trace]:
        """A trace of its own for one run of a job of the worker."""
        trace = self.continue_trace(None)
        if trace.tracer is None:
            yield trace
            return
        with self._root(trace, name, SpanKind.INTERNAL):
            yield trace

    @contextmanager
    def _root(self, trace: Trace, name: str, kind: SpanKind) -> Iterator[Span]:
        span = self._tracer.start_span(name, context=_parent_of(trace), kind=kind)
        trace.span_id = f"{span.get_span_context().span_id:016x}"
        token = otel.attach(set_span_in_context(span))
        try:
            yield span
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(error).__name__)
            raise
        finally:
            otel.detach(token)
            span.end()


class _Ids(RandomIdGenerator):
    """Gives a new root span the trace id that the request already has."""

    def generate_trace_id(self) -> int:
        return int(current_trace_id(), 16)


def _parent_of(trace: Trace) -> otel.Context:
    if trace.parent_id is None:
        return otel.Context()
    remote = SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), is_remote=True, trace_flags=_SAMPLED)
    return set_span_in_context(NonRecordingSpan(remote), otel.Context())


def _otlp(endpoint: str) -> SpanProcessor:
    # Imported only where it is configured: it brings an HTTP client and protocol buffers, which slow the start.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    address = endpoint if endpoint.endswith("/v1/traces") else endpoint.rstrip("/") + "/v1/traces"
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=address))
