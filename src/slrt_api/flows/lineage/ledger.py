"""What one operation on families changes: gathered row by row, written with one event for each aggregate, and undone.

Everything here runs inside `tx.effect`, after the resource that the operation was asked on was locked under the caller's own
role: a family that moves leaves the caller's area, and its cases go with it wherever they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlmodel import SQLModel

from slrt_api.cases.codes import FINAL_NEEDS, NeedStatus
from slrt_api.cases.models import Case, Need
from slrt_api.clocks import service as clocks
from slrt_api.households.codes import MatchingStatus, Operation, Relation
from slrt_api.households.lineage import ends_on
from slrt_api.households.models import (
    Duplicate,
    Household,
    Identity,
    Lineage,
    LineageParticipant,
    Membership,
    Person,
)
from slrt_api.households.service import name_keys
from slrt_api.kernel.ids import Kind
from slrt_api.referrals.codes import ENDED
from slrt_api.referrals.models import Referral
from slrt_api.registry import service as registry
from slrt_api.runtime.events import plain
from slrt_api.runtime.transaction import Transaction

Root: TypeAlias = Household | Person | Case | Referral | Duplicate
Part: TypeAlias = Membership | Identity | Need

MODELS: Final[Mapping[str, type[SQLModel]]] = {
    str(model.__tablename__): model for model in (Household, Person, Case, Membership, Identity, Need, Duplicate)
}
#: columns that follow from others: where a person or case is follows the household, what a case counts its needs
_DERIVED: Final = {"persons": {"area"}, "cases": {"area", "open_needs", "referred_needs"}, "referrals": {"area"}}
#: what of a person is compared with the civil registry, beside the NIK
COMPARED: Final = frozenset({"name", "sex", "birth_date"})
#: what hangs on a household or a person by its id
_OWNED: Final = (
    ("identities", "owner_id = $2"),
    ("registry_numbers", "owner_id = $2"),
    ("answers", "owner_id = $2"),
    ("registry_facts", "id = $2"),
)
#: (aggregate, its part, the condition on `$2`, the aggregate's id) -> the part moves where the aggregate moves
_ATTACHED: Final = ("attachments", "parent_id = $2")
_PARTS: Final[Mapping[type[SQLModel], tuple[tuple[str, str], ...]]] = {
    Household: (
        *_OWNED,
        ("memberships", "household_id = $2 AND valid_to IS NULL"),
        ("enrollments", "household_id = $2 AND person_id IS NULL"),
        ("eligibility_checks", "household_id = $2"),
        ("eligibility_reviews", "household_id = $2"),
        _ATTACHED,
        ("family_plans", "household_id = $2"),
    ),
    Person: (
        *_OWNED,
        ("memberships", "id = $2 AND valid_to IS NULL"),
        ("civil_checks", "person_id = $2"),
        ("enrollments", "person_id = $2"),
        _ATTACHED,
    ),
    Case: (
        ("needs", "case_id = $2"),
        ("assessments", "case_id = $2"),
        ("direct_services", "case_id = $2"),
        ("case_plan_lines", "case_id = $2"),
        ("case_notes", "case_id = $2"),
        ("case_assignments", "case_id = $2"),
        ("case_tasks", "case_id = $2"),
        ("case_merges", "survivor_id = $2"),
        ("clocks", "aggregate_id = $2"),
        _ATTACHED,
    ),
    Referral: (
        ("referral_packages", "id = $2"),
        ("routing_offers", "referral_id = $2"),
        ("clocks", "aggregate_id = $2"),
        _ATTACHED,
    ),
}
#: operation -> what happened to the household, a person and a case that it touched
EVENTS: Final[Mapping[Operation | None, tuple[str, str, str]]] = {
    Operation.BIRTH: ("member_born", "born", "household_changed"),
    Operation.DEATH: ("member_died", "died", "person_died"),
    Operation.SPLIT: ("split", "household_changed", "household_changed"),
    Operation.MERGE: ("merged", "household_changed", "household_changed"),
    Operation.MOVE_WITHIN: ("moved", "moved", "moved"),
    Operation.KK_REISSUE: ("family_card_issued", "family_card_issued", "household_changed"),
    Operation.NIK_CORRECTION: ("member_corrected", "nik_corrected", "household_changed"),
    Operation.MERGE_PERSONS: ("members_merged", "merged", "person_merged"),
    Operation.MOVE_OUT: ("handed_over", "handed_over", "handed_over"),
    Operation.MOVE_IN: ("taken_over", "taken_over", "taken_over"),
    None: ("operation_undone", "operation_undone", "operation_undone"),
}


@dataclass
class Touched:
    """An aggregate of the operation, what becomes of it, and the parts that were written with it."""

    row: Root
    values: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, list[SQLModel]] = field(default_factory=dict)

    def now(self, name: str) -> Any:
        return self.values.get(name, getattr(self.row, name))


class Ledger:
    """One operation under way, or the undoing of one (`operation` None)."""

    def __init__(self, tx: Transaction, regency: int, operation: Operation | None, lineage_id: UUID) -> None:
        self.tx = tx
        self.regency = regency
        self.operation = operation
        self.id = lineage_id
        self.households: dict[UUID, Household] = {}
        self.members: dict[UUID, Membership] = {}
        self.persons: dict[UUID, Person] = {}
        self.cases: dict[UUID, Case] = {}
        self.needs: dict[UUID, Need] = {}
        #: what was said besides the reason
        self.texts: dict[str, str | None] = {}
        self._touched: dict[UUID, Touched] = {}
        self._steps: list[dict[str, Any]] = []

    async def lock(
        self, households: Iterable[UUID], persons: Iterable[UUID] = (), cases: Iterable[UUID] = ()
    ) -> "Ledger":
        """Lock the households with their people and open cases, and what else is named, in the order of the house."""
        tx, of, named = self.tx, self.regency, sorted(set(households))
        lock = "ORDER BY id FOR NO KEY UPDATE"
        self.households = {
            row.id: row for row in await tx.rows(Household, f"regency = $1 AND id = ANY ($2) {lock}", of, named)
        }
        members = await tx.rows(
            Membership,
            "regency = $1 AND household_id = ANY ($2) AND valid_to IS NULL ORDER BY household_id, position, id",
            of,
            named,
        )
        self.members = {row.id: row for row in members}
        people = [*self.members, *persons]
        self.persons = {
            row.id: row for row in await tx.rows(Person, f"regency = $1 AND id = ANY ($2) {lock}", of, people)
        }
        where = "id IN (SELECT id FROM cases WHERE regency = $1 AND household_id = ANY ($2) AND closed_at IS NULL"
        found = await tx.rows(
            Case, f"regency = $1 AND {where} UNION SELECT unnest($3::uuid[])) {lock}", of, named, list(cases)
        )
        self.cases = {row.id: row for row in found}
        needs = await tx.rows(Need, f"regency = $1 AND case_id = ANY ($2) {lock}", of, list(self.cases))
        self.needs = {row.id: row for row in needs}
        return self

    # What is there ----------------------------------------------------------------------------------------------

    def family(self, household_id: UUID) -> dict[UUID, Relation]:
        """The members of a household now, by their relation."""
        return {
            person: Relation(seat.relation)
            for person, seat in self.members.items()
            if seat.household_id == household_id
        }

    def waiting(self, case_id: UUID) -> set[UUID]:
        """Whose needs of the case are not final."""
        return {
            need.person_id
            for need in self.needs.values()
            if need.case_id == case_id and NeedStatus(need.status) not in FINAL_NEEDS
        }

    def running(self, household: Household) -> bool:
        """Whether the household has not ended, or does not end with this."""
        return self._now(household, "ended_at") is None

    # What changes -----------------------------------------------------------------------------------------------

    def set(self, row: Root, **values: Any) -> None:
        """Let columns of an aggregate change; written at the end, with its event."""
        table = str(row.__tablename__)
        told = {name: value for name, value in values.items() if name not in _DERIVED.get(table, ())}
        touched = self._of(row)
        if told:
            before = {name: touched.now(name) for name in told}
            self._step(table, {"id": row.id}, before, told)
        touched.values |= values

    async def part(self, row: Part, owners: Iterable[Root], **values: Any) -> Part:
        """Change a part at once; the events of its owners tell of it."""
        table = str(row.__tablename__)
        self._step(table, _key(row), {name: getattr(row, name) for name in values}, values)
        after = await self.tx.update(row, **values)
        if isinstance(after, Need):
            self.needs[after.id] = after
        self.tell(table, after, owners)
        return after

    async def add(self, row: Part, owners: Iterable[Root]) -> None:
        """Write a new part."""
        await self.tx.insert(row)
        self.added(row)
        self.tell(str(row.__tablename__), row, owners)

    def added(self, row: Household | Person | Part) -> None:
        """Note a row that the operation made, for its undoing."""
        after = {name: getattr(row, name) for name in ("household_id", "valid_to", "ended_at") if hasattr(row, name)}
        self._step(str(row.__tablename__), _key(row), None, after)

    async def seat(
        self, person: Person, into: Household, relation: Relation, position: int, effective_on: date
    ) -> Membership:
        """End the membership of a person and begin another, in the same household or in `into`. Both are dated."""
        old = self.members[person.id]
        ended = ends_on(old.valid_from, effective_on)
        await self.part(old, (self.households[old.household_id], person), valid_to=ended)
        ordinal = await self.tx.value(
            "SELECT max(ordinal) + 1 FROM memberships WHERE regency = $1 AND id = $2", self.regency, person.id
        )
        new = Membership(
            regency=self.regency,
            id=person.id,
            area=self._of(into).now("area") if into.id in self.households else into.area,
            ordinal=ordinal,
            valid_from=ended,
            household_id=into.id,
            relation=relation.value,
            position=position,
        )
        self.members[person.id] = new
        return new

    async def reseat(self, household: Household, after: Mapping[UUID, Relation], effective_on: date) -> None:
        """Give members of a household the relations of `after`, where these are others than now."""
        for person_id, relation in after.items():
            seat = self.members[person_id]
            if seat.relation != relation:
                person = self.persons[person_id]
                new = await self.seat(person, household, relation, seat.position, effective_on)
                await self.add(new, (household, person))

    # The end ----------------------------------------------------------------------------------------------------

    async def settle(self, *households: Household) -> None:
        """Let the people and open cases of the households be where these are, with the counts of their needs."""
        for household in households:
            area = self._touched[household.id].now("area") if household.id in self._touched else household.area
            for person_id in self.family(household.id):
                if self._now(self.persons[person_id], "area") != area:
                    self.set(self.persons[person_id], area=area)
                seat = self.members[person_id]
                if seat.area != area and household.area == area:
                    # A membership that had ended stayed where it was while the household moved; undone, it holds again.
                    self.members[person_id] = await self.tx.update(seat, area=area)
            for case in self.cases.values():
                if case.closed_at is None and self._now(case, "household_id") == household.id and case.area != area:
                    self.set(case, area=area)
                    running = await self.tx.rows(
                        Referral,
                        "regency = $1 AND case_id = $2 AND status <> ALL ($3) ORDER BY id FOR NO KEY UPDATE",
                        self.regency,
                        case.id,
                        [status.value for status in ENDED],
                    )
                    for referral in running:
                        self.set(referral, area=area)
        for case in self.cases.values():
            left = sum(NeedStatus(n.status) not in FINAL_NEEDS for n in self.needs.values() if n.case_id == case.id)
            if left != case.open_needs:
                self.set(case, open_needs=left)

    async def write(self, reason: str | None) -> None:
        """Write every aggregate with its event, in the order of the house; then its parts are where it is.

        What the registry tells of the families and people is looked up anew: it follows their numbers.
        """
        for touched in sorted(self._touched.values(), key=lambda each: (each.row.KIND, each.row.id)):
            row = touched.row
            kinds = (Kind.HOUSEHOLD, Kind.PERSON, Kind.CASE)
            if row.KIND in kinds:
                type_ = EVENTS[self.operation][kinds.index(row.KIND)]
            else:
                type_ = "moved" if row.KIND is Kind.REFERRAL else "decided" if self.operation else "decision_undone"
            if isinstance(row, Person) and ("identities" in touched.parts or touched.values.keys() & COMPARED):
                # What the civil registry said was said of other values. No step: undoing brings other values back.
                touched.values["matching_status"] = MatchingStatus.NOT_MATCHED_YET.value
            notes, texts = {"lineage": self.id}, {**self.texts, "reason": reason}
            after = await self.tx.change(
                row, type_, parts=touched.parts or None, texts=texts, notes=notes, **touched.values
            )
            if isinstance(after, Case) and "status" in touched.values:
                await clocks.follow(self.tx, after, after.status, ended=after.closed_at is not None)
            area = touched.now("area")
            if area != row.area:
                for table, where in _PARTS[type(row)]:
                    await self.tx.execute(
                        f"UPDATE {table} SET area = $3 WHERE regency = $1 AND {where} AND area <> $3",
                        self.regency,
                        row.id,
                        area,
                    )
            if (
                isinstance(after, Person)
                and isinstance(row, Person)
                and (after.area, after.birth_date) != (row.area, row.birth_date)
            ):
                await name_keys.keep(self.tx, after)
        await registry.match(self.tx, self.regency, {*self.households, *self.persons})

    async def close(self, lineage: Lineage, also: Iterable[UUID] = ()) -> Lineage:
        """Write what was gathered, and the operation itself.

        also  ids of aggregates that the operation made
        """
        await self.write(lineage.reason)
        participants = [
            LineageParticipant(
                regency=self.regency, id=lineage.id, area=lineage.area, participant_id=id_, kind=id_.int >> 42 & 0x3F
            )
            for id_ in sorted({*self._touched, *also})
        ]
        notes = {"steps": self._steps}
        return await self.tx.create(
            lineage, "recorded", parts={"participants": participants}, texts=self.texts, notes=notes
        )

    def _of(self, row: Root) -> Touched:
        return self._touched.setdefault(row.id, Touched(row))

    def _now(self, row: Root, name: str) -> Any:
        return self._touched[row.id].now(name) if row.id in self._touched else getattr(row, name)

    def tell(self, table: str, row: SQLModel, owners: Iterable[Root]) -> None:
        """Let the events of the owners tell of a part."""
        for owner in owners:
            if owner.id in self.households or owner.id in self.persons or owner.id in self.cases:
                self._of(owner).parts.setdefault(table, []).append(row)

    def _step(
        self, table: str, key: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any]
    ) -> None:
        self._steps.append({"table": table, "key": plain(key), "before": plain(before), "after": plain(after)})


def restored(model: type[SQLModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a revision as the columns hold them."""
    return {name: _typed(model.__table__.c[name].type.python_type, value) for name, value in values.items()}  # type: ignore[attr-defined]


def _typed(type_: type, value: Any) -> Any:
    if value is None:
        return None
    if type_ is UUID:
        return UUID(value)
    if type_ is datetime:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if type_ is date else value


def _key(row: SQLModel) -> dict[str, Any]:
    """What names the row among those of its regency."""
    return {name: getattr(row, name) for name in ("id", "ordinal") if hasattr(row, name)}
