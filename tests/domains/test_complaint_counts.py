"""Counts of complaints: exact for who sees the rows, and for all others such that no two of them lead to a small one."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.api import Api, running_api
from tests.conftest import MakeDatabase
from tests.domains.test_complaints import filed
from tests.problems import problem
from tests.sizes import size

from slrt_api.complaints.service.counts import CountedBy
from slrt_api.kernel import disclosure
from slrt_api.kernel.ids import Kind, new_id

#: two villages of a district, one of another, one of another regency, one of another province and time zone
VILLAGES = ("33.26.01.2001", "33.26.01.2002", "33.26.02.2001", "33.27.01.2001", "53.01.01.2001")
STATUSES = ("RECEIVED", "IN_PROGRESS", "CLOSED")
NATURES = ("GRIEVANCE", "QUESTION")
CATEGORIES = ("PARTICIPATION", "NEED")
PROGRAMS = ("PKH", "ATENSI", None)
#: instants of two months; the last is another month in WITA than in UTC
INSTANTS = (
    datetime(2026, 9, 3, 4, tzinfo=UTC),
    datetime(2026, 9, 30, 17, 30, tzinfo=UTC),
    datetime(2026, 9, 30, 16, 30, tzinfo=UTC),
    datetime(2026, 10, 9, 4, tzinfo=UTC),
)
ROWS = 260
_INSERT = """
INSERT INTO complaints (regency, id, area, version, created_at, updated_at, number, receipt, status, nature, category,
    severity_flags, program_code, channel, confidentiality, sealed, summary, captured_at, received_at, received_by)
VALUES ($1, $2, $3, 1, $4, $4, $5, $6, $7, $8, $9, '{}', $10, 'WEB', 'OPEN', false, 'x', $4, $4, 'test')
"""


class TestTold:
    def test_fewer_than_five_are_not_told(self) -> None:
        assert [disclosure.told(number) for number in range(5)] == [None] * 5

    def test_more_are_told_in_steps_rounded_down(self) -> None:
        assert [disclosure.told(number) for number in (5, 9, 10, 14, 15, 1_003)] == [5, 5, 10, 10, 15, 1_000]

    def test_below_zero_nothing_is_counted(self) -> None:
        with pytest.raises(ValueError, match="below zero"):
            disclosure.told(-1)


@dataclass(frozen=True)
class Row:
    area_code: str
    status: str
    nature: str
    category: str
    program_code: str | None
    received_at: datetime

    @property
    def month(self) -> str:
        """By the wall clock of the place: UTC+7 on Java, UTC+8 in Nusa Tenggara Timur."""
        hours = 8 if self.area_code.startswith("53") else 7
        at = self.received_at
        return "2026-10" if (at.day, at.hour + hours) >= (30, 24) or at.month == 10 else "2026-09"


def rows(seed: int) -> list[Row]:
    """Complaints that are unevenly spread, so that small and large counts lie beside each other."""
    random = Random(seed)
    weights = {5: (40, 3, 9, 6, 12), 4: (1, 9, 2, 7), 3: (20, 3, 1), 2: (6, 1)}

    def one(choices: tuple[Any, ...]) -> Any:
        return random.choices(choices, weights[len(choices)])[0]

    return [
        Row(one(VILLAGES), one(STATUSES), one(NATURES), one(CATEGORIES), one(PROGRAMS), one(INSTANTS))
        for _ in range(ROWS)
    ]


@dataclass(frozen=True)
class World:
    api: Api
    rows: list[Row]


@pytest_asyncio.fixture(scope="module")
async def world(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    database = await make_database("slrt_counts")
    owner = await asyncpg.connect(database.owner_url)
    made = rows(7)
    for number, row in enumerate(made):
        area = int(row.area_code.replace(".", ""))
        regency = area // 1_000_000
        await owner.execute(
            _INSERT,
            *(regency, new_id(Kind.COMPLAINT, regency), area, row.received_at, f"KEL-{number}", number),
            *(row.status, row.nature, row.category, row.program_code),
        )
    await owner.close()
    async with running_api(database.api_url, tmp_path_factory.mktemp("counts")) as api:
        yield World(api, made)


def filters() -> list[dict[str, str]]:
    """Every combination of one value or none of each filter."""
    choices = {
        "status": STATUSES,
        "nature": NATURES,
        "category": CATEGORIES,
        "program_code": PROGRAMS[:2],
        "area_code": ("33", "33.26", "33.26.01", *VILLAGES),
        "month_from": ("2026-10",),
        "month_to": ("2026-09",),
    }
    return [
        {name: value for name, value in zip(choices, chosen, strict=True) if value is not None}
        for chosen in itertools.product(*((None, *values) for values in choices.values()))
    ]


def matching(found: list[Row], asked: Mapping[str, str]) -> frozenset[int]:
    """Numbers of the rows that a filter means, said without the code under test."""
    checks: dict[str, Callable[[Row, str], bool]] = {
        "status": lambda row, value: row.status == value,
        "nature": lambda row, value: row.nature == value,
        "category": lambda row, value: row.category == value,
        "program_code": lambda row, value: row.program_code == value,
        "area_code": lambda row, value: f"{row.area_code}.".startswith(f"{value}."),
        "month_from": lambda row, value: row.month >= value,
        "month_to": lambda row, value: row.month <= value,
    }
    return frozenset(
        number for number, row in enumerate(found) if all(checks[name](row, value) for name, value in asked.items())
    )


def leaks(told: Mapping[frozenset[int], int | None]) -> Iterator[tuple[int, int]]:
    """Pairs of told counts from which a count of one to four complaints follows.

    Of one set of complaints that lies in another, the difference is the count of the rest. It follows where the two told
    counts leave fewer than five sizes of the rest possible, and one of these is small.
    """
    ordered = sorted(told, key=len)
    for inner, outer in itertools.combinations(ordered, 2):
        rest = len(outer) - len(inner)
        if not 0 < rest < disclosure.LEAST or not inner < outer:
            continue
        low, high = _possible(told[inner]), _possible(told[outer])
        sizes = {whole - part for part in low for whole in high if whole >= part}
        if len(sizes) < disclosure.LEAST:
            yield len(inner), len(outer)


def _possible(told: int | None) -> range:
    """The true counts that a reader has to reckon with who knows how counts are told."""
    if told is None:
        return range(disclosure.LEAST)
    return range(told, told + STEP)


#: how far apart told counts are; a test takes the steps away
STEP = disclosure.LEAST


async def ask(api: Api, role: str = "national_office", **asked: str) -> dict[str, Any]:
    claims: dict[str, Any] = {"areas": []} if role == "national_office" else {}
    answer = await api.as_(role, **claims).get("/v1/complaints/counts", params={"by": "STATUS", **asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestPairs:
    async def test_no_pair_of_filters_leads_to_a_small_count(self, world: World) -> None:
        """Every filter is asked over HTTP, its total and its parts, and every pair of them is taken from each other."""
        chosen = Random(3).sample(filters(), size(120, len(filters())))
        told: dict[frozenset[int], int | None] = {}
        small = 0
        for asked in chosen:
            answer = await ask(world.api, **asked)
            assert answer["step"] == disclosure.LEAST
            parts = {matching(world.rows, asked): answer["total"]}
            for part in answer["items"]:
                if asked.get("status", part["key"]) == part["key"]:
                    parts[matching(world.rows, {**asked, "status": part["key"]})] = part["count"]
            for meant, count in parts.items():
                assert count == (None if len(meant) < 5 else len(meant) // 5 * 5), asked
                small += 0 < len(meant) < 5
            told |= parts
        assert small > 10, "nothing small was counted: the test shows nothing"
        assert list(leaks(told)) == []

    async def test_without_the_steps_there_are_such_pairs(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leaving out small counts alone is no protection: what is taken away here is what the test above relies on."""
        monkeypatch.setattr(disclosure, "told", lambda number: None if number < disclosure.LEAST else number)
        monkeypatch.setattr(f"{__name__}.STEP", 1)
        told = {}
        for asked in Random(3).sample(filters(), 120):
            told[matching(world.rows, asked)] = (await ask(world.api, **asked))["total"]
        assert len(list(leaks(told))) > 0


class TestExact:
    @pytest.mark.parametrize("by", list(CountedBy))
    async def test_who_sees_the_rows_is_told_how_many_there_are(self, world: World, by: CountedBy) -> None:
        answer = await ask(world.api, "secretariat_manager", by=by.value, month_from="2026-09", month_to="2026-10")
        mine = [row for row in world.rows if row.area_code.startswith("33.26.")]
        assert (answer["step"], answer["total"]) == (1, len(mine))
        values: dict[CountedBy, Callable[[Row], str | None]] = {
            CountedBy.STATUS: lambda row: row.status,
            CountedBy.NATURE: lambda row: row.nature,
            CountedBy.CATEGORY: lambda row: row.category,
            CountedBy.PROGRAM: lambda row: row.program_code,
            CountedBy.AREA: lambda row: row.area_code[:2],
            CountedBy.MONTH: lambda row: row.month,
        }
        value = values[by]
        expected: dict[str | None, int] = {}
        for row in mine:
            expected[value(row)] = expected.get(value(row), 0) + 1
        told = {part["key"]: part["count"] for part in answer["items"]}
        assert {key: count for key, count in told.items() if count} == expected
        assert len(told) == len(answer["items"])

    async def test_an_officer_of_two_villages_counts_in_these(self, world: World) -> None:
        client = world.api.as_("puskesos_officer", areas=[VILLAGES[2], VILLAGES[0]])
        answer = await client.get("/v1/complaints/counts?by=AREA&level=VILLAGE")
        expected = {
            village: sum(row.area_code == village for row in world.rows) for village in (VILLAGES[0], VILLAGES[2])
        }
        assert answer.json()["items"] == [{"key": key, "count": count} for key, count in expected.items()]

    async def test_a_province_counts_its_own_in_steps(self, world: World) -> None:
        answer = await ask(world.api, "province_office", by="AREA", level="REGENCY")
        told = {part["key"]: part["count"] for part in answer["items"]}
        assert {key[:2] for key in told} == {"33"}
        expected = sum(row.area_code.startswith("33.26.") for row in world.rows)
        assert (told["33.26"], told["33.01"]) == (expected // 5 * 5, None)
        inside = sum(row.area_code.startswith("33.") for row in world.rows)
        assert answer["total"] == inside // 5 * 5

    async def test_without_complaints_read_staff_is_told_in_steps_too(self, world: World) -> None:
        scopes = frozenset({"reports:read"})
        answer = await world.api.as_("secretariat_manager", scopes=scopes).get("/v1/complaints/counts?by=NATURE")
        assert answer.json()["step"] == disclosure.LEAST
        in_villages = world.api.as_("puskesos_officer", areas=[VILLAGES[0], VILLAGES[2]], scopes=scopes)
        refused = await in_villages.get("/v1/complaints/counts?by=NATURE")
        problem(refused, 403, "scope_missing")

    async def test_what_came_in_today_is_counted_for_who_sees_it_only(self, world: World) -> None:
        before = await ask(world.api, "province_office"), await ask(world.api, "secretariat_manager")
        for _ in range(5):
            await filed(world.api, confidentiality="OPEN")
        after = await ask(world.api, "province_office"), await ask(world.api, "secretariat_manager")
        assert after[0] == before[0]
        assert after[1]["total"] == before[1]["total"] + 5


class TestRefusals:
    @pytest.mark.parametrize("role", ["citizen", "partner", "program_manager", "integrator", "integrity_officer"])
    async def test_others_are_told_nothing(self, world: World, role: str) -> None:
        claims: dict[str, Any] = {}
        if role == "partner":
            claims["organization"] = "019aaa11-2233-8000-8000-20a1b2c3d4e5"
        if role == "program_manager":
            claims["programs"] = ["019aaa11-2233-8000-8000-24a1b2c3d4e5"]
        answer = await world.api.as_(role, **claims).get("/v1/complaints/counts?by=STATUS")
        problem(answer, 403, "scope_missing")

    @pytest.mark.parametrize(
        ("query", "code", "pointer"),
        [
            ("", "filter_invalid", "by"),
            ("by=REPORTER", "filter_invalid", "by"),
            ("by=STATUS&status=LOST", "filter_invalid", "status"),
            ("by=STATUS&month_from=2026-13", "filter_invalid", "month_from"),
            ("by=STATUS&level=DISTRICT", "filter_invalid", "level"),
            ("by=STATUS&area_code=33.7x", "filter_invalid", "area_code"),
            ("by=AREA&level=VILLAGE", "too_many_parts", "level"),
            ("by=MONTH&month_from=2000-01&month_to=2099-12", "too_many_parts", "month_from"),
        ],
    )
    async def test_a_wrong_question_is_refused_at_its_place(
        self, world: World, query: str, code: str, pointer: str
    ) -> None:
        answer = await world.api.as_("national_office", areas=[]).get(f"/v1/complaints/counts?{query}")
        problem(answer, 400, code, fault=(pointer, code))

    async def test_an_unknown_parameter_is_refused(self, world: World) -> None:
        answer = await world.api.as_("auditor").get("/v1/complaints/counts?by=STATUS&confidentiality=SEALED")
        problem(answer, 400, "parameter_unknown")


class TestGraphql:
    async def test_it_is_the_same_answer(self, world: World) -> None:
        text = "query($input: ComplaintsCountsInput!) { complaintCounts(input: $input) }"
        asked = {"by": "STATUS", "areaCode": "33.26", "nature": ["GRIEVANCE"]}
        client = world.api.as_("auditor")
        answer = await client.post("/graphql", json={"query": text, "variables": {"input": asked}})
        expected = await ask(world.api, "auditor", area_code="33.26", nature="GRIEVANCE")
        assert answer.json() == {"data": {"complaintCounts": expected}}


class TestRole:
    """What the database lets the counting role read."""

    async def test_it_reads_codes_places_and_days_and_nothing_else(self, owner: asyncpg.Connection) -> None:
        readable = await owner.fetch(
            "SELECT column_name FROM information_schema.column_privileges"
            " WHERE grantee = 'slrt_statistics' AND table_name = 'complaints' ORDER BY 1"
        )
        assert [row[0] for row in readable] == [
            *("area", "category", "nature", "program_code", "received_at", "regency", "status"),
        ]
        tables = await owner.fetch(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND has_table_privilege('slrt_statistics', oid, 'SELECT')"
        )
        assert [row[0] for row in tables] == []
