"""Telemetry tells what happened and to which trace, and nothing about whom."""

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.canaries import logging_kept

from slrt_api.runtime import logs, traces
from slrt_api.runtime.metrics import Metrics
from slrt_api.runtime.telemetry import Telemetry
from slrt_api.settings import Settings

NIK = "9901014505880003"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


class Lines:
    """Everything logged in one test."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()

    def raw(self) -> str:
        return self.stream.getvalue().decode()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    recorded = Lines()
    with logging_kept():
        logs.configure("INFO", recorded.stream)
        yield recorded


class Row:
    def __repr__(self) -> str:
        return "Row(name='Siti Aminah')"


class TestLogs:
    def test_a_line_is_json_with_trace_level_and_instant(self, lines: Lines) -> None:
        traces.use(traces.begin(f"00-{TRACE}-{SPAN}-00", ratio=0.0))
        structlog.get_logger().warning("lease_lost", job="expire", attempts=2)
        [line] = lines.all()
        assert line.pop("at").endswith("Z")
        assert line == {"event": "lease_lost", "level": "warning", "trace_id": TRACE, "job": "expire", "attempts": 2}

    def test_below_the_level_nothing_is_written(self, lines: Lines) -> None:
        structlog.get_logger().debug("detail")
        assert lines.raw() == ""

    @pytest.mark.parametrize(
        "value",
        [
            NIK,
            f"nik={NIK};",
            int(NIK),
            [{"deep": (1, [NIK])}],
            {NIK: 1},
            {int(NIK): 1},
            {"set": {NIK}},
            "٩٩٠١٠١٤٥٠٥٨٨٠٠٠٣",
            Decimal(NIK),
        ],
        ids=str,
    )
    def test_sixteen_digits_never_get_through(self, lines: Lines, value: object) -> None:
        structlog.get_logger().info("event", value=value)
        assert NIK not in lines.raw()
        assert "٩" not in lines.raw()
        assert len(lines.all()) == 1

    def test_other_values_stay(self, lines: Lines) -> None:
        structlog.get_logger().info("event", district="332601", name="é", number=123456789012345, nik=NIK)
        [line] = lines.all()
        assert (line["district"], line["name"], line["number"]) == ("332601", "é", 123456789012345)
        assert line["nik"] == "[redacted]"

    def test_a_trace_id_of_digits_is_not_redacted(self, lines: Lines) -> None:
        traces.use(traces.begin(f"00-{'12345678' * 4}-{SPAN}-00", ratio=0.0))
        structlog.get_logger().info("event")
        assert lines.all()[0]["trace_id"] == "12345678" * 4

    def test_an_exception_is_told_by_type_and_place(self, lines: Lines) -> None:
        try:
            raise ValueError("Siti Aminah")
        except ValueError:
            structlog.get_logger().exception("request_failed")
        [line] = lines.all()
        assert line["error_type"] == "builtins.ValueError"
        assert line["frames"][-1].startswith("test_telemetry.py:")
        assert line["frames"][-1].endswith("test_an_exception_is_told_by_type_and_place")
        assert "Siti" not in lines.raw()

    def test_an_unknown_object_is_told_by_its_type(self, lines: Lines) -> None:
        structlog.get_logger().info("event", row=Row())
        assert lines.all()[0]["row"] == "<Row>"

    def test_the_standard_library_comes_through_without_arguments(self, lines: Lines) -> None:
        try:
            raise ValueError("Siti Aminah")
        except ValueError:
            logging.getLogger("some.driver").exception("query failed: %s\nfuture: %r", "Siti Aminah", Row())
        [line] = lines.all()
        assert (line["event"], line["logger"], line["level"]) == ("query failed: %s", "some.driver", "error")
        assert line["error_type"] == "builtins.ValueError"
        assert "Siti" not in lines.raw()

    def test_uvicorn_speaks_in_full_but_not_of_requests(self, lines: Lines) -> None:
        logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "http://127.0.0.1:8000")
        logging.getLogger("uvicorn.access").info('%s - "%s %s"', "127.0.0.1", "GET", f"/v1/persons?nik={NIK}")
        assert [line["event"] for line in lines.all()] == ["Uvicorn running on http://127.0.0.1:8000"]


class TestMetrics:
    async def test_shows_what_was_counted(self) -> None:
        metrics = Metrics()
        metrics.request("GET", "/v1/cases/{id}", 200, 0.003)
        metrics.request("GET", "/v1/cases/{id}", 200, 0.004)
        metrics.request("GET", "/v1/cases/{id}", 404, 0.001)
        metrics.act("cases.close", "committed")
        metrics.watch_pools(lambda: {"reads": (6, 4)})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(metrics.app()), base_url="http://local") as client:
            text = (await client.get("/")).text
        told = text.splitlines()
        assert 'slrt_http_requests_total{method="GET",route="/v1/cases/{id}",status="200"} 2.0' in told
        assert 'slrt_http_requests_total{method="GET",route="/v1/cases/{id}",status="404"} 1.0' in told
        assert 'slrt_http_request_seconds_count{method="GET",route="/v1/cases/{id}"} 3.0' in told
        assert 'slrt_acts_total{outcome="committed",use_case="cases.close"} 1.0' in told
        assert 'slrt_db_connections{pool="reads",state="busy"} 2.0' in told
        assert 'slrt_db_connections{pool="reads",state="idle"} 4.0' in told

    def test_two_in_one_process_do_not_meet(self) -> None:
        Metrics().act("cases.close", "committed")
        other = Metrics()
        assert (
            other.registry.get_sample_value("slrt_acts_total", {"use_case": "cases.close", "outcome": "committed"})
            is None
        )

    def test_serves_on_loopback_and_stops(self) -> None:
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        stop = Metrics().serve(port)
        try:
            assert "process_" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
        finally:
            stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/metrics")


def recording(ratio: float) -> tuple[Telemetry, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    return Telemetry(Settings(trace_sample_ratio=ratio), processor=SimpleSpanProcessor(exporter)), exporter


class TestTracing:
    def test_a_sampled_request_continues_the_callers_trace(self) -> None:
        telemetry, exporter = recording(0.0)
        trace = telemetry.continue_trace(f"00-{TRACE}-{SPAN}-01")
        with telemetry.request_span(trace, "GET"), traces.act_span("cases.close"):
            outgoing = trace.traceparent
        act, request = exporter.get_finished_spans()
        assert (request.name, act.name) == ("GET", "cases.close")
        assert request.parent is not None
        assert f"{request.parent.span_id:016x}" == SPAN
        assert f"{request.context.trace_id:032x}" == TRACE
        assert outgoing == f"00-{TRACE}-{request.context.span_id:016x}-01"
        assert act.parent is not None
        assert act.parent.span_id == request.context.span_id

    def test_a_new_sampled_trace_keeps_the_id_it_was_given(self) -> None:
        telemetry, exporter = recording(1.0)
        trace = telemetry.continue_trace(None)
        with telemetry.request_span(trace, "GET"):
            pass
        [span] = exporter.get_finished_spans()
        assert f"{span.context.trace_id:032x}" == trace.trace_id == traces.current_trace_id()
        assert span.parent is None

    def test_nothing_is_recorded_for_the_others(self) -> None:
        telemetry, exporter = recording(0.0)
        with telemetry.job("expire"), traces.act_span("cases.close"), traces.statement_span("lock"):
            assert len(traces.current_trace_id()) == 32
        assert exporter.get_finished_spans() == ()

    def test_every_job_has_a_trace_of_its_own(self) -> None:
        telemetry, exporter = recording(1.0)
        for _ in range(2):
            with telemetry.job("expire"):
                pass
        first, second = exporter.get_finished_spans()
        assert first.context.trace_id != second.context.trace_id
