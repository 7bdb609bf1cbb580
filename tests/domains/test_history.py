"""Who did what, when, in which role and why; and that an altered trail is found."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from tests.api import OTHER_VILLAGE, Api, household_body
from tests.conftest import MigratedDatabase
from tests.domains.test_complaints import act, complaint_body, filed

from slrt_api.audit import verify
from slrt_api.audit.verify import Flaw
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.db import Database
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tables import Aggregate, NationalAggregate
from slrt_api.settings import Settings

#: a regency in which no other test acts
REGENCY, PLACE = 3325, "33.25.01.2001"


async def history(api: Api, role: str, complaint: dict[str, Any], **claims: Any) -> list[dict[str, Any]]:
    answer = await api.as_(role, **claims).get(f"/v1/complaints/{complaint['id']}/history")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


class TestHistory:
    async def test_who_does_not_see_the_resource_sees_no_history(self, api: Api) -> None:
        complaint = await filed(api)
        for stranger in (
            api.as_("facilitator", area=OTHER_VILLAGE),
            api.as_("auditor", area="33.27"),
            api.as_("citizen", subject="nobody"),
        ):
            assert (await stranger.get(f"/v1/complaints/{complaint['id']}/history")).status_code == 404
        unknown = new_id(Kind.COMPLAINT, 3326)
        assert (await api.as_("auditor").get(f"/v1/complaints/{unknown}/history")).status_code == 404

    async def test_it_tells_who_what_when_in_which_role_and_why(self, api: Api, owner: asyncpg.Connection) -> None:
        officer = api.as_("puskesos_officer", subject="officer-7")
        complaint = await act(officer, await filed(api), "ASK_COMPLAINANT", reason="Which program?")
        lapsed = await act(officer, complaint, "LAPSE", reason="No answer in a month.")
        first, second, third = await history(api, "auditor", complaint)
        assert (third["texts"], third["at"]) == ({"reason": "No answer in a month."}, lapsed["updated_at"])
        assert (first["sequence"], first["type"], first["role"]) == (1, "complaint.filed", "facilitator")
        assert first["changes"]["status"] == {"before": None, "after": "RECEIVED"}
        assert (second["sequence"], second["type"], second["role"]) == (
            2,
            "complaint.complainant_asked",
            "puskesos_officer",
        )
        assert second["actor"].endswith("#officer-7")
        assert second["at"] == complaint["updated_at"]
        assert second["fields"] == ["status"]
        assert second["changes"] == {"status": {"before": "RECEIVED", "after": "AWAITING_COMPLAINANT"}}
        # What was said to the complainant is encrypted with the message, and stands nowhere else.
        assert second["texts"] is None
        [message] = second["parts"]["messages"]
        assert (message["author"], message["type"], message["sequence"]) == ("OFFICER", "QUESTION", 2)
        assert {"text", "reporter_id", "receipt"}.isdisjoint(message)
        kept = await owner.fetchval(
            "SELECT hash FROM events WHERE aggregate_id = $1 AND sequence = 2", UUID(complaint["id"])
        )
        assert second["hash"] == kept.hex()

    async def test_the_complainant_sees_the_steps_of_the_own_and_no_values(self, api: Api) -> None:
        citizen = api.as_("citizen", subject="warga-7")
        complaint = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        await act(api.as_("puskesos_officer"), complaint, "TRIAGE")
        seen = await history(api, "citizen", complaint, subject="warga-7")
        assert [entry["type"] for entry in seen] == ["complaint.filed", "complaint.triaged"]
        assert all(entry["changes"] is entry["texts"] is entry["parts"] is None for entry in seen)

    async def test_handlers_do_not_learn_which_citizen_filed(self, api: Api) -> None:
        citizen = api.as_("citizen", subject="warga-8")
        complaint = (await citizen.post("/v1/complaints", json=complaint_body())).json()
        answer = await api.as_("secretariat_manager").get(f"/v1/complaints/{complaint['id']}/history")
        (entry,) = answer.json()["items"]
        assert (entry["actor"], entry["role"]) == (None, "citizen")
        assert "warga-8" not in answer.text
        assert {"reporter_id", "received_by"}.isdisjoint(entry["changes"])
        (entry,) = await history(api, "auditor", complaint)
        assert entry["actor"].endswith("#warga-8")
        assert "reporter_id" in entry["changes"]

    async def test_names_and_numbers_of_people_stay_out_of_it(self, api: Api) -> None:
        complaint = await filed(api)
        answer = await api.as_("auditor").get(f"/v1/complaints/{complaint['id']}/history")
        assert "Siti" not in answer.text
        assert "628120000000" not in answer.text

    async def test_it_pages_in_order(self, api: Api) -> None:
        officer = api.as_("puskesos_officer")
        complaint = await filed(api)
        for action in ("TRIAGE", "START"):
            complaint = await act(officer, complaint, action)
        seen: list[int] = []
        url = f"/v1/complaints/{complaint['id']}/history?limit=2"
        while url:
            page = await officer.get(url)
            seen += [entry["sequence"] for entry in page.json()["items"]]
            url = page.links["next"]["url"] if "next" in page.links else ""
        assert seen == [1, 2, 3]
        newest = await officer.get(f"/v1/complaints/{complaint['id']}/history?sort=-sequence&limit=1")
        assert newest.json()["items"][0]["sequence"] == 3

    async def test_households_and_cases_have_one(self, api: Api) -> None:
        household = (await api.as_("facilitator").post("/v1/households", json=household_body())).json()
        case = (await api.as_("puskesos_officer").post("/v1/cases", json={"household_id": household["id"]})).json()
        for plural, resource, type_ in (
            ("households", household, "household.registered"),
            ("cases", case, "case.opened"),
        ):
            answer = await api.as_("auditor").get(f"/v1/{plural}/{resource['id']}/history")
            assert answer.json()["items"][0]["type"] == type_


@pytest_asyncio.fixture
async def trail(api: Api, owner: asyncpg.Connection) -> AsyncIterator[UUID]:
    """A complaint of five changes, alone in its regency; put away afterwards."""
    officer = api.as_("puskesos_officer", area=PLACE)
    complaint = await officer.post("/v1/complaints", json=complaint_body(area_code=PLACE))
    assert complaint.status_code == 201, complaint.text
    row = complaint.json()
    for action, members in (
        ("TRIAGE", {}),
        ("START", {}),
        ("RETURN", {"reason": "Not ours."}),
        ("RESOLVE", {"resolution": "Answered.", "service_realized": False}),
    ):
        row = await act(officer, row, action, **members)
    yield UUID(row["id"])
    for table in ("clocks", "receipt_secrets", "complaints", "events", "revisions"):
        await owner.execute(f"DELETE FROM {table} WHERE regency = {REGENCY}")


async def flaws(owner: asyncpg.Connection) -> set[tuple[int, Flaw]]:
    report = await verify.verify(owner, REGENCY)
    return {(finding.sequence, finding.flaw) for finding in report.findings}


class TestVerify:
    async def test_an_untouched_trail_is_intact(self, owner: asyncpg.Connection, trail: UUID) -> None:
        report = await verify.verify(owner, REGENCY)
        assert report.intact
        assert (report.events, report.resources) == (5, 1)
        assert REGENCY in await verify.tenants(owner)

    @pytest.mark.parametrize(
        ("tampering", "expected"),
        [
            ("UPDATE events SET actor = 'x' WHERE sequence = 2", {(2, Flaw.COLUMNS)}),
            ("UPDATE events SET at = at + interval '1 microsecond' WHERE sequence = 2", {(2, Flaw.COLUMNS)}),
            ("UPDATE events SET body = body || '\\x20' WHERE sequence = 3", {(3, Flaw.HASH)}),
            (
                "UPDATE events SET body = '\\x7b7d', hash = sha256('\\x007b7d') WHERE sequence = 5",
                {(5, Flaw.UNREADABLE)},
            ),
            (
                (
                    "UPDATE events SET body = body || '\\x20', hash = sha256('\\x00'::bytea || body || '\\x20'::bytea)"
                    " WHERE sequence = 3"
                ),
                {(4, Flaw.PREVIOUS)},
            ),
            ("DELETE FROM events WHERE sequence = 3", {(4, Flaw.SEQUENCE), (4, Flaw.PREVIOUS)}),
            ("DELETE FROM events WHERE sequence = 1", {(2, Flaw.SEQUENCE), (2, Flaw.PREVIOUS)}),
            ("DELETE FROM events WHERE sequence = 5", {(4, Flaw.VERSION)}),
            ("DELETE FROM events", {(0, Flaw.VERSION)}),
            (
                (
                    "UPDATE events SET sequence = CASE sequence WHEN 2 THEN -3 ELSE -2 END WHERE sequence IN (2, 3);"
                    "UPDATE events SET sequence = -sequence WHERE sequence < 0"
                ),
                {
                    *((2, flaw) for flaw in (Flaw.COLUMNS, Flaw.PREVIOUS)),
                    *((3, flaw) for flaw in (Flaw.COLUMNS, Flaw.PREVIOUS, Flaw.COMMITMENT)),
                    (2, Flaw.COMMITMENT),
                    (4, Flaw.PREVIOUS),
                },
            ),
            (
                "UPDATE revisions SET values = jsonb_set(values, '{texts,reason}', '\"Another.\"') WHERE sequence = 4",
                {(4, Flaw.COMMITMENT)},
            ),
            ("UPDATE revisions SET salt = sha256(salt) WHERE sequence = 1", {(1, Flaw.COMMITMENT)}),
            ("DELETE FROM revisions WHERE sequence = 4", set()),
            ("UPDATE complaints SET version = 9", {(5, Flaw.VERSION)}),
        ],
    )
    async def test_what_was_altered_is_found(
        self, owner: asyncpg.Connection, trail: UUID, tampering: str, expected: set[tuple[int, Flaw]]
    ) -> None:
        await owner.execute("ALTER TABLE events DROP CONSTRAINT events_sequence_positive")
        try:
            async with owner.transaction():
                for statement in tampering.split(";"):
                    where = " AND " if "WHERE" in statement else " WHERE "
                    assert await owner.execute(f"{statement}{where}regency = {REGENCY}") not in {"UPDATE 0", "DELETE 0"}
        finally:
            await owner.execute("ALTER TABLE events ADD CONSTRAINT events_sequence_positive CHECK (sequence > 0)")
        assert await flaws(owner) == expected

    async def test_a_resource_that_vanished_is_found(self, owner: asyncpg.Connection, trail: UUID) -> None:
        await owner.execute(f"DELETE FROM receipt_secrets WHERE regency = {REGENCY}")
        await owner.execute(f"DELETE FROM complaints WHERE regency = {REGENCY}")
        assert await flaws(owner) == {(0, Flaw.RESOURCE_MISSING)}

    async def test_an_auditor_verifies_the_own_area(self, database: MigratedDatabase, trail: UUID) -> None:
        pools = await Database.connect(database.api_url, Settings())
        try:
            for area, expected in ((33_25_00_0000, 5), (33_27_00_0000, 0)):
                rows = RowScope(ScopeKind.AUDITOR, lo=area, hi=area + 999_999)
                async with pools.transaction(rows, write=False) as connection:
                    report = await verify.verify(connection, REGENCY)
                assert report.intact
                assert report.events == expected
        finally:
            await pools.close()


def test_every_aggregate_is_verified() -> None:
    """Else its trail would be reported as one without a resource, or, worse, never be looked at."""
    assert set(verify.AGGREGATES) == set(Aggregate.__subclasses__())
    assert set(verify.NATIONAL_AGGREGATES) == set(NationalAggregate.__subclasses__())
