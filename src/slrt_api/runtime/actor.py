"""Who acts: one caller in one role, with the rights of that role and the rows it reaches."""

from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from slrt_api.kernel import errors
from slrt_api.runtime.roles import ScopeKind


def entering(regency: int) -> str:
    """The text that takes the effect role for rows of a regency."""
    return f"SET LOCAL ROLE slrt_effect; SET LOCAL app.regency = '{regency:d}'"


@dataclass(frozen=True)
class RowScope:
    """The rows that an actor reaches: a kind, and the integers and UUIDs that its policy reads.

    tenants  tenant numbers that the scope touches; empty = not cut by tenant (the nation)
    spread   tenant numbers that lists are gathered from, where the scope is cut by area and reaches into several tenants
    level    how far a case must have been escalated to be seen: 1 the province, 2 the nation
    person_id  of who handles sealed reports: reports that accuse this person, or `organization_id`, are not there
    """

    kind: ScopeKind
    tenants: tuple[int, ...] = ()
    spread: tuple[int, ...] = ()
    lo: int | None = None
    hi: int | None = None
    areas: tuple[int, ...] = ()
    organization_id: UUID | None = None
    program_ids: tuple[UUID, ...] = ()
    subject_id: UUID | None = None
    regency: int | None = None
    receipt: int | None = None
    #: revocations that may be read: those of the caller, at authentication
    keys: tuple[UUID, ...] = ()
    level: int | None = None
    person_id: UUID | None = None

    @cached_property
    def sql(self) -> str:
        """`SET LOCAL` statements of this scope. Holds only integers and UUIDs that are formatted here."""
        settings: list[tuple[str, str]] = []
        for name, number in (
            ("lo", self.lo),
            ("hi", self.hi),
            ("regency", self.regency),
            ("receipt", self.receipt),
            ("level", self.level),
        ):
            if number is not None:
                settings.append((name, f"{int(number):d}"))
        for name, identifier in (
            ("organization", self.organization_id),
            ("subject", self.subject_id),
            ("person", self.person_id),
        ):
            if identifier is not None:
                settings.append((name, str(UUID(str(identifier)))))
        if self.program_ids:
            # Without braces, so that one program reads as it did when there could be no more.
            settings.append(("program", ",".join(str(UUID(str(program))) for program in self.program_ids)))
        if self.kind is ScopeKind.AREA_LIST:
            settings.append(("areas", "{" + ",".join(f"{int(area):d}" for area in self.areas) + "}"))
        if self.keys:
            settings.append(("keys", "{" + ",".join(str(UUID(str(key))) for key in self.keys) + "}"))
        return f"SET LOCAL ROLE {self.kind.value}" + "".join(f"; SET LOCAL app.{n} = '{v}'" for n, v in settings)

    @cached_property
    def again(self) -> str:
        """The text that takes the role again after an effect of the same transaction, which touched `app.regency` only."""
        held = "" if self.regency is None else f"; SET LOCAL app.regency = '{int(self.regency):d}'"
        return f"SET LOCAL ROLE {self.kind.value}{held}"

    @cached_property
    def begin_read(self) -> str:
        """The text that opens a reading transaction of this scope."""
        return f"BEGIN READ ONLY; {self.sql}"

    @cached_property
    def begin_write(self) -> str:
        """The text that opens a writing transaction of this scope."""
        return f"BEGIN; {self.sql}"

    def reaches(self, area: int) -> bool:
        """Whether a row at `area` (ten digits) lies in the scope; for kinds that are not cut by area, yes."""
        if self.kind is ScopeKind.AREA_LIST:
            return area in self.areas
        if self.lo is not None and self.hi is not None:
            return self.lo <= area <= self.hi
        return True


@dataclass(frozen=True)
class Actor:
    """One caller in one role.

    subject  `issuer#sub`: the pseudonym under which events and access records name the caller
    scopes   what the token allows and the role permits, both
    """

    subject: str
    role: str
    scopes: frozenset[str]
    rows: RowScope
    organization_id: UUID | None = None
    on_behalf_of: str | None = None
    facts: dict[str, str | int | bool | None] = field(default_factory=dict)

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the actor holds `scope`."""
        if scope not in self.scopes:
            raise errors.Forbidden("scope_missing", scope=scope)

    def require_area(self, area: int) -> None:
        """Raise OutOfScope unless a new row at `area` would lie in the actor's scope."""
        if not self.rows.reaches(area):
            raise errors.OutOfScope

    @cached_property
    def guard_facts(self) -> dict[str, str | int | bool | None]:
        """Facts that guards of lifecycles read as `actor.*`; None where one is not known."""
        office = str(self.organization_id) if self.organization_id is not None else None
        return {"subject": self.subject, "role": self.role, "person_id": None, "organization_id": office, **self.facts}
