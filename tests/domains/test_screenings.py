"""Screenings of an area: everybody judged as one by one, once each, by any number of workers; lists, counts, files, what-if."""

import asyncio
import csv
import io
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
import pytest
import pytest_asyncio
from tests.api import Api, household_body
from tests.conftest import MigratedDatabase
from tests.domains.test_referrals import code, fault, made
from tests.domains.test_worker import connected
from tests.programs import OWNS_HOUSE, criterion, program_body, rule_of, step

from slrt_api.flows import screening
from slrt_api.programs import loading
from slrt_api.programs.codes import Outcome
from slrt_api.programs.criteria import Rule
from slrt_api.programs.evaluation import Situation, evaluate
from slrt_api.programs.screenings import counting, disclosure
from slrt_api.runtime.usecase import Platform

#: a regency that no other test writes to, and villages of two of its districts
REGENCY: Final = "33.18"
VILLAGES: Final = ("33.18.01.2001", "33.18.01.2002", "33.18.02.2001")
MANAGER: Final = "secretariat_manager"
AS_OF: Final = date(2026, 11, 22)
HERE: Final = criterion("HERE", {"type": "area", "codes": [REGENCY]})
CHILD: Final = criterion("CHILD", {"type": "age", "from": 0, "to": 17})


@pytest_asyncio.fixture
async def platform(database: MigratedDatabase) -> AsyncIterator[Platform]:
    async with connected(database) as one:
        yield one


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of four households, so that a few families are several steps."""
    monkeypatch.setattr(screening, "STEP", 4)


@pytest_asyncio.fixture(autouse=True)
async def nothing_left(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """What a failed test left under way does not stand in the way of the next one."""
    yield
    await owner.execute(
        "UPDATE screenings SET status = 'CANCELLED', finished_at = now() WHERE status IN ('QUEUED', 'RUNNING')"
    )


def rules_of(program: dict[str, Any], *requirements: dict[str, Any], **changes: Any) -> dict[str, Any]:
    rule = rule_of(program, *requirements, **changes)
    return rule | {"requirements": [HERE, *requirements]}


async def governed(api: Api, *requirements: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A program of the regency with a rule in force, and that rule."""
    manager = api.as_(MANAGER, area=REGENCY)
    body = program_body(area_code=REGENCY, code=f"SCREEN-{random.getrandbits(40):010X}", **changes)
    program = await made(await manager.post("/v1/programs", json=body))
    rule = rules_of(program, *requirements)
    drafted = await draft(api, program, rule)
    checker = api.as_(MANAGER, area=REGENCY, subject="checker")
    await made(await step(checker, "rule-versions", drafted, action="PUBLISH"), 200)
    return program, rule


async def draft(api: Api, program: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    maker = api.as_(MANAGER, area=REGENCY, subject="maker")
    return await made(await maker.post(f"/v1/programs/{program['id']}/versions", json={"rule": rule}))


async def family(api: Api, village: str, *, owns: bool | None = None) -> dict[str, Any]:
    """A family of a woman and her child, and whether they own their house."""
    client = api.as_("facilitator", area=village)
    body = household_body(area_code=village)
    household = await made(await client.post("/v1/households", json=body))
    if owns is not None:
        said = {"instrument": "SLRT", "source": "DECLARED", "as_of": "2026-11-01"}
        answers = {"answers": {"owns_house": "YES" if owns else "NO"}}
        path = f"/v1/households/{household['id']}"
        current = f'"{(await client.get(path)).json()["version"]}"'
        answer = await client.put(f"{path}/answers", json=said | answers, headers={"if-match": current})
        assert answer.status_code == 200, answer.text
    return household


async def enroll(api: Api, household: dict[str, Any], program: dict[str, Any]) -> None:
    client = api.as_("facilitator", area=household["area_code"])
    body = {
        "household_id": household["id"],
        "program_id": program["id"],
        "started_on": "2026-01-01",
        "origin": "REPORTED",
        "source": "Kartu",
    }
    await made(await client.post("/v1/enrollments", json=body))


async def asked(api: Api, *programs: dict[str, Any], area: str = REGENCY, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"area_code": area, "as_of": AS_OF.isoformat(), **changes}
    if programs:
        body["program_codes"] = [each["code"] for each in programs]
    return await made(await api.as_(MANAGER, area=REGENCY).post("/v1/screenings", json=body))


async def seen(
    api: Api, of: dict[str, Any], link: str = "", role: str = MANAGER, area: str = REGENCY, **query: Any
) -> Any:
    path = f"/v1/screenings/{of['id']}" + (f"/{link}" if link else "")
    answer = await api.as_(role, area=area).get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"] if link else answer.json()


async def run(api: Api, platform: Platform, of: dict[str, Any]) -> dict[str, Any]:
    """The screening, done."""
    assert await screening.run_screenings(platform) > 1
    done: dict[str, Any] = await seen(api, of)
    assert done["status"] == "DONE"
    return done


class TestRefusals:
    async def test_who_may_not(self, api: Api) -> None:
        for role, area in (
            ("facilitator", VILLAGES[0]),
            ("puskesos_officer", VILLAGES[0]),
            ("auditor", REGENCY),
            ("province_office", "33"),
            ("administrator", REGENCY),
        ):
            answer = await api.as_(role, area=area).post("/v1/screenings", json={"area_code": area})
            assert code(answer) == (403, "scope_missing"), role

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"area_code": "33.26"}, (403, "area_out_of_scope")),
            ({"area_code": REGENCY, "program_codes": ["NO-SUCH"]}, (422, "content_invalid")),
            ({"area_code": REGENCY, "program_codes": ["PKH", "PKH"]}, (422, "content_invalid")),
            ({"area_code": REGENCY, "as_of": "1900-01-01"}, (422, "content_invalid")),
        ],
    )
    async def test_what_is_wrong(self, api: Api, body: dict[str, Any], expected: tuple[int, str]) -> None:
        assert code(await api.as_(MANAGER, area=REGENCY).post("/v1/screenings", json=body)) == expected

    async def test_a_supervisor_screens_the_own_district_and_not_the_regency(self, api: Api) -> None:
        supervisor = api.as_("supervisor", area="33.18.01")
        assert code(await supervisor.post("/v1/screenings", json={"area_code": REGENCY})) == (403, "area_out_of_scope")
        own = await made(
            await supervisor.post("/v1/screenings", json={"area_code": "33.18.01", "program_codes": ["PKH"]})
        )
        again = await supervisor.post("/v1/screenings", json={"area_code": "33.18.01"})
        assert code(again) == (409, "screening_under_way")
        stopped = await step(supervisor, "screenings", own, action="CANCEL", reason="Selesai diuji")
        assert stopped.json()["status"] == "CANCELLED"

    async def test_a_draft_of_a_program_that_is_not_judged(self, api: Api) -> None:
        program, rule = await governed(api)
        other = await draft(api, program, rule | {"version": "2026.2"})
        body = {"area_code": REGENCY, "program_codes": ["PKH"], "draft_version_id": other["id"]}
        answer = await api.as_(MANAGER, area=REGENCY).post("/v1/screenings", json=body)
        assert fault(answer) == (422, "/draft_version_id", "not_among_programs")


class TestResults:
    async def test_are_those_of_single_checks(self, api: Api, platform: Platform, owner: asyncpg.Connection) -> None:
        families, family_rule = await governed(api, OWNS_HOUSE)
        persons, person_rule = await governed(api, CHILD, unit="PERSON")
        for village in VILLAGES:
            for owns in (None, True, False, True):
                household = await family(api, village, owns=owns)
            await enroll(api, household, families)
        done = await run(api, platform, await asked(api, families, persons))

        regency = int(REGENCY.replace(".", ""))
        ids = [
            row["id"]
            for row in await owner.fetch(
                "SELECT id FROM households WHERE regency = $1 AND ended_at IS NULL ORDER BY id", regency
            )
        ]
        expected = Counter[tuple[str, str, str, str, str | None]]()
        counted = Counter[tuple[str, str]]()
        situation = Situation(AS_OF)
        lists = await loading.whole_lists(owner.fetch, regency)
        for id_ in ids:
            facts = await loading.household_facts(owner.fetch, regency, id_, lists)
            assert facts is not None
            for rule in (family_rule, person_rule):
                for result in evaluate(Rule.model_validate(rule), facts, situation):
                    counted[result.program, result.outcome.value] += 1
                    if result.outcome is not Outcome.INELIGIBLE:
                        key = (
                            result.program,
                            result.outcome.value,
                            result.merits.value,
                            str(facts.id),
                            str(result.person_id) if result.person_id else None,
                        )
                        expected[key] += 1
        found = Counter(
            (row["program_code"], row["outcome"], row["merits"], row["household_id"], row["person_id"])
            for row in await seen(api, done, "results", limit=200)
        )
        assert found == expected
        assert (done["households"], done["checked"], done["entries"]) == (len(ids), len(ids), expected.total())
        assert {outcome for _, outcome in counted} == {
            "ELIGIBLE",
            "INELIGIBLE",
            "INDETERMINATE",
            "ALREADY_RECEIVING",
        }
        told = Counter[tuple[str, str]]()
        for row in await seen(api, done, "counts", level="REGENCY"):
            assert row["area_code"] == REGENCY
            told.update({(row["program_code"], name): number for name, number in row["outcomes"].items() if number})
        assert told == counted
        for level in ("DISTRICT", "VILLAGE"):
            rows = await seen(api, done, "counts", level=level, limit=200)
            assert sum(row["units"] for row in rows) == counted.total()

    async def test_are_cut_and_filtered(self, api: Api, platform: Platform) -> None:
        program, _ = await governed(api, OWNS_HOUSE)
        receiving = await family(api, VILLAGES[1], owns=False)
        await enroll(api, receiving, program)
        needing = await family(api, VILLAGES[2], owns=True)
        done = await run(api, platform, await asked(api, program))
        suspects = await seen(api, done, "results", inclusion_suspect="true")
        assert [(row["household_id"], row["merits"]) for row in suspects] == [(receiving["id"], "INELIGIBLE")]
        assert suspects[0]["name"] == "Siti Aminah"
        unmet = await seen(
            api, done, "results", unmet_need="true", area_code="33.18.02", limit=200, include="household"
        )
        assert needing["id"] in {row["household"]["id"] for row in unmet}
        assert {row["outcome"] for row in unmet} == {"ELIGIBLE"}
        [count] = await seen(api, done, "counts", area_code="33.18.02", level="DISTRICT")
        assert (count["unmet_need"], count["outcomes"]["ELIGIBLE"]) == (len(unmet), len(unmet))
        pages, cursor = [], None
        while True:
            query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
            body = (
                await api.as_(MANAGER, area=REGENCY).get(f"/v1/screenings/{done['id']}/results", params=query)
            ).json()
            pages += body["items"]
            cursor = body["next_cursor"]
            if cursor is None:
                break
        assert pages == await seen(api, done, "results", limit=200)

    async def test_a_village_is_screened_for_its_coordinator_alone(self, api: Api, platform: Platform) -> None:
        program, _ = await governed(api, OWNS_HOUSE)
        await family(api, VILLAGES[0], owns=True)
        await family(api, VILLAGES[1], owns=True)
        coordinator = api.as_("puskesos_coordinator", area=VILLAGES[0])
        body = {"area_code": VILLAGES[0], "program_codes": [program["code"]]}
        own = await made(await coordinator.post("/v1/screenings", json=body))
        await run(api, platform, own)
        rows = await seen(api, own, "results", "puskesos_coordinator", VILLAGES[0], limit=200)
        assert {row["area_code"] for row in rows} == {VILLAGES[0]}
        [count] = await seen(api, own, "counts", "puskesos_coordinator", VILLAGES[0])
        assert (count["area_code"], count["unmet_need"]) == (
            VILLAGES[0],
            len([1 for row in rows if row["outcome"] == "ELIGIBLE"]),
        )
        other = await api.as_("puskesos_coordinator", area=VILLAGES[1]).get(f"/v1/screenings/{own['id']}")
        assert code(other) == (404, "not_found")


class TestSteps:
    async def test_two_workers_judge_everybody_once(
        self, api: Api, database: MigratedDatabase, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        program, _ = await governed(api)
        for _ in range(6):
            await family(api, VILLAGES[0])
        of = await asked(api, program)
        async with connected(database) as other:
            await asyncio.gather(*(screening.run_screenings(each) for each in (platform, other, platform)))
        done = await run_out(api, platform, of)
        ids = [row["household_id"] for row in await seen(api, done, "results", limit=200)]
        assert len(ids) == len(set(ids)) == done["households"] == done["checked"]
        left = await owner.fetchval("SELECT count(*) FROM screening_households WHERE screening_id = $1", UUID(of["id"]))
        assert left == 0

    async def test_one_that_dies_in_the_midst_goes_on_where_it_was(
        self, api: Api, platform: Platform, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program, _ = await governed(api)
        for _ in range(9):
            await family(api, VILLAGES[0])
        of = await asked(api, program)
        judge, calls = screening._judge, 0

        async def dies(*arguments: Any) -> None:
            nonlocal calls
            calls += 1
            await judge(*arguments)
            if calls == 2:
                raise RuntimeError("killed")

        monkeypatch.setattr(screening, "_judge", dies)
        with pytest.raises(RuntimeError, match="killed"):
            await screening.run_screenings(platform)
        halfway = await seen(api, of)
        assert (halfway["status"], halfway["checked"]) == ("RUNNING", 4)
        assert await seen(api, of, "results") == []
        rows = await owner.fetchval("SELECT count(*) FROM screening_entries WHERE screening_id = $1", UUID(of["id"]))
        assert rows == 4, "the second step left nothing"
        done = await run(api, platform, of)
        ids = [row["household_id"] for row in await seen(api, done, "results", limit=200)]
        assert len(ids) == len(set(ids)) == done["households"] == done["checked"]
        [count] = await seen(api, done, "counts", level="REGENCY")
        assert count["units"] == done["households"]

    async def test_is_stopped(self, api: Api, platform: Platform, owner: asyncpg.Connection) -> None:
        program, _ = await governed(api)
        await family(api, VILLAGES[0])
        of = await asked(api, program)
        manager = api.as_(MANAGER, area=REGENCY)
        assert of["allowed_actions"] == ["CANCEL"]
        assert code(await step(manager, "screenings", of, action="CANCEL")) == (422, "content_invalid")
        stopped = await made(await step(manager, "screenings", of, action="CANCEL", reason="Salah program"), 200)
        assert (stopped["status"], stopped["allowed_actions"]) == ("CANCELLED", [])
        assert await screening.run_screenings(platform) == 0
        assert await seen(api, stopped, "results") == []
        again = await step(manager, "screenings", stopped, action="CANCEL", reason="Salah program")
        assert again.status_code == 409
        events = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(of["id"]))
        assert [event["type"] for event in events] == ["screening.asked_for", "screening.cancelled"]

    async def test_ends_where_a_rule_was_altered_behind_the_service(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        program, _ = await governed(api)
        await family(api, VILLAGES[0])
        of = await asked(api, program)
        version = UUID(of["rules"][0]["version_id"])
        await owner.execute(
            "UPDATE screenings SET rules = jsonb_set(rules, '{0,digest}', '\"x\"') WHERE id = $1", UUID(of["id"])
        )
        assert await screening.run_screenings(platform) == 2
        assert (await seen(api, of))["status"] == "FAILED"
        assert version


async def run_out(api: Api, platform: Platform, of: dict[str, Any]) -> dict[str, Any]:
    """The screening, after whatever is left of it."""
    await screening.run_screenings(platform)
    done: dict[str, Any] = await seen(api, of)
    assert done["status"] == "DONE"
    return done


class TestWhatIf:
    async def test_tells_who_gains_and_who_loses(self, api: Api, platform: Platform) -> None:
        program, _ = await governed(api, OWNS_HOUSE)
        before = await run(api, platform, await asked(api, program))
        [known] = await seen(api, before, "counts", level="REGENCY")
        gaining = [await family(api, VILLAGES[0], owns=False) for _ in range(3)]
        losing = [await family(api, VILLAGES[2], owns=True) for _ in range(2)]
        first = criterion("NOT_OWNING", {"type": "not", "of": OWNS_HOUSE["when"]})
        version = await draft(api, program, rules_of(program, first, version="2026.2"))
        done = await run(api, platform, await asked(api, draft_version_id=version["id"]))
        assert (done["program_codes"], done["draft_version_id"]) == ([program["code"]], version["id"])
        [total] = await seen(api, done, "changes", dimension="TOTAL")
        owning, others = known["outcomes"]["ELIGIBLE"], known["outcomes"]["INELIGIBLE"]
        assert (total["stays"], total["gains"], total["losses"]) == (0, others + 3, owning + 2)
        for dimension in ("DESIL", "DISTRICT", "SEX", "AGE_BAND"):
            rows = await seen(api, done, "changes", dimension=dimension)
            assert sum(row["gains"] for row in rows) == total["gains"]
            assert sum(row["losses"] for row in rows) == total["losses"]
        assert {row["value"] for row in await seen(api, done, "changes", dimension="SEX")} == {"F"}
        assert {row["value"] for row in await seen(api, done, "changes", dimension="AGE_BAND")} == {"18-59"}
        assert {row["value"] for row in await seen(api, done, "changes", dimension="DISTRICT")} == {
            "33.18.01",
            "33.18.02",
        }
        listed = {row["household_id"]: row for row in await seen(api, done, "results", limit=200)}
        for household in gaining:
            row = listed[household["id"]]
            assert (row["outcome"], row["draft_outcome"]) == ("INELIGIBLE", "ELIGIBLE")
        for household in losing:
            row = listed[household["id"]]
            assert (row["outcome"], row["draft_outcome"]) == ("ELIGIBLE", "INELIGIBLE")
        [by_draft] = await seen(api, done, "counts", level="REGENCY", draft="true")
        assert by_draft["outcomes"]["ELIGIBLE"] == total["gains"]


class TestSuppression:
    async def test_offices_that_see_no_families_are_told_no_small_number(self, api: Api, platform: Platform) -> None:
        program, _ = await governed(api, OWNS_HOUSE)
        for owns in (True, False):
            for _ in range(5):
                await family(api, VILLAGES[0], owns=owns)
        await family(api, VILLAGES[2], owns=True)
        version = await draft(api, program, rules_of(program, version="2026.2"))
        done = await run(api, platform, await asked(api, program, draft_version_id=version["id"]))
        own = {row["area_code"]: row for row in await seen(api, done, "counts", draft="false", limit=200)}
        others = {
            row["area_code"]: row
            for row in await seen(api, done, "counts", "province_office", "33", draft="false", limit=200)
        }
        assert own.keys() == others.keys()
        assert all(row["units"] is not None for row in own.values())
        told = {area for area, row in others.items() if row["units"] is not None}
        villages = {
            int(area.replace(".", "")): [
                *(row["outcomes"][name] for name in row["outcomes"] if name != "ALREADY_RECEIVING"),
                *row["receiving"].values(),
            ]
            for area, row in own.items()
            if area.count(".") == 3
        }
        areas, whole = disclosure.told(villages)
        expected = {area for area in own if int(area.replace(".", "").ljust(10, "0")) in areas}
        assert told == (expected - {REGENCY}) | ({REGENCY} if whole else set())
        for area in told:
            assert others[area] == own[area]
            assert not any(0 < number < 5 for number in others[area]["outcomes"].values())
        by_draft = await seen(api, done, "counts", "province_office", "33", draft="true", limit=200)
        assert by_draft
        assert all(row["units"] is None and row["outcomes"] is None for row in by_draft)
        answer = await api.as_("province_office", area="33").get(f"/v1/screenings/{done['id']}/results")
        assert answer.status_code in {403, 404}

    @pytest.mark.parametrize("seed", range(40))
    def test_nothing_small_follows_from_what_is_told(self, seed: int) -> None:
        """By linear algebra: no sum of villages that follows from told numbers has one to four of anything."""
        chance = random.Random(seed)
        villages = {
            3329010000 + 10_000 * district + 2001 + village: [
                chance.choice((0, 0, 1, 3, 4, 5, 9, 20)) for _ in range(2)
            ]
            for district in range(chance.randint(1, 3))
            for village in range(chance.randint(1, 3))
        }
        areas, whole = disclosure.told(villages)
        names = sorted(villages)
        told = [{name} for name in names if name in areas]
        districts = {disclosure.district_of(name) for name in names}
        told += [
            {name for name in names if disclosure.district_of(name) == each} for each in districts if each in areas
        ]
        told += [set(names)] if whole else []
        for mask in range(1, 2 ** len(names)):
            group = {name for place, name in enumerate(names) if mask >> place & 1}
            if not _spanned(group, told, names):
                continue
            sums = disclosure.totals(villages[name] for name in group)
            assert not disclosure.is_small(sums), (group, sums)

    def test_hides_no_more_than_it_must(self) -> None:
        plenty = {3329012001: [9, 30], 3329012002: [7, 12], 3329022001: [5, 0]}
        assert disclosure.told(plenty) == (frozenset({*plenty, 3329010000, 3329020000}), True)
        one_small = plenty | {3329012003: [1, 12]}
        areas, whole = disclosure.told(one_small)
        assert (3329012001 in areas, 3329012002 in areas, 3329012003 in areas) == (True, False, False)
        assert {3329010000, 3329020000} <= areas
        assert whole


def _spanned(group: set[int], told: list[set[int]], names: list[int]) -> bool:
    """Whether the group's sum is a combination of the told ones: its vector lies in their span."""
    rows = [[float(name in each) for name in names] for each in told]

    def rank(matrix: list[list[float]]) -> int:
        work, found = [list(row) for row in matrix], 0
        for column in range(len(names)):
            pivot = next((at for at in range(found, len(work)) if abs(work[at][column]) > 1e-9), None)
            if pivot is None:
                continue
            work[found], work[pivot] = work[pivot], work[found]
            for at in range(len(work)):
                if at != found and abs(work[at][column]) > 1e-9:
                    factor = work[at][column] / work[found][column]
                    work[at] = [a - factor * b for a, b in zip(work[at], work[found], strict=True)]
            found += 1
        return found

    return rank(rows) == rank([*rows, [float(name in group) for name in names]])


class TestFiles:
    async def test_hold_every_row_in_either_form(
        self, api: Api, platform: Platform, monkeypatch: pytest.MonkeyPatch, owner: asyncpg.Connection
    ) -> None:
        monkeypatch.setattr("slrt_api.rest.exports.ROWS", 3)
        program, _ = await governed(api)
        household = await family(api, VILLAGES[0])
        await owner.execute(
            "UPDATE persons SET name = '=HYPERLINK(\"x\")' WHERE id = (SELECT id FROM memberships"
            " WHERE household_id = $1 AND relation = 'HEAD')",
            UUID(household["id"]),
        )
        done = await run(api, platform, await asked(api, program))
        rows = await seen(api, done, "results", limit=200)
        assert len(rows) > 6
        client, path = api.as_(MANAGER, area=REGENCY), f"/v1/screenings/{done['id']}/results"
        answer = await client.get(path, headers={"accept": "application/x-ndjson"})
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert answer.headers["cache-control"] == "private, no-store"
        assert [orjson.loads(line) for line in answer.content.splitlines()] == rows
        answer = await client.get(path, headers={"accept": "text/csv;q=1, application/json;q=0.5"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
        lines = list(csv.DictReader(io.StringIO(answer.text)))
        assert [line["household_id"] for line in lines] == [row["household_id"] for row in rows]
        [formula] = [line for line in lines if line["household_id"] == household["id"]]
        assert formula["name"] == '\'=HYPERLINK("x")'
        assert formula["receiving"] == "false"
        assert formula["person_id"] == ""
        counts = await client.get(f"/v1/screenings/{done['id']}/counts?level=REGENCY", headers={"accept": "text/csv"})
        [line] = csv.DictReader(io.StringIO(counts.text))
        assert (line["area_code"], orjson.loads(line["outcomes"])["ELIGIBLE"]) == (REGENCY, len(rows))

    async def test_are_refused_before_the_first_byte(self, api: Api, platform: Platform) -> None:
        program, _ = await governed(api)
        done = await run(api, platform, await asked(api, program))
        path, form = f"/v1/screenings/{done['id']}/results", {"accept": "text/csv"}
        client = api.as_(MANAGER, area=REGENCY)
        assert code(await client.get(f"{path}?limit=3", headers=form)) == (400, "parameter_unknown")
        assert code(await client.get(path, headers={"accept": "text/html"})) == (406, "not_acceptable")
        other = await api.as_(MANAGER, area="33.26").get(path, headers=form)
        assert code(other) == (404, "not_found")


class TestLists:
    async def test_are_kept_until_a_newer_one_is_done(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        program, _ = await governed(api)
        await family(api, VILLAGES[0])
        older = await run(api, platform, await asked(api, program))
        assert older["entries"] > 0
        assert await screening.forget_screenings(platform) >= 0
        assert len(await seen(api, older, "results", limit=200)) == older["entries"]
        newer = await run(api, platform, await asked(api, program))
        assert await screening.forget_screenings(platform) > 0
        assert await seen(api, older, "results") == []
        assert (await seen(api, older))["entries"] == 0
        assert len(await seen(api, older, "counts", limit=200)) == len(await seen(api, newer, "counts", limit=200))
        assert len(await seen(api, newer, "results", limit=200)) == newer["entries"]
        rows = await owner.fetchval("SELECT count(*) FROM screening_entries WHERE screening_id = $1", UUID(older["id"]))
        assert rows == 0


async def test_households_are_taken_by_their_key_and_never_joined_with_themselves(owner: asyncpg.Connection) -> None:
    """Of a screening that has just begun PostgreSQL knows no numbers: a join took a minute for a thousand of 20,000."""
    async with owner.transaction():
        # Of a few rows PostgreSQL reads all. What counts is whether the key can find them.
        await owner.execute("SET LOCAL enable_seqscan = off")
        plan = await owner.fetchval(f"EXPLAIN (FORMAT JSON) {counting.TAKE}", 3318, UUID(int=0), 1_000)
    nodes = [node["Node Type"] for node in walked(orjson.loads(plan)[0]["Plan"])]
    assert "Seq Scan" not in nodes
    assert [node for node in nodes if node == "Nested Loop" or node.endswith("Join")] == []


def walked(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(each for below in node.get("Plans", ()) for each in walked(below))]
