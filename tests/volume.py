"""Rows in number, for questions about plans: made by PostgreSQL itself, from one series a table.

Nobody in here exists. Regencies take turns, so that the newest rows of all lie side by side, as they do where many work at once.
Written by a superuser without its triggers: foreign keys hold by construction.
"""

from dataclasses import dataclass
from typing import Final

import asyncpg

from slrt_api.households.names import sound
from slrt_api.kernel.ids import Kind

#: in three provinces
REGENCIES: Final = (3326, 3327, 3325, 3324, 3201, 3202, 3501, 3502)
DISTRICTS, VILLAGES = 20, 14
ORGANIZATIONS, PROGRAMS, CITIZENS = 200, 5, 500
#: one case in so many is escalated, in turns to the province and the nation
ESCALATED = 400
FIRST_MILLISECOND = 1_767_225_600_000

_REGENCY = f"(ARRAY[{', '.join(map(str, REGENCIES))}])[1 + i % {len(REGENCIES)}]"
#: numbers of districts and villages are not those of the series, or every regency would have districts of its own
_AREA = f"r * 1000000 + (1 + (i / 8) % {DISTRICTS}) * 10000 + 2001 + (i / 160) % {VILLAGES}"
_AT = f"to_timestamp({FIRST_MILLISECOND} / 1000.0 + i * 30)"


def _id(kind: Kind, regency: str = "r", number: str = "i") -> str:
    """SQL of an id by the published recipe: milliseconds, version 8, tenant, kind, and the number in place of chance."""
    return (
        f"(lpad(to_hex({FIRST_MILLISECOND} + {number}::bigint * 30000), 12, '0') || '8'"
        f" || lpad(to_hex({number} % 4096), 3, '0') || to_hex((-9223372036854775808)"
        f" | ({regency}::bigint << 48) | ({int(kind)}::bigint << 42) | {number}::bigint))::uuid"
    )


_HOUSEHOLD, _PERSON, _CASE = _id(Kind.HOUSEHOLD), _id(Kind.PERSON), _id(Kind.CASE)
_NEED, _REFERRAL, _COMPLAINT = _id(Kind.NEED), _id(Kind.REFERRAL), _id(Kind.COMPLAINT)
_ORGANIZATION = _id(Kind.ORGANIZATION, "0", f"(i % {ORGANIZATIONS})")
_PROGRAM = _id(Kind.PROGRAM, "0", f"(i % {PROGRAMS})")
#: few complain by an account of their own
_CITIZEN = f"CASE WHEN i % 20 = 0 THEN {_id(Kind.PERSON, '0', f'(i / 20 % {CITIZENS})')} END"
#: everybody has two words that many have, and one of their own
_COMMON = ((("siti", "muhammad", "sri", "nur"), "(i / 8) % 4"), (("aminah", "rizki", "rahayu"), "(i / 32) % 3"))
_NAME = " || ' ' || ".join(
    [f"(ARRAY[{', '.join(map(repr, words))}])[1 + {turn}]" for words, turn in _COMMON] + ["'nama' || i"]
)
_KEYS = ", ".join(
    [
        f"((ARRAY[{', '.join(repr(kind + form(word)) for word in words)}])[1 + {turn}])"
        for words, turn in _COMMON
        for kind, form in (("=", str), ("~", sound))
    ]
    + ["('=nama' || i)", "('~nama' || i)"]
)
_LEVEL = f"CASE WHEN i % {ESCALATED} = 0 THEN 1 + (i / {ESCALATED}) % 2 ELSE 0 END"
_CASE_STATUS = (
    "(ARRAY['CLOSED_HANDLED', 'CLOSED_SELF_RELIANT', 'IN_SERVICE', 'ASSESSMENT', 'REGISTERED'])[1 + (i / 7) % 5]"
)
_REFERRAL_STATUS = "(ARRAY['REALIZED', 'REJECTED', 'EXPIRED', 'REALIZED', 'SENT', 'APPROVED'])[1 + (i / 11) % 6]"
_OPEN = f"{_REFERRAL_STATUS} IN ('SENT', 'APPROVED')"
_COMPLAINT_STATUS = "(ARRAY['CLOSED', 'CLOSED', 'LAPSED', 'RECEIVED', 'IN_PROGRESS'])[1 + (i / 13) % 5]"

#: table -> columns in order of the values, all over one series
_TABLES: Final[dict[str, dict[str, str]]] = {
    "households": {
        "id": _HOUSEHOLD, "version": "1", "created_at": _AT, "updated_at": _AT, "address": "'Dusun III'", "captured_at": _AT,
        "received_at": _AT, "registered_by": "'volume'",
    },
    "persons": {
        "id": _PERSON, "name": _NAME, "sex": "'F'", "birth_date": "DATE '1990-01-01' + i % 9000", "created_at": _AT,
    },
    "memberships": {
        "id": _PERSON, "valid_from": "DATE '2026-01-01'", "household_id": _HOUSEHOLD, "relation": "'HEAD'", "position": "0",
    },
    "identities": {
        "id": _PERSON, "owner_id": _PERSON, "type": "'NIK'", "prefix": "'990101'", "ciphertext": "sha256(i::text::bytea)",
        "blind_index": "sha256(('nik' || i)::bytea)", "findings": "'{}'::text[]", "valid_from": "DATE '2026-01-01'",
    },
    "cases": {
        "id": _CASE, "version": "1", "created_at": _AT, "updated_at": _AT, "number": "'KSS-' || i", "household_id": _HOUSEHOLD,
        "complaint_id": _COMPLAINT, "status": _CASE_STATUS, "emergency": "i % 50 = 0", "received_at": _AT,
        "opened_by": "'volume'",
        "proposal_wanted": "false", "assessed": "true", "need_count": "1", "open_needs": "0", "referred_needs": "0",
        "escalation": _LEVEL,
    },
    "needs": {
        "id": _NEED, "case_id": _CASE, "person_id": _PERSON, "domain": "'HEALTH'", "need": "'HEALTH_INSURANCE'",
        "status": "'MET'", "referral_id": _REFERRAL, "escalation": _LEVEL, "created_at": _AT,
    },
    "referrals": {
        "id": _REFERRAL, "version": "1", "created_at": _AT, "updated_at": _AT, "number": "'RJK-' || i", "case_id": _CASE,
        "need_id": _NEED, "service": "'HEALTH_INSURANCE'", "status": _REFERRAL_STATUS, "program_id": _PROGRAM,
        "program_code": "'PKH'", "organization_id": _ORGANIZATION, "drafted_by": "'volume'", "sent_at": _AT,
    },
    "referral_packages": {
        "id": _REFERRAL, "organization_id": _ORGANIZATION, "program_id": _PROGRAM, "open": _OPEN,
    },
    "complaints": {
        "id": _COMPLAINT, "version": "1", "created_at": _AT, "updated_at": _AT, "number": "'KEL-' || i", "receipt": "i",
        "status": _COMPLAINT_STATUS, "nature": "'GRIEVANCE'", "category": "'PARTICIPATION'", "severity_flags": "'{}'::text[]",
        "program_code": "'PKH'", "channel": "'FIELD_APP'", "confidentiality": "'CONFIDENTIAL'", "sealed": "false",
        "summary": "'Keluhan'", "household_id": _HOUSEHOLD, "subject_person_id": _PERSON, "case_id": _CASE,
        "reporter_id": _CITIZEN, "captured_at": _AT, "received_at": _AT, "received_by": "'volume'",
        "escalation": _LEVEL,
    },
    "clocks": {
        "id": _id(Kind.CLOCK), "aggregate_id": _COMPLAINT, "name": "'RESOLVE'", "unit": "'WORKING_DAY'", "amount": "14",
        "state": "CASE WHEN i % 10 = 0 THEN 'RUNNING' ELSE 'MET' END", "started_at": _AT, "due_at": f"{_AT} + interval '14 days'",
        "policy": "'LAPOR-2018'", "calendar_version": "'2026'", "time_zone": "'Asia/Jakarta'", "reporter_id": _CITIZEN,
        "receipt": "i", "sealed": "false", "escalation": _LEVEL,
    },
    "accesses": {
        "id": _id(Kind.ACCESS), "at": _AT, "actor": "'https://id.example#' || i % 3000", "role": "'puskesos_officer'",
        "operation": "'households.get'", "resource": "'household'", "resource_id": _HOUSEHOLD, "rows": "1", "trace_id": "'0'",
    },
}  # fmt: skip
#: every table that is filled
LARGE: Final = frozenset({*_TABLES, "person_name_keys", "events", "revisions"})
_SCOPED = {
    Kind.HOUSEHOLD: {},
    Kind.CASE: {"escalation": _LEVEL},
    Kind.REFERRAL: {"organization_id": _ORGANIZATION, "program_id": _PROGRAM, "open": _OPEN},
    Kind.COMPLAINT: {"reporter_id": _CITIZEN, "escalation": _LEVEL},
}


@dataclass(frozen=True)
class Volume:
    """What was made: `rows` of each table."""

    rows: int

    def id(self, kind: Kind, number: int) -> str:
        """SQL of the id of that number."""
        regency = "0" if kind in {Kind.ORGANIZATION, Kind.PROGRAM} else str(REGENCIES[number % len(REGENCIES)])
        return _id(kind, regency, str(number))


async def fill(superuser: asyncpg.Connection, rows: int) -> Volume:
    """Make `rows` rows of every large table, and an event with its revision for each of what has a history."""
    await superuser.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    for table, columns in _TABLES.items():
        area = "r * 1000000" if table == "accesses" else _AREA
        await _insert(superuser, table, {"regency": "r", "area": area, **columns}, rows)
    await superuser.execute(
        "INSERT INTO person_name_keys (regency, person_id, key, area, birth_year)"
        f" SELECT r, {_PERSON}, k.key, {_AREA}, 1990 + (i % 9000) / 365 FROM (SELECT i, ({_REGENCY})::bigint AS r"
        f" FROM generate_series(1, {rows}) i) s CROSS JOIN LATERAL (VALUES {_KEYS}) k (key)"
    )
    for kind, scoped in _SCOPED.items():
        of = {"regency": "r", "area": _AREA, "aggregate_id": _id(kind), "sequence": "1", "sealed": "false", **scoped}
        event = {
            "id": _id(Kind.EVENT), "kind": str(int(kind)), "type": "'volume'", "at": _AT, "actor": "'volume'",
            "role": "'puskesos_officer'", "trace_id": "'0'", "body": "'{\"fields\": []}'::bytea",
            "hash": "sha256(i::text::bytea)",
        }  # fmt: skip
        await _insert(superuser, "events", {**of, **event}, rows)
        kept = {name: value for name, value in of.items() if name != "reporter_id"}
        await _insert(superuser, "revisions", {**kept, "values": "'{}'::jsonb", "salt": "sha256(i::text::bytea)"}, rows)
    for table in sorted(LARGE):
        await superuser.execute(f"VACUUM ANALYZE {table}")
    return Volume(rows)


async def _insert(superuser: asyncpg.Connection, table: str, columns: dict[str, str], rows: int) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(columns.values())
    await superuser.execute(
        f"INSERT INTO {table} ({names}) SELECT {values}"
        f" FROM (SELECT i, ({_REGENCY})::bigint AS r FROM generate_series(1, {rows}) i) s"
    )
