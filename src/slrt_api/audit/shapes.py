"""What auditors read: the history of a resource (who did what, when, in which role, and why), and who read what.

Histories are read from events and their revisions, by everybody who sees the resource; access records by auditors alone.
"""

import re
from collections.abc import Callable
from typing import Final

from slrt_api.access.consents.shapes import CONSENT
from slrt_api.access.overrides.shapes import ACCESS_OVERRIDE
from slrt_api.access.scopes import Scope
from slrt_api.access.shapes import GRANT, REVOCATION
from slrt_api.attachments.shapes import ATTACHMENT
from slrt_api.cases.shapes import CASE, CASE_MERGE, FAMILY_PLAN
from slrt_api.complaints.sealed.shapes import SEALED_ACCESS
from slrt_api.complaints.shapes import COMPLAINT, ESCALATION_LADDER
from slrt_api.households.shapes import CIVIL_CHECK, DUPLICATE, DUPLICATE_TICKET, HANDOVER, HOUSEHOLD, LINEAGE, PERSON
from slrt_api.kernel.ids import NATIONAL, Kind
from slrt_api.organizations.shapes import ROUTING_POLICY
from slrt_api.programs.screenings.shapes import SCREENING
from slrt_api.programs.shapes import (
    ELIGIBILITY_REVIEW,
    ENROLLMENT,
    ENROLLMENT_LIST,
    PROGRAM,
    RULE_VERSION,
    VARIANT_CHOICE,
)
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    ID_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    Sort,
    Vault,
    id_filter,
    parse_instant,
)
from slrt_api.runtime.transaction import SEALED_TEXTS

#: people who act for themselves: their pseudonym is for auditors only, lest handlers learn who complained
_THEMSELVES: Final = "('citizen', 'public')"
_AUDITORS: Final = Scope.AUDIT_READ.value
#: every resource that has a history
WITH_HISTORY: Final = (
    HOUSEHOLD,
    PERSON,
    LINEAGE,
    DUPLICATE,
    CIVIL_CHECK,
    HANDOVER,
    DUPLICATE_TICKET,
    CASE,
    FAMILY_PLAN,
    CASE_MERGE,
    REFERRAL,
    COMPLAINT,
    ATTACHMENT,
    ESCALATION_LADDER,
    GRANT,
    REVOCATION,
    CONSENT,
    ACCESS_OVERRIDE,
    PROGRAM,
    RULE_VERSION,
    VARIANT_CHOICE,
    ROUTING_POLICY,
    ENROLLMENT,
    ENROLLMENT_LIST,
    ELIGIBILITY_REVIEW,
    SCREENING,
    SEALED_ACCESS,
)


def _hidden(shape: Shape, role: str) -> list[str]:
    """Columns of the shape's table whose values the role may not know."""
    return [field.name for field in shape.fields.values() if not field.known_to(role)]


def _array(names: list[str]) -> str:
    return "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]::text[]"


def _by_kind(lines: dict[Shape, str]) -> str:
    """SQL that chooses a line by the kind of the resource; the value itself for all others."""
    whens = "".join(f" WHEN {int(shape.kind)} THEN {line}" for shape, line in lines.items() if shape.kind is not None)
    return f"(CASE {{t}}.kind{whens} ELSE {{v}} END)" if lines else "{v}"


def _without_columns(role: str) -> str:
    """Of an object by column, or of an array of their names, what the role may know: jsonb takes both away alike."""
    hidden = {shape: _hidden(shape, role) for shape in WITH_HISTORY}
    return _by_kind({shape: f"({{v}} - {_array(names)})" for shape, names in hidden.items() if names})


def _without_parts(role: str) -> str:
    """Of lists of rows by part, what the role may know: parts have the names of the links that lead to them."""
    lines: dict[Shape, str] = {}
    for shape in WITH_HISTORY:
        hidden = {name: names for name, link in shape.links.items() if (names := _hidden(link.to, role))}
        if hidden:
            whens = "".join(
                f" WHEN '{part}' THEN (SELECT jsonb_agg(x.line - {_array(names)} ORDER BY x.at)"
                " FROM jsonb_array_elements(p.value) WITH ORDINALITY AS x (line, at))"
                for part, names in hidden.items()
            )
            lines[shape] = (
                f"(SELECT jsonb_object_agg(p.key, CASE p.key{whens} ELSE p.value END) FROM jsonb_each({{v}}) p)"
            )
    return _by_kind(lines)


HISTORY_ENTRY = (
    Shape(
        "history_entry",
        "history-entries",
        "events {t} LEFT JOIN revisions {t}r ON {t}r.regency = {t}.regency"
        " AND {t}r.aggregate_id = {t}.aggregate_id AND {t}r.sequence = {t}.sequence",
        "One change: what happened, by whom, in which role, and what it changed. `changes`, `parts` and `texts` are null"
        " where they were erased and for citizens; `parts` for receivers of referrals and the offices above"
        " too. Fields that the caller's role may"
        " not read are in none of them, nor are their names in `fields`.",
        scope=None,
        kinds=ALL_STAFF
        | {ScopeKind.ORGANIZATION, ScopeKind.PROGRAM, ScopeKind.SUBJECT, ScopeKind.ESCALATED, ScopeKind.SEALED},
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the event."),
        Field("sequence", FieldType.INTEGER, "Number of the change; the resource's version after it.", example=1),
        Field("type", FieldType.TEXT, "What happened.", example="complaint.triaged"),
        Field("at", FieldType.INSTANT, "When."),
        Field(
            "actor",
            FieldType.TEXT,
            "Who: issuer and subject of the token. Of citizens, for auditors only.",
            nullable=True,
            example="https://id.example#officer-7",
            unmask=_AUDITORS,
            masked=f"(CASE WHEN {{t}}.role IN {_THEMSELVES} THEN NULL ELSE {{t}}.actor END)",
        ),
        Field("role", FieldType.TEXT, "In which role.", example="puskesos_officer"),
        Field(
            "on_behalf_of",
            FieldType.TEXT,
            "For whom, where somebody acted for another. For auditors only.",
            nullable=True,
            example="https://id.example#client-3",
            unmask=_AUDITORS,
            masked="NULL::text",
        ),
        Field(
            "fields",
            FieldType.JSON,
            "Names of what changed.",
            "(convert_from({t}.body, 'UTF8')::jsonb -> 'fields')",
            example=["status"],
            stripped=_without_columns,
        ),
        Field(
            "changes",
            FieldType.JSON,
            "Before and after, by name.",
            "({t}r.values -> 'changes')",
            nullable=True,
            example={"status": {"before": "RECEIVED", "after": "TRIAGED"}},
            unmask=_AUDITORS,
            masked="(({t}r.values -> 'changes') - ARRAY['reporter_id', 'received_by'])",
            stripped=_without_columns,
        ),
        Field(
            "parts",
            FieldType.JSON,
            "Parts of the resource that the change wrote, by name.",
            "({t}r.values -> 'parts')",
            nullable=True,
            example={"needs": [{"status": "OPEN"}]},
            # What a receiver of referrals may know of people stands in the package, which is emptied at the end.
            unmask=Scope.HOUSEHOLDS_READ.value,
            masked="NULL::jsonb",
            stripped=_without_parts,
        ),
        Field(
            "texts",
            FieldType.JSON,
            "What was said, such as the reason.",
            "({t}r.values -> 'texts')",
            nullable=True,
            example={"reason": "Reported twice."},
            # Read where the caller handles sealed reports, so that no other role needs to reach the table.
            vault=Vault(
                "(SELECT s.texts FROM sealed_texts s WHERE s.regency = {t}.regency AND s.id = {t}.id)",
                SEALED_TEXTS,
                frozenset({ScopeKind.SEALED}),
            ),
        ),
        Field("trace_id", FieldType.TEXT, "Trace of the request.", example="4bf92f3577b34da6a3ce929d0e0e4736"),
        Field(
            "hash",
            FieldType.TEXT,
            "SHA-256 over 0x00 and the event's canonical bytes, which hold the hash of the event before.",
            "encode({t}.hash, 'hex')",
            example="5e5f4c6e1f0c6f8a0b1f8bb0f63d5b8c1f2a7a5e9d4c3b2a190817263544cafe",
        ),
        Field(
            "event",
            FieldType.TEXT,
            "The event's canonical bytes (RFC 8785) as text: what `hash` is over. For auditors only.",
            "convert_from({t}.body, 'UTF8')",
            nullable=True,
            example='{"at":1795313647000000,"fields":["status"],"format":1,"previous":"00","sequence":1}',
            unmask=_AUDITORS,
            masked="NULL::text",
        ),
    )
    .with_sorts(Sort("sequence", "{t}.sequence", "integer", int))
)
HISTORY_ENTRY.default_sort = "sequence"

for shape in WITH_HISTORY:
    shape.link(
        Link(
            "history",
            HISTORY_ENTRY,
            # Events of what is national stand under the tenant number 0.
            f"{{t}}.regency = {'{p}.regency' if shape.tenant else NATIONAL} AND {{t}}.aggregate_id = {{p}}.id",
            f"Every change of the {shape.name}: who, when, in which role, what and why.",
            order="{t}.sequence",
        )
    )


_NAME = "[a-z][a-z0-9_.-]{0,79}"
_PURPOSE = "[A-Z][A-Z0-9_]{0,59}"
#: issuer and subject of a token: what is visible, without a space
_ACTOR = "[!-~]{1,512}"


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return parse


def _text_filter(name: str, pattern: str, description: str, example: str) -> Filter:
    return Filter(name, f"{{t}}.{name} = {{v}}::text", _matching(pattern), description, example, pattern=f"^{pattern}$")


ACCESS = (
    Shape(
        "access",
        "audit/accesses",
        "accesses {t}",
        "That somebody read personal data: who, when, in which role, what and how much of it. A list is recorded with the"
        " number of its rows and without a `resource_id`. Who audits a regency, or more, sees the accesses to all of it, but"
        " for those to sealed reports: these are shown to who handles such reports, and to them nothing else. Whom a sealed"
        " report accuses sees no access to it.",
        scope=Scope.AUDIT_READ,
        kinds=frozenset({ScopeKind.AUDITOR, ScopeKind.SEALED}),
        kind=Kind.ACCESS,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the record."),
        Field("at", FieldType.INSTANT, "When."),
        Field(
            "actor",
            FieldType.TEXT,
            "Who: issuer and subject of the token.",
            example="https://id.example#officer-7",
        ),
        Field("role", FieldType.TEXT, "In which role.", example="puskesos_officer"),
        Field("area_code", FieldType.AREA, "Regency of what was read.", "{t}.area", example="33.26"),
        Field("operation", FieldType.TEXT, "By which operation.", example="households.get"),
        Field("resource", FieldType.TEXT, "What was read.", example="household"),
        Field("resource_id", FieldType.ID, "Which one; null for a list.", nullable=True),
        Field(
            "purpose", FieldType.TEXT, "For which purpose, where one was asked for.", nullable=True, example="CASE_WORK"
        ),
        Field("case_id", FieldType.ID, "For which case, where one was named.", nullable=True),
        Field("override_id", FieldType.ID, "By which access override, where one allowed it.", nullable=True),
        Field(
            "rows",
            FieldType.INTEGER,
            "How many of them; null for a list of sealed reports, where it would tell the accused that there are more than"
            " they see.",
            "(CASE WHEN {t}.sealed AND {t}.resource_id IS NULL THEN NULL ELSE {t}.rows END)",
            nullable=True,
            example=1,
        ),
        Field("trace_id", FieldType.TEXT, "Trace of the request.", example="4bf92f3577b34da6a3ce929d0e0e4736"),
    )
    .with_filters(
        _text_filter("resource", _NAME, "Of this resource.", "household"),
        id_filter("resource_id", "Of this one."),
        _text_filter(
            "actor", _ACTOR, "By this caller: issuer and subject of the token.", "https://id.example#officer-7"
        ),
        _text_filter("role", _NAME, "In this role.", "puskesos_officer"),
        _text_filter("operation", _NAME, "By this operation.", "households.get"),
        _text_filter("purpose", _PURPOSE, "For this purpose.", "CASE_WORK"),
        Filter(
            "at_from",
            "{t}.at >= {v}::timestamptz",
            parse_instant,
            "At this instant or later (RFC 3339 with offset).",
            "2026-11-01T00:00:00Z",
        ),
        Filter(
            "at_to",
            "{t}.at < {v}::timestamptz",
            parse_instant,
            "Before this instant (RFC 3339 with offset).",
            "2026-12-01T00:00:00Z",
        ),
    )
    .with_sorts(ID_SORT)
)
