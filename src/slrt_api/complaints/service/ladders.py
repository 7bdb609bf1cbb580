"""Ladders of escalation: a regency declares its own over the nation's, and ends it. None ever changes.

And what acts ask of them: which one is in force, and who is known at its rungs in one place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from slrt_api.access.models import Grant
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codes, places
from slrt_api.clocks import policies
from slrt_api.complaints import ladder
from slrt_api.complaints.codes import Branch, Rung
from slrt_api.complaints.ladder import Accused, Holder, Known, Step
from slrt_api.complaints.models import Complaint, EscalationLadder
from slrt_api.complaints.shapes import ESCALATION_LADDER
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.models import Organization
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: who says for a regency, and who for the nation, to whom complaints go
DECLARERS: Final = frozenset({Role.SECRETARIAT_MANAGER, Role.SOCIAL_OFFICE, Role.ADMINISTRATOR, Role.NATIONAL_OFFICE})
NATION: Final = 0
_CAPITAL: Final = "Asia/Jakarta"
_ORDER: Final = list(Rung)
#: the newest that has begun and not ended; the regency's own before the nation's
_IN_FORCE: Final = """
SELECT id, rungs FROM escalation_ladders
WHERE area = ANY ($1::bigint[]) AND valid_from <= $2 AND (valid_to IS NULL OR valid_to >= $2)
ORDER BY area DESC, valid_from DESC LIMIT 1
"""
_OFFICES: Final = """
SELECT DISTINCT o.id, o.kind FROM organizations o JOIN organization_areas a ON a.organization_id = o.id
WHERE o.kind = ANY ($1::text[]) AND a.lo <= $2 AND a.hi >= $2
"""
_HELD: Final = "revoked_at IS NULL AND valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2)"
_HOLDERS: Final = f"area = ANY ($1::bigint[]) AND {_HELD} AND role = ANY ($3::text[])"
_WORKS_IN: Final = f"""
SELECT DISTINCT organization_id FROM grants WHERE person_id = $1 AND organization_id IS NOT NULL AND {_HELD}
"""


class RungOfLadder(Command):
    """One rung: who handles a complaint there, and which missed deadline brings it up to here."""

    rung: Rung = Field(description="Which one; never NONE.", examples=["SECRETARIAT"])
    branch: Branch = Field(default=Branch.ANY, description="Which complaints come here.", examples=["ANY"])
    roles: tuple[Role, ...] = Field(
        default=(),
        max_length=len(Role),
        description="Roles of those who handle it; none where nobody signs in as it.",
        examples=[["secretariat_officer", "secretariat_manager"]],
    )
    organization_kinds: tuple[OrganizationKind, ...] = Field(
        default=(),
        max_length=len(OrganizationKind),
        description="Kinds of the offices that it is: those that serve the place.",
        examples=[["SECRETARIAT"]],
    )
    organization_ids: tuple[UUID, ...] = Field(
        default=(),
        max_length=50,
        description="The offices themselves, in place of their kinds.",
        examples=[["019aaa11-2233-8000-8000-20a1b2c3d4e5"]],
    )
    clocks: tuple[Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,59}$")], ...] = Field(
        default=(),
        max_length=20,
        description="Clocks of complaints whose breach brings a complaint up to here.",
        examples=[["FORWARD"]],
    )
    citation: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="What says so.", examples=["Perbup 12/2026, pasal 9"]
    )


class DeclareLadder(Command):
    """To whom complaints of a regency go when deadlines pass, from a day on."""

    area_code: str | None = Field(
        default=None,
        max_length=13,
        description="Your regency or city; left out: the whole nation, by its office.",
        examples=["33.26"],
    )
    name: str = Field(pattern="^[A-Z0-9][A-Z0-9.-]{0,39}$", description="A name for it.", examples=["PEKALONGAN-2026"])
    valid_from: date = Field(description="First day, today or later.", examples=["2026-12-01"])
    rungs: tuple[RungOfLadder, ...] = Field(
        min_length=1, max_length=len(Rung) - 1, description="From the lowest up, in the order of the codes."
    )
    citation: str = Field(
        min_length=1, max_length=500, description="The decision that says so.", examples=["Perbup 12/2026"]
    )
    reason: str = Field(min_length=1, max_length=2000, description="Why.", examples=["Sekretariat menangani langsung"])


class EndLadder(Command):
    """The last day of a ladder."""

    ends_on: date = Field(description="Last day on which it brings complaints up.", examples=["2026-12-31"])
    reason: str = Field(min_length=1, max_length=2000, description="Why.", examples=["Perbup 12/2026 dicabut"])


@use_case(
    "escalation_ladders.declare",
    scope=Scope.CALENDARS_WRITE,
    roles=DECLARERS,
    answers=ESCALATION_LADDER,
    creates=True,
)
async def declare(tx: Transaction, actor: Actor, command: DeclareLadder) -> EscalationLadder:
    """Declare a ladder of escalation.

    It holds from its first day, and the one before ends the day before: what it brought up stays there. A ladder never
    changes: declare the next one, or end it. Without one of its own a regency has the nation's. 409 `ladder_not_later` where
    one of a later day is there already.
    """
    area = _area(actor, command.area_code)
    if command.valid_from < _today(area, tx):
        raise errors.Invalid.at("/valid_from", "date_in_past", "Take today or a later day.")
    rungs = await _rungs(tx, command.rungs)
    async with tx.effect(NATIONAL):
        # One after the other, so that of two declarations at once the second sees the first.
        await tx.execute("SELECT pg_advisory_xact_lock($1, $2)", int(Kind.ESCALATION_LADDER), area // 1_000_000)
        later = await tx.value(
            "SELECT true FROM escalation_ladders WHERE area = $1 AND (valid_from >= $2 OR name = $3)",
            area,
            command.valid_from,
            command.name,
        )
        if later:
            raise errors.Conflict("ladder_not_later")
        before = await tx.rows(
            EscalationLadder, "area = $1 AND coalesce(valid_to >= $2, true) FOR NO KEY UPDATE", area, command.valid_from
        )
        for each in before:
            await tx.change(each, "replaced", valid_to=command.valid_from - timedelta(days=1))
    return await tx.create(
        EscalationLadder(
            id=new_id(Kind.ESCALATION_LADDER, NATIONAL, tx.now),
            area=area,
            version=1,
            created_at=tx.now,
            updated_at=tx.now,
            name=command.name,
            valid_from=command.valid_from,
            rungs=rungs,
            citation=command.citation,
            declared_by=actor.subject,
        ),
        "declared",
        texts={"reason": command.reason},
    )


@use_case("escalation_ladders.end", scope=Scope.CALENDARS_WRITE, roles=DECLARERS, answers=ESCALATION_LADDER)
async def end(tx: Transaction, actor: Actor, id_: UUID, command: EndLadder) -> EscalationLadder:
    """End a ladder of escalation.

    From the day after, missed deadlines bring complaints up by the nation's ladder. The nation's own is not ended but
    replaced. An end that has passed is not moved (409 `ladder_ended`).
    """
    seen = await tx.get(EscalationLadder, id_)
    _require(actor, seen.area)
    if seen.area == NATION:
        raise errors.Conflict("ladder_of_the_nation")
    row = await tx.ask(EscalationLadder, id_)
    today = _today(row.area, tx)
    if row.valid_to is not None and row.valid_to < today:
        raise errors.Conflict("ladder_ended")
    if command.ends_on < max(today, row.valid_from):
        raise errors.Invalid.at("/ends_on", "date_in_past", "Take today or a later day, not before its first.")
    if row.valid_to is not None and command.ends_on > row.valid_to:
        raise errors.Invalid.at("/ends_on", "range", "It ends before that day already.")
    return await tx.change(row, "ended", texts={"reason": command.reason}, valid_to=command.ends_on)


# What acts ask of a ladder ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InForce:
    """The ladder by which a complaint goes up."""

    id: UUID
    steps: tuple[Step, ...]


async def in_force(tx: Transaction, area: int) -> InForce | None:
    """The ladder of the place of a complaint, on the day that it is there."""
    found = await tx.first(_IN_FORCE, [NATION, _regency(area)], _today(area, tx))
    return None if found is None else InForce(found["id"], ladder.steps_of(found["rungs"]))


async def accused(tx: Transaction, complaint: Complaint) -> Accused:
    """Whom the complaint accuses: also the offices in which the accused person is known to work."""
    person, office = complaint.accused_person_id, complaint.accused_organization_id
    offices = {str(office)} if office is not None else set()
    if person is not None:
        async with tx.effect(NATIONAL):
            offices |= {str(row["organization_id"]) for row in await tx.fetch(_WORKS_IN, person, tx.now)}
    return Accused(_text(person), _text(office), frozenset(offices))


async def known(tx: Transaction, steps: Sequence[Step], area: int) -> Mapping[Rung, Known]:
    """Who is known at each rung for a place: by the directory of offices and by the grants that stand in the table.

    Grants that tokens carry are not known here; so where nobody is, that tells nothing.
    """
    kinds = sorted({kind for step in steps for kind in step.organization_kinds})
    roles = sorted({role for step in steps for role in step.roles})
    place = codes.area_code(area)
    async with tx.effect(NATIONAL):
        offices = await tx.fetch(_OFFICES, kinds, area)
        grants = await tx.rows(Grant, _HOLDERS, _around(area), tx.now, roles)
    grants = [grant for grant in grants if not grant.areas or _covers(grant.areas, place)]
    found: dict[Rung, Known] = {}
    for step in steps:
        named = frozenset(step.organization_ids) or frozenset(
            str(office["id"]) for office in offices if office["kind"] in step.organization_kinds
        )
        holders = tuple(
            Holder(_text(grant.person_id), _text(grant.organization_id)) for grant in grants if grant.role in step.roles
        )
        found[step.rung] = Known(named, holders)
    return found


def _around(area: int) -> list[int]:
    """Numbers of the nation, the province, the regency, the district and the village of a place."""
    return [NATION, *(area - area % width for width in (10**8, 10**6, 10**4, 1))]


def _covers(areas: Sequence[str], place: str) -> bool:
    return any(place == area or place.startswith(f"{area}.") for area in areas)


def _regency(area: int) -> int:
    return area - area % 1_000_000


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


# What is declared ------------------------------------------------------------------------------------------------------


async def _rungs(tx: Transaction, rungs: Sequence[RungOfLadder]) -> list[dict[str, Any]]:
    """The rungs as they are kept. Raises Invalid, all faults at once."""
    clocks = {policy.name for policy in policies.load_policies() if policy.applies_to == Complaint.NAME}
    faults = []
    height = 0
    for place, each in enumerate(rungs):
        at = _ORDER.index(each.rung)
        if at <= height:
            faults.append(errors.Fault(f"/rungs/{place}/rung", "order", "Name each once, from the lowest up."))
        height = max(height, at)
        for number, name in enumerate(each.clocks):
            if name not in clocks:
                pointer = f"/rungs/{place}/clocks/{number}"
                faults.append(errors.Fault(pointer, "unknown_code", "No clock of complaints has this name."))
        for number, id_ in enumerate(each.organization_ids):
            if await tx.find(Organization, id_) is None:
                faults += errors.Invalid.reference(f"/rungs/{place}/organization_ids/{number}").faults
    if faults:
        raise errors.Invalid(faults=tuple(faults))
    return [
        {
            "rung": each.rung.value,
            "branch": each.branch.value,
            "roles": [role.value for role in each.roles],
            "organization_kinds": [kind.value for kind in each.organization_kinds],
            "organization_ids": [str(id_) for id_ in each.organization_ids],
            "clocks": list(each.clocks),
            "citation": each.citation,
            "remark": None,
            "confidence": None,
        }
        for each in rungs
    ]


def _area(actor: Actor, text: str | None) -> int:
    """The number of what a ladder is declared for, the whole of it the caller's."""
    if text is not None and text.count(".") != 1:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a regency or city, such as 33.26.")
    area = NATION if text is None else places.elsewhere(text)
    _require(actor, area)
    return area


def _require(actor: Actor, area: int) -> None:
    """Raise Forbidden or OutOfScope unless the ladder of that area is the caller's to say."""
    national = actor.role == Role.NATIONAL_OFFICE
    if national is not (area == NATION):
        raise errors.Forbidden("role_not_allowed")
    if not national:
        actor.require_area(area)
        actor.require_area(area + 999_999)


def _today(area: int, tx: Transaction) -> date:
    """The day that it is there; for the nation, in its capital."""
    zone = codes.time_zone(codes.area_code(area)) if area else _CAPITAL
    return tx.now.astimezone(ZoneInfo(zone)).date()
