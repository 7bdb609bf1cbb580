"""Who could take a client, judged and in order: the facts of `routing`, read for one question."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from slrt_api.areas import codes
from slrt_api.organizations import routing
from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.routing import Policy, Standing
from slrt_api.organizations.service.standings import NAMES
from slrt_api.runtime.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Question:
    """For whom a receiver is looked for.

    area          the client's village
    period        first day of the month whose places count
    may_share     whether the person's data may go to an organization outside the government
    program_id    the program that is asked for, and whether it is open here and today
    asked_before  organizations that were asked for this need before
    """

    regency: int
    area: int
    service: str
    period: date
    may_share: bool
    program_id: UUID | None = None
    program_open: bool | None = None
    asked_before: frozenset[UUID] = frozenset()


_FACTS: Final = f"""
SELECT o.id, o.code, o.name, o.kind,
       EXISTS (SELECT FROM organization_areas a WHERE a.organization_id = o.id AND $3::bigint BETWEEN a.lo AND a.hi) AS serves,
       EXISTS (SELECT FROM organization_services s WHERE s.organization_id = o.id AND s.service = $2) AS offers_service,
       c.capacity, c.capacity - c.used AS available,
       ($5::uuid IS NULL OR EXISTS (SELECT FROM organization_programs p WHERE p.organization_id = o.id AND p.program_id = $5)
        OR EXISTS (SELECT FROM programs g WHERE g.id = $5 AND g.owner_organization_id = o.id)
        OR NOT EXISTS (SELECT FROM organization_programs p WHERE p.organization_id = o.id)) AS serves_program,
       t.organization_id IS NOT NULL AS stands, {", ".join(f"t.{name}" for name in NAMES)}
FROM organizations o
LEFT JOIN service_capacity c ON c.regency = $1 AND c.organization_id = o.id AND c.service = $2 AND c.period = $4
LEFT JOIN routing_standings t ON t.regency = $1 AND t.organization_id = o.id AND t.service = $2
"""
_AROUND: Final = """
WHERE EXISTS (SELECT FROM organization_areas a WHERE a.organization_id = o.id AND a.lo <= $7 AND a.hi >= $6)
ORDER BY o.code LIMIT 1000
"""
_TOTAL: Final = "SELECT coalesce(sum(offers), 0)::integer FROM routing_standings WHERE regency = $1 AND service = $2"


async def routes(
    tx: Transaction, question: Question, policy: Policy, *, only: UUID | None = None
) -> tuple[tuple[routing.Candidate, ...], int]:
    """Organizations that serve some of the regency, judged, best first; and how many offers of the service it has made.

    only  judge this organization too, wherever it serves
    Runs under the effect role: places left are shown to whoever routes, also from a village.
    """
    async with tx.effect(question.regency):
        asked = (question.regency, question.service, question.area, question.period, question.program_id)
        found = await tx.fetch(_FACTS + _AROUND, *asked, *_regency_range(question.area))
        if only is not None and all(row["id"] != only for row in found):
            found += await tx.fetch(f"{_FACTS} WHERE o.id = $6", *asked, only)
        total: int = await tx.value(_TOTAL, question.regency, question.service)
    return routing.rank(
        (
            routing.Facts(
                organization_id=row["id"],
                code=row["code"],
                name=row["name"],
                kind=OrganizationKind(row["kind"]),
                serves_area=row["serves"],
                offers_service=row["offers_service"],
                available=row["available"],
                capacity=row["capacity"],
                may_share=question.may_share,
                program_open=question.program_open,
                serves_program=row["serves_program"],
                asked_before=row["id"] in question.asked_before,
                standing=Standing(**{name: row[name] for name in NAMES}) if row["stands"] else Standing(),
            )
            for row in found
        ),
        tx.now,
        policy,
        total,
    ), total


def _regency_range(area: int) -> tuple[int, int]:
    """First and last area number of the regency in which `area` lies."""
    regency = codes.regency_of(codes.area_code(area))
    if regency is None:
        raise LookupError(area)
    return codes.area_range(regency)
