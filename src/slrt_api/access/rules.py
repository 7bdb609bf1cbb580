"""What a grant of each role looks like, who may give it, and which area holds it. Pure.

Sources of the forms: the manuals of SLRT's front and back office and the seed documents, as far as they say who works where
(facilitator: one to several villages; supervisor: one to several districts; secretariat: one regency or city).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from slrt_api.access.scopes import Role
from slrt_api.areas import codes
from slrt_api.areas.codes import Level
from slrt_api.kernel import errors

#: villages that one caller can act in at once: the row policy of a list of villages reads them with every statement
MAX_VILLAGES: Final = 1_000
#: grants of auditors and integrity officers end, a year after they begin at the latest
AUDITOR_LONGEST: Final = timedelta(days=366)
NATION: Final = 0

_ANY: Final = frozenset(Level)


@dataclass(frozen=True)
class Form:
    """What a grant of one role names.

    levels  levels of the areas that it may name; none = it names no area
    most    how many areas, at least one
    """

    levels: frozenset[Level] = frozenset()
    most: int = 1
    organization: bool = False
    programs: bool = False
    ends: bool = False


_VILLAGES: Final = Form(frozenset({Level.VILLAGE}), MAX_VILLAGES)
_REGENCY: Final = Form(frozenset({Level.REGENCY}))
FORMS: Final[Mapping[Role, Form]] = {
    Role.FACILITATOR: _VILLAGES,
    Role.PUSKESOS_OFFICER: _VILLAGES,
    Role.PUSKESOS_COORDINATOR: _VILLAGES,
    Role.SUPERVISOR: Form(frozenset({Level.DISTRICT}), MAX_VILLAGES),
    Role.SECRETARIAT_OFFICER: _REGENCY,
    Role.SECRETARIAT_MANAGER: _REGENCY,
    Role.SOCIAL_OFFICE: _REGENCY,
    Role.PROVINCE_OFFICE: Form(frozenset({Level.PROVINCE})),
    Role.NATIONAL_OFFICE: Form(),
    Role.PROGRAM_MANAGER: Form(_ANY, programs=True),
    Role.PARTNER: Form(organization=True),
    Role.AUDITOR: Form(_ANY, ends=True),
    Role.INTEGRATOR: _REGENCY,
    Role.ADMINISTRATOR: Form(frozenset({Level.PROVINCE, Level.REGENCY})),
    Role.CITIZEN: Form(),
    # The office is named, so that a report against it is kept from those who work there; and the grant ends.
    Role.INTEGRITY_OFFICER: Form(frozenset({Level.PROVINCE, Level.REGENCY}), organization=True, ends=True),
}
#: role -> the roles that it may give and take back, inside its own area
GIVES: Final[Mapping[Role, frozenset[Role]]] = {
    Role.ADMINISTRATOR: frozenset(Role),
    Role.SECRETARIAT_MANAGER: frozenset(
        {
            Role.FACILITATOR,
            Role.PUSKESOS_OFFICER,
            Role.PUSKESOS_COORDINATOR,
            Role.SUPERVISOR,
            Role.SECRETARIAT_OFFICER,
        }
    ),
}


def check_form(
    role: Role, areas: Sequence[str], organization: UUID | None, programs: Sequence[UUID], valid_until: datetime | None
) -> None:
    """Raise Invalid where a grant of `role` does not look as it has to; the areas are codes that exist."""
    form = FORMS[role]
    if areas and not form.levels:
        raise errors.Invalid.at("/areas", "not_of_this_role", "A grant of this role names no area.")
    if form.levels and not areas:
        raise errors.Invalid.at("/areas", "required", "Name the area in which the role is held.")
    if len(areas) > max(form.most, 1):
        raise errors.Invalid.at("/areas", "items", f"A grant of this role names at most {form.most}.")
    seen: set[str] = set()
    for position, area in enumerate(areas):
        if codes.parse_area_code(area).level not in form.levels:
            wanted = " or ".join(level.value.lower() for level in Level if level in form.levels)
            raise errors.Invalid.at(f"/areas/{position}", "not_of_this_role", f"Name a {wanted}.")
        # Where several are allowed they are of one level, so that none lies in another.
        if area in seen:
            raise errors.Invalid.at(f"/areas/{position}", "duplicate", "Name each area once.")
        seen.add(area)
    if form.organization and organization is None:
        raise errors.Invalid.at("/organization_id", "required", "Name the organization for which the role is held.")
    if form.programs and not programs:
        raise errors.Invalid.at("/program_ids", "required", "Name the programs for which the role is held.")
    if programs and not form.programs:
        raise errors.Invalid.at("/program_ids", "not_of_this_role", "A grant of this role names no program.")
    if form.ends and valid_until is None:
        raise errors.Invalid.at("/valid_until", "required", "A grant of this role ends.")


def check_validity(role: Role, valid_from: datetime, valid_until: datetime | None, now: datetime) -> None:
    """Raise Invalid for a time that is over, runs backwards, or is longer than the role allows."""
    if valid_until is None:
        return
    if valid_until <= max(valid_from, now):
        raise errors.Invalid.at("/valid_until", "range", "A grant ends after it began, and after now.")
    if FORMS[role].ends and valid_until - valid_from > AUDITOR_LONGEST:
        raise errors.Invalid.at("/valid_until", "range", f"At most {AUDITOR_LONGEST.days} days after it begins.")


def common_area(areas: Sequence[str]) -> int:
    """Number of the lowest area that holds all of `areas`; NATION where no province does, or none is named."""
    numbers = [codes.area_number(area) for area in areas]
    for width in (1, 10**4, 10**6, 10**8):
        held = {number - number % width for number in numbers}
        if len(held) == 1:
            return held.pop()
    return NATION


def outermost(areas: Sequence[str]) -> tuple[str, ...]:
    """`areas` without those that lie in another one, sorted."""
    found: list[str] = []
    for area in sorted(set(areas)):
        # What lies in an area follows it in the order of the texts.
        if not found or not area.startswith(f"{found[-1]}."):
            found.append(area)
    return tuple(found)
