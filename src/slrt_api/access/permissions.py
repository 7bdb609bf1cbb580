"""The table of permissions: who reads which rows, and who reads special data. Pure.

What enforces reads it from here, and so does what publishes it (`GET /v1/meta/permissions`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from slrt_api.access.scopes import PERMISSIONS, Role
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind

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
        "Kasus di wilayah penugasan yang dieskalasi ke tingkatnya.",
        "Cases in the area of the grant that were escalated to its level.",
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
