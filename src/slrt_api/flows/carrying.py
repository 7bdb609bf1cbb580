"""Carry a household with its people and open cases over the border of a regency, in one transaction.

Nothing moves by itself: there the rows end as `MOVED`, here new ones begin, with ids, ciphertexts and blind indexes of their
own, and each end names the other's id. What is carried is what the family needs to be known and served by: names, numbers,
coded answers, open needs, and what an emergency still owes. What was worked on, said and found there stays there:
assessments, plans, services, notes, complaints, consents, and whatever has ended.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlmodel import SQLModel

from slrt_api.access.consents.service import record_case_basis
from slrt_api.areas import codes
from slrt_api.cases.codes import FINAL_NEEDS, CaseAction, CaseStatus, NeedStatus, TaskType
from slrt_api.cases.models import Case, Need
from slrt_api.cases.service import tasks
from slrt_api.cases.shapes import NUMBER_PREFIX
from slrt_api.clocks import service as clocks
from slrt_api.flows import carrying_work as work
from slrt_api.flows.lineage.commands import begin, day, done
from slrt_api.flows.lineage.ledger import Ledger
from slrt_api.flows.lineage.numbers import retire
from slrt_api.households import lineage
from slrt_api.households.codes import Finding, HouseholdEnd, IdentityType, Operation, PersonEnd, Relation
from slrt_api.households.lineage import ends_on
from slrt_api.households.models import Answer, Handover, Household, Identity, Membership, Person, RegistryNumber
from slrt_api.households.provenance import Source, told
from slrt_api.households.service import name_keys
from slrt_api.households.service.vault import number_of, sealed
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, new_id, tenant_of
from slrt_api.kernel.numbers import new_number
from slrt_api.registry import service as registry
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction

#: open cases elsewhere in which people of the household have open needs: $2 people, $3 the household
_ELSEWHERE: Final = """
SELECT DISTINCT c.id FROM cases c JOIN needs n ON n.regency = c.regency AND n.case_id = c.id
WHERE c.regency = $1 AND n.person_id = ANY ($2) AND c.household_id <> $3 AND c.closed_at IS NULL
AND n.status <> ALL ($4)
"""
_OPEN_CASES: Final = """
SELECT DISTINCT c.id FROM cases c JOIN needs n ON n.regency = c.regency AND n.case_id = c.id
WHERE c.regency = $1 AND n.person_id = ANY ($2) AND c.closed_at IS NULL AND n.status <> ALL ($3)
"""
_FINAL: Final = [status.value for status in FINAL_NEEDS]


@dataclass(frozen=True)
class Arrival:
    """Where a household arrives: the village, the address, since when, and what is said of it."""

    area: int
    address: str
    since: date
    reason: str


@dataclass(frozen=True)
class Moved:
    """What was carried: the household there and its successor here, the operations on both sides, how many people."""

    household_id: UUID
    successor_id: UUID
    there: UUID
    here: UUID
    persons: int


@dataclass(frozen=True)
class Luggage:
    """What stands there of a household before it goes, as it is carried."""

    household: Household
    seats: Sequence[Membership]
    persons: Sequence[Person]
    numbers: Sequence[tuple[Identity, str]]
    registry_numbers: Sequence[RegistryNumber]
    answers: Sequence[Answer]
    #: case -> its open needs of people who go
    needs: Mapping[UUID, Sequence[Need]]
    cases: Mapping[UUID, Case]
    #: case -> what its emergency still owes
    owed: work.Owed


async def ready(tx: Transaction, household: Household) -> int:
    """How many people would go with a household now. Raises Conflict `handover_not_ready` where something stands in the way.

    Runs inside `tx.effect` of the household's regency.
    """
    ledger = await _locked(tx, household, Operation.MOVE_OUT)
    _require_ready(ledger, household, told=True)
    return len(ledger.family(household.id))


async def carry(tx: Transaction, actor: Actor, offer: Handover, regency: int, arrival: Arrival) -> Moved:
    """Carry the household of `offer` to `regency`.

    Raises Conflict `handover_not_ready` where it cannot go now; what stands in the way is not told on this side.
    """
    if offer.household_id is None:
        raise ValueError("an offer names a household")
    successors: dict[UUID, UUID] = {}
    async with tx.effect(offer.regency):
        household = await tx.lock(Household, offer.household_id)
        if household.ended_at is not None:
            raise errors.Conflict("handover_not_ready")
        ledger = await _locked(tx, household, Operation.MOVE_OUT)
        _require_ready(ledger, household, told=False)
        luggage = await _packed(ledger, household)
        for id_ in (household.id, *(person.id for person in luggage.persons), *luggage.needs):
            successors[id_] = new_id(kind_of(id_) or Kind.PERSON, regency, tx.now)
        await _leave(ledger, luggage, successors, arrival, offer.reason or "")
        there = done(tx, actor, ledger, household.area, arrival.since, offer.reason or "")
        await ledger.close(there)
    async with tx.effect(regency):
        here = await _arrive(tx, actor, luggage, successors, regency, arrival)
    await registry.match(tx, regency, [successors[household.id]])
    return Moved(household.id, successors[household.id], there.id, here, len(luggage.persons))


async def release(
    tx: Transaction,
    actor: Actor,
    person: Person,
    successor_id: UUID,
    relations: Sequence[tuple[UUID, Relation]],
    reason: str,
) -> UUID:
    """Let a person's entry give way to the same person's in another regency. Returns the operation on this side.

    Nothing is copied but open needs. Raises Conflict `person_ended`, `referrals_open`, or `handover_not_ready` where there is no
    household that they could go on in; Invalid where those who remain would have no head.
    """
    elsewhere = tenant_of(successor_id)
    async with tx.effect(person.regency):
        ledger = begin(tx, person.regency, Operation.MOVE_OUT)
        seats = "SELECT household_id FROM memberships WHERE regency = $1 AND id = $2 AND valid_to IS NULL"
        home = await tx.value(seats, person.regency, person.id)
        cases = await tx.fetch(_OPEN_CASES, person.regency, [person.id], _FINAL)
        await ledger.lock([home] if home else [], [person.id], [row["id"] for row in cases])
        if await tx.value(seats, person.regency, person.id) != home:
            # Somebody moved them before the locks were ours.
            raise errors.Unavailable("contended", retry_after_seconds=1)
        person = ledger.persons[person.id]
        if person.ended_at is not None:
            raise errors.Conflict("person_ended")
        needs = _open_needs(ledger, person.id)
        if any(need.status == NeedStatus.REFERRED for group in needs.values() for need in group):
            raise errors.Conflict("referrals_open")
    async with tx.effect(elsewhere):
        target = await _home_of(tx, successor_id)
    since = day(tx, person.area, None)
    successors = {id_: new_id(Kind.CASE, elsewhere, tx.now) for id_ in needs} | {person.id: successor_id}
    async with tx.effect(person.regency):
        await retire(ledger, person, IdentityType.NIK, since)
        left = await _leave_alone(ledger, person, relations, since)
        ledger.set(person, ended_at=tx.now, ended_as=PersonEnd.MOVED.value, successor_id=successor_id)
        if left is not None and not ledger.family(left.id):
            await retire(ledger, left, IdentityType.KK, since)
            ledger.set(left, ended_at=tx.now, ended_as=HouseholdEnd.MOVED.value, successor_id=target.id)
        for case_id, group in needs.items():
            case = ledger.cases[case_id]
            for need in group:
                await ledger.part(need, (case,), status=NeedStatus.CANCELLED.value)
        owed = await work.owed(ledger, needs)
        for case in ledger.cases.values():
            await _end_case(ledger, case, left, person, successors, target, reason)
        if left is not None and not ledger.family(left.id):
            await work.end_family_plan(ledger, left, reason)
        await ledger.settle()
        here = done(tx, actor, ledger, person.area, since, reason)
        await ledger.close(here)
    async with tx.effect(elsewhere):
        other = begin(tx, elsewhere, Operation.MOVE_IN)
        made = [
            await _case(tx, actor, ledger.cases[id_], group, successors, target, other.id, owed.get(id_, ()))
            for id_, group in needs.items()
        ]
        row = done(tx, actor, other, target.area, since, f"{codes.area_code(person.area - person.area % 1_000_000)}")
        await other.close(row, [target.id, successor_id, *(each.id for each in made)])
    return here.id


def _open_needs(ledger: Ledger, person_id: UUID) -> dict[UUID, list[Need]]:
    found: dict[UUID, list[Need]] = {}
    for need in sorted(ledger.needs.values(), key=lambda each: each.id):
        open_ = NeedStatus(need.status) not in FINAL_NEEDS and ledger.cases[need.case_id].closed_at is None
        if open_ and need.person_id == person_id:
            found.setdefault(need.case_id, []).append(need)
    return found


async def _home_of(tx: Transaction, person_id: UUID) -> Household:
    """The household of the person who goes on, both locked: it does not end while what was needed comes to it."""
    seats = await tx.rows(Membership, "regency = $1 AND id = $2 AND valid_to IS NULL", tenant_of(person_id), person_id)
    if not seats:
        raise errors.Conflict("handover_not_ready")
    household = await tx.lock(Household, seats[0].household_id)
    person = await tx.lock(Person, person_id)
    if person.ended_at is not None or household.ended_at is not None:
        raise errors.Conflict("handover_not_ready")
    return household


async def _leave_alone(
    ledger: Ledger, person: Person, relations: Sequence[tuple[UUID, Relation]], since: date
) -> Household | None:
    """End the membership of one person. Those who remain have a head, or there is nobody. Returns the household."""
    seat = ledger.members.pop(person.id, None)
    if seat is None:
        if relations:
            raise errors.Invalid.reference("/relations/0/person_id")
        return None
    household = ledger.households[seat.household_id]
    after = lineage.seats(ledger.family(household.id), relations, "/relations")
    await ledger.part(seat, (household, person), valid_to=ends_on(seat.valid_from, since))
    await ledger.reseat(household, after, since)
    return household


async def _end_case(
    ledger: Ledger,
    case: Case,
    left: Household | None,
    person: Person,
    successors: Mapping[UUID, UUID],
    target: Household,
    reason: str,
) -> None:
    """A case whose people have all gone goes with them, or waits for an officer; one with others stays as it is."""
    if case.closed_at is not None or await _somebody_left(ledger, case, {person.id}):
        return
    of_the_left = left is not None and case.household_id == left.id
    if case.id in successors and (of_the_left or left is None):
        ledger.set(
            case,
            status=CaseStatus.MOVED.value,
            closed_at=ledger.tx.now,
            closing_text=reason,
            transferred_to=target.area - target.area % 1_000_000,
            successor_id=successors[case.id],
            attention=False,
            reassess_by=None,
        )
        await work.leave(ledger, [case], reason)
    elif case.id in successors or (of_the_left and left is not None and not ledger.family(left.id)):
        ledger.set(case, attention=True)


async def _locked(tx: Transaction, household: Household, operation: Operation) -> Ledger:
    """The household, its people, and every open case that any of them waits for, locked in the order of the house."""
    members = await tx.fetch(
        "SELECT id FROM memberships WHERE regency = $1 AND household_id = $2 AND valid_to IS NULL",
        household.regency,
        household.id,
    )
    people = [row["id"] for row in members]
    elsewhere = await tx.fetch(_ELSEWHERE, household.regency, people, household.id, _FINAL)
    ledger = begin(tx, household.regency, operation)
    return await ledger.lock([household.id], (), [row["id"] for row in elsewhere])


_REFERRALS: Final = errors.Fault(
    "/household_id",
    "referrals_open",
    "A referral of theirs runs: see GET /v1/referrals?case_id=; end or revoke it first.",
)
_OTHERS: Final = errors.Fault(
    "/household_id",
    "needs_open",
    "Somebody who does not go has an open need in a case that would: end that need first.",
)


def _require_ready(ledger: Ledger, household: Household, *, told: bool) -> None:
    """Refuse while a referral of theirs runs, or somebody who stays has an open need in a case that would go.

    told  say which of the two: to the side whose household it is, and to no other
    """
    people = set(ledger.family(household.id))
    for need in ledger.needs.values():
        if NeedStatus(need.status) in FINAL_NEEDS:
            continue
        goes = need.person_id in people
        with_it = ledger.cases[need.case_id].household_id == household.id
        if (goes and need.status == NeedStatus.REFERRED) or (with_it and not goes):
            fault = _REFERRALS if need.status == NeedStatus.REFERRED else _OTHERS
            raise errors.Conflict("handover_not_ready", faults=(fault,) if told else ())


async def _packed(ledger: Ledger, household: Household) -> Luggage:
    """What is carried, read under the locks."""
    tx, of = ledger.tx, ledger.regency
    people = list(ledger.family(household.id))
    owners = [household.id, *people]
    held = await tx.rows(
        Identity, "regency = $1 AND owner_id = ANY ($2) AND valid_to IS NULL ORDER BY id FOR NO KEY UPDATE", of, owners
    )
    needs: dict[UUID, list[Need]] = {
        case.id: [] for case in ledger.cases.values() if case.household_id == household.id and case.closed_at is None
    }
    for need in sorted(ledger.needs.values(), key=lambda each: each.id):
        open_ = NeedStatus(need.status) not in FINAL_NEEDS and ledger.cases[need.case_id].closed_at is None
        if open_ and need.person_id in people:
            needs.setdefault(need.case_id, []).append(need)
    return Luggage(
        household,
        [ledger.members[person] for person in people],
        [ledger.persons[person] for person in people],
        [(each, number_of(tx.keyring, each)) for each in held],
        await tx.rows(RegistryNumber, "regency = $1 AND owner_id = ANY ($2) ORDER BY id", of, owners),
        await tx.rows(Answer, "regency = $1 AND owner_id = ANY ($2) AND replaced_at IS NULL ORDER BY id", of, owners),
        needs,
        {id_: ledger.cases[id_] for id_ in needs},
        await work.owed(ledger, [id_ for id_ in needs if ledger.cases[id_].household_id == household.id]),
    )


async def _leave(
    ledger: Ledger, luggage: Luggage, successors: Mapping[UUID, UUID], arrival: Arrival, reason: str
) -> None:
    """End there what goes on here."""
    tx, household = ledger.tx, luggage.household
    for person in luggage.persons:
        await retire(ledger, person, IdentityType.NIK, arrival.since)
        seat = ledger.members.pop(person.id)
        await ledger.part(seat, (household, person), valid_to=ends_on(seat.valid_from, arrival.since))
        ledger.set(person, ended_at=tx.now, ended_as=PersonEnd.MOVED.value, successor_id=successors[person.id])
    await retire(ledger, household, IdentityType.KK, arrival.since)
    ledger.set(household, ended_at=tx.now, ended_as=HouseholdEnd.MOVED.value, successor_id=successors[household.id])
    going = {person.id for person in luggage.persons}
    for case_id, needs in luggage.needs.items():
        case = luggage.cases[case_id]
        for need in needs:
            await ledger.part(need, (case,), status=NeedStatus.CANCELLED.value)
        if case.household_id == household.id:
            ledger.set(
                case,
                status=CaseStatus.MOVED.value,
                closed_at=tx.now,
                closing_text=reason,
                transferred_to=arrival.area - arrival.area % 1_000_000,
                successor_id=successors[case.id],
                attention=False,
                reassess_by=None,
            )
        elif not await _somebody_left(ledger, case, going):
            # A case of other people's household, for somebody who has gone: an officer says how it goes on.
            ledger.set(case, attention=True)
    await work.leave(ledger, [each for each in luggage.cases.values() if each.household_id == household.id], reason)
    await work.end_family_plan(ledger, household, reason)
    await ledger.settle()


async def _somebody_left(ledger: Ledger, case: Case, going: Collection[UUID]) -> bool:
    people = {need.person_id for need in ledger.needs.values() if need.case_id == case.id} - set(going)
    found: bool = await ledger.tx.value(
        "SELECT EXISTS (SELECT FROM persons WHERE regency = $1 AND id = ANY ($2) AND ended_at IS NULL)",
        ledger.regency,
        list(people),
    )
    return found


async def _arrive(
    tx: Transaction, actor: Actor, luggage: Luggage, successors: Mapping[UUID, UUID], regency: int, arrival: Arrival
) -> UUID:
    """Begin here what has ended there. Returns the operation."""
    ledger = begin(tx, regency, Operation.MOVE_IN)
    household = _household(tx, actor, luggage, successors, regency, arrival)
    persons = [
        Person(
            regency=regency,
            id=successors[each.id],
            area=arrival.area,
            name=each.name,
            sex=each.sex,
            birth_date=each.birth_date,
            created_at=tx.now,
            updated_at=tx.now,
            provenance=each.provenance,
        )
        for each in luggage.persons
    ]
    memberships = [
        Membership(
            regency=regency,
            id=successors[each.id],
            area=arrival.area,
            valid_from=arrival.since,
            household_id=household.id,
            relation=each.relation,
            position=each.position,
        )
        for each in luggage.seats
    ]
    parts: dict[str, Sequence[SQLModel]] = {
        "persons": persons,
        "memberships": memberships,
        "identities": list(_identities(tx, luggage, successors, regency, arrival)),
        "registry_numbers": [_again(tx, each, successors, regency, arrival) for each in luggage.registry_numbers],
        "answers": [_again(tx, each, successors, regency, arrival) for each in luggage.answers],
    }
    await tx.create(
        household,
        "taken_over",
        parts=parts,
        texts={"reason": arrival.reason},
        notes={"lineage": ledger.id},
    )
    await name_keys.keep(tx, *persons)
    cases = [
        await _case(tx, actor, luggage.cases[id_], needs, successors, household, ledger.id, luggage.owed.get(id_, ()))
        for id_, needs in luggage.needs.items()
    ]
    row = done(tx, actor, ledger, arrival.area, arrival.since, arrival.reason)
    await ledger.close(row, [household.id, *(each.id for each in persons), *(each.id for each in cases)])
    return row.id


def _household(
    tx: Transaction, actor: Actor, luggage: Luggage, successors: Mapping[UUID, UUID], regency: int, arrival: Arrival
) -> Household:
    id_ = successors[luggage.household.id]
    return Household(
        regency=regency,
        id=id_,
        area=arrival.area,
        created_at=tx.now,
        updated_at=tx.now,
        address=arrival.address,
        captured_at=luggage.household.captured_at,
        received_at=tx.now,
        registered_by=actor.subject,
        house_id=id_,
        provenance=told({}, {"address": arrival.address}, source=Source.DECLARED, as_of=arrival.since),
    )


def _identities(
    tx: Transaction, luggage: Luggage, successors: Mapping[UUID, UUID], regency: int, arrival: Arrival
) -> Iterable[Identity]:
    """The numbers that hold, encrypted and indexed for rows of this regency."""
    for each, number in luggage.numbers:
        id_ = new_id(Kind.PERSON, regency, tx.now)
        yield Identity(
            regency=regency,
            id=id_,
            area=arrival.area,
            owner_id=successors[each.owner_id],
            type=each.type,
            prefix=each.prefix,
            **sealed(tx.keyring, IdentityType(each.type), id_, number),
            # Who else claims it is found anew, among the people of this regency.
            findings=[code for code in each.findings if code != Finding.NIK_DUPLICATE],
            valid_from=each.valid_from,
        )


def _again(
    tx: Transaction, row: RegistryNumber | Answer, successors: Mapping[UUID, UUID], regency: int, arrival: Arrival
) -> RegistryNumber | Answer:
    """The same number or answer, with where it is from, as a row of this regency."""
    values: dict[str, Any] = row.model_dump()
    values |= {
        "regency": regency,
        "id": new_id(kind_of(row.id) or Kind.PERSON, regency, tx.now),
        "area": arrival.area,
        "owner_id": successors[row.owner_id],
    }
    return type(row)(**values)


async def _case(
    tx: Transaction,
    actor: Actor,
    before: Case,
    needs: Sequence[Need],
    successors: Mapping[UUID, UUID],
    household: Household,
    lineage_id: UUID,
    owed: Sequence[TaskType] = (),
) -> Case:
    """The case that goes on: from its beginning, for what is still needed. Nobody waits longer for having moved.

    owed  what its emergency skipped there is skipped here, too, and is made good by this side's deadline
    """
    case = Case(
        regency=household.regency,
        id=successors[before.id],
        area=household.area,
        created_at=tx.now,
        updated_at=tx.now,
        number=new_number(NUMBER_PREFIX, household.regency),
        household_id=household.id,
        status=CaseStatus.REGISTERED.value,
        emergency=before.emergency,
        received_at=before.received_at,
        opened_by=actor.subject,
        need_count=len(needs),
        open_needs=len(needs),
        predecessor_id=before.id,
    )
    carried = [
        Need(
            regency=household.regency,
            id=new_id(Kind.NEED, household.regency, tx.now),
            area=household.area,
            case_id=case.id,
            person_id=successors[need.person_id],
            domain=need.domain,
            need=need.need,
            status=NeedStatus.OPEN.value,
            created_at=tx.now,
        )
        for need in needs
    ]
    parts: dict[str, Sequence[SQLModel]] = {"needs": carried}
    if owed:
        begun, case.tasks_due_at = await tasks.begin(tx, case, owed)
        case.open_tasks = len(begun)
        parts["tasks"] = begun
    await tx.create(case, "taken_over", parts=parts, notes={"lineage": lineage_id})
    await clocks.follow(tx, case, CaseStatus.REGISTERED, action=CaseAction.MARK_EMERGENCY if owed else None)
    await record_case_basis(
        tx,
        regency=case.regency,
        area=case.area,
        household_id=case.household_id,
        case_id=case.id,
        emergency=case.emergency,
    )
    return case
