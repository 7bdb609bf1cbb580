"""Token scopes and roles, and what each role may do at most.

A right takes three things: the token carries the scope, the role permits it (here), and the row policy shows the row.
"""

from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """What a token may allow, `resource:action`."""

    HOUSEHOLDS_READ = "households:read"
    HOUSEHOLDS_WRITE = "households:write"
    NIK_LOOKUP = "persons.nik:lookup"
    NIK_REVEAL = "persons.nik:reveal"
    DUPLICATES_DECIDE = "duplicates:decide"
    HANDOVERS_WRITE = "handovers:write"
    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    CASES_DECIDE = "cases:decide"
    REFERRALS_READ = "referrals:read"
    REFERRALS_WRITE = "referrals:write"
    REFERRALS_DECIDE = "referrals:decide"
    REFERRALS_RESPOND = "referrals:respond"
    PROGRAMS_READ = "programs:read"
    PROGRAMS_WRITE = "programs:write"
    ELIGIBILITY_CHECK = "eligibility:check"
    ELIGIBILITY_SCREEN = "eligibility:screen"
    REGISTRY_CHECK = "registry:check"
    COMPLAINTS_READ = "complaints:read"
    COMPLAINTS_WRITE = "complaints:write"
    COMPLAINTS_HANDLE = "complaints:handle"
    COMPLAINTS_SEALED = "complaints:sealed"
    CONSENTS_WRITE = "consents:write"
    ACCESS_READ = "access:read"
    ACCESS_OVERRIDE = "access:override"
    IMPORTS_WRITE = "imports:write"
    AUDIT_READ = "audit:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    CALENDARS_WRITE = "calendars:write"
    GRANTS_READ = "grants:read"
    GRANTS_MANAGE = "grants:manage"
    REPORTS_READ = "reports:read"
    GRAPHQL_INTROSPECT = "graphql:introspect"


class Role(StrEnum):
    """The roles of SLRT. A request acts under one."""

    FACILITATOR = "facilitator"
    PUSKESOS_OFFICER = "puskesos_officer"
    PUSKESOS_COORDINATOR = "puskesos_coordinator"
    SUPERVISOR = "supervisor"
    SECRETARIAT_OFFICER = "secretariat_officer"
    SECRETARIAT_MANAGER = "secretariat_manager"
    SOCIAL_OFFICE = "social_office"
    PROVINCE_OFFICE = "province_office"
    NATIONAL_OFFICE = "national_office"
    PROGRAM_MANAGER = "program_manager"
    PARTNER = "partner"
    AUDITOR = "auditor"
    INTEGRATOR = "integrator"
    ADMINISTRATOR = "administrator"
    CITIZEN = "citizen"
    INTEGRITY_OFFICER = "integrity_officer"


S = Scope
_READ: Final = frozenset({S.HOUSEHOLDS_READ, S.CASES_READ, S.REFERRALS_READ, S.COMPLAINTS_READ, S.PROGRAMS_READ})
_INTAKE: Final = _READ | {
    S.HOUSEHOLDS_WRITE,
    S.COMPLAINTS_WRITE,
    S.REFERRALS_WRITE,
    S.NIK_LOOKUP,
    S.CONSENTS_WRITE,
    S.ELIGIBILITY_CHECK,
}
_OFFICER: Final = _INTAKE | {
    S.CASES_WRITE,
    S.REGISTRY_CHECK,
    S.COMPLAINTS_HANDLE,
    S.NIK_REVEAL,
    S.ACCESS_READ,
    S.HANDOVERS_WRITE,
    S.REPORTS_READ,
}
_DECIDER: Final = _OFFICER | {S.CASES_DECIDE, S.ACCESS_OVERRIDE}

#: role -> the most it may do
PERMISSIONS: Final[dict[Role, frozenset[Scope]]] = {
    Role.FACILITATOR: _INTAKE,
    Role.PUSKESOS_OFFICER: _OFFICER,
    Role.PUSKESOS_COORDINATOR: _DECIDER | {S.PROGRAMS_WRITE, S.ELIGIBILITY_SCREEN},
    Role.SUPERVISOR: _DECIDER | {S.DUPLICATES_DECIDE, S.ELIGIBILITY_SCREEN},
    Role.SECRETARIAT_OFFICER: _OFFICER | {S.ACCESS_OVERRIDE, S.DUPLICATES_DECIDE, S.ELIGIBILITY_SCREEN},
    Role.SECRETARIAT_MANAGER: _DECIDER
    | {
        S.DUPLICATES_DECIDE,
        S.GRANTS_READ,
        S.GRANTS_MANAGE,
        S.PROGRAMS_WRITE,
        S.ELIGIBILITY_SCREEN,
        S.CALENDARS_WRITE,
    },
    Role.SOCIAL_OFFICE: _READ
    | {
        S.CASES_DECIDE,
        S.COMPLAINTS_HANDLE,
        S.ACCESS_READ,
        S.ACCESS_OVERRIDE,
        S.PROGRAMS_WRITE,
        S.CALENDARS_WRITE,
        S.ELIGIBILITY_CHECK,
        S.ELIGIBILITY_SCREEN,
        S.REPORTS_READ,
    },
    Role.PROVINCE_OFFICE: frozenset(
        {S.PROGRAMS_READ, S.PROGRAMS_WRITE, S.CASES_READ, S.COMPLAINTS_READ, S.REPORTS_READ}
    ),
    Role.NATIONAL_OFFICE: frozenset(
        {S.PROGRAMS_READ, S.PROGRAMS_WRITE, S.CALENDARS_WRITE, S.CASES_READ, S.COMPLAINTS_READ, S.REPORTS_READ}
    ),
    Role.PROGRAM_MANAGER: frozenset({S.REFERRALS_READ, S.REFERRALS_DECIDE, S.REFERRALS_RESPOND, S.PROGRAMS_READ}),
    Role.PARTNER: frozenset({S.REFERRALS_READ, S.REFERRALS_RESPOND, S.PROGRAMS_READ}),
    Role.AUDITOR: _READ | {S.AUDIT_READ, S.GRANTS_READ, S.ACCESS_READ, S.REPORTS_READ},
    Role.INTEGRATOR: frozenset({S.PROGRAMS_READ, S.IMPORTS_WRITE, S.GRAPHQL_INTROSPECT}),
    Role.ADMINISTRATOR: frozenset(
        {
            S.PROGRAMS_READ,
            S.PROGRAMS_WRITE,
            S.ORGANIZATIONS_WRITE,
            S.CALENDARS_WRITE,
            S.GRANTS_READ,
            S.GRANTS_MANAGE,
        }
    ),
    Role.CITIZEN: frozenset({S.COMPLAINTS_READ, S.COMPLAINTS_WRITE, S.PROGRAMS_READ}),
    # Sealed reports and nothing else of anybody, not even the complaints that are not sealed.
    Role.INTEGRITY_OFFICER: frozenset(
        {
            S.COMPLAINTS_READ,
            S.COMPLAINTS_WRITE,
            S.COMPLAINTS_HANDLE,
            S.COMPLAINTS_SEALED,
            S.AUDIT_READ,
            S.ACCESS_READ,
            S.PROGRAMS_READ,
        }
    ),
}

#: a scope of a token -> what it includes without being named
INCLUDED: Final[dict[Scope, Scope]] = {
    S.GRANTS_MANAGE: S.GRANTS_READ,
    S.ACCESS_OVERRIDE: S.ACCESS_READ,
    S.AUDIT_READ: S.ACCESS_READ,
}
