"""No number and no name that a test used stands where it must not. Runs after all other tests: see `conftest`.

The controls come after the search, because they plant leaks into the very sinks that were searched.
"""

from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from tests import canaries
from tests.api import Api, household_body
from tests.canaries import LEAKS, Leaks

from slrt_api.kernel.paging import encode_cursor
from slrt_api.runtime import logs, traces
from slrt_api.runtime.embedded import EmbeddedPostgres
from slrt_api.settings import Settings

NIK = "9901014505880003"
#: a number that no other test uses
UNKNOWN = "3326014505880003"
SINKS = {"logs", "spans", "errors", "headers", "urls", "statements", "postgres log"}


async def test_nothing_of_the_suite_leaked(api: Api, postgres: EmbeddedPostgres) -> None:
    # Something in every sink, also where this test runs alone.
    facilitator = api.as_("facilitator")
    made = await facilitator.post("/v1/households", json=household_body())
    assert made.status_code == 201
    assert (await facilitator.get(made.headers["location"])).status_code == 200
    refused = await facilitator.post("/v1/households", json=household_body(nik=NIK))
    assert refused.status_code == 422
    hostile = await facilitator.get("/v1/households", params={"nik": NIK})
    assert hostile.status_code == 400
    logs.flush()
    await LEAKS.statements(postgres.superuser_url)
    LEAKS.postgres_log(postgres.log_file)
    assert set(LEAKS.seen) == SINKS
    print(f"searched: {dict(LEAKS.seen)}")
    assert LEAKS.found == []


class TestScanner:
    @pytest.mark.parametrize(
        "text",
        [NIK, f"a{NIK}b", f"kk={UNKNOWN};", "Siti Aminah", "di Dusun III RT 02,"],
        ids=["number", "known number in hexadecimal", "unknown number", "name", "address"],
    )
    def test_what_is_found(self, text: str) -> None:
        assert canaries.found_in(text)

    @pytest.mark.parametrize(
        "text",
        ["990101**********", "4bf92f3577b34da6a3ce929d0e0e4736", f"ab{UNKNOWN}", "123456789012345", "0" * 16, "Siti"],
        ids=["mask", "trace id", "part of a hash", "fifteen", "zeros", "half a name"],
    )
    def test_what_is_none(self, text: str) -> None:
        assert canaries.found_in(text) == set()

    @pytest.mark.parametrize(
        "text",
        [f"/v1/households?nik={NIK}", "/v1/persons?name=Siti+Aminah", "/v1/persons?name=Siti%20Aminah"],
    )
    def test_addresses_are_decoded(self, text: str) -> None:
        assert canaries.found_in_address(text)

    def test_cursors_are_opened(self) -> None:
        assert canaries.found_in_address("?cursor=" + encode_cursor([NIK, "x"], b"\xab" * 8)) == {NIK}
        assert canaries.found_in_address("?cursor=" + encode_cursor(["2026-11-22", "x"], b"\xab" * 8)) == set()

    def test_the_numbers_of_the_suite_are_known(self) -> None:
        assert {"9901014505880003", "9901010101120007"} <= canaries._numbers()


async def answer(response: Response, target: str) -> tuple[Leaks, httpx.Response]:
    """What the watched edge finds where an application answers `target` like this."""
    leaks = Leaks()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    settings = Settings()
    edge = canaries.watched_edge(leaks)(app, settings=settings, telemetry=canaries.watched_telemetry(leaks)(settings))
    with canaries.logging_kept():
        logs.configure("DEBUG", canaries._Lines(leaks))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://local") as client:
            return leaks, await client.get(target)


def sinks(leaks: Leaks) -> set[str]:
    return {found.partition(":")[0] for found in leaks.found}


class TestPlanted:
    """A leak of each kind is found."""

    async def test_nothing_planted_nothing_found(self) -> None:
        leaks, _ = await answer(JSONResponse({}), "/v1/households?limit=3")
        assert leaks.found == []
        assert {"logs", "spans", "urls", "headers"} <= set(leaks.seen)

    @pytest.mark.parametrize(
        ("response", "target", "sink"),
        [
            (JSONResponse({"detail": f"{NIK} is taken"}, 409), "/v1/households", "errors"),
            (JSONResponse({"detail": "Siti Aminah is taken"}, 422), "/v1/households", "errors"),
            (JSONResponse({"data": None, "errors": [{"message": f"{NIK}?"}]}), "/graphql", "errors"),
            (JSONResponse({}), f"/v1/persons?nik={NIK}", "urls"),
            (JSONResponse({}, 201, {"location": f"/v1/persons/{NIK}"}), "/v1/persons", "headers"),
        ],
        ids=["number", "name", "graphql", "address", "location"],
    )
    async def test_in_an_answer(self, response: Response, target: str, sink: str) -> None:
        leaks, _ = await answer(response, target)
        assert sinks(leaks) == {sink}

    async def test_a_number_in_an_address_that_is_refused_is_no_leak(self) -> None:
        leaks, _ = await answer(JSONResponse({}, 400), f"/v1/persons?nik={NIK}")
        assert leaks.found == []

    @pytest.mark.parametrize(
        "plant",
        [
            lambda: logs.request_line({"route": f"/v1/persons/{NIK}"}),
            lambda: structlog.get_logger().debug("stored", name="Siti Aminah"),
            # Struck out by the logger's last wall, and still a find: somebody handed it over.
            lambda: structlog.get_logger().debug("stored", value=NIK),
        ],
        ids=["request line", "name", "struck out"],
    )
    def test_in_a_log(self, plant: Callable[[], None]) -> None:
        leaks = Leaks()
        with canaries.logging_kept():
            logs.configure("DEBUG", canaries._Lines(leaks))  # type: ignore[arg-type]
            plant()
            logs.flush()
        assert sinks(leaks) == {"logs"}

    @pytest.mark.parametrize("where", ["name", "attribute", "event"])
    def test_in_a_span(self, where: str) -> None:
        leaks, exporter = Leaks(), InMemorySpanExporter()
        # The settings ask for no sampling: the watch samples everything nevertheless.
        telemetry = canaries.watched_telemetry(leaks)(
            Settings(trace_sample_ratio=0), processor=SimpleSpanProcessor(exporter)
        )
        trace = telemetry.continue_trace(None)
        with telemetry.request_span(trace, "GET") as span, traces.act_span(NIK if where == "name" else "cases.open"):
            if where == "attribute":
                span.set_attribute("slrt.person", NIK)
            if where == "event":
                span.add_event("exception", {"exception.message": f"{NIK} is taken"})
        assert len(exporter.get_finished_spans()) == 2
        assert sinks(leaks) == {"spans"}

    async def test_in_a_statement(self, postgres: EmbeddedPostgres) -> None:
        admin = await asyncpg.connect(postgres.superuser_url)
        await admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

        async def found() -> list[Any]:
            leaks = Leaks()
            await leaks.statements(postgres.superuser_url)
            return leaks.found

        # As a value it is replaced by PostgreSQL; in the text of the statement it stays.
        await admin.fetchval(f"SELECT '{NIK}'::text")
        assert await found() == []
        await admin.execute(f"SELECT 1 AS planted /* {NIK} */")
        assert [text.partition(" in ")[0] for text in await found()] == [f"statements: {NIK}"]
        # Taken out again: the suite may be searched another time.
        await admin.execute(
            "SELECT pg_stat_statements_reset(userid, dbid, queryid) FROM pg_stat_statements WHERE query LIKE '%planted%'"
        )
        assert await found() == []
        await admin.close()

    async def test_in_the_log_of_postgresql(self, postgres: EmbeddedPostgres) -> None:
        before = postgres.log_file.stat().st_size
        admin = await asyncpg.connect(postgres.superuser_url)
        with pytest.raises(asyncpg.PostgresError):
            # A failed statement quotes its values: the settings of the embedded server keep it out of the log.
            await admin.fetchval("SELECT ($1::text || 'x')::integer", NIK)
        quiet = Leaks()
        quiet.postgres_log(postgres.log_file, before)
        assert quiet.found == []
        await admin.execute(f"DO $$ BEGIN RAISE LOG 'planted %', '{NIK}'; END $$")
        await admin.close()
        leaks = Leaks()
        leaks.postgres_log(postgres.log_file, before)
        assert sinks(leaks) == {"postgres log"}
