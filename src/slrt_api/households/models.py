"""Tables of families and their people. NIK and KK numbers are dated identifiers in a table of their own, encrypted."""

from datetime import date, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from slrt_api.households.codes import MatchingStatus
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.crypto import DEFAULT_INDEX_KEY
from slrt_api.runtime.tables import INSTANT, TEXT_ARRAY, Aggregate, Tenant

#: how an ended row is: when and why go together
_ENDED: Final = "(ended_at IS NULL) = (ended_as IS NULL)"


def _provenance() -> Any:
    return Field(
        default_factory=dict,
        sa_column=Column("provenance", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    )


class Household(Aggregate, table=True):
    """A family (keluarga) at an address. `captured_at` is the visit, `received_at` the arrival at this service.

    house_id      families in one house share it; it is no resource and tells nothing
    ended_at, ended_as, successor_id  that it is no more, why, and the household that goes on in its place
    provenance    where `address` is from, see `households/provenance`
    """

    KIND: ClassVar[Kind] = Kind.HOUSEHOLD
    NAME: ClassVar[str] = "household"

    __tablename__ = "households"
    __table_args__ = (
        Index("households_area", "regency", "area", "id"),
        Index("households_updated_at", "regency", "updated_at", "id"),
        Index("households_house", "regency", "house_id"),
        CheckConstraint("ended_as IN ('MERGED', 'MOVED', 'DISSOLVED')", name="households_ended_as"),
        CheckConstraint(_ENDED, name="households_ended"),
    )

    address: str
    captured_at: datetime = Field(sa_type=INSTANT)
    received_at: datetime = Field(sa_type=INSTANT)
    registered_by: str
    # The default is for what writes without naming it: every family has a house, if a house of its own.
    house_id: UUID = Field(sa_column_kwargs={"server_default": text("gen_random_uuid()")})
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ended_as: str | None = None
    successor_id: UUID | None = None
    provenance: dict[str, Any] = _provenance()


class Person(Aggregate, table=True):
    """A person.

    Registered by the event of the household, at version 0; every later change of the person itself raises the version and
    writes a `person.*` event of that sequence.

    died_on       the day of death
    ended_at, ended_as, successor_id  that the row is no more, why, and the person's row that goes on in its place
    provenance    where `name`, `sex` and `birth_date` are from, see `households/provenance`
    duplicates_checked  the version at which the worker looked for duplicates last; another one is to be looked at
    matching_status     what the civil registry said of what is known now; any change of that brings NOT_MATCHED_YET back
    """

    KIND: ClassVar[Kind] = Kind.PERSON
    NAME: ClassVar[str] = "person"

    __tablename__ = "persons"
    __table_args__ = (
        Index("persons_area", "regency", "area", "id"),
        Index("persons_updated_at", "regency", "updated_at", "id"),
        Index(
            "persons_unchecked",
            "regency",
            "id",
            postgresql_where=text("duplicates_checked IS DISTINCT FROM version"),
        ),
        Index("persons_birth_date", "regency", "birth_date", "sex"),
        Index("persons_matching", "regency", "matching_status", "id"),
        CheckConstraint("sex IN ('F', 'M')", name="persons_sex"),
        CheckConstraint("ended_as IN ('DECEASED', 'MOVED', 'MERGED', 'MISTAKEN')", name="persons_ended_as"),
        CheckConstraint(_ENDED, name="persons_ended"),
    )

    version: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": func.now()})
    name: str
    sex: str
    birth_date: date | None = None
    died_on: date | None = None
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ended_as: str | None = None
    successor_id: UUID | None = None
    provenance: dict[str, Any] = _provenance()
    duplicates_checked: int | None = None
    matching_status: str = Field(
        default=MatchingStatus.NOT_MATCHED_YET.value,
        sa_column_kwargs={"server_default": text("'NOT_MATCHED_YET'")},
    )


class PersonNameKey(SQLModel, table=True):
    """A key by which a person is found by name: a word or a sound of it, see `households/names`.

    Derived from the person and written with it (`service/name_keys`): `area` and `birth_year` repeat what narrows a search, so
    that one index answers it. `key` is ordered by its bytes, for prefix ranges.
    """

    __tablename__ = "person_name_keys"
    __table_args__ = (
        Index("person_name_keys_key", "regency", "key", "area", "person_id", postgresql_include=["birth_year"]),
    )

    regency: int = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    key: str = Field(sa_column=Column("key", Text(collation="C"), primary_key=True))
    area: int = Field(sa_type=BigInteger)
    birth_year: int | None = Field(default=None, sa_type=SmallInteger)


class Membership(Tenant, table=True):
    """That a person belongs to a household, in which relation, from when to when. `id` is the person's.

    ordinal  which membership of the person it is, from 1: on one day a person may leave a household and join another
    """

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        ForeignKeyConstraint(["regency", "id"], ["persons.regency", "persons.id"]),
        Index("memberships_household", "regency", "household_id", "position"),
        Index("memberships_one_active", "regency", "id", unique=True, postgresql_where=text("valid_to IS NULL")),
    )

    ordinal: int = Field(
        default=1, primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"server_default": text("1")}
    )
    valid_from: date
    household_id: UUID
    relation: str
    position: int
    valid_to: date | None = None


class Identity(Tenant, table=True):
    """A NIK of a person or a KK number of a household, dated.

    Not unique: two people may claim one NIK, and a unique index would tell a caller of rows out of sight. `prefix` (six
    digits, the district of issue) stands in clear for masked reads; `owner_id` is the person's or the household's id;
    `index_key` names the key that made `blind_index`.
    """

    __tablename__ = "identities"
    __table_args__ = (
        Index("identities_owner", "regency", "owner_id", "type"),
        Index("identities_blind_index", "regency", "blind_index"),
        CheckConstraint("type IN ('NIK', 'KK')", name="identities_type"),
    )

    owner_id: UUID
    type: str
    prefix: str
    ciphertext: bytes
    blind_index: bytes
    index_key: str = Field(sa_column_kwargs={"server_default": DEFAULT_INDEX_KEY})
    findings: list[str] = Field(sa_type=TEXT_ARRAY)
    valid_from: date
    valid_to: date | None = None


class RegistryNumber(Tenant, table=True):
    """A number that a national registry gave to a family or a person. Opaque, personal, and kept for ever.

    `owner_id` is the person's or the household's id. Not unique: registries have counted families twice.
    """

    __tablename__ = "registry_numbers"
    __table_args__ = (
        Index("registry_numbers_owner", "regency", "owner_id"),
        Index("registry_numbers_value", "regency", "value"),
        CheckConstraint("valid_to >= valid_from", name="registry_numbers_validity"),
    )

    owner_id: UUID
    scheme: str
    value: str
    valid_from: date | None = None
    valid_to: date | None = None
    source: str
    created_at: datetime = Field(sa_type=INSTANT)


class Answer(Tenant, table=True):
    """A coded answer to one question of one instrument, about a person or a household (`owner_id`).

    value        a code as text, a list of codes, or a whole number, by the type of the question
    special      of a special category (UU 27/2022, article 4), by the question
    replaced_at  when another answer to the same question took its place; null for the one that holds
    """

    __tablename__ = "answers"
    __table_args__ = (
        Index(
            "answers_one_holds",
            "regency",
            "owner_id",
            "instrument",
            "question",
            unique=True,
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index("answers_owner", "regency", "owner_id"),
    )

    owner_id: UUID
    instrument: str
    question: str
    value: Any = Field(sa_column=Column("value", JSONB, nullable=False))
    special: bool = False
    source: str
    as_of: date
    verified_by: str | None = None
    replaced_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(sa_type=INSTANT)


class Lineage(Aggregate, table=True):
    """One operation on families and their people: what it was, since when it holds, why, and whether it was undone.

    What it changed, value by value, stands in the revision of its first event, from which undoing restores it. `area` is
    where the household that it was asked on is afterwards.
    """

    KIND: ClassVar[Kind] = Kind.LINEAGE
    NAME: ClassVar[str] = "lineage"

    __tablename__ = "lineage"
    __table_args__ = (
        Index("lineage_area", "regency", "area", "id"),
        Index("lineage_updated_at", "regency", "updated_at", "id"),
        CheckConstraint(
            "operation IN ('BIRTH', 'DEATH', 'SPLIT', 'MERGE', 'MOVE_WITHIN', 'KK_REISSUE', 'NIK_CORRECTION',"
            " 'MERGE_PERSONS', 'MOVE_OUT', 'MOVE_IN')",
            name="lineage_operation",
        ),
        CheckConstraint("status IN ('DONE', 'UNDONE')", name="lineage_status"),
        CheckConstraint("(status = 'UNDONE') = (undone_at IS NOT NULL)", name="lineage_undone"),
    )

    operation: str
    status: str
    effective_on: date
    reason: str
    recorded_by: str
    undone_at: datetime | None = Field(default=None, sa_type=INSTANT)
    undo_reason: str | None = None


class LineageParticipant(Tenant, table=True):
    """That a household, person or case was touched by an operation. `id` is the operation's."""

    __tablename__ = "lineage_participants"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "id"], ["lineage.regency", "lineage.id"]),
        Index("lineage_participants_participant", "regency", "participant_id", "id"),
    )

    participant_id: UUID = Field(primary_key=True)
    kind: int = Field(sa_type=SmallInteger)


class Handover(Aggregate, table=True):
    """One side of a household's hand-over to another regency: each regency has a row of its own, written by one act.

    What the other regency may know before it accepts is all that its row holds; it has neither name nor place of anybody.

    direction       which side this is
    counterpart_id  the row of the other side
    area            OUTGOING: where the household lived when it was offered; INCOMING: the area that it is offered to
    other_area      OUTGOING: the area that it is offered to; INCOMING: the regency that it comes from
    persons         how many people
    reason          why, in words; OUTGOING only
    household_id    OUTGOING: the household; INCOMING: its successor, once accepted
    answer          the words of who declined or accepted, or withdrew
    lineage_id      the operation on this side, once accepted
    """

    KIND: ClassVar[Kind] = Kind.HANDOVER
    NAME: ClassVar[str] = "handover"
    UNTOLD: ClassVar[frozenset[str]] = frozenset({"counterpart_id"})

    __tablename__ = "handovers"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        Index("handovers_area", "regency", "area", "id"),
        Index("handovers_updated_at", "regency", "updated_at", "id"),
        Index("handovers_household", "regency", "household_id"),
        Index(
            "handovers_one_offer",
            "regency",
            "household_id",
            unique=True,
            postgresql_where=text("direction = 'OUTGOING' AND status = 'OFFERED'"),
        ),
        CheckConstraint("direction IN ('OUTGOING', 'INCOMING')", name="handovers_direction"),
        CheckConstraint("status IN ('OFFERED', 'ACCEPTED', 'DECLINED', 'WITHDRAWN')", name="handovers_status"),
        CheckConstraint(
            "direction = 'OUTGOING' OR reason IS NULL AND (status = 'ACCEPTED') = (household_id IS NOT NULL)",
            name="handovers_ticket",
        ),
    )

    direction: str
    status: str
    counterpart_id: UUID
    other_area: int = Field(sa_type=BigInteger)
    persons: int
    reason_code: str
    reason: str | None = None
    household_id: UUID | None = None
    offered_by: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    answered_by: str | None = None
    answer: str | None = None
    lineage_id: UUID | None = None


class Duplicate(Aggregate, table=True):
    """Two persons of a regency who may be one. The row stays whatever was decided, so that a decision is remembered.

    first_id, second_id  the smaller id first
    area         the smallest area that holds both: who sees it sees both
    score        weight of the evidence in hundredths of a bit (`households/matching`)
    probability  what that means, 0 to 1
    reasons      by field: its level of agreement and the bits that it adds; no values
    survivor_id, lineage_id  of what was merged: who goes on, and the operation that undoes it
    """

    KIND: ClassVar[Kind] = Kind.DUPLICATE
    NAME: ClassVar[str] = "duplicate"

    __tablename__ = "duplicates"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "first_id"], ["persons.regency", "persons.id"]),
        ForeignKeyConstraint(["regency", "second_id"], ["persons.regency", "persons.id"]),
        Index("duplicates_pair", "regency", "first_id", "second_id", unique=True),
        Index("duplicates_second", "regency", "second_id"),
        Index("duplicates_queue", "regency", "status", "score", "id"),
        Index("duplicates_area", "regency", "area", "id"),
        Index("duplicates_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("first_id < second_id", name="duplicates_ordered"),
        CheckConstraint("status IN ('OPEN', 'LATER', 'SAME', 'DIFFERENT', 'WITHDRAWN')", name="duplicates_status"),
    )

    first_id: UUID
    second_id: UUID
    status: str
    score: int
    probability: float
    reasons: list[dict[str, Any]] = Field(sa_column=Column("reasons", JSONB, nullable=False))
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    reason: str | None = None
    survivor_id: UUID | None = None
    lineage_id: UUID | None = None


class DuplicateTicket(Aggregate, table=True):
    """One side of a pair that may be one person across two regencies: each regency has a row of its own.

    person_id       this side's person
    pair            keyed digest of the two, the same on both sides: a decision is remembered by it
    counterpart_id  the row of the other side
    other_area      the other regency
    reasons         by field, how the two agree, in classes; no values and no weights
    shared          what this side sees of the other's person, while both have agreed
    """

    KIND: ClassVar[Kind] = Kind.DUPLICATE_TICKET
    NAME: ClassVar[str] = "duplicate_ticket"
    UNTOLD: ClassVar[frozenset[str]] = frozenset({"counterpart_id", "shared"})

    __tablename__ = "duplicate_tickets"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        Index("duplicate_tickets_pair", "regency", "pair", unique=True),
        Index("duplicate_tickets_person", "regency", "person_id"),
        Index("duplicate_tickets_area", "regency", "area", "id"),
        Index("duplicate_tickets_updated_at", "regency", "updated_at", "id"),
        CheckConstraint(
            "status IN ('OPEN', 'WAITING', 'ASKED', 'AGREED', 'DIFFERENT', 'RELEASED', 'TAKEN', 'WITHDRAWN')",
            name="duplicate_tickets_status",
        ),
    )

    status: str
    person_id: UUID
    pair: bytes
    counterpart_id: UUID
    other_area: int = Field(sa_type=BigInteger)
    reasons: list[dict[str, Any]] = Field(sa_column=Column("reasons", JSONB, nullable=False))
    shared: dict[str, Any] | None = Field(
        default=None, sa_column=Column("shared", JSONB(none_as_null=True), nullable=True)
    )
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    reason: str | None = None
    lineage_id: UUID | None = None


class NationalNik(SQLModel, table=True):
    """That somebody claims a NIK, by a keyed digest of it. The worker's alone: by it the same number is found elsewhere."""

    __tablename__ = "national_niks"
    __table_args__ = (Index("national_niks_person", "person_id"),)

    digest: bytes = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    tenant: int


class DuplicateRun(Aggregate, table=True):
    """A look at everybody of a regency. Its progress is no change of its own: only start and end have events.

    persons   how many there were to look at when it began
    position  the last person who was looked at
    found     pairs that came to the queue by it
    """

    KIND: ClassVar[Kind] = Kind.DUPLICATE_RUN
    NAME: ClassVar[str] = "duplicate_run"

    __tablename__ = "duplicate_runs"
    __table_args__ = (
        Index("duplicate_runs_one_at_a_time", "regency", unique=True, postgresql_where=text("status = 'RUNNING'")),
        CheckConstraint("status IN ('RUNNING', 'DONE')", name="duplicate_runs_status"),
        CheckConstraint("(status = 'DONE') = (finished_at IS NOT NULL)", name="duplicate_runs_finished"),
    )

    status: str
    persons: int
    checked: int = 0
    found: int = 0
    position: UUID | None = None
    requested_by: str
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)


class DuplicateKey(SQLModel, table=True):
    """What a person is found by when duplicates are looked for: `=word`, and `~village sound`. `id` is the person's."""

    __tablename__ = "duplicate_keys"
    __table_args__ = (Index("duplicate_keys_person", "regency", "id"),)

    regency: int = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_type=Text)
    id: UUID = Field(primary_key=True)


class DuplicateWord(SQLModel, table=True):
    """How many people of the regency bear a word in their name; the empty word counts the people."""

    __tablename__ = "duplicate_words"

    regency: int = Field(primary_key=True)
    word: str = Field(primary_key=True, sa_type=Text)
    persons: int


class CivilCheck(Aggregate, table=True):
    """One question to the civil registry about one person, and whether it said yes or no to each value. None of its values.

    attempts  how often the worker took it up; names the attempt whose answer counts
    due_at    when it is taken up next; while it is being asked, when another worker may. None once it is settled
    basis     keyed digest of what was compared: of other values the answer says nothing
    """

    KIND: ClassVar[Kind] = Kind.CIVIL_CHECK
    NAME: ClassVar[str] = "civil_check"

    __tablename__ = "civil_checks"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        Index("civil_checks_person", "regency", "person_id", "id"),
        Index(
            "civil_checks_one_under_way",
            "regency",
            "person_id",
            unique=True,
            postgresql_where=text("status = 'REQUESTED'"),
        ),
        Index("civil_checks_due", "regency", "due_at", postgresql_where=text("status = 'REQUESTED'")),
        Index("civil_checks_area", "regency", "area", "id"),
        Index("civil_checks_updated_at", "regency", "updated_at", "id"),
        CheckConstraint("status IN ('REQUESTED', 'ANSWERED', 'GIVEN_UP', 'WITHDRAWN')", name="civil_checks_status"),
        CheckConstraint("(status = 'REQUESTED') = (due_at IS NOT NULL)", name="civil_checks_due_at"),
        CheckConstraint(
            "num_nonnulls(standing, basis, asked_at, expires_at) = CASE status WHEN 'ANSWERED' THEN 4 ELSE 0 END",
            name="civil_checks_answered",
        ),
    )

    person_id: UUID
    status: str
    requested_by: str
    attempts: int = 0
    due_at: datetime | None = Field(default=None, sa_type=INSTANT)
    basis: bytes | None = None
    standing: str | None = None
    name_matches: bool | None = None
    sex_matches: bool | None = None
    birth_date_matches: bool | None = None
    asked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
