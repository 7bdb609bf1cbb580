"""What can be read of cases and their parts, of the forms of assessments, of family plans and merges; and what leads where."""

from slrt_api.access.consents.shapes import CONSENT
from slrt_api.attachments import shapes as attachments
from slrt_api.cases.shapes.case import CASE
from slrt_api.cases.shapes.common import NUMBER_PREFIX, SEALED_NOTE, SEALED_REOPENING
from slrt_api.cases.shapes.families import CASE_MERGE, FAMILY_PLAN
from slrt_api.cases.shapes.needs import ASSESSMENT, DIRECT_SERVICE, INSTRUMENT, NEED, TASK
from slrt_api.cases.shapes.work import ASSIGNMENT, NOTE, PLAN_LINE, UNITS
from slrt_api.clocks.shapes import clocks_of
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.programs.shapes import ELIGIBILITY_CHECK
from slrt_api.runtime.shapes import Link

__all__ = [
    "CASE",
    "CASE_MERGE",
    "FAMILY_PLAN",
    "INSTRUMENT",
    "NEED",
    "NUMBER_PREFIX",
    "SEALED_NOTE",
    "SEALED_REOPENING",
    "UNITS",
]

_PART = "{t}.regency = {p}.regency AND {t}.case_id = {p}.id"
CASE.link(Link("needs", NEED, _PART, "What people of the household need.", embedded=True))
CASE.link(Link("assessments", ASSESSMENT, _PART, "What was found at assessments."))
CASE.link(Link("plan", PLAN_LINE, _PART, "Who does what by when."))
CASE.link(Link("notes", NOTE, _PART, "Notes of officers."))
CASE.link(Link("assignments", ASSIGNMENT, _PART, "Who works on it and who did."))
CASE.link(Link("tasks", TASK, _PART, "What an emergency skipped."))
CASE.link(
    Link(
        "eligibility_checks",
        ELIGIBILITY_CHECK,
        "{t}.regency = {p}.regency AND {t}.id = ANY ({p}.eligibility_check_ids)",
        "The eligibility checks that its recommendation stands on.",
    )
)
CASE.link(
    Link(
        "family_plan",
        FAMILY_PLAN,
        "{t}.regency = {p}.regency AND {t}.id = {p}.family_plan_id",
        "The family plan that it belongs to.",
        single=True,
    )
)
FAMILY_PLAN.link(
    Link("cases", CASE, "{t}.regency = {p}.regency AND {t}.family_plan_id = {p}.id", "The cases that it groups.")
)
HOUSEHOLD.link(
    Link(
        "family_plans",
        FAMILY_PLAN,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id",
        "The plans that were made for the family.",
    )
)
CASE.link(
    Link(
        "merges",
        CASE_MERGE,
        "{t}.regency = {p}.regency AND {t}.survivor_id = {p}.id",
        "Duplicates that were merged into it.",
    )
)
CASE.link(clocks_of("case"))
CASE.link(Link("services", DIRECT_SERVICE, _PART, "Services given by the unit itself."))
CASE.link(
    Link(
        "household",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
        "The household that the case works for.",
        single=True,
    )
)
HOUSEHOLD.link(
    Link("cases", CASE, "{t}.regency = {p}.regency AND {t}.household_id = {p}.id", "The cases of the household.")
)
CASE.link(
    Link(
        "consents",
        CONSENT,
        "{t}.regency = {p}.regency AND {t}.case_id = {p}.id",
        "Consents and lawful bases that were recorded for it.",
    )
)
attachments.of(CASE)
