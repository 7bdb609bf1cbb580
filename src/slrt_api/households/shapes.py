"""What can be read of households, members and persons."""

from typing import Any

from slrt_api.access.consents.shapes import CONSENT
from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Scope
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.attachments import shapes as attachments
from slrt_api.households.codes import (
    CivilCheckStatus,
    Direction,
    DuplicateStatus,
    HandoverReason,
    HandoverStatus,
    HouseholdEnd,
    IdentityType,
    Instrument,
    LineageStatus,
    MatchingStatus,
    Operation,
    PersonEnd,
    RegistryScheme,
    Relation,
    RunStatus,
    Sex,
    Standing,
    TicketStatus,
)
from slrt_api.households.lifecycle import DUPLICATE_LIFECYCLE, HANDOVER_LIFECYCLE, LINEAGE_LIFECYCLE, TICKET_LIFECYCLE
from slrt_api.households.provenance import Source
from slrt_api.kernel.ids import Kind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    Sort,
    aggregate_fields,
    code_filter,
    id_filter,
    parse_boolean,
    parse_codes,
    parse_uuid,
    updated_filters,
)

_NUMBER = (
    "(SELECT i.prefix || '**********' FROM identities i WHERE i.regency = {{t}}.regency"
    " AND i.owner_id = {{t}}.id AND i.type = '{type}' AND i.valid_to IS NULL ORDER BY i.id DESC LIMIT 1)"
)
#: warnings of the card's number, and of the people's NIKs, each with the place of the member that it concerns
_FINDINGS = (
    "(SELECT coalesce(json_agg(json_build_object('code', f.code, 'severity', 'WARNING', 'pointer', f.pointer)"
    " ORDER BY f.place, f.code), '[]'::json) FROM ("
    "SELECT -1 AS place, '/kk' AS pointer, unnest(i.findings) AS code FROM identities i"
    " WHERE i.regency = {t}.regency AND i.owner_id = {t}.id AND i.type = 'KK' AND i.valid_to IS NULL"
    " UNION ALL SELECT m.position, '/members/' || m.position || '/nik', unnest(i.findings)"
    " FROM memberships m JOIN identities i ON i.regency = m.regency AND i.owner_id = m.id AND i.type = 'NIK'"
    " AND i.valid_to IS NULL"
    " WHERE m.regency = {t}.regency AND m.household_id = {t}.id AND m.valid_to IS NULL) f)"
)

#: warnings of one person's NIK
_OWN_FINDINGS = (
    "(SELECT coalesce(json_agg(json_build_object('code', f.code, 'severity', 'WARNING', 'pointer', '/nik')"
    " ORDER BY f.code), '[]'::json) FROM identities i CROSS JOIN LATERAL unnest(i.findings) AS f (code)"
    " WHERE i.regency = {t}.regency AND i.owner_id = {t}.id AND i.type = 'NIK' AND i.valid_to IS NULL)"
)
#: whether the person has a NIK now: nobody else can be compared with the civil registry
_HAS_NIK = (
    "EXISTS (SELECT FROM identities i WHERE i.regency = {t}.regency AND i.owner_id = {t}.id AND i.type = 'NIK'"
    " AND i.valid_to IS NULL)"
)
_ENDED_FILTER = Filter(
    "ended",
    "({t}.ended_at IS NOT NULL) = {v}::boolean",
    parse_boolean,
    "Those that have ended, or that have not. Without it, those that have not.",
    "true",
)
_NOT_ENDED = "{t}.ended_at IS NULL"
_PROVENANCE = Field(
    "provenance",
    FieldType.JSON,
    "Where values are from, by field: value, source, day, who verified it, and what was known before, newest first."
    " Fields that are not in it are of an unknown source.",
    example={
        "name": {
            "value": "Siti Aminah",
            "source": "DECLARED",
            "as_of": "2026-11-22",
            "verified_by": None,
            "earlier": [],
        }
    },
)


def _ended_fields(noun: str, codes: type[HouseholdEnd] | type[PersonEnd]) -> tuple[Field, ...]:
    return (
        Field("ended_at", FieldType.INSTANT, f"When the {noun} ended; ids stay for ever.", nullable=True),
        Field("ended_as", FieldType.CODE, "Why it ended.", nullable=True, codes=codes),
        Field("successor_id", FieldType.ID, f"The {noun} that goes on in its place.", nullable=True),
    )


HOUSEHOLD = (
    Shape(
        "household",
        "households",
        "households {t}",
        "A family (keluarga) at an address, as registered by SLRT.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.HOUSEHOLD,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("household"),
        Field(
            "kk",
            FieldType.TEXT,
            "Number of the family card (KK), masked: the district in clear.",
            _NUMBER.format(type="KK"),
            nullable=True,
            example="990101**********",
        ),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field("address", FieldType.TEXT, "Address within the village.", example="Dusun III RT 02"),
        Field("captured_at", FieldType.INSTANT, "When the facilitator recorded it in the field."),
        Field("received_at", FieldType.INSTANT, "When this service received it."),
        Field(
            "findings",
            FieldType.JSON,
            "Warnings about the KK number and the NIKs of members; none of them blocks anything.",
            _FINDINGS,
            example=[{"code": "NIK_PREFIX_UNKNOWN", "severity": "WARNING", "pointer": "/members/0/nik"}],
        ),
        Field("house_id", FieldType.ID, "The house: families in one house share it."),
        *_ended_fields("household", HouseholdEnd),
        _PROVENANCE,
    )
    .with_filters(AREA_FILTER, _ENDED_FILTER, *updated_filters())
    .with_unasked("ended", _NOT_ENDED)
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)

PERSON = (
    Shape(
        "person",
        "persons",
        "persons {t}",
        "A person. Registered with a household; belongs to at most one at a time.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.PERSON,
        version="{t}.version",
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the person (UUID version 8: tells tenant and kind)."),
        Field(
            "version",
            FieldType.INTEGER,
            "Begins at 0; raised by one with every change of the person itself. The ETag of the item.",
            example=0,
        ),
        Field("created_at", FieldType.INSTANT, "When it was written first."),
        Field("updated_at", FieldType.INSTANT, "When it was changed last."),
        Field("name", FieldType.TEXT, "Name.", example="Siti Aminah"),
        Field(
            "nik",
            FieldType.TEXT,
            "NIK, masked: the district in clear. Null for a person without one.",
            _NUMBER.format(type="NIK"),
            nullable=True,
            example="990101**********",
        ),
        Field("birth_date", FieldType.DATE, "Date of birth, where known.", nullable=True),
        Field("sex", FieldType.CODE, "Sex.", codes=Sex),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field(
            "household_id",
            FieldType.ID,
            "The household that the person belongs to now.",
            "(SELECT m.household_id FROM memberships m WHERE m.regency = {t}.regency AND m.id = {t}.id"
            " AND m.valid_to IS NULL)",
            nullable=True,
        ),
        Field(
            "findings",
            FieldType.JSON,
            "Warnings about the NIK; none of them blocks anything.",
            _OWN_FINDINGS,
            example=[{"code": "NIK_PREFIX_UNKNOWN", "severity": "WARNING", "pointer": "/nik"}],
        ),
        Field(
            "matching_status",
            FieldType.CODE,
            "What the civil registry said of the NIK, name, sex and birth date as they are known now; `NOT_MATCHED_YET` again"
            " when one of them is changed. Null for a person without a NIK.",
            f"(CASE WHEN {_HAS_NIK} THEN {{t}}.matching_status END)",
            nullable=True,
            codes=MatchingStatus,
        ),
        Field("died_on", FieldType.DATE, "Day of death.", nullable=True),
        *_ended_fields("person", PersonEnd),
        _PROVENANCE,
    )
    .with_filters(
        AREA_FILTER,
        _ENDED_FILTER,
        Filter(
            "household_id",
            "{t}.id IN (SELECT m.id FROM memberships m WHERE m.regency = {t}.regency"
            " AND m.household_id = {v}::uuid AND m.valid_to IS NULL)",
            parse_uuid,
            "Who belongs to this household now.",
            "019aaa11-2233-8000-8cfe-04a1b2c3d4e5",
        ),
        Filter(
            "matching_status",
            f"{{t}}.matching_status = ANY ({{v}}::text[]) AND {_HAS_NIK}",
            parse_codes(MatchingStatus),
            "Who has a NIK, and of whom the civil registry said one of these.",
            "NOT_MATCHED_YET,PARTIAL",
            MatchingStatus,
        ),
        *updated_filters(),
    )
    .with_unasked("ended", _NOT_ENDED)
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)

MEMBER = (
    Shape(
        "member",
        "members",
        "memberships {t} JOIN persons {t}p ON {t}p.regency = {t}.regency AND {t}p.id = {t}.id",
        "A person as a member of a household.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("person_id", FieldType.ID, "Id of the person.", "{t}.id"),
        Field("household_id", FieldType.ID, "Id of the household."),
        Field("name", FieldType.TEXT, "Name.", "{t}p.name", example="Siti Aminah"),
        Field(
            "nik",
            FieldType.TEXT,
            "NIK, masked: the district in clear. Null for a person without one.",
            _NUMBER.format(type="NIK"),
            nullable=True,
            example="990101**********",
        ),
        Field("birth_date", FieldType.DATE, "Date of birth, where known.", "{t}p.birth_date", nullable=True),
        Field("sex", FieldType.CODE, "Sex.", "{t}p.sex", codes=Sex),
        Field("relation", FieldType.CODE, "Relation to the head of the family.", codes=Relation),
        Field("valid_from", FieldType.DATE, "Member since."),
    )
    .with_sorts(ID_SORT)
)
MEMBER.default_sort = "id"

HOUSEHOLD.link(
    Link(
        "members",
        MEMBER,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id AND {t}.valid_to IS NULL",
        "The people of the household now, the head first.",
        order="{t}.position",
    )
)

#: a person has several memberships: their id alone would end a page in the midst of them
_MEMBERSHIP_KEY = "({t}.id || '-' || to_char({t}.ordinal, 'FM00000'))"
MEMBERSHIP = (
    Shape(
        "membership",
        "memberships",
        "memberships {t}",
        "That a person belonged, or belongs, to a household: in which relation, and from when to when.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        key=_MEMBERSHIP_KEY,
    )
    .with_fields(
        Field("person_id", FieldType.ID, "Id of the person.", "{t}.id"),
        Field("household_id", FieldType.ID, "Id of the household."),
        Field("relation", FieldType.CODE, "Relation to the head of the family.", codes=Relation),
        Field("position", FieldType.INTEGER, "Place among the members, from 0.", example=0),
        Field("valid_from", FieldType.DATE, "Member since."),
        Field("valid_to", FieldType.DATE, "Member until; null for a member now.", nullable=True),
    )
    .with_sorts(Sort("id", _MEMBERSHIP_KEY, "text", str))
)
MEMBERSHIP.default_sort = "id"
MEMBERSHIP.link(
    Link("person", PERSON, "{t}.regency = {p}.regency AND {t}.id = {p}.id", "The person.", single=True),
)
MEMBERSHIP.link(
    Link(
        "household",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
        "The household.",
        single=True,
    )
)
PERSON.link(
    Link(
        "households",
        MEMBERSHIP,
        "{t}.regency = {p}.regency AND {t}.id = {p}.id",
        "The households that the person belonged to, the present one first.",
        order="{t}.valid_to DESC NULLS FIRST, {t}.ordinal DESC",
    )
)
HOUSEHOLD.link(
    Link(
        "memberships",
        MEMBERSHIP,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id",
        "Everybody who belonged to the household, with dates: members now first.",
        order="{t}.valid_to DESC NULLS FIRST, {t}.position, {t}.ordinal DESC, {t}.id",
    )
)
HOUSEHOLD.link(
    Link(
        "house",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.house_id = {p}.house_id AND {t}.ended_at IS NULL AND {t}.id <> {p}.id",
        "The other families in the same house.",
    )
)

IDENTITY = (
    Shape(
        "identity",
        "identities",
        "identities {t}",
        "A NIK of a person or a number of a family card, with its dates.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the entry."),
        Field("type", FieldType.CODE, "Which number it is.", codes=IdentityType),
        Field(
            "number",
            FieldType.TEXT,
            "The number, masked: the district in clear.",
            "({t}.prefix || '**********')",
            example="990101**********",
        ),
        Field("findings", FieldType.TEXTS, "Codes of warnings about it.", example=["NIK_PREFIX_UNKNOWN"]),
        Field("valid_from", FieldType.DATE, "Known since."),
        Field("valid_to", FieldType.DATE, "Known until; null for the one that holds.", nullable=True),
    )
    .with_sorts(ID_SORT)
)
REGISTRY_NUMBER = (
    Shape(
        "registry_number",
        "registry-numbers",
        "registry_numbers {t}",
        "A number that a national registry gave to a family or a person. Opaque, and kept for ever.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the entry."),
        Field("scheme", FieldType.CODE, "The registry.", codes=RegistryScheme),
        Field("value", FieldType.TEXT, "The number, as it stands there.", example="0000123456789012"),
        Field("valid_from", FieldType.DATE, "Since when, where known.", nullable=True),
        Field("valid_to", FieldType.DATE, "Until when, of one that holds no more.", nullable=True),
        Field("source", FieldType.CODE, "Who told it.", codes=Source),
        Field("created_at", FieldType.INSTANT, "When it was written."),
    )
    .with_sorts(ID_SORT)
)
#: what is known of people's health and bodies: for the work on cases only
_SPECIAL: Any = {"special": True, "readers": CASE_WORKERS}


def _answer(name: str, description: str, **hidden: Any) -> Shape:
    shown = Field(
        "value",
        FieldType.JSON,
        "A code as the instrument writes it, a list of codes, or a number. Read it with the instrument: the same code means"
        " something else in another.",
        example="8",
        **hidden,
    )
    return (
        Shape(
            name,
            name.replace("_", "-") + "s",
            "answers {t}",
            description,
            scope=Scope.HOUSEHOLDS_READ,
            kinds=ALL_STAFF,
        )
        .with_fields(
            Field("id", FieldType.ID, "Id of the answer."),
            Field("instrument", FieldType.CODE, "The questionnaire.", codes=Instrument),
            Field("question", FieldType.TEXT, "The question, as the instrument numbers it.", example="303"),
            shown,
            Field("source", FieldType.CODE, "Who told it.", codes=Source),
            Field("as_of", FieldType.DATE, "The day of which it is known."),
            Field(
                "verified_by", FieldType.TEXT, "Who checked it.", nullable=True, example="https://id.example#officer-7"
            ),
            Field("created_at", FieldType.INSTANT, "When it was written."),
            Field(
                "replaced_at",
                FieldType.INSTANT,
                "When another answer took its place; null for the one that holds.",
                nullable=True,
            ),
        )
        .with_sorts(ID_SORT)
    )


ANSWER = _answer("answer", "A coded answer to a question of an instrument.")
SPECIAL_ANSWER = _answer(
    "special_answer",
    "A coded answer about health or disability. The value is for those who work on cases, and in no list.",
    **_SPECIAL,
)

for _shape, _type, _name in ((HOUSEHOLD, "KK", "family_cards"), (PERSON, "NIK", "niks")):
    _owned = "{t}.regency = {p}.regency AND {t}.owner_id = {p}.id"
    _shape.link(
        Link(
            _name,
            IDENTITY,
            f"{_owned} AND {{t}}.type = '{_type}'",
            f"Every {_type} number there was, masked, the one that holds first.",
            order="{t}.valid_to DESC NULLS FIRST, {t}.id DESC",
        )
    )
    _shape.link(
        Link(
            "registry_numbers",
            REGISTRY_NUMBER,
            _owned,
            "Numbers that national registries gave, past ones too.",
            order="{t}.scheme, {t}.id",
        )
    )
    _shape.link(
        Link(
            "answers",
            ANSWER,
            f"{_owned} AND {{t}}.replaced_at IS NULL AND NOT {{t}}.special",
            "Coded answers that hold, by instrument and question.",
            order="{t}.instrument, {t}.question",
        )
    )
    _shape.link(
        Link(
            "earlier_answers",
            ANSWER,
            f"{_owned} AND {{t}}.replaced_at IS NOT NULL AND NOT {{t}}.special",
            "Coded answers that gave way to others, newest first.",
            order="{t}.replaced_at DESC, {t}.id",
        )
    )
PERSON.link(
    Link(
        "special_answers",
        SPECIAL_ANSWER,
        "{t}.regency = {p}.regency AND {t}.owner_id = {p}.id AND {t}.replaced_at IS NULL AND {t}.special",
        "Coded answers about health and disability that hold.",
        order="{t}.instrument, {t}.question",
    )
)


def _participants(kind: Kind) -> str:
    return (
        "(SELECT coalesce(json_agg(p.participant_id ORDER BY p.participant_id), '[]'::json) FROM lineage_participants p"
        f" WHERE p.regency = {{t}}.regency AND p.id = {{t}}.id AND p.kind = {int(kind)})"
    )


def _participant_filter(name: str, noun: str) -> Filter:
    return Filter(
        name,
        "{t}.id IN (SELECT p.id FROM lineage_participants p WHERE p.regency = {t}.regency AND p.participant_id = {v}::uuid)",
        parse_uuid,
        f"That touched this {noun}.",
        "019aaa11-2233-8000-8cfe-04a1b2c3d4e5",
    )


LINEAGE = (
    Shape(
        "lineage",
        "lineage",
        "lineage {t}",
        "What happened to families and their people: births, deaths, splits, merges, moves, new numbers; and what of it"
        " was undone.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.LINEAGE,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("operation"),
        Field("operation", FieldType.CODE, "What happened.", codes=Operation),
        Field("status", FieldType.CODE, "Whether it stands, or was undone.", codes=LineageStatus),
        Field(
            "allowed_actions",
            FieldType.CODES,
            "What this caller may do with it now. An undoing is refused where something has changed since that depends on it.",
            lifecycle=LINEAGE_LIFECYCLE,
        ),
        Field("effective_on", FieldType.DATE, "Since when it holds."),
        Field("reason", FieldType.TEXT, "Why, or on what evidence.", example="Anak pertama sudah menikah"),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field(
            "household_ids",
            FieldType.JSON,
            "The households that it touched.",
            _participants(Kind.HOUSEHOLD),
            example=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"],
        ),
        Field(
            "person_ids",
            FieldType.JSON,
            "The people that it touched.",
            _participants(Kind.PERSON),
            example=["019aaa11-2233-8000-8cfe-08a1b2c3d4e5"],
        ),
        Field(
            "case_ids",
            FieldType.JSON,
            "The cases that it touched.",
            _participants(Kind.CASE),
            example=["019aaa11-2233-8000-8cfe-0ca1b2c3d4e5"],
        ),
        Field("undone_at", FieldType.INSTANT, "When it was undone.", nullable=True),
        Field("undo_reason", FieldType.TEXT, "Why it was undone.", nullable=True, example="Keliru mencatat"),
    )
    .with_filters(
        code_filter("operation", Operation, "Of one of these kinds."),
        code_filter("status", LineageStatus, "In one of these states."),
        AREA_FILTER,
        _participant_filter("household_id", "household"),
        _participant_filter("person_id", "person"),
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)
for _shape, _noun in ((HOUSEHOLD, "household"), (PERSON, "person")):
    _shape.link(
        Link(
            "lineage",
            LINEAGE,
            "{t}.regency = {p}.regency AND {t}.id IN (SELECT lp.id FROM lineage_participants lp"
            " WHERE lp.regency = {p}.regency AND lp.participant_id = {p}.id)",
            f"What happened to the {_noun}, newest first.",
            order="{t}.id DESC",
        )
    )
HOUSEHOLD.link(
    Link(
        "consents",
        CONSENT,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id",
        "Consents and lawful bases of its people.",
    )
)

DUPLICATE = (
    Shape(
        "duplicate",
        "duplicates",
        "duplicates {t}",
        "Two persons who may be one, side by side, with what speaks for it. Without the filter `status`, those that wait for"
        " a decision, the likeliest first.",
        scope=Scope.DUPLICATES_DECIDE,
        kinds=ALL_STAFF,
        kind=Kind.DUPLICATE,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("pair"),
        Field("status", FieldType.CODE, "What is known or decided.", codes=DuplicateStatus),
        Field(
            "allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=DUPLICATE_LIFECYCLE
        ),
        Field("area_code", FieldType.AREA, "The smallest area that holds both.", "{t}.area", example="33.26.01"),
        Field("first_id", FieldType.ID, "One person."),
        Field("second_id", FieldType.ID, "The other person."),
        Field("score", FieldType.INTEGER, "Weight of the evidence, in hundredths of a bit.", example=1420),
        Field("probability", FieldType.JSON, "What the weight means, 0 to 1.", example=0.9999),
        Field(
            "reasons",
            FieldType.JSON,
            "By field, how the two agree, and the bits that this adds or takes. No values: these are the persons'.",
            example=[{"field": "BIRTH_DATE", "level": "SWAPPED", "weight": 6.81}],
        ),
        Field("decided_by", FieldType.TEXT, "Who decided last.", nullable=True, example="https://id.example#officer-7"),
        Field("decided_at", FieldType.INSTANT, "When it was decided last.", nullable=True),
        Field("reason", FieldType.TEXT, "Why.", nullable=True, example="Foto dan tanda tangan sama"),
        Field("survivor_id", FieldType.ID, "Of two that are the same: the person who goes on.", nullable=True),
        Field(
            "lineage_id", FieldType.ID, "Of two that are the same: the operation that undoes the merge.", nullable=True
        ),
    )
    .with_filters(
        code_filter("status", DuplicateStatus, "In one of these states. Without it, `OPEN` and `LATER`."),
        Filter(
            "person_id",
            "({t}.first_id = {v}::uuid OR {t}.second_id = {v}::uuid)",
            parse_uuid,
            "Of which this person is one.",
            "019aaa11-2233-8000-8cfe-08a1b2c3d4e5",
        ),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_unasked("status", "{t}.status IN ('OPEN', 'LATER')")
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, Sort("score", "{t}.score", "integer", int))
)
DUPLICATE.default_sort = "-score"
for _name in ("first", "second"):
    DUPLICATE.link(
        Link(
            _name,
            PERSON,
            f"{{t}}.regency = {{p}}.regency AND {{t}}.id = {{p}}.{_name}_id",
            f"The {_name} person, masked as anywhere; null where it has left your sight.",
            single=True,
            embedded=True,
        )
    )

HANDOVER = (
    Shape(
        "handover",
        "handovers",
        "handovers {t}",
        "A household on its way to another regency, as this side sees it. Until it is accepted, the other side learns from"
        " which regency, when, why by a code, and of how many people, and nothing else.",
        scope=Scope.HANDOVERS_WRITE,
        kinds=ALL_STAFF,
        kind=Kind.HANDOVER,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("hand-over"),
        Field("direction", FieldType.CODE, "Which side this is.", codes=Direction),
        Field("status", FieldType.CODE, "Where it stands; the same on both sides.", codes=HandoverStatus),
        Field("allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=HANDOVER_LIFECYCLE),
        Field(
            "area_code",
            FieldType.AREA,
            "This side's area: where the household lived, or the area that it is offered to.",
            "{t}.area",
            example="33.26.01.2001",
        ),
        Field(
            "other_area_code",
            FieldType.AREA,
            "The other side's: the area that it is offered to, or the regency that it comes from.",
            "{t}.other_area",
            example="33.27",
        ),
        Field("persons", FieldType.INTEGER, "How many people.", example=4),
        Field("reason_code", FieldType.CODE, "Why; both sides see it.", codes=HandoverReason),
        Field(
            "reason",
            FieldType.TEXT,
            "Why, in words; for the side that offers.",
            nullable=True,
            example="Ikut anak yang bekerja di sana",
        ),
        Field(
            "household_id",
            FieldType.ID,
            "This side's household: the one that is handed over, or, once accepted, the one that goes on.",
            nullable=True,
        ),
        Field("answered_at", FieldType.INSTANT, "When it was accepted, declined or withdrawn.", nullable=True),
        Field(
            "answer",
            FieldType.TEXT,
            "What was said to it; both sides see it.",
            nullable=True,
            example="Keluarga tidak ditemukan di alamat yang disebut",
        ),
        Field("lineage_id", FieldType.ID, "Once accepted: the operation on this side.", nullable=True),
    )
    .with_filters(
        code_filter("direction", Direction, "Of one of these sides."),
        code_filter("status", HandoverStatus, "In one of these states."),
        id_filter("household_id", "Of this household."),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)
HANDOVER.link(
    Link(
        "household",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
        "This side's household.",
        single=True,
    )
)

DUPLICATE_TICKET = (
    Shape(
        "duplicate_ticket",
        "duplicate-tickets",
        "duplicate_tickets {t}",
        "That a person may be entered in another regency too, as this side sees it. Without the filter `status`, those that wait"
        " for somebody. Nothing of the other side's person is shown before both sides have agreed.",
        scope=Scope.DUPLICATES_DECIDE,
        kinds=ALL_STAFF,
        kind=Kind.DUPLICATE_TICKET,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("ticket"),
        Field("status", FieldType.CODE, "Where it stands on this side.", codes=TicketStatus),
        Field("allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=TICKET_LIFECYCLE),
        Field("area_code", FieldType.VILLAGE, "Village of this side's person.", "{t}.area", example="33.26.01.2001"),
        Field("other_area_code", FieldType.AREA, "The other regency.", "{t}.other_area", example="33.27"),
        Field("person_id", FieldType.ID, "This side's person."),
        Field(
            "reasons",
            FieldType.JSON,
            "By field, how the two agree. No values.",
            example=[{"field": "NIK", "level": "EXACT"}, {"field": "NAME", "level": "SOUND"}],
        ),
        Field(
            "shared",
            FieldType.JSON,
            "While both sides agree to look at it: the other's entry, NIK masked.",
            nullable=True,
            example={"name": "Siti Aminah", "sex": "F", "birth_date": "1988-05-05", "nik": "990101**********"},
        ),
        Field("decided_by", FieldType.TEXT, "Who decided last, here.", nullable=True, example="https://id.example#o-7"),
        Field("decided_at", FieldType.INSTANT, "When it was decided last, here.", nullable=True),
        Field("reason", FieldType.TEXT, "Why, here.", nullable=True, example="Ditemui, memang sudah pindah"),
        Field("lineage_id", FieldType.ID, "Of one that was released: the operation here.", nullable=True),
    )
    .with_filters(
        code_filter("status", TicketStatus, "In one of these states. Without it, those that wait for somebody."),
        id_filter("person_id", "Of this person."),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_unasked("status", "{t}.status IN ('OPEN', 'WAITING', 'ASKED', 'AGREED')")
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)
DUPLICATE_TICKET.link(
    Link(
        "person",
        PERSON,
        "{t}.regency = {p}.regency AND {t}.id = {p}.person_id",
        "This side's person, masked as anywhere; null where they have left your sight.",
        single=True,
        embedded=True,
    )
)

DUPLICATE_RUN = (
    Shape(
        "duplicate_run",
        "duplicate-runs",
        "duplicate_runs {t}",
        "A look for duplicates among everybody of a regency, by the worker; it goes on where it was after a restart.",
        scope=Scope.DUPLICATES_DECIDE,
        kinds=ALL_STAFF,
        kind=Kind.DUPLICATE_RUN,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("run"),
        Field("status", FieldType.CODE, "Whether it is under way.", codes=RunStatus),
        Field("area_code", FieldType.AREA, "The regency.", "{t}.area", example="33.26"),
        Field("persons", FieldType.INTEGER, "People to look at, when it began.", example=200000),
        Field("checked", FieldType.INTEGER, "People looked at.", example=51250),
        Field("found", FieldType.INTEGER, "Pairs that came to the queue by it.", example=118),
        Field("finished_at", FieldType.INSTANT, "When it ended.", nullable=True),
    )
    .with_filters(code_filter("status", RunStatus, "In one of these states."), AREA_FILTER, *updated_filters())
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT)
)


def _matches(name: str, noun: str) -> Field:
    return Field(
        f"{name}_matches",
        FieldType.BOOLEAN,
        f"Whether the {noun} is the civil registry's. Null before the answer, and where the NIK is not in force.",
        nullable=True,
        example=True,
    )


CIVIL_CHECK = (
    Shape(
        "civil_check",
        "civil-checks",
        "civil_checks {t}",
        "A question to the civil registry (Dukcapil) about one person: whether the values that are known here are what it"
        " knows under the NIK. Yes or no for each value; what it knows is not asked for and not kept.",
        scope=Scope.HOUSEHOLDS_READ,
        kinds=ALL_STAFF,
        kind=Kind.CIVIL_CHECK,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("check"),
        Field("person_id", FieldType.ID, "The person."),
        Field("status", FieldType.CODE, "Whether it has been answered.", codes=CivilCheckStatus),
        Field("area_code", FieldType.VILLAGE, "Village (Kemendagri code).", "{t}.area", example="33.26.01.2001"),
        Field(
            "attempts",
            FieldType.INTEGER,
            "How often the civil registry was asked, or is being asked now; more than one where it was away.",
            example=1,
        ),
        Field(
            "due_at",
            FieldType.INSTANT,
            "Of one that waits: when it is taken up, at the latest. Null once it is settled.",
            nullable=True,
        ),
        Field("standing", FieldType.CODE, "How the NIK stands in the civil registry.", nullable=True, codes=Standing),
        _matches("name", "name"),
        _matches("sex", "sex"),
        Field(
            "birth_date_matches",
            FieldType.BOOLEAN,
            "Whether the birth date is the civil registry's. Null before the answer, where the NIK is not in force, and where"
            " no birth date was known.",
            nullable=True,
            example=False,
        ),
        Field("asked_at", FieldType.INSTANT, "When the civil registry answered.", nullable=True),
        Field(
            "expires_at",
            FieldType.INSTANT,
            "Until when the answer is used: no second question is asked of the same values before.",
            nullable=True,
        ),
    )
    .with_filters(
        code_filter("status", CivilCheckStatus, "In one of these states."),
        code_filter("standing", Standing, "Whose NIK stands like this."),
        id_filter("person_id", "About this person.", "019aaa11-2233-8000-8cfe-08a1b2c3d4e5"),
        AREA_FILTER,
        *updated_filters(),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)
CIVIL_CHECK.link(
    Link("person", PERSON, "{t}.regency = {p}.regency AND {t}.id = {p}.person_id", "The person.", single=True)
)
PERSON.link(
    Link(
        "civil_checks",
        CIVIL_CHECK,
        "{t}.regency = {p}.regency AND {t}.person_id = {p}.id",
        "What the civil registry was asked about the person, newest first.",
        order="{t}.id DESC",
    )
)
attachments.of(HOUSEHOLD)
attachments.of(PERSON)
