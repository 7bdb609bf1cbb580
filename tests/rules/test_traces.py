"""Trace ids come from the caller when they are well formed; spans exist only for sampled traces."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from slrt_api.runtime import traces

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


class TestBegin:
    def test_continues_the_callers_trace(self) -> None:
        trace = traces.begin(f"00-{TRACE}-{SPAN}-01", ratio=0.0)
        assert (trace.trace_id, trace.parent_id, trace.sampled) == (TRACE, SPAN, True)
        assert trace.traceparent == f"00-{TRACE}-{trace.span_id}-01"
        assert trace.span_id != SPAN

    def test_follows_the_callers_refusal_to_sample(self) -> None:
        assert traces.begin(f"00-{TRACE}-{SPAN}-00", ratio=1.0).sampled is False

    def test_takes_a_later_version_with_more_fields(self) -> None:
        assert traces.begin(f"01-{TRACE}-{SPAN}-01-more", ratio=0.0).trace_id == TRACE

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "x",
            f"00-{TRACE}-{SPAN}",
            f"00-{TRACE}-{SPAN}-01-more",
            f"ff-{TRACE}-{SPAN}-01",
            f"00-{'0' * 32}-{SPAN}-01",
            f"00-{TRACE}-{'0' * 16}-01",
            f"00-{TRACE.upper()}-{SPAN}-01",
            f"00-{TRACE[:-1]}-{SPAN}-01",
            f"00-{TRACE[:-1]}g-{SPAN}-01",
            f"00-{TRACE[:-1]}١-{SPAN}-01",
            f"00-{TRACE}-{SPAN}-0x",
        ],
    )
    def test_begins_anew_on_a_malformed_header(self, header: str) -> None:
        trace = traces.begin(header, ratio=1.0)
        assert trace.trace_id != TRACE
        assert (len(trace.trace_id), trace.parent_id, trace.sampled) == (32, None, True)

    def test_samples_the_ratio_that_is_asked_for(self) -> None:
        assert not any(traces.begin(None, ratio=0.0).sampled for _ in range(1000))
        assert all(traces.begin(None, ratio=1.0).sampled for _ in range(1000))
        assert 50 < sum(traces.begin(None, ratio=0.1).sampled for _ in range(1000)) < 200


class TestSpans:
    def test_no_span_is_made_for_a_trace_that_is_not_sampled(self) -> None:
        traces.use(traces.begin(None, ratio=0.0))
        assert traces.act_span("referrals.submit") is traces.statement_span("lock")

    def test_an_error_is_noted_by_its_type_only(self) -> None:
        exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        traces.use(traces.begin(None, ratio=1.0, tracer=provider.get_tracer("test")))
        with pytest.raises(KeyError), traces.act_span("cases.close"), traces.statement_span("lock"):
            raise KeyError("Siti Aminah")
        statement, act = exporter.get_finished_spans()
        assert (act.name, statement.name) == ("cases.close", "lock")
        assert statement.parent == act.get_span_context()
        for span in (act, statement):
            assert dict(span.attributes or {}) == {"error.type": "KeyError"}
            assert "Siti" not in span.to_json()
