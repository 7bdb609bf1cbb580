"""Every state, action, role and guard of a referral, by REST and by GraphQL, against the table that the API serves."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.api import Api
from tests.domains.test_referrals import OFFICER, act, draft, in_service, made, organization
from tests.sizes import size

from slrt_api.access.scopes import PERMISSIONS, Role, Scope

SERVICE = ("SOCIAL_WELFARE", "SOCIAL_REHABILITATION")
SEED = 8
SENDERS = {"puskesos_officer", "puskesos_coordinator", "secretariat_officer", "secretariat_manager"}
ENDED = {"REALIZED", "REJECTED", "REDIRECTED", "FAILED", "REVOKED", "EXPIRED"}
#: what each action asks for besides
MEMBERS: Mapping[str, dict[str, Any]] = {
    "REALIZE": {"evidence": "Surat kepala sekolah"},
    **{action: {"reason": "Tidak ada tenaga"} for action in ("REJECT", "DECLINE", "REDIRECT", "FAIL", "REVOKE")},
}
MUTATION = "mutation($i: ReferralsTransitionInput!) { referralsTransition(input: $i) { referral { id status allowedActions } } }"
_RESET = """
UPDATE referrals SET status = $2, sent_at = now(), respond_by = now() + interval '5 days', capacity_period = NULL,
    organization_id = $3, program_id = $4, decided_at = NULL, realized_at = NULL, reroute = false,
    receipt_confirmed_at = CASE WHEN $5 THEN now() END, package_expires_at = NULL
WHERE id = $1 RETURNING version
"""


@dataclass(frozen=True)
class Subject:
    """One referral that is put into each state: to an organization, or to a program."""

    id: str
    need_id: str
    case_id: str
    organization_id: UUID | None
    program_id: UUID | None

    async def put(self, owner: asyncpg.Connection, status: str, *, confirmed: bool) -> int:
        """Put it into a state, with its need and case as they are then. Returns its version."""
        need = {"DRAFT": "OPEN", "REALIZED": "MET"}.get(status, "OPEN" if status in ENDED else "REFERRED")
        drafted = status == "DRAFT"
        async with owner.transaction():
            for table in ("referral_packages", "routing_offers", "clocks"):
                key = {"referral_packages": "id", "clocks": "aggregate_id"}.get(table, "referral_id")
                await owner.execute(f"DELETE FROM {table} WHERE {key} = $1", UUID(self.id))
            await owner.execute(
                "UPDATE needs SET status = $2, referral_id = $3 WHERE id = $1",
                UUID(self.need_id),
                need,
                None if need == "OPEN" else UUID(self.id),
            )
            await owner.execute(
                "UPDATE cases SET referred_needs = 0, open_needs = $2 WHERE id = $1",
                UUID(self.case_id),
                int(need != "MET"),
            )
            await owner.execute(
                "UPDATE cases SET referred_needs = $2 WHERE id = $1", UUID(self.case_id), int(need == "REFERRED")
            )
            version: int = await owner.fetchval(
                _RESET,
                UUID(self.id),
                status,
                None if drafted else self.organization_id,
                None if drafted else self.program_id,
                confirmed,
            )
        return version


@dataclass(frozen=True)
class Stage:
    api: Api
    lks: str
    program: str
    subjects: Mapping[str, Subject]
    table: dict[str, Any]

    def client(self, role: str) -> Any:
        if role == "partner":
            return self.api.as_(role, organization=self.lks)
        return (
            self.api.as_(role, area="33.26", programs=[self.program])
            if role == "program_manager"
            else self.api.as_(role)
        )

    def subject(self, role: str) -> Subject:
        return self.subjects["program" if role == "program_manager" else "organization"]

    def sees(self, role: str, status: str) -> bool:
        if role == "partner":
            return status != "DRAFT" and status not in ENDED
        return role != "program_manager" or status != "DRAFT"

    def lines(self, status: str, action: str) -> list[dict[str, Any]]:
        found = self.table["transitions"]
        return [line for line in found if (line["from"], line["action"]) == (status, action)]

    def expected(self, status: str, action: str, role: str, *, confirmed: bool) -> str:
        """The state that comes of it, or the code of the refusal."""
        if Scope.REFERRALS_READ not in PERMISSIONS[Role(role)]:
            return "scope_missing"
        if role not in SENDERS | {"partner", "program_manager"}:
            return "role_not_allowed"
        if not self.sees(role, status):
            return "not_found"
        lines = self.lines(status, action)
        if not lines:
            return "transition_not_allowed"
        [line] = lines
        if role not in line["roles"]:
            return "role_not_allowed"
        if line["guard"] is not None and confirmed:
            assert line["guard"] == "not (receipt_confirmed_at is known)"
            return "receipt_already_confirmed"
        target: str = line["to"]
        return target


@pytest.fixture(scope="module")
async def stage(api: Api) -> Stage:
    lks = await organization(api, SERVICE[1])
    program = (await api.as_(OFFICER).get("/v1/programs?code=ATENSI")).json()["items"][0]["id"]
    subjects = {}
    for name, members in (("organization", {"organization_id": lks["id"]}), ("program", {"program_code": "ATENSI"})):
        drafted = await made(await draft(api, await in_service(api, SERVICE), **members))
        sent = await made(await act(api.as_(OFFICER), drafted, "SEND"), 200)
        subjects[name] = Subject(
            sent["id"],
            sent["need_id"],
            sent["case_id"],
            UUID(lks["id"]) if name == "organization" else None,
            UUID(program) if name == "program" else None,
        )
    table = (await api.as_(OFFICER).get("/v1/meta/lifecycles/referral")).json()
    return Stage(api, lks["id"], program, subjects, table)


async def outcome(
    stage: Stage, owner: asyncpg.Connection, status: str, action: str, role: str, surface: str, *, confirmed: bool
) -> str:
    """What comes of asking for it: the state afterwards, or the code of the refusal."""
    subject = stage.subject(role)
    version = await subject.put(owner, status, confirmed=confirmed)
    given = {"action": action, **MEMBERS.get(action, {})}
    client = stage.client(role)
    refusal: str | None
    told: str
    if surface == "REST":
        answer = await client.post(
            f"/v1/referrals/{subject.id}/transitions", json=given, headers={"if-match": f'"{version}"'}
        )
        refusal = None if answer.status_code in {200, 204} else answer.json()["code"]
    else:
        asked = {"id": subject.id, "expectedVersion": version, **given}
        answer = await client.post("/graphql", json={"query": MUTATION, "variables": {"i": asked}})
        faults = answer.json().get("errors")
        refusal = faults[0]["extensions"]["code"] if faults else None
    after = await owner.fetchrow("SELECT status, version FROM referrals WHERE id = $1", UUID(subject.id))
    assert after is not None
    if refusal is None:
        assert after["version"] == version + 1
        told = after["status"]
        return told
    # A refusal changes nothing.
    assert (after["status"], after["version"]) == (status, version)
    told = refusal
    return told


async def test_every_state_action_role_and_guard_by_both_surfaces(stage: Stage, owner: asyncpg.Connection) -> None:
    states = [state["code"] for state in stage.table["states"]]
    actions = sorted({line["action"] for line in stage.table["transitions"]})
    every = list(product(states, actions, [role.value for role in Role], ("REST", "GraphQL"), (False, True)))
    # The guard speaks of one action alone.
    every = [each for each in every if not each[4] or each[1] == "CONFIRM_RECEIPT"]
    allowed = [each for each in every if stage.expected(*each[:3], confirmed=each[4]) in states]
    chance = random.Random(SEED)
    lines = {each[:2]: each for each in chance.sample(allowed, len(allowed))}
    chosen = every if size(0, 1) else [*lines.values(), *chance.sample(every, 50)]
    served = {(line["from"], line["action"]) for line in stage.table["transitions"] if set(line["roles"]) != {"worker"}}
    assert {each[:2] for each in chosen} >= served
    wrong = []
    for status, action, role, surface, confirmed in chosen:
        expected = stage.expected(status, action, role, confirmed=confirmed)
        found = await outcome(stage, owner, status, action, role, surface, confirmed=confirmed)
        if found != expected:
            wrong.append((status, action, role, surface, confirmed, expected, found))
    assert wrong == []
    print(f"{len(chosen)} of {len(every)} combinations, {len(allowed)} of them allowed, seed {SEED}")


async def test_allowed_actions_are_those_of_the_table(stage: Stage, owner: asyncpg.Connection) -> None:
    """For each state and each role that sees it, by REST and by GraphQL."""
    document = "query($id: ID!) { referral(id: $id) { allowedActions } }"
    for state, role, confirmed in product(
        stage.table["states"],
        ("puskesos_officer", "partner", "program_manager", "auditor", "facilitator"),
        (False, True),
    ):
        status = state["code"]
        if confirmed and status != "REALIZED":
            continue
        subject = stage.subject(role)
        await subject.put(owner, status, confirmed=confirmed)
        client = stage.client(role)
        answer = await client.get(f"/v1/referrals/{subject.id}")
        node = (await client.post("/graphql", json={"query": document, "variables": {"id": subject.id}})).json()
        if not stage.sees(role, status):
            assert (answer.status_code, node["data"]["referral"]) == (404, None)
            continue
        expected = [
            line["action"]
            for line in stage.table["transitions"]
            if line["from"] == status and role in line["roles"] and not (line["guard"] and confirmed)
        ]
        assert answer.json()["allowed_actions"] == expected, (status, role)
        assert node["data"]["referral"]["allowedActions"] == expected, (status, role)
