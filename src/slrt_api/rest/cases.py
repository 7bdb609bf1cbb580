"""Routes of cases."""

from slrt_api.cases import service
from slrt_api.cases.shapes import CASE, CASE_MERGE, FAMILY_PLAN, INSTRUMENT
from slrt_api.flows import case_merge, family_plans, open_case
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.rest import clocks
from slrt_api.rest.operations import Routes

TAG = "Cases"


def add(routes: Routes) -> None:
    routes.read(CASE, tag=TAG)
    routes.write(open_case.open_case, "/v1/cases", tag=TAG)
    routes.write(case_merge.transition, "/v1/cases/{id}/transitions", tag=TAG)
    routes.write(service.escalate, "/v1/cases/{id}/escalation", tag=TAG)
    routes.write(service.add_need, "/v1/cases/{id}/needs", tag=TAG)
    routes.write(service.transition_need, "/v1/cases/{id}/need-transitions", tag=TAG)
    routes.write(service.assess, "/v1/cases/{id}/assessments", tag=TAG)
    routes.write(service.provide, "/v1/cases/{id}/services", tag=TAG)
    routes.write(service.check_registry, "/v1/cases/{id}/registry-check", tag=TAG)
    routes.write(service.confirm_identity, "/v1/cases/{id}/identity", tag=TAG)
    routes.write(service.plan, "/v1/cases/{id}/plan", tag=TAG)
    routes.write(service.transition_plan_line, "/v1/cases/{id}/plan-transitions", tag=TAG)
    routes.write(service.note, "/v1/cases/{id}/notes", tag=TAG)
    routes.write(service.erase_note, "/v1/cases/{id}/note-erasures", tag=TAG)
    routes.write(service.refuse_reopening, "/v1/cases/{id}/reopening-refusals", tag=TAG)
    routes.write(service.assign, "/v1/cases/{id}/assignments", tag=TAG)
    routes.write(service.answer_assignment, "/v1/cases/{id}/assignment-answers", tag=TAG)
    for link in (
        "needs",
        "assessments",
        "services",
        "plan",
        "notes",
        "assignments",
        "tasks",
        "eligibility_checks",
    ):
        routes.link(CASE, link, tag=TAG)
    clocks.link(routes, CASE, tag=TAG)
    routes.link(HOUSEHOLD, "cases", tag=TAG)
    routes.read(INSTRUMENT, tag=TAG)
    routes.read(FAMILY_PLAN, tag=TAG)
    routes.write(family_plans.make, "/v1/family-plans", tag=TAG)
    routes.write(family_plans.transition, "/v1/family-plans/{id}/transitions", tag=TAG)
    routes.link(FAMILY_PLAN, "cases", tag=TAG)
    routes.read(CASE_MERGE, tag=TAG)
    routes.write(case_merge.undo, "/v1/case-merges/{id}/undo", tag=TAG)
