"""Checks with the civil registry: who may ask for one, what it sets, and that its outages harm nobody."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.api import OTHER_REGENCY_VILLAGE, OTHER_VILLAGE, VILLAGE, Api, household_body, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.graph_queries import data
from tests.problems import problem

from slrt_api import worker
from slrt_api.access.scopes import PERMISSIONS, Role, Scope
from slrt_api.flows import asking, upkeep
from slrt_api.households.adapters import civil
from slrt_api.households.adapters.civil import CivilRegistryAway, Declared, HttpCivilRegistry, Verdict
from slrt_api.households.adapters.civil_simulator import CREDENTIAL, Citizen, Switches, simulator
from slrt_api.households.codes import Sex, Standing
from slrt_api.households.service import civil_checks
from slrt_api.kernel.errors import Forbidden
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act, Platform
from slrt_api.settings import Settings

NIK = "9901014505880003"
SITI = Citizen("Siti Aminah", Sex.F, date(1988, 5, 5))
MATCHES = ("name_matches", "sex_matches", "birth_date_matches")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(make_database: MakeDatabase) -> MigratedDatabase:
    """A database of its own: a worker takes up whatever is due in it."""
    return await make_database("slrt_civil")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(own: MigratedDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(own.api_url, tmp_path_factory.mktemp("civil")) as running:
        yield running


@pytest_asyncio.fixture
async def owner(own: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own.owner_url)
    # What former tests left waiting is not part of this one.
    await connection.execute("UPDATE civil_checks SET status = 'WITHDRAWN', due_at = NULL WHERE status = 'REQUESTED'")
    yield connection
    await connection.close()


@pytest.fixture
def platform(api: Api, owner: asyncpg.Connection) -> Platform:
    """What a worker shares, under the keys of the application."""
    found: Platform = api.app.state.service.platform
    return found


def later(platform: Platform, **span: float) -> Platform:
    """The same, so much later."""
    now = datetime.now(UTC) + timedelta(**span)
    return replace(platform, clock=lambda: now)


@asynccontextmanager
async def registry(
    citizen: Citizen | None = SITI,
    switches: Switches | None = None,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[HttpCivilRegistry]:
    """A civil registry that knows NIK as `citizen`."""
    people = {NIK: citizen} if citizen is not None else {}
    one = HttpCivilRegistry(
        "http://civil.test",
        SecretStr(CREDENTIAL),
        transport=transport or httpx.ASGITransport(simulator(people, switches)),
        pause=lambda _: asyncio.sleep(0),
    )
    try:
        yield one
    finally:
        await one.aclose()


class Counting:
    """A registry that answers the same to everybody, and keeps what it was asked."""

    def __init__(self, *, after: float = 0.0) -> None:
        self.asked: list[str] = []
        self._after = after

    async def match(self, nik: str, declared: Declared) -> Verdict:
        self.asked.append(nik)
        await asyncio.sleep(self._after)
        return Verdict(Standing.IN_FORCE, dict.fromkeys(declared.values(), True))


async def person(api: Api, village: str = VILLAGE, **changes: Any) -> str:
    """A registered person: Siti Aminah, otherwise as named."""
    head = {"name": "Siti Aminah", "nik": NIK, "birth_date": "1988-05-05", "sex": "F", "relation": "HEAD", **changes}
    body = household_body(kk=None, area_code=village, members=[head])
    answer = await api.as_("facilitator", area=village).post("/v1/households", json=body)
    assert answer.status_code == 201, answer.text
    id_: str = answer.json()["members"][0]["person_id"]
    return id_


async def requested(api: Api, id_: str, status: int = 201) -> dict[str, Any]:
    answer = await api.as_("puskesos_officer").post(f"/v1/persons/{id_}/civil-checks")
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def seen(api: Api, path: str) -> dict[str, Any]:
    answer = await api.as_("puskesos_officer").get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def check(api: Api, made: Mapping[str, Any]) -> dict[str, Any]:
    return await seen(api, f"/v1/civil-checks/{made['id']}")


async def status(api: Api, id_: str) -> str | None:
    found: str | None = (await seen(api, f"/v1/persons/{id_}"))["matching_status"]
    return found


class TestRefusals:
    async def test_a_role_without_the_scope_is_refused(self, api: Api) -> None:
        id_ = await person(api)
        allowed = {role for role in Role if Scope.REGISTRY_CHECK in PERMISSIONS[role]}
        assert allowed == {
            "puskesos_officer",
            "puskesos_coordinator",
            "supervisor",
            "secretariat_officer",
            "secretariat_manager",
        }
        for role in set(Role) - allowed - {Role.PARTNER, Role.PROGRAM_MANAGER, Role.CITIZEN}:
            problem(await api.as_(role).post(f"/v1/persons/{id_}/civil-checks"), 403, "scope_missing")

    async def test_a_person_out_of_sight_is_not_found(self, api: Api) -> None:
        for village in (OTHER_VILLAGE, OTHER_REGENCY_VILLAGE):
            id_ = await person(api, village)
            officer = api.as_("puskesos_officer")
            problem(await officer.post(f"/v1/persons/{id_}/civil-checks"), 404, "not_found")
            made = await api.as_("puskesos_officer", area=village).post(f"/v1/persons/{id_}/civil-checks")
            assert made.status_code == 201
            problem(await officer.get(f"/v1/civil-checks/{made.json()['id']}"), 404, "not_found")
            listed = await officer.get("/v1/civil-checks", params={"person_id": id_})
            assert listed.json()["items"] == []

    async def test_without_a_registry_nothing_is_requested(
        self, own: MigratedDatabase, tmp_path: Path, owner: asyncpg.Connection
    ) -> None:
        async with running_api(own.api_url, tmp_path, civil_registry_url=None) as api:
            id_ = await person(api)
            answer = await api.as_("puskesos_officer").post(f"/v1/persons/{id_}/civil-checks")
            problem(answer, 409, "civil_registry_absent")
        assert await owner.fetchval("SELECT count(*) FROM civil_checks WHERE person_id = $1", UUID(id_)) == 0

    async def test_without_a_nik_there_is_nothing_to_compare(self, api: Api) -> None:
        id_ = await person(api, nik=None)
        answer = await api.as_("puskesos_officer").post(f"/v1/persons/{id_}/civil-checks")
        problem(answer, 409, "nik_missing")
        assert await status(api, id_) is None

    async def test_who_has_ended_is_not_checked(self, api: Api) -> None:
        id_ = await person(api)
        await died(api, id_)
        answer = await api.as_("puskesos_officer").post(f"/v1/persons/{id_}/civil-checks")
        problem(answer, 409, "person_ended")

    async def test_nobody_empties_the_registry_by_asking(self, own: MigratedDatabase, tmp_path: Path) -> None:
        async with running_api(own.api_url, tmp_path, civil_checks_per_user_per_day=1) as api:
            officer = api.as_("puskesos_officer", subject="one who asks much")
            first, second = await person(api), await person(api)
            assert (await officer.post(f"/v1/persons/{first}/civil-checks")).status_code == 201
            # What waits already asks nothing new.
            assert (await officer.post(f"/v1/persons/{first}/civil-checks")).status_code == 200
            problem(await officer.post(f"/v1/persons/{second}/civil-checks"), 429, "quota_exhausted")

    async def test_only_the_worker_asks_and_records(self, api: Api, platform: Platform) -> None:
        made = await requested(api, await person(api))
        officer = Actor("x", "supervisor", frozenset(), RowScope(ScopeKind.AREA_RANGE, lo=0, hi=9_999_999_999))
        with pytest.raises(Forbidden, match="role_not_allowed"):
            await Act(platform, officer, "0" * 32).ask(asking.question, on=UUID(made["id"]))
        with pytest.raises(Forbidden, match="role_not_allowed"):
            await Act(platform, officer, "0" * 32)(asking.record, asking.Told(attempt=0), on=UUID(made["id"]))

    @pytest.mark.parametrize(
        "chosen",
        [
            {"civil_registry_url": "https://civil.example"},
            {"civil_registry_url": "http://civil.example", "civil_registry_credential": "x"},
            {"civil_registry_url": "https://civil.example/", "civil_registry_credential": "x"},
            {"civil_registry_url": "https://u:p@civil.example", "civil_registry_credential": "x"},
        ],
    )
    def test_settings_that_would_tell_niks_to_others_are_refused(self, chosen: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="SLRT_CIVIL_REGISTRY_URL"):
            Settings(**chosen)  # type: ignore[arg-type]

    def test_off_by_default(self) -> None:
        assert civil.configured(Settings()) is None
        assert civil_checks.limits(Settings()) == {}
        assert worker.jobs_of(None) == [*worker.JOBS]


async def died(api: Api, id_: str) -> None:
    version = (await seen(api, f"/v1/persons/{id_}"))["version"]
    household = (await seen(api, f"/v1/persons/{id_}"))["household_id"]
    assert household is not None
    answer = await api.as_("puskesos_officer").post(
        f"/v1/persons/{id_}/death",
        json={"died_on": "2026-11-02", "reason": "B"},
        headers={"if-match": f'"{version}"'},
    )
    assert answer.status_code == 200, answer.text


class TestAnswers:
    async def test_who_has_a_nik_waits_to_be_matched_and_is_listed(self, api: Api) -> None:
        with_nik, without = await person(api), await person(api, nik=None)
        assert (await status(api, with_nik), await status(api, without)) == ("NOT_MATCHED_YET", None)
        found = await seen(api, "/v1/persons?matching_status=NOT_MATCHED_YET&limit=200")
        ids = {each["id"] for each in found["items"]}
        assert with_nik in ids
        assert without not in ids
        answer = await api.as_("puskesos_officer").get("/v1/persons", params={"matching_status": "UNKNOWN"})
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        ("citizen", "standing", "matches", "expected"),
        [
            (SITI, "IN_FORCE", [True, True, True], "MATCHED"),
            (replace(SITI, birth_date=date(1988, 5, 6)), "IN_FORCE", [True, True, False], "PARTIAL"),
            (Citizen("Rahmat", Sex.M, date(1970, 1, 1)), "IN_FORCE", [False, False, False], "NOT_MATCHED"),
            (None, "NOT_FOUND", [None] * 3, "NIK_NOT_FOUND"),
            (replace(SITI, standing=Standing.DECEASED), "DECEASED", [None] * 3, "DECEASED"),
            (replace(SITI, standing=Standing.MOVED), "MOVED", [None] * 3, "MOVED"),
            (replace(SITI, standing=Standing.DUPLICATE), "DUPLICATE", [None] * 3, "DUPLICATE_NIK"),
            (replace(SITI, standing=Standing.INACTIVE), "INACTIVE", [None] * 3, "NIK_INACTIVE"),
        ],
    )
    async def test_the_answer_sets_the_status_and_nothing_else(
        self,
        api: Api,
        platform: Platform,
        citizen: Citizen | None,
        standing: str,
        matches: list[bool | None],
        expected: str,
    ) -> None:
        id_ = await person(api)
        before = await seen(api, f"/v1/persons/{id_}")
        made = await requested(api, id_)
        assert (made["status"], made["attempts"], made["standing"]) == ("REQUESTED", 0, None)
        async with registry(citizen) as one:
            assert await asking.of(one)(platform) == 1
            assert await asking.of(one)(platform) == 0
        told = await check(api, made)
        assert (told["status"], told["standing"], told["attempts"], told["version"]) == ("ANSWERED", standing, 1, 2)
        assert [told[name] for name in MATCHES] == matches
        lasts = datetime.fromisoformat(told["expires_at"]) - datetime.fromisoformat(told["asked_at"])
        assert lasts == timedelta(days=30)
        after = await seen(api, f"/v1/persons/{id_}")
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"matching_status", "version", "updated_at"}
        assert after["matching_status"] == expected
        found = await seen(api, f"/v1/persons?matching_status={expected}&limit=200")
        assert id_ in {each["id"] for each in found["items"]}

    async def test_what_is_not_known_is_not_asked(self, api: Api, platform: Platform) -> None:
        made = await requested(api, await person(api, birth_date=None))
        async with registry() as one:
            await asking.of(one)(platform)
        assert [(await check(api, made))[name] for name in MATCHES] == [True, True, None]

    async def test_the_answer_is_an_act_of_the_person_and_of_the_check(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        id_ = await person(api)
        made = await requested(api, id_)
        async with registry() as one:
            await asking.of(one)(platform)
        for aggregate, types in (
            (made["id"], ["civil_check.requested", "civil_check.answered"]),
            (id_, ["person.civil_checked"]),
        ):
            rows = await owner.fetch(
                "SELECT type, sequence FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(aggregate)
            )
            assert [(row["type"], row["sequence"]) for row in rows] == [(t, n) for n, t in enumerate(types, 1)]
        values = await owner.fetchval("SELECT values FROM revisions WHERE aggregate_id = $1", UUID(id_))
        assert orjson.loads(values)["changes"] == {"matching_status": {"before": "NOT_MATCHED_YET", "after": "MATCHED"}}

    async def test_nothing_that_the_registry_knows_is_kept(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        id_ = await person(api)
        made = await requested(api, id_)

        def answer(_: httpx.Request) -> httpx.Response:
            fields = {"name": False, "sex": True, "birth_date": True, "mother": "Rukmini Handayani"}
            content = {"standing": "IN_FORCE", "fields": fields, "name": "Rukmini Handayani", "kk": "9901019999990001"}
            return httpx.Response(200, stream=httpx.ByteStream(orjson.dumps(content)))

        async with registry(transport=httpx.MockTransport(answer)) as one:
            await asking.of(one)(platform)
        assert (await check(api, made))["name_matches"] is False
        tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            texts = await owner.fetchval(
                f"SELECT count(*) FROM {table['tablename']} t WHERE t::text LIKE ANY ($1::text[])",
                ["%Rukmini%", "%9901019999990001%"],
            )
            assert texts == 0, table["tablename"]

    async def test_it_is_read_through_the_person_on_both_surfaces(self, api: Api, platform: Platform) -> None:
        id_ = await person(api)
        made = await requested(api, id_)
        async with registry() as one:
            await asking.of(one)(platform)
        linked = await seen(api, f"/v1/persons/{id_}/civil-checks")
        assert [each["id"] for each in linked["items"]] == [made["id"]]
        included = await seen(api, f"/v1/persons/{id_}?include=civil_checks")
        assert [each["standing"] for each in included["civil_checks"]] == ["IN_FORCE"]
        query = """query($id: ID!) { person(id: $id) { matchingStatus civilChecks(first: 5) {
            edges { node { status standing nameMatches person { id } } } } } }"""
        found = (await data(api.as_("puskesos_officer"), query, {"id": id_}))["person"]
        assert found["matchingStatus"] == "MATCHED"
        [node] = [edge["node"] for edge in found["civilChecks"]["edges"]]
        assert (node["status"], node["standing"], node["nameMatches"]) == ("ANSWERED", "IN_FORCE", True)
        assert node["person"] == {"id": id_}
        partner = api.as_("partner", organization=UUID(int=1))
        problem(await partner.get(f"/v1/civil-checks/{made['id']}"), 404, "not_found")

    async def test_a_mutation_requests_it(self, api: Api) -> None:
        id_ = await person(api)
        mutation = "mutation($i: PersonsCivilCheckInput!) { personsCivilCheck(input: $i) { civilCheck { status } } }"
        found = await data(api.as_("puskesos_officer"), mutation, {"i": {"id": id_}})
        assert found["personsCivilCheck"]["civilCheck"]["status"] == "REQUESTED"


class TestReuse:
    async def test_one_that_waits_is_answered_again(self, api: Api) -> None:
        id_ = await person(api)
        first = await requested(api, id_)
        assert (await requested(api, id_, 200))["id"] == first["id"]

    async def test_two_who_ask_at_once_ask_once(self, api: Api, owner: asyncpg.Connection) -> None:
        id_ = await person(api)
        officer = api.as_("puskesos_officer")
        answers = await asyncio.gather(*(officer.post(f"/v1/persons/{id_}/civil-checks") for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1

    async def test_an_answer_is_used_until_it_expires(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        id_ = await person(api)
        first = await requested(api, id_)
        one = Counting()
        await asking.of(one)(platform)
        assert (await requested(api, id_, 200))["id"] == first["id"]
        await asking.of(one)(platform)
        assert one.asked == [NIK]
        await owner.execute("UPDATE civil_checks SET expires_at = now() WHERE id = $1", UUID(first["id"]))
        second = await requested(api, id_)
        assert second["id"] != first["id"]
        await asking.of(one)(platform)
        assert one.asked == [NIK, NIK]
        assert await status(api, id_) == "MATCHED"

    async def test_of_other_values_it_says_nothing(self, api: Api, platform: Platform) -> None:
        id_ = await person(api)
        first = await requested(api, id_)
        async with registry() as one:
            await asking.of(one)(platform)
            assert await status(api, id_) == "MATCHED"
            await corrected(api, id_, name="Siti Rahayu")
            assert await status(api, id_) == "NOT_MATCHED_YET"
            second = await requested(api, id_)
            assert second["id"] != first["id"]
            await asking.of(one)(platform)
            assert await status(api, id_) == "PARTIAL"
            # Corrected back, the first answer is about what is known again.
            await corrected(api, id_, name="Siti Aminah")
            assert (await requested(api, id_, 200))["id"] == first["id"]
            assert await status(api, id_) == "MATCHED"

    async def test_confirming_a_value_leaves_the_status(self, api: Api, platform: Platform) -> None:
        id_ = await person(api)
        await requested(api, id_)
        async with registry() as one:
            await asking.of(one)(platform)
        await corrected(api, id_, name="Siti Aminah")
        assert await status(api, id_) == "MATCHED"

    async def test_another_nik_is_not_matched_yet_and_undoing_it_neither(self, api: Api, platform: Platform) -> None:
        id_ = await person(api)
        first = await requested(api, id_)
        async with registry() as one:
            await asking.of(one)(platform)
        officer = api.as_("puskesos_officer")
        version = (await seen(api, f"/v1/persons/{id_}"))["version"]
        other = {"nik": "9901014505880004", "reason": "B", "evidence": "B"}
        done = await officer.post(f"/v1/persons/{id_}/nik", json=other, headers={"if-match": f'"{version}"'})
        assert done.status_code == 200, done.text
        assert await status(api, id_) == "NOT_MATCHED_YET"
        # A check of the new one does not stand in the way of undoing.
        second = await requested(api, id_)
        async with registry() as one:
            await asking.of(one)(platform)
        assert (await check(api, second))["standing"] == "NOT_FOUND"
        assert await status(api, id_) == "NIK_NOT_FOUND"
        undone = await officer.post(
            f"/v1/lineage/{done.json()['id']}/undo", json={"reason": "B"}, headers={"if-match": '"1"'}
        )
        assert undone.status_code == 200, undone.text
        assert await status(api, id_) == "NOT_MATCHED_YET"
        assert (await requested(api, id_, 200))["id"] == first["id"]
        assert await status(api, id_) == "MATCHED"


async def corrected(api: Api, id_: str, **values: str) -> None:
    version = (await seen(api, f"/v1/persons/{id_}"))["version"]
    answer = await api.as_("facilitator").patch(
        f"/v1/persons/{id_}",
        content=orjson.dumps({**values, "reason": "B", "source": "DOCUMENT"}),
        headers={"content-type": "application/merge-patch+json", "if-match": f'"{version}"'},
    )
    assert answer.status_code == 200, answer.text


class TestOutages:
    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(503),
            httpx.Response(401),
            httpx.Response(200, content=b"<html>"),
            httpx.Response(200, content=b'{"standing": "IN_FORCE"}'),
            httpx.Response(200, content=b" " * 5_000),
        ],
        ids=["down", "refused", "garbage", "half", "long"],
    )
    async def test_no_answer_changes_nothing_and_is_tried_again(
        self, api: Api, platform: Platform, answer: httpx.Response
    ) -> None:
        id_ = await person(api)
        made = await requested(api, id_)

        def says(_: httpx.Request) -> httpx.Response:
            return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))

        async with registry(transport=httpx.MockTransport(says)) as one:
            assert await asking.of(one)(platform) == 1
        waiting = await check(api, made)
        assert (waiting["status"], waiting["attempts"], waiting["version"]) == ("REQUESTED", 1, 1)
        assert await status(api, id_) == "NOT_MATCHED_YET"
        async with registry() as one:
            assert await asking.of(one)(later(platform, seconds=50)) == 0, "before its time"
            assert await asking.of(one)(later(platform, seconds=61)) == 1
        assert await status(api, id_) == "MATCHED"

    async def test_a_slow_registry_is_given_up_on_with_no_transaction_open(
        self, api: Api, platform: Platform, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(civil, "ATTEMPT_SECONDS", 0.3)
        id_ = await person(api)
        made = await requested(api, id_)
        async with registry(switches=Switches(latency_seconds=30)) as one:
            round_ = asyncio.ensure_future(asking.of(one)(platform))
            await asyncio.sleep(0.2)
            idle = await owner.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%'"
            )
            assert not round_.done()
            # Nothing waits for the registry: the person can be changed meanwhile.
            await corrected(api, id_, birth_date="1988-05-06")
            assert await round_ == 1
        assert idle == 0
        assert (await check(api, made))["status"] == "REQUESTED"

    async def test_it_gives_up_in_the_end_and_can_be_asked_again(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        class Away:
            async def match(self, nik: str, declared: Declared) -> Verdict:
                raise CivilRegistryAway("away")

        id_ = await person(api)
        made = await requested(api, id_)
        waited = timedelta()
        for attempt in range(1, len(civil_checks.PAUSES) + 2):
            assert (await check(api, made))["status"] == "REQUESTED"
            assert await asking.of(Away())(later(platform, seconds=waited.total_seconds() + attempt)) == 1
            waited += civil_checks.PAUSES[attempt - 1] if attempt <= len(civil_checks.PAUSES) else timedelta()
        assert waited > timedelta(days=3)
        given_up = await check(api, made)
        assert (given_up["status"], given_up["attempts"], given_up["due_at"]) == ("GIVEN_UP", 11, None)
        types = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(made["id"]))
        assert [row["type"] for row in types] == ["civil_check.requested", "civil_check.given_up"]
        assert await status(api, id_) == "NOT_MATCHED_YET"
        assert (await requested(api, id_))["id"] != made["id"]

    async def test_who_died_meanwhile_is_not_asked_about(self, api: Api, platform: Platform) -> None:
        id_ = await person(api)
        made = await requested(api, id_)
        await died(api, id_)
        one = Counting()
        await asking.of(one)(platform)
        assert one.asked == []
        assert (await check(api, made))["status"] == "WITHDRAWN"

    async def test_what_was_corrected_meanwhile_is_asked_anew(self, api: Api, platform: Platform) -> None:
        id_ = await person(api)
        made = await requested(api, id_)

        class Correcting(Counting):
            async def match(self, nik: str, declared: Declared) -> Verdict:
                if not self.asked:
                    await corrected(api, id_, name="Siti Rahayu")
                return await super().match(nik, declared)

        one = Correcting()
        # The answer came at the clock of the round, which is the one at which the check is due again.
        assert await asking.of(one)(later(platform, seconds=1)) == 2
        assert len(one.asked) == 2
        found = await check(api, made)
        assert (found["status"], found["attempts"]) == ("ANSWERED", 2)

    async def test_a_number_that_does_not_decrypt_is_not_tried_for_ever(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        id_ = await person(api)
        made = await requested(api, id_)
        await owner.execute("UPDATE identities SET ciphertext = reverse(ciphertext) WHERE owner_id = $1", UUID(id_))
        one = Counting()
        await asking.of(one)(platform)
        assert one.asked == []
        found = await check(api, made)
        assert (found["status"], found["attempts"]) == ("REQUESTED", 1)


class TestWorkers:
    async def test_any_number_of_workers_ask_each_check_once(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        people = [await person(api) for _ in range(8)]
        made = [await requested(api, id_) for id_ in people]
        one = Counting(after=0.02)
        rounds = await asyncio.gather(*(asking.of(one)(platform) for _ in range(4)))
        assert sum(rounds) == len(people) == len(one.asked)
        assert max(rounds) < len(people), "they took turns"
        counts = await owner.fetch(
            "SELECT count(*) AS n FROM events WHERE type IN ('civil_check.answered', 'person.civil_checked')"
            " AND aggregate_id = ANY ($1::uuid[]) GROUP BY aggregate_id",
            [UUID(each) for each in [*people, *(each["id"] for each in made)]],
        )
        assert [row["n"] for row in counts] == [1] * 16

    async def test_a_worker_that_died_loses_an_attempt_and_no_check(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        id_ = await person(api)
        made = await requested(api, id_)

        class Dying:
            async def match(self, nik: str, declared: Declared) -> Verdict:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await asking.of(Dying())(platform)
        one = Counting()
        assert await asking.of(one)(platform) == 0, "another worker may be at it"
        assert await asking.of(one)(later(platform, seconds=asking.LEASE.total_seconds() + 1)) == 1
        # What the dead one would have told comes too late.
        late = asking.Told(attempt=1, basis=b"x", standing=Standing.NOT_FOUND)
        await Act(platform, upkeep.WORKER, "0" * 32)(asking.record, late, on=UUID(made["id"]))
        found = await check(api, made)
        assert (found["status"], found["standing"], found["attempts"]) == ("ANSWERED", "IN_FORCE", 2)
        assert await owner.fetchval("SELECT count(*) FROM events WHERE aggregate_id = $1", UUID(made["id"])) == 2


async def test_the_question_shows_no_value() -> None:
    asked = civil_checks.Question(NIK, Declared("Siti Aminah", Sex.F), b"x")
    assert NIK not in repr(asked)
    assert "Siti" not in repr(asked)


async def test_events_are_as_many_as_changes(api: Api, owner: asyncpg.Connection) -> None:
    """The last test of the module: every check and person of it (I4)."""
    await owner.execute("DELETE FROM civil_checks WHERE status = 'WITHDRAWN' AND version = 1")
    for table in ("civil_checks", "persons"):
        wrong = await owner.fetchval(
            f"SELECT count(*) FROM {table} t WHERE t.version <> (SELECT count(*) FROM events e"
            " WHERE e.regency = t.regency AND e.aggregate_id = t.id)"
        )
        assert wrong == 0, table
