"""Verify the audit trail of a tenant: every event's bytes, chain and columns, and the revisions that are still there.

Editing, deleting and reordering events each leave a trace: bytes have a hash, hashes a chain, chains begin at 1 without a
gap and end at the version of their resource. What is not in the bytes (scope columns) is not verified here; an erased
revision is no finding.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson

from slrt_api.access.consents.models import Consent
from slrt_api.access.models import Grant, Revocation
from slrt_api.access.overrides.models import AccessOverride
from slrt_api.attachments.models import Attachment
from slrt_api.cases.models import Case, CaseMerge, FamilyPlan
from slrt_api.clocks.models import CalendarDecree, SlaPolicy
from slrt_api.complaints.models import Complaint, EscalationLadder
from slrt_api.complaints.sealed.models import SealedAccess
from slrt_api.households.models import (
    CivilCheck,
    Duplicate,
    DuplicateRun,
    DuplicateTicket,
    Handover,
    Household,
    Lineage,
    Person,
)
from slrt_api.kernel.ids import NATIONAL
from slrt_api.organizations.models import Organization, RoutingPolicy
from slrt_api.programs.models import (
    EligibilityCheck,
    EligibilityReview,
    Enrollment,
    EnrollmentList,
    Program,
    RuleVersion,
    VariantChoice,
)
from slrt_api.programs.screenings.models import Screening
from slrt_api.referrals.models import Referral
from slrt_api.registry.models import Snapshot
from slrt_api.runtime import events

AGGREGATES: Final = (
    Household,
    Person,
    Lineage,
    Duplicate,
    DuplicateRun,
    DuplicateTicket,
    CivilCheck,
    Handover,
    Case,
    Referral,
    Complaint,
    Snapshot,
    Consent,
    AccessOverride,
    VariantChoice,
    RoutingPolicy,
    EnrollmentList,
    Enrollment,
    EligibilityCheck,
    EligibilityReview,
    Screening,
    SealedAccess,
    Attachment,
    FamilyPlan,
    CaseMerge,
)
NATIONAL_AGGREGATES: Final = (
    Organization,
    Grant,
    Revocation,
    Program,
    RuleVersion,
    CalendarDecree,
    SlaPolicy,
    EscalationLadder,
)

_EVENTS: Final = """
SELECT e.regency, e.aggregate_id, e.sequence, e.id, e.kind, e.type, e.at, e.actor, e.role, e.on_behalf_of, e.trace_id,
       e.body, e.hash, r.values::text AS values, r.salt
FROM events e LEFT JOIN revisions r
  ON r.regency = e.regency AND r.aggregate_id = e.aggregate_id AND r.sequence = e.sequence
WHERE e.regency = $1 ORDER BY e.aggregate_id, e.sequence
"""


class Flaw(StrEnum):
    """What is wrong with an event or with the trail of a resource."""

    UNREADABLE = "UNREADABLE"
    HASH = "HASH"
    PREVIOUS = "PREVIOUS"
    SEQUENCE = "SEQUENCE"
    COLUMNS = "COLUMNS"
    COMMITMENT = "COMMITMENT"
    VERSION = "VERSION"
    RESOURCE_MISSING = "RESOURCE_MISSING"


@dataclass(frozen=True)
class Finding:
    """One flaw. `sequence` is that of the event, 0 where it concerns the whole trail; `detail` names columns."""

    aggregate_id: UUID
    sequence: int
    flaw: Flaw
    detail: str = ""


@dataclass
class Report:
    """What a verification saw."""

    regency: int
    events: int = 0
    resources: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.findings


async def tenants(connection: Any) -> list[int]:
    """Tenant numbers that have events and are visible to the connection; 0 is the nation."""
    return [row["regency"] for row in await connection.fetch("SELECT DISTINCT regency FROM events ORDER BY regency")]


async def verify(connection: Any, regency: int) -> Report:
    """Walk all events of one tenant.

    connection  the owner's, or one under an auditor's scope, which sees what lies in its area
    """
    report = Report(regency)
    ends: dict[UUID, int] = {}
    if connection.is_in_transaction():
        await _walk(connection, report, ends)
    else:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await _walk(connection, report, ends)
    report.resources = len(ends)
    return report


async def _walk(connection: Any, report: Report, ends: dict[UUID, int]) -> None:
    previous: Mapping[str, Any] | None = None
    async for row in _events(connection, report.regency):
        if previous is not None and previous["aggregate_id"] != row["aggregate_id"]:
            previous = None
        report.findings += check(row, previous)
        report.events += 1
        ends[row["aggregate_id"]] = row["sequence"]
        previous = row
    versions: dict[UUID, int] = {}
    for model in NATIONAL_AGGREGATES if report.regency == NATIONAL else AGGREGATES:
        if not await connection.fetchval("SELECT has_table_privilege($1, 'SELECT')", model.__tablename__):
            # Who may not read the table sees none of its events either.
            continue
        where = "" if report.regency == NATIONAL else f" WHERE regency = {report.regency:d}"
        for row in await connection.fetch(f"SELECT id, version FROM {model.__tablename__}{where}"):
            versions[row["id"]] = row["version"]
    for id_ in sorted({*versions, *ends}):
        if id_ not in versions:
            report.findings.append(Finding(id_, 0, Flaw.RESOURCE_MISSING))
        elif versions[id_] != ends.get(id_, 0):
            report.findings.append(Finding(id_, ends.get(id_, 0), Flaw.VERSION))


async def _events(connection: Any, regency: int) -> AsyncIterator[Mapping[str, Any]]:
    async for row in connection.cursor(_EVENTS, regency, prefetch=500):
        yield row


def check(row: Mapping[str, Any], previous: Mapping[str, Any] | None) -> Iterator[Finding]:
    """The flaws of one event, after the one before it in its trail (None for the first)."""

    def found(flaw: Flaw, detail: str = "") -> Finding:
        return Finding(row["aggregate_id"], row["sequence"], flaw, detail)

    if row["sequence"] != (previous["sequence"] if previous else 0) + 1:
        yield found(Flaw.SEQUENCE)
    if events.leaf(row["body"]) != row["hash"]:
        yield found(Flaw.HASH)
    try:
        told = orjson.loads(row["body"])
        stands_after = told["previous"]
        promised = told["commitment"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        yield found(Flaw.UNREADABLE)
        return
    if stands_after != (previous["hash"] if previous else events.GENESIS).hex():
        yield found(Flaw.PREVIOUS)
    differing = [name for name, value in _columns(row).items() if told.get(name) != value]
    if differing:
        yield found(Flaw.COLUMNS, " ".join(differing))
    if row["values"] is not None and events.commitment(row["salt"], orjson.loads(row["values"])) != promised:
        yield found(Flaw.COMMITMENT)


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that repeat what the bytes say, as the bytes say it."""
    return {
        "format": events.FORMAT,
        "id": str(row["id"]),
        "regency": row["regency"],
        "aggregate": str(row["aggregate_id"]),
        "kind": row["kind"],
        "sequence": row["sequence"],
        "type": row["type"],
        "at": events.microseconds(row["at"]),
        "actor": row["actor"],
        "role": row["role"],
        "on_behalf_of": row["on_behalf_of"],
        "trace_id": row["trace_id"],
    }
