"""The civil registry: what is asked, what is believed, and how long anybody waits for it."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from slrt_api.areas import places
from slrt_api.cli import civil as command
from slrt_api.households.adapters import civil
from slrt_api.households.adapters.civil import CivilRegistryAway, Declared, HttpCivilRegistry, Verdict
from slrt_api.households.adapters.civil_simulator import CREDENTIAL, Citizen, Switches, simulator
from slrt_api.households.codes import MatchingStatus, Sex, Standing
from slrt_api.households.matching_status import status_of

NIK = "9901014505880003"
SITI = Declared("Siti Aminah", Sex.F, date(1988, 5, 5))
PEOPLE = {NIK: Citizen("Siti Aminah", Sex.F, date(1988, 5, 5))} | {
    f"990101450588100{number}": Citizen("Siti Aminah", Sex.F, date(1988, 5, 5), standing)
    for number, standing in enumerate(Standing)
}


@asynccontextmanager
async def registry(
    transport: httpx.AsyncBaseTransport, now: Callable[[], float] = lambda: 0.0, credential: str = CREDENTIAL
) -> AsyncIterator[HttpCivilRegistry]:
    async def at_once(_: float) -> None:
        return

    asked = HttpCivilRegistry("http://civil.test", SecretStr(credential), transport=transport, now=now, pause=at_once)
    try:
        yield asked
    finally:
        await asked.aclose()


def simulated(switches: Switches | None = None) -> httpx.ASGITransport:
    return httpx.ASGITransport(simulator(PEOPLE, switches))


def answering(*answers: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A registry that gives these answers in turn, the last for ever, and what it was asked."""
    asked: list[httpx.Request] = []
    turns = itertools.chain(answers[:-1], itertools.repeat(answers[-1]))

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        turn = next(turns)
        if isinstance(turn, Exception):
            raise turn
        return httpx.Response(turn.status_code, headers=turn.headers, stream=httpx.ByteStream(turn.content))

    return httpx.MockTransport(answer), asked


def told(**content: Any) -> httpx.Response:
    return httpx.Response(200, content=orjson.dumps(content))


YES = told(standing="IN_FORCE", fields={"name": True, "sex": True, "birth_date": True})


class TestRefusals:
    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(200, content=b""),
            httpx.Response(200, content=b"<html>"),
            httpx.Response(200, content=b"[]"),
            told(standing="ALIVE"),
            told(standing="IN_FORCE"),
            told(standing="IN_FORCE", fields={"name": True, "sex": True}),
            # a copy of the record in place of a verdict, a number, and nothing at all
            told(standing="IN_FORCE", fields={"name": "Siti Aminah", "sex": True, "birth_date": True}),
            told(standing="IN_FORCE", fields={"name": 1, "sex": True, "birth_date": True}),
            told(standing="IN_FORCE", fields={"name": None, "sex": True, "birth_date": True}),
            httpx.Response(200, content=b" " * 5_000),
            httpx.Response(401),
            httpx.Response(422),
            httpx.Response(500),
            httpx.Response(302, headers={"location": "http://elsewhere.test"}),
        ],
    )
    async def test_what_is_no_verdict_is_not_believed_and_not_asked_for_twice(self, answer: httpx.Response) -> None:
        transport, asked = answering(answer)
        async with registry(transport) as one:
            with pytest.raises(CivilRegistryAway):
                await one.match(NIK, SITI)
        assert len(asked) == 1

    @pytest.mark.parametrize(
        "failure",
        [
            httpx.Response(503),
            httpx.Response(429),
            httpx.Response(502),
            httpx.Response(504),
            httpx.ConnectError(f"to {NIK}"),
            httpx.ReadTimeout(f"of {NIK}"),
        ],
    )
    async def test_what_passes_is_tried_once_more_and_no_oftener(self, failure: httpx.Response | Exception) -> None:
        transport, asked = answering(failure, YES)
        async with registry(transport) as one:
            assert (await one.match(NIK, SITI)).standing is Standing.IN_FORCE
        assert len(asked) == 2
        transport, asked = answering(failure)
        async with registry(transport) as one:
            with pytest.raises(CivilRegistryAway) as away:
                await one.match(NIK, SITI)
        assert len(asked) == civil.ATTEMPTS
        assert NIK not in str(away.value)
        assert away.value.__cause__ is None

    async def test_nobody_waits_for_one_that_never_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(civil, "ATTEMPT_SECONDS", 0.05)
        async with registry(simulated(Switches(latency_seconds=30))) as one:
            began = asyncio.get_running_loop().time()
            with pytest.raises(CivilRegistryAway):
                await one.match(NIK, SITI)
            assert asyncio.get_running_loop().time() - began < 5


class TestAsking:
    async def test_the_nik_is_in_the_body_only_and_what_is_not_known_is_not_asked(self) -> None:
        transport, asked = answering(told(standing="IN_FORCE", fields={"name": True, "sex": False}))
        async with registry(transport) as one:
            verdict = await one.match(NIK, Declared("Siti", Sex.M))
        assert verdict == Verdict(Standing.IN_FORCE, {"name": True, "sex": False})
        [request] = asked
        assert (request.method, str(request.url)) == ("POST", "http://civil.test/v1/match")
        assert orjson.loads(request.content) == {"nik": NIK, "fields": {"name": "Siti", "sex": "M"}}
        assert NIK not in repr(request.headers)

    async def test_more_than_was_asked_for_is_not_kept(self) -> None:
        transport, _ = answering(
            told(
                standing="IN_FORCE",
                fields={"name": True, "sex": True, "birth_date": True, "mother": "Aminah"},
                record={"name": "Siti"},
            )
        )
        async with registry(transport) as one:
            assert set((await one.match(NIK, SITI)).fields) == {"name", "sex", "birth_date"}

    async def test_no_log_line_holds_the_nik_or_a_value(
        self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with registry(simulated(Switches(failing=503))) as one:
            with pytest.raises(CivilRegistryAway):
                await one.match(NIK, SITI)
        captured = capsys.readouterr()
        for text in (caplog.text, captured.out, captured.err):
            assert NIK not in text
            assert "Aminah" not in text
            assert CREDENTIAL not in text


class TestAway:
    async def test_after_failures_in_a_row_nobody_waits_and_one_tries_every_half_minute(self) -> None:
        clock = [0.0]
        switches = Switches(failing=503)
        async with registry(simulated(switches), now=lambda: clock[0]) as one:

            async def away() -> int:
                before = switches.asked
                with pytest.raises(CivilRegistryAway):
                    await one.match(NIK, SITI)
                return switches.asked - before

            assert [await away() for _ in range(civil.FAILURES_TO_OPEN)] == [civil.ATTEMPTS] * civil.FAILURES_TO_OPEN
            assert [await away() for _ in range(3)] == [0, 0, 0]
            clock[0] = civil.OPEN_SECONDS - 0.001
            assert await away() == 0
            clock[0] = civil.OPEN_SECONDS
            assert [await away(), await away()] == [civil.ATTEMPTS, 0]
            clock[0] = 2 * civil.OPEN_SECONDS
            switches.failing = None
            assert (await one.match(NIK, SITI)).standing is Standing.IN_FORCE
            switches.failing = 503
            # What succeeded closes it: failures are counted anew.
            assert await away() == civil.ATTEMPTS


class TestSimulator:
    async def test_it_tells_yes_or_no_by_value(self) -> None:
        async with registry(simulated()) as one:
            assert await one.match(NIK, Declared("  SITI   aminah", Sex.F, date(1988, 5, 6))) == Verdict(
                Standing.IN_FORCE, {"name": True, "sex": True, "birth_date": False}
            )
            assert (await one.match("9901014505889999", SITI)).standing is Standing.NOT_FOUND
            for nik, citizen in PEOPLE.items():
                assert (await one.match(nik, SITI)).standing is citizen.standing

    async def test_without_the_credential_it_tells_nothing(self) -> None:
        async with registry(simulated(), credential="other") as one:
            with pytest.raises(CivilRegistryAway, match="status 401"):
                await one.match(NIK, SITI)

    async def test_its_switches_are_turned_over_http(self) -> None:
        switches = Switches()
        app = simulator(PEOPLE, switches)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://civil.test") as client:
            for wrong in ("", "[]", '{"failing": 200}', '{"failing": true}', '{"latency_seconds": 61}'):
                assert (await client.put("/switches", content=wrong)).status_code == 422
            assert switches == Switches()
            assert (await client.put("/switches", json={"failing": 503, "latency_seconds": 0.5})).status_code == 200
        assert (switches.failing, switches.latency_seconds) == (503, 0.5)

    def test_it_knows_nobody_real(self) -> None:
        with pytest.raises(ValueError, match="prefix 99"):
            simulator({"3326014505880003": PEOPLE[NIK]})

    def test_of_the_demo_it_knows_people_in_every_standing(self) -> None:
        people = command.people()
        assert len(people) > 500
        assert {nik[:6] for nik in people}.isdisjoint(places.district_prefixes())
        # Nobody is not found by being known.
        assert {each.standing for each in people.values()} == set(Standing) - {Standing.NOT_FOUND}
        simulator(people)


class TestStatus:
    @pytest.mark.parametrize(
        ("standing", "fields", "status"),
        [
            (Standing.IN_FORCE, {"name": True, "sex": True}, MatchingStatus.MATCHED),
            (Standing.IN_FORCE, {"name": False, "sex": True}, MatchingStatus.PARTIAL),
            (Standing.IN_FORCE, {"name": False, "sex": False}, MatchingStatus.NOT_MATCHED),
            (Standing.NOT_FOUND, {}, MatchingStatus.NIK_NOT_FOUND),
            (Standing.INACTIVE, {}, MatchingStatus.NIK_INACTIVE),
            (Standing.DUPLICATE, {}, MatchingStatus.DUPLICATE_NIK),
            (Standing.DECEASED, {}, MatchingStatus.DECEASED),
            (Standing.MOVED, {}, MatchingStatus.MOVED),
            # What was compared of a NIK that is not in force counts for nothing.
            (Standing.DECEASED, {"name": True}, MatchingStatus.DECEASED),
        ],
    )
    def test_of_every_answer(self, standing: Standing, fields: dict[str, bool], status: MatchingStatus) -> None:
        assert status_of(standing, fields) is status

    def test_every_standing_has_one(self) -> None:
        assert len({status_of(standing, {"name": True}) for standing in Standing}) == len(Standing)

    def test_nothing_compared_is_no_match(self) -> None:
        with pytest.raises(ValueError, match="one field"):
            status_of(Standing.IN_FORCE, {})
