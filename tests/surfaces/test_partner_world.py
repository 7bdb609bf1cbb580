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
from tests.files import uploaded

from slrt_api.attachments.adapters.store import configured
from slrt_api.cli import contracts
from slrt_api.flows import examining
from slrt_api.kernel.ids import Kind, new_id

SERVICE = ("EDUCATION", "INCLUSIVE_EDUCATION")
NAME, RELATIVE, STREET, NOTE = (
    "Zubaidah Pengelana",
    "Qomarudin Pengelana",
    "Gang Cempaka Ungu 77",
    "Perlu juru bahasa isyarat",
)
#: what those who work on the case write for the receiver, and for each other
WORDS, INNER = "Mohon datang sesudah pukul empat sore", "Ayahnya pernah mengancam petugas kami"
#: a file of the referral, and one of its case
FILE, CASE_FILE = "surat-sekolah-zubaidah.txt", "kartu-keluarga-pengelana.txt"
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
    "notes": "query($id: ID!) { referral(id: $id) { id notes { id text unit } } }",
    "notes of the case": "query($id: ID!) { case(id: $id) { id notes { id text author } } }",
    "history": "query($id: ID!) { referral(id: $id) { id history { type } } }",
    "files": "query($id: ID!) { referral(id: $id) { id attachments(first: 10) { edges { node { id status } } } } }",
    "files of": "query($id: ID!) { attachments(first: 10, parentId: $id) { edges { node { id status } } } }",
}
QUERIES_OF_FILES: Mapping[str, str] = {
    "file": "query($id: ID!) { attachment(id: $id) { id name status parentId history { type } } }",
    "file node": "query($id: ID!) { node(id: $id) { id ... on Attachment { name status } } }",
    "file list": "query($id: ID!) { attachments(first: 100) { edges { node { id } } } attachment(id: $id) { id } }",
    "file link": ("mutation($id: ID!) { attachmentsLink(input: {id: $id, purpose: REFERRAL}) { result } }"),
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
            INNER,
            self.ids["case_number"],
            self.ids["complaint_number"],
            self.ids["household"],
            self.ids["person"],
            self.ids["case_file"],
            CASE_FILE,
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
    asked_for = {"text": INNER, "visibility": "CASE_WORKERS"}
    headers = {"if-match": version(case)}
    await made(await officer.post(f"/v1/cases/{case['id']}/notes", json=asked_for, headers=headers), 200)
    files = [
        await uploaded(officer, parent, b"Bersekolah sampai kelas enam.", "text/plain", name=name)
        for parent, name in ((referral["id"], FILE), (case["id"], CASE_FILE))
    ]
    await examined(api, *files)
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
            "file": files[0]["id"],
            "case_file": files[1]["id"],
        },
    )


async def examined(api: Api, *files: dict[str, Any]) -> None:
    """Let the worker do what it does until these can be opened."""
    service, states = api.app.state.service, {"PROCESSING"}
    store = configured(service.settings)
    assert store is not None
    while states == {"PROCESSING"}:
        await examining.of(store)(service.platform)
        states = {(await api.as_(OFFICER).get(f"/v1/attachments/{file['id']}")).json()["status"] for file in files}
    assert states == {"READY"}


def questions(api: Api, client: Client) -> Iterator[str]:
    """Every GET that the API describes: of each id, with each link; and the lists with filters, counts and sorts."""
    ids = [
        client.ids[name] for name in ("referral", "case", "need", "household", "person", "complaint", "organization")
    ]
    for path, operations in contracts.document()["paths"].items():
        if "get" not in operations or not path.startswith("/v1/") or _REFERENCE.match(path):
            continue
        names = {each["name"]: each for each in operations["get"].get("parameters", ())}
        if path.startswith("/v1/attachments/"):
            yield from (path.replace("{id}", client.ids[name]) for name in ("file", "case_file") if "{id}" in path)
        elif "{id}" in path:
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
        "notes",
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
    api: Api,
    http: httpx.AsyncClient,
    client: Client,
    known: Mapping[str, tuple[int, str]] | None = None,
    about: str = "",
) -> dict[str, tuple[int, str]]:
    """The answer to each question: its status and its text, without what differs between two equal answers.

    known  answers of an earlier walk: what is refused to the role itself is not asked again
    about  of the questions of REST only those with this in them
    """
    found = {question: answer for question, answer in (known or {}).items() if answer[0] == 403}
    for question in questions(api, client):
        if question in found or about not in question:
            continue
        answer = await http.get(question)
        found[question] = (answer.status_code, _plain(answer))
    for name, query in QUERIES.items():
        for id_ in (client.ids["referral"], client.ids["case"]):
            body = {"query": query, "variables": {"id": id_}}
            answer = await http.post("/graphql", json=body)
            found[f"GraphQL {name} {id_}"] = (answer.status_code, _plain(answer))
    for id_ in (client.ids["file"], client.ids["case_file"]):
        for name, query in QUERIES_OF_FILES.items():
            answer = await http.post("/graphql", json={"query": query, "variables": {"id": id_}})
            found[f"GraphQL {name} {id_}"] = (answer.status_code, _plain(answer))
        answer = await http.post(f"/v1/attachments/{id_}/links", json={"purpose": "REFERRAL"})
        found[f"POST links {id_}"] = (answer.status_code, _plain(answer))
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
    file = client.ids["file"]
    of_client = (client.referral["number"], NAME, STREET, NOTE, WORDS, FILE, file, *client.secrets)

    before = await walked(api, http, client)
    assert len(before) > 150
    # A question that is wrong by itself would find nothing at any time.
    assert [question for question, (_, text) in before.items() if "graphql_invalid" in text] == []
    assert leaks(before, of_client) == []
    assert before[f"/v1/referrals/{client.ids['referral']}"][0] == 404

    early = await noted(officer, client.referral)
    assert (early.status_code, early.json()["code"]) == (409, "package_gone")
    sent = await made(await act(officer, client.referral, "SEND"), 200)
    sent = await made(await noted(officer, sent), 200)
    assert [each["text"] for each in sent["notes"]] == [WORDS]
    during = await walked(api, http, client, before)
    assert leaks(during, client.secrets) == []
    # The note is read with the referral, by whoever asks for it by name, and in no list, count or history.
    assert set(leaks(during, (WORDS,))) == {
        f"/v1/referrals/{client.ids['referral']}?include=notes",
        f"GraphQL notes {client.ids['referral']}",
    }
    assert (await noted(http, sent)).status_code == 403
    told = json.loads(during[f"/v1/referrals/{client.ids['referral']}"][1])
    assert (told["package"]["name"], told["package"]["address"], told["package"]["need_note"]) == (NAME, STREET, NOTE)
    shown = leaks(during, (client.referral["number"], NAME, STREET, NOTE))
    # It is found where referrals are asked for, and nowhere else.
    assert all(re.search("referral|GraphQL", question) for question in shown), shown
    assert f"GraphQL node {client.ids['referral']}" in shown
    # Its files are found where files are asked for, by themselves or by way of the referral; each can be opened.
    of_files = leaks(during, (file, FILE))
    assert all(re.search("attachment|referral|links|GraphQL", question) for question in of_files), of_files
    assert {
        f"/v1/attachments/{file}",
        "/v1/attachments?limit=200",
        f"/v1/referrals/{client.ids['referral']}/attachments",
        f"/v1/referrals/{client.ids['referral']}?include=attachments",
        *(f"GraphQL {name} {file}" for name in ("file", "file node", "file list")),
        *(f"GraphQL {name} {client.ids['referral']}" for name in ("files", "files of")),
    } <= set(of_files)
    # What was done with the file before it was sent is the sender's.
    assert during[f"/v1/attachments/{file}/history"] == (200, '{"items":[],"next_cursor":null}')
    link = json.loads(during[f"POST links {file}"][1])["url"]
    assert (await api.anonymous.get(link)).text == "Bersekolah sampai kelas enam."
    assert "/v1/attachments/content/" in during[f"GraphQL file link {file}"][1]
    # By no list does it learn what is particular about the need.
    assert NOTE not in during["/v1/referrals?limit=200"][1]
    for link in ("clocks", "offer"):
        assert client.ids["case_number"] not in during[f"/v1/referrals/{client.ids['referral']}?include={link}"][1]

    # The deadlines are its own to keep: it reads them, and how they came about, as long as the referral goes on.
    for question in (
        f"/v1/referrals/{client.ids['referral']}/clocks",
        f"/v1/referrals/{client.ids['referral']}?include=clocks",
    ):
        status, body = during[question]
        told = json.loads(body)
        assert (status, {clock["name"] for clock in told.get("items", told.get("clocks"))}) == (200, {"RESPOND"})
    explained = (await http.get(f"/v1/referrals/{client.ids['referral']}/clocks?explain=true")).json()["items"]
    assert [clock["explanation"]["reproduced"] for clock in explained] == [True]
    query = {"query": f'{{ referral(id: "{client.ids["referral"]}") {{ clocks {{ name }} }} }}'}
    assert (await http.post("/graphql", json=query)).json()["data"] == {"referral": {"clocks": [{"name": "RESPOND"}]}}
    other = partner(api, {"id": str(new_id(Kind.ORGANIZATION, 0))})
    assert (await other.get(f"/v1/referrals/{client.ids['referral']}/clocks")).status_code == 404
    for owner_of in ("case", "complaint"):
        assert (await http.get(f"/v1/{owner_of}s/{client.ids[owner_of]}/clocks")).status_code == 404

    accepted = await made(await act(http, sent, "ACCEPT"), 200)
    assert (await act(http, accepted, "REALIZE", evidence="Bersekolah lagi, surat terlampir")).status_code == 204
    after = await walked(api, http, client, before)
    assert leaks(after, of_client) == []
    assert [(q, before[q], after[q]) for q in differing(before, after)] == []
    assert (await api.anonymous.get(link)).status_code == 404
    # The policy of the clocks themselves ends with the referral, whatever leads to them.
    hidden = "SELECT bool_or(open), count(*) FROM clocks WHERE aggregate_id = $1 AND organization_id = $2"
    [row] = await owner.fetch(hidden, UUID(client.ids["referral"]), UUID(lks["id"]))
    assert tuple(row) == (False, 2)

    # The policy is what holds it: once it is opened, the same walk finds what ended.
    usual = await owner.fetchval(
        "SELECT qual FROM pg_policies WHERE tablename = 'referrals' AND policyname = 'slrt_organization'"
    )
    await owner.execute(f"ALTER POLICY slrt_organization ON referrals USING (organization_id = '{UUID(lks['id'])}')")
    try:
        opened = await walked(api, http, client, before)
        # Even then the note is gone, by a policy of its own: once that is opened too, it is there.
        assert leaks(opened, (WORDS,)) == []
        own = await owner.fetchval(
            "SELECT qual FROM pg_policies WHERE tablename = 'case_notes' AND policyname = 'slrt_organization'"
        )
        await owner.execute("ALTER POLICY slrt_organization ON case_notes USING (true)")
        noticed = await http.get(f"/v1/referrals/{client.ids['referral']}?include=notes")
        await owner.execute(f"ALTER POLICY slrt_organization ON case_notes USING ({own})")
        assert WORDS in noticed.text
    finally:
        await owner.execute(f"ALTER POLICY slrt_organization ON referrals USING ({usual})")
    found = leaks(opened, (client.referral["number"],))
    assert {f"/v1/referrals/{client.ids['referral']}", "/v1/referrals?limit=200"} <= set(found)
    assert len(found) > 10
    assert [note["shared"] for note in await of_case(officer, client)] == [False, False]
    # As that of its files is.
    usual = await owner.fetchval(
        "SELECT qual FROM pg_policies WHERE tablename = 'attachments' AND policyname = 'slrt_organization'"
    )
    assert "shared" in usual
    await owner.execute(f"ALTER POLICY slrt_organization ON attachments USING (organization_id = '{UUID(lks['id'])}')")
    try:
        opened = await walked(api, http, client, before, about="attachments")
    finally:
        await owner.execute(f"ALTER POLICY slrt_organization ON attachments USING ({usual})")
    found = leaks(opened, (file, FILE))
    assert {f"/v1/attachments/{file}", "/v1/attachments?limit=200", f"GraphQL file node {file}"} <= set(found)
    assert opened[f"POST links {file}"][0] == 200


async def noted(http: httpx.AsyncClient, referral: dict[str, Any]) -> httpx.Response:
    headers = {"if-match": version(referral)}
    return await http.post(f"/v1/referrals/{referral['id']}/notes", json={"text": WORDS}, headers=headers)


async def of_case(http: httpx.AsyncClient, client: Client) -> list[dict[str, Any]]:
    """The notes of the case, as those who work on it read them, before and after."""
    notes: list[dict[str, Any]] = (await http.get(f"/v1/cases/{client.ids['case']}?include=notes")).json()["notes"]
    assert [note["text"] for note in notes] == [INNER, WORDS]
    return notes


async def test_another_partner_sees_nothing_of_it_at_any_time(api: Api) -> None:
    lks, other = await organization(api, SERVICE[1]), await organization(api, SERVICE[1])
    client = await drafted(api, lks)
    http = partner(api, other)
    of_client = (client.referral["number"], NAME, STREET, NOTE, FILE, client.ids["file"], *client.secrets)
    before = await walked(api, http, client)
    sent = await made(await act(api.as_(OFFICER), client.referral, "SEND"), 200)
    during = await walked(api, http, client, before)
    assert leaks(during, of_client) == []
    assert (await act(partner(api, lks), sent, "DECLINE", reason="Penuh")).status_code == 204
    for found in (during, await walked(api, http, client, before)):
        assert differing(before, found) == []
