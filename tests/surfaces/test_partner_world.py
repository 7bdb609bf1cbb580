"""The world of a partner, before, during and after its referral: every surface that its token can ask, walked three times.

What it is asked is read off the API's own description, so that a resource that comes later is walked as well.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from tests.api import Api, household_body
from tests.domains.test_complaints import complaint_body
from tests.domains.test_referrals import OFFICER, act, made, organization, partner, version

SERVICE = ("EDUCATION", "INCLUSIVE_EDUCATION")
NAME, RELATIVE, STREET, NOTE = (
    "Zubaidah Pengelana",
    "Qomarudin Pengelana",
    "Gang Cempaka Ungu 77",
    "Perlu juru bahasa isyarat",
)
#: what is the same for everybody, and long
_REFERENCE = re.compile("/v1/(areas|services|code-lists|calendars|meta|programs|rule-versions|public)")
#: tell of the organization itself, whose numbers a referral moves
_OWN = re.compile("standings|capacity")
QUERIES: Mapping[str, str] = {
    "referral": "query($id: ID!) { referral(id: $id) { id number status package { name } case { number } organization { id } } }",
    "node": "query($id: ID!) { node(id: $id) { id ... on Referral { number package { name address } } ... on Case { number } } }",
    "of a case": (
        "query($id: ID!) { referrals(first: 10, caseId: $id) { edges { node { id number package { name } } } pageInfo"
        " { hasNextPage } } }"
    ),
    "list": "query($id: ID!) { referrals(first: 100) { edges { node { id number package { name } } } } case(id: $id) { id } }",
    "offer": "query($id: ID!) { referral(id: $id) { id offer { route } } }",
    "history": "query($id: ID!) { referral(id: $id) { id history(first: 10) { edges { node { type } } } } }",
}


@dataclass(frozen=True)
class Client:
    """The client of a referral, and all that there is of it."""

    referral: dict[str, Any]
    ids: Mapping[str, str]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a partner never learns."""
        return (
            RELATIVE,
            self.ids["case_number"],
            self.ids["complaint_number"],
            self.ids["household"],
            self.ids["person"],
        )


async def drafted(api: Api, lks: dict[str, Any]) -> Client:
    """A family with a complaint and a case, and the draft of a referral that is meant for the organization."""
    members = household_body()["members"]
    members[0] |= {"name": NAME, "birth_date": "1971-07-17"}
    members[1] |= {"name": RELATIVE}
    body = household_body(members=members, address=STREET)
    family = await made(await api.as_("facilitator").post("/v1/households", json=body))
    complaint = await made(
        await api.as_("facilitator").post("/v1/complaints", json=complaint_body(household_id=family["id"]))
    )
    officer = api.as_(OFFICER)
    opened = {"household_id": family["id"], "complaint_id": complaint["id"]}
    case = await made(await officer.post("/v1/cases", json=opened))
    person = family["members"][0]["person_id"]
    need = {"person_id": person, "domain": SERVICE[0], "need": SERVICE[1], "note": NOTE}
    for part, step in (("transitions", {"action": "MARK_EMERGENCY", "reason": "Darurat"}), ("needs", need)):
        headers = {"if-match": version(case)}
        case = await made(await officer.post(f"/v1/cases/{case['id']}/{part}", json=step, headers=headers), 200)
    asked = {"case_id": case["id"], "need_id": case["needs"][0]["id"], "organization_id": lks["id"]}
    referral = await made(await officer.post("/v1/referrals", json=asked))
    return Client(
        referral,
        {
            "referral": referral["id"],
            "case": case["id"],
            "need": case["needs"][0]["id"],
            "household": family["id"],
            "person": person,
            "complaint": complaint["id"],
            "organization": lks["id"],
            "case_number": case["number"],
            "complaint_number": complaint["receipt"],
        },
    )


def questions(api: Api, client: Client) -> Iterator[str]:
    """Every GET that the API describes: of each id, with each link; and the lists with filters, counts and sorts."""
    ids = [
        client.ids[name] for name in ("referral", "case", "need", "household", "person", "complaint", "organization")
    ]
    for path, operations in api.app.openapi()["paths"].items():
        if "get" not in operations or not path.startswith("/v1/") or _REFERENCE.match(path):
            continue
        names = {each["name"]: each for each in operations["get"].get("parameters", ())}
        if "{id}" in path:
            yield from (path.replace("{id}", id_) for id_ in ids)
        elif "{" not in path:
            yield f"{path}?limit=200" if "limit" in names else path
            if "include_total" in names:
                yield f"{path}?include_total=true&limit=1"
            for name in ("case_id", "need_id", "household_id", "person_id", "organization_id", "complaint_id"):
                if name in names:
                    yield f"{path}?{name}={client.ids[name.removesuffix('_id')]}"
    referral, listed = f"/v1/referrals/{client.ids['referral']}", "/v1/referrals"
    for include in (
        "case",
        "organization",
        "clocks",
        "offer",
        "case.household",
        "organization.referrals",
        "attachments",
    ):
        yield f"{referral}?include={include}"
        yield f"{listed}?include={include}"
    for query in (
        "status=DRAFT,SENT,APPROVED,REALIZED,REJECTED",
        f"service={SERVICE[1]}",
        "area_code=33.26.01.2001",
        "updated_from=2020-01-01T00:00:00Z",
        "respond_to=2099-01-01T00:00:00Z&sort=respond_by",
        "sort=-updated_at",
        "no_receiver=true",
    ):
        yield f"{listed}?{query}"
    yield f"/v1/organizations/{client.ids['organization']}?include=referrals,standings,capacity,officers"


async def walked(
    api: Api, http: httpx.AsyncClient, client: Client, known: Mapping[str, tuple[int, str]] | None = None
) -> dict[str, tuple[int, str]]:
    """The answer to each question: its status and its text, without what differs between two equal answers.

    known  answers of an earlier walk: what is refused to the role itself is not asked again
    """
    found = {question: answer for question, answer in (known or {}).items() if answer[0] == 403}
    for question in questions(api, client):
        if question in found:
            continue
        answer = await http.get(question)
        found[question] = (answer.status_code, _plain(answer))
    for name, query in QUERIES.items():
        for id_ in (client.ids["referral"], client.ids["case"]):
            body = {"query": query, "variables": {"id": id_}}
            answer = await http.post("/graphql", json=body)
            found[f"GraphQL {name} {id_}"] = (answer.status_code, _plain(answer))
    for action in ("RECEIVE", "CONFIRM_RECEIPT"):
        step = {"action": action}
        answer = await http.post(
            f"/v1/referrals/{client.ids['referral']}/transitions",
            json=step,
            headers={"if-match": '"999"', "idempotency-key": str(uuid4())},
        )
        found[f"POST {action}"] = (answer.status_code, _plain(answer))
    return found


def _plain(answer: httpx.Response) -> str:
    return re.sub(r'"trace_id":"[0-9a-f]+"', "", answer.text)


def leaks(found: Mapping[str, tuple[int, str]], words: tuple[str, ...]) -> list[str]:
    """Questions whose answers hold one of the words."""
    return [question for question, (_, text) in found.items() if any(word in text for word in words)]


def differing(before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]) -> list[str]:
    return [question for question, answer in before.items() if after[question] != answer and not _OWN.search(question)]


async def test_a_partner_has_its_referral_while_it_runs_and_nothing_before_or_after(
    api: Api, owner: asyncpg.Connection
) -> None:
    lks = await organization(api, SERVICE[1], capacity=3)
    http, officer = partner(api, lks), api.as_(OFFICER)
    client = await drafted(api, lks)
    of_client = (client.referral["number"], NAME, STREET, NOTE, *client.secrets)

    before = await walked(api, http, client)
    assert len(before) > 150
    assert leaks(before, of_client) == []
    assert before[f"/v1/referrals/{client.ids['referral']}"][0] == 404

    sent = await made(await act(officer, client.referral, "SEND"), 200)
    during = await walked(api, http, client, before)
    assert leaks(during, client.secrets) == []
    told = json.loads(during[f"/v1/referrals/{client.ids['referral']}"][1])
    assert (told["package"]["name"], told["package"]["address"], told["package"]["need_note"]) == (NAME, STREET, NOTE)
    shown = leaks(during, (client.referral["number"], NAME, STREET, NOTE))
    # It is found where referrals are asked for, and nowhere else.
    assert all(re.search("referral|GraphQL", question) for question in shown), shown
    assert f"GraphQL node {client.ids['referral']}" in shown
    # By no list does it learn what is particular about the need.
    assert NOTE not in during["/v1/referrals?limit=200"][1]
    for link in ("clocks", "offer"):
        assert client.ids["case_number"] not in during[f"/v1/referrals/{client.ids['referral']}?include={link}"][1]

    accepted = await made(await act(http, sent, "ACCEPT"), 200)
    assert (await act(http, accepted, "REALIZE", evidence="Bersekolah lagi, surat terlampir")).status_code == 204
    after = await walked(api, http, client, before)
    assert leaks(after, of_client) == []
    assert differing(before, after) == []

    # The policy is what holds it: once it is opened, the same walk finds what ended.
    usual = await owner.fetchval(
        "SELECT qual FROM pg_policies WHERE tablename = 'referrals' AND policyname = 'slrt_organization'"
    )
    await owner.execute(f"ALTER POLICY slrt_organization ON referrals USING (organization_id = '{UUID(lks['id'])}')")
    try:
        opened = await walked(api, http, client, before)
    finally:
        await owner.execute(f"ALTER POLICY slrt_organization ON referrals USING ({usual})")
    found = leaks(opened, (client.referral["number"],))
    assert {f"/v1/referrals/{client.ids['referral']}", "/v1/referrals?limit=200"} <= set(found)
    assert len(found) > 10


async def test_another_partner_sees_nothing_of_it_at_any_time(api: Api) -> None:
    lks, other = await organization(api, SERVICE[1]), await organization(api, SERVICE[1])
    client = await drafted(api, lks)
    http = partner(api, other)
    of_client = (client.referral["number"], NAME, STREET, NOTE, *client.secrets)
    before = await walked(api, http, client)
    sent = await made(await act(api.as_(OFFICER), client.referral, "SEND"), 200)
    during = await walked(api, http, client, before)
    assert leaks(during, of_client) == []
    assert (await act(partner(api, lks), sent, "DECLINE", reason="Penuh")).status_code == 204
    for found in (during, await walked(api, http, client, before)):
        assert differing(before, found) == []
