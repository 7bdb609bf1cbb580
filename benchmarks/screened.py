"""A synthetic regency for screenings: households, people, answers, a release and enrollments, made by PostgreSQL itself.

Everything hangs on the number of a row and a fixed seed, so that two runs judge the same people. Nobody in here exists.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

import asyncpg

from slrt_api.programs import relations, sql

TENANT: Final = 3326
#: facts of everybody as tables, and the column in which their household stands
FACTS: Final = {"facts_households": "id", "facts_persons": "household_id", "facts_enrollments": "household_id"}
_SEED: Final = 0.20261122
_NOW: Final = "TIMESTAMPTZ '2026-11-01 00:00:00Z'"
MEMBERS: Final = 4
#: households in villages 33.26.01.2001 to .2200
_AREA: Final = "3326012001 + n % 200"


def _id(kind: str, number: str) -> str:
    return f"('{kind}' || lpad(to_hex({number}), 24, '0'))::uuid"


_HOUSEHOLD: Final = _id("01000000", "n")
_PERSON: Final = _id("02000000", f"n * {MEMBERS} + place")
#: share of the answers YES of our own yes-or-no questions, of whom they are asked: of households, and of persons
_YES: Final = {
    "HOUSEHOLD": {"owns_land": 0.6, "owns_other_house": 0.05, "house_unfit": 0.15, "kks_holder": 0.15},
    "PERSON": {"citizen": 0.99, "severe_disability": 0.02, "orphan": 0.03, "school_registered": 0.9, "working": 0.5},
}


async def make(connection: asyncpg.Connection, households: int) -> None:
    """Load the regency. The connection is the superuser's; foreign keys hold by construction and are not checked."""
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(f"SELECT setseed({_SEED})")
    for statement in _statements(households):
        await connection.execute(statement, timeout=1800)
    await connection.execute("RESET session_replication_role")
    tables = "households, persons, memberships, answers, registry_facts, enrollments, enrollment_lists"
    await connection.execute(f"VACUUM (ANALYZE) {tables}", timeout=1800)


def fact_tables() -> list[str]:
    """Statements that make the empty tables of facts."""
    queries = (relations.households(), relations.persons(), relations.enrollments())
    made = []
    for (table, key), query in zip(FACTS.items(), queries, strict=True):
        given = query.replace("$1", str(TENANT)).replace("$2", "'{}'")
        made += [
            f"DROP TABLE IF EXISTS {table}",
            f"CREATE UNLOGGED TABLE {table} AS SELECT {TENANT} AS regency, r.* FROM ({given}) r WITH NO DATA",
            f"CREATE INDEX ON {table} (regency, {key})",
        ]
    return made


def fill() -> list[str]:
    """Statements that fill them for households $2 of regency $1, in the order of households: what is judged together lies
    together."""
    queries = (relations.households(), relations.persons(), relations.enrollments())
    return [
        f"INSERT INTO {table} SELECT $1, r.* FROM ({query}) r ORDER BY {key}, id"
        for (table, key), query in zip(FACTS.items(), queries, strict=True)
    ]


def facts_of_range(lists: Collection[str]) -> sql.Relations:
    """The tables of facts, for households $2 to $3 of regency $1. `lists`: programs of which every recipient is known."""
    households, persons, enrollments = (
        f"(SELECT * FROM {table} WHERE regency = $1 AND {key} BETWEEN $2 AND $3)" for table, key in FACTS.items()
    )
    return sql.Relations(households, persons, enrollments, lists)


async def fill_range(connection: asyncpg.Connection, ids: list[UUID]) -> None:
    """Make the facts of some households."""
    async with connection.transaction():
        for statement in fill():
            await connection.execute(statement, TENANT, ids)


def _statements(households: int) -> list[str]:
    numbers = f"generate_series(0, {households - 1}) n"
    people = f"{numbers}, generate_series(0, {MEMBERS - 1}) place"
    answers = "INSERT INTO answers (regency, id, area, owner_id, instrument, question, value, special, source, as_of, created_at)"
    told = f"false, 'DECLARED', DATE '2026-06-01', {_NOW}"

    def asked(owner: str, source: str, instrument: str, question: str, value: str, when: str = "true") -> str:
        return (
            f"{answers} SELECT {TENANT}, gen_random_uuid(), {_AREA}, {owner}, '{instrument}', '{question}',"
            f" to_jsonb({value}), {told} FROM {source} WHERE {when}"
        )

    def code(*codes: str) -> str:
        listed = ", ".join(f"'{each}'" for each in codes)
        return f"(ARRAY[{listed}])[1 + floor(random() * {len(codes)})::int]"

    def yes(share: float) -> str:
        return f"CASE WHEN random() < {share} THEN 'YES' ELSE 'NO' END"

    return [
        (
            "INSERT INTO households (regency, id, area, version, created_at, updated_at, address, captured_at, received_at,"
            f" registered_by) SELECT {TENANT}, {_HOUSEHOLD}, {_AREA}, 1, {_NOW}, {_NOW}, 'x', {_NOW}, {_NOW}, 'x' FROM {numbers}"
        ),
        # Parents of 25 to 65 and children up to 24, and every sixth second adult is a grandparent.
        (
            "INSERT INTO persons (regency, id, area, created_at, updated_at, name, sex, birth_date)"
            f" SELECT {TENANT}, {_PERSON}, {_AREA}, {_NOW}, {_NOW}, 'x', CASE WHEN random() < 0.5 THEN 'F' ELSE 'M' END,"
            " CASE WHEN random() < 0.97 THEN DATE '2026-11-01' - CASE WHEN place > 1 THEN floor(random() * 8800)::int"
            " WHEN random() < 0.15 THEN 22000 + floor(random() * 9000)::int ELSE 9000 + floor(random() * 15000)::int END END"
            f" FROM {people}"
        ),
        (
            "INSERT INTO memberships (regency, id, area, ordinal, valid_from, household_id, relation, position)"
            f" SELECT {TENANT}, {_PERSON}, {_AREA}, 1, DATE '2020-01-01', {_HOUSEHOLD},"
            f" (ARRAY['HEAD', 'SPOUSE', 'CHILD', 'CHILD'])[place + 1], place FROM {people}"
        ),
        (
            "INSERT INTO registry_facts (regency, id, area, snapshot_id, source, release, as_of, outcome, desil)"
            f" SELECT {TENANT}, {_HOUSEHOLD}, {_AREA}, {_id('1a000000', '1')}, 'DTSEN', '2026-Q3', DATE '2026-09-30',"
            f" 'IN_REGISTRY', CASE WHEN random() < 0.95 THEN 1 + floor(random() * 10)::int END FROM {numbers}"
            " WHERE random() < 0.9"
        ),
        asked(_HOUSEHOLD, numbers, "REGSOSEK2022K", "301a", code("1", "1", "2", "3"), "n % 10 < 9"),
        asked(_HOUSEHOLD, numbers, "REGSOSEK2022K", "307b", "ARRAY[" + code("1", "2", "3") + "]", "n % 10 < 8"),
        *(
            asked(_HOUSEHOLD, numbers, "SLRT", name, yes(share), "n % 2 = 0")
            for name, share in _YES["HOUSEHOLD"].items()
        ),
        asked(_PERSON, people, "REGSOSEK2022K", "412", code("1", "2", "2", "3"), "place > 1"),
        asked(_PERSON, people, "REGSOSEK2022K", "413", code("03", "08", "13", "15"), "place > 1"),
        asked(_PERSON, people, "REGSOSEK2022K", "410", code("1", "2", "2", "2", "2"), "place = 1"),
        asked(_PERSON, people, "REGSOSEK2022K", "418", code("1", "4", "5", "6", "7"), "place < 2"),
        asked(_PERSON, people, "REGSOSEK2022K", "431a", "ARRAY[" + code("0", "1", "2", "4") + "]", "n % 10 < 8"),
        *(
            asked(_PERSON, people, "SLRT", name, yes(share), f"(n + place + {number}) % 4 = 0")
            for number, (name, share) in enumerate(_YES["PERSON"].items())
        ),
        asked(_PERSON, people, "SLRT", "civil_servant", yes(0.2), "place = 0 AND n % 20 = 0"),
        asked(
            _PERSON,
            people,
            "SLRT",
            "wage_monthly",
            "1000000 + floor(random() * 6000000)::bigint",
            "place < 2 AND n % 3 = 0",
        ),
        *(
            "INSERT INTO enrollments (regency, id, area, version, created_at, updated_at, program_id, household_id, person_id,"
            f" started_on, source, as_of) SELECT {TENANT}, gen_random_uuid(), {_AREA}, 1, {_NOW}, {_NOW},"
            f" (SELECT id FROM programs WHERE code = '{program}'), {_HOUSEHOLD}, {person}, DATE '2025-01-01', 'IMPORT',"
            f" DATE '2026-10-01' FROM {numbers}, (SELECT 0 AS place) one WHERE random() < {share}"
            for program, person, share in (
                ("PKH", "NULL::uuid", 0.15),
                ("SEMBAKO", "NULL::uuid", 0.25),
                ("PBI-JK", _PERSON, 0.3),
                ("PIP", _PERSON, 0.05),
            )
        ),
        *(
            "INSERT INTO enrollment_lists (regency, id, area, program_id, source, as_of)"
            f" SELECT {TENANT}, gen_random_uuid(), {TENANT}000000, id, 'IMPORT', DATE '2026-10-01' FROM programs"
            f" WHERE code = '{program}'"
            for program in ("PKH", "SEMBAKO")
        ),
    ]
