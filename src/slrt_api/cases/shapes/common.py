"""What the shapes of cases have in common: who reads what, and fields that stand in several."""

from collections.abc import Mapping
from typing import Any

from slrt_api.access.permissions import CASE_WORKERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    ID_SORT,
    Field,
    FieldType,
    Shape,
)

NUMBER_PREFIX = "KSS"
#: what the ciphertext of a note is bound to
SEALED_NOTE = "case_note"
#: and what people say who ask that their case goes on
SEALED_REOPENING = "case_reopening"

#: who may know what a need is about: who works on the case, and auditors, who judge what was decided
OF_NEEDS: Any = {"special": True, "readers": CASE_WORKERS | {Role.AUDITOR}}
#: who works on what: for the work and its audit
OF_WORK: Any = {"readers": CASE_WORKERS | {Role.AUDITOR}}
#: what is said and found of people in words and answers: for the work only
FINDINGS: Any = {"special": True, "readers": CASE_WORKERS}
#: province and nation read what was escalated to them: the case and its needs, and nothing that these lead to
READERS = ALL_STAFF | {ScopeKind.ESCALATED}


def part(name: str, plural: str, table: str, description: str, kinds: frozenset[ScopeKind] = ALL_STAFF) -> Shape:
    """The shape of what is part of a case, listed in the order in which it came to be."""
    shape = Shape(name, plural, f"{table} {{t}}", description, scope=Scope.CASES_READ, kinds=kinds)
    shape.default_sort = "id"
    return shape.with_sorts(ID_SORT)


def may(
    description: str, lifecycle: Lifecycle, facts: Mapping[str, str] | None = None, *, facts_of: str | None = None
) -> Field:
    """The field that tells what the caller may do."""
    return Field(
        "allowed_actions",
        FieldType.CODES,
        description,
        lifecycle=lifecycle,
        facts=facts or {},
        facts_of=facts_of,
    )


def officer(name: str, description: str, *, nullable: bool = False, number: int = 4711) -> Field:
    """The field that names an officer."""
    example = f"https://sso.example.go.id#{number}"
    return Field(
        name, FieldType.TEXT, f"{description}, as `issuer#subject`.", nullable=nullable, example=example, **OF_WORK
    )
