"""The table of permissions: who may ask for what, who reads which rows, and who reads special data.

What enforces reads it from here, and what publishes it (`GET /v1/meta/permissions`) asks what enforces. No I/O.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.kernel.errors import SlrtError
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import EVERYBODY, Field, Link, Selection, Shape, select
from slrt_api.runtime.usecase import UseCase

#: how the rows of a role are cut
KINDS: Final[Mapping[Role, ScopeKind]] = dict.fromkeys(Role, ScopeKind.AREA_RANGE) | {
    Role.FACILITATOR: ScopeKind.AREA_LIST,
    Role.PROGRAM_MANAGER: ScopeKind.PROGRAM,
    Role.PARTNER: ScopeKind.ORGANIZATION,
    Role.AUDITOR: ScopeKind.AUDITOR,
    Role.INTEGRATOR: ScopeKind.IMPORTER,
    Role.CITIZEN: ScopeKind.SUBJECT,
    Role.PROVINCE_OFFICE: ScopeKind.ESCALATED,
    Role.NATIONAL_OFFICE: ScopeKind.ESCALATED,
    Role.INTEGRITY_OFFICER: ScopeKind.SEALED,
}

#: who works on cases and decides them: the front and back office of both levels, the supervisor, the social office
CASE_WORKERS: Final = frozenset(
    {
        Role.PUSKESOS_OFFICER,
        Role.PUSKESOS_COORDINATOR,
        Role.SUPERVISOR,
        Role.SECRETARIAT_OFFICER,
        Role.SECRETARIAT_MANAGER,
        Role.SOCIAL_OFFICE,
    }
)
#: who serves what is referred; the service is what they are asked for
RECEIVERS: Final = frozenset({Role.PARTNER, Role.PROGRAM_MANAGER})


@dataclass(frozen=True)
class Condition:
    """Which rows a kind of scope reaches, in words."""

    id: str
    en: str


CONDITIONS: Final[Mapping[ScopeKind, Condition]] = {
    ScopeKind.AREA_RANGE: Condition(
        "Baris di wilayah penugasan dan semua wilayah di bawahnya.", "Rows in the area of the grant and all below it."
    ),
    ScopeKind.AREA_LIST: Condition(
        "Baris di desa/kelurahan yang disebut dalam penugasan.", "Rows in the villages that the grant names."
    ),
    ScopeKind.ORGANIZATION: Condition(
        "Rujukan yang ditujukan kepada organisasi penugasan dan belum berakhir.",
        "Referrals to the organization of the grant that have not ended.",
    ),
    ScopeKind.PROGRAM: Condition(
        "Baris yang ditujukan kepada program penugasan, di wilayah penugasan.",
        "Rows addressed to the program of the grant, in its area.",
    ),
    ScopeKind.SUBJECT: Condition("Laporan milik pemanggil sendiri.", "The caller's own reports."),
    ScopeKind.PUBLIC: Condition(
        "Satu pengaduan, dengan tanda terima dan rahasianya.", "One complaint, by its receipt and secret."
    ),
    ScopeKind.AUDITOR: Condition(
        "Baris di wilayah penugasan, hanya baca.", "Rows in the area of the grant, read only."
    ),
    ScopeKind.WORKER: Condition("Pekerjaan terjadwal platform.", "The platform's own scheduled work."),
    ScopeKind.ESCALATED: Condition(
        "Kasus dan pengaduan di wilayah penugasan yang dieskalasi ke tingkatnya.",
        "Cases and complaints in the area of the grant that were escalated to its level.",
    ),
    ScopeKind.SEALED: Condition(
        "Pengaduan tersegel di wilayah penugasan yang tidak menyangkut pemegang penugasan atau kantornya.",
        "Sealed reports in the area of the grant that accuse neither its holder nor the holder's office.",
    ),
    ScopeKind.STATISTICS: Condition(
        "Jumlah pengaduan, tanpa barisnya; yang tersegel tidak dihitung.",
        "Counts of complaints, without their rows; sealed ones are not counted.",
    ),
    ScopeKind.IMPORTER: Condition(
        "Data acuan dan impor untuk satu kabupaten/kota.", "Reference data and imports of one regency."
    ),
}
#: of rows that belong to no tenant: programs, organizations, areas, code lists
NATIONAL: Final = Condition("Data acuan nasional: semua baris.", "National reference data: every row.")


def in_role(role: Role) -> Actor:
    """An actor of that role with every scope that it permits and no row of its own: to ask what enforces, not to act."""
    scopes = frozenset(scope.value for scope in PERMISSIONS[role])
    return Actor(subject="", role=role.value, scopes=scopes, rows=RowScope(KINDS[role]))


@dataclass(frozen=True)
class Rule:
    """What an operation asks of its caller before it looks at a row: the very check that its surfaces run.

    name    by which both surfaces know the operation: `cases.list`, `cases.get`, `cases.transition`
    permit  raises what the caller is refused with
    scopes  all needed; `one_of`: one of them besides
    shape   what is read or answered, where it is a resource
    case    the use case, where it is one
    """

    name: str
    permit: Callable[[Actor], None]
    scopes: frozenset[str]
    one_of: frozenset[str] = frozenset()
    shape: Shape | None = None
    case: UseCase | None = None

    def refusals(self) -> Mapping[Role, SlrtError | None]:
        """What each role is refused with; None where it may ask."""
        found: dict[Role, SlrtError | None] = {}
        for role in Role:
            try:
                self.permit(in_role(role))
                found[role] = None
            except SlrtError as error:
                found[role] = error
        return found

    def rows(self, role: Role) -> Condition:
        """The rows that the role reaches by it, in words."""
        if self.case is None and self.shape is not None and not self.shape.tenant and self.shape.kinds == EVERYBODY:
            return NATIONAL
        return CONDITIONS[KINDS[role]]


def _scopes(selection: Selection) -> frozenset[str]:
    return frozenset(shape.scope for shape in selection.shapes() if shape.scope is not None)


def reading(shape: Shape, *, item: bool) -> Rule:
    """The rule of one resource, or of the list of them, as REST shows it."""
    usual = select(shape)
    name = f"{shape.plural}.{'get' if item else 'list'}"
    return Rule(name, lambda actor: Reads.permit(actor, usual, item=item), _scopes(usual), shape=shape)


def following(shape: Shape, link: Link) -> Rule:
    """The rule of a list that a link of one resource leads to."""
    usual, parent = select(link.to), Selection(shape)

    def permit(actor: Actor) -> None:
        Reads.permit(actor, usual, item=False)
        Reads.permit(actor, parent, item=True)

    return Rule(f"{shape.plural}.{link.name}", permit, _scopes(usual) | _scopes(parent), shape=link.to)


def doing(case: UseCase) -> Rule:
    """The rule of a use case: to ask for it, and to read what it answers."""
    shown = select(case.answers, case.include) if case.answers is not None else None
    scopes = frozenset([case.scope] if case.scope is not None else []) | (_scopes(shown) if shown else frozenset())

    def permit(actor: Actor) -> None:
        case.permit(actor)
        if shown is not None:
            Reads.permit(actor, shown, item=True)

    return Rule(case.name, permit, scopes, case.one_of, case.answers, case)


def readers(shape: Shape, field: Field) -> frozenset[Role]:
    """The roles that may know a field: who may read the resource at all, and is not kept from this part of it."""
    allowed = (role for role, refusal in reading(shape, item=True).refusals().items() if refusal is None)
    return frozenset(role for role in allowed if field.known_to(role.value))
