"""Steps of a referral besides yes and no: reviews that ask, waitlists, hints where else to go, packages whose time is over."""

import dataclasses
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from tests.api import Api
from tests.domains.test_referrals import (
    JOB,
    OFFICER,
    act,
    code,
    fault,
    made,
    organization,
    partner,
    sent,
    state,
    used,
    version,
)

from slrt_api.flows import rerouting

QUESTION = "Mohon surat keterangan dari sekolah"
ANSWER = "Terdaftar di kelas 7, tidak masuk sejak Agustus"


async def seen(api: Api, referral: dict[str, Any]) -> dict[str, Any]:
    return await made(await api.as_(OFFICER).get(f"/v1/referrals/{referral['id']}"), 200)


async def at(api: Api, instant: datetime, job: Any) -> int:
    """Run a job of the worker at that instant."""
    found: int = await job(dataclasses.replace(state(api).platform, clock=lambda: instant))
    return found


async def answered(api: Api, referral: dict[str, Any], text: str = ANSWER) -> Any:
    return await api.as_(OFFICER).post(
        f"/v1/referrals/{referral['id']}/answers", json={"answer": text}, headers={"if-match": version(referral)}
    )


class TestReview:
    async def test_only_what_was_asked_is_answered(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        client = partner(api, lks)
        assert code(await answered(api, referral)) == (409, "nothing_asked")
        refused = await act(client, referral, "RECEIVE", asked=QUESTION)
        assert fault(refused) == (422, "/asked", "not_for_this_action")
        looking = await made(await act(client, referral, "REVIEW"), 200)
        assert (looking["status"], looking["review_asked"]) == ("UNDER_REVIEW", None)
        assert code(await answered(api, looking)) == (409, "nothing_asked")
        asking = await made(await act(client, looking, "REVIEW", asked=QUESTION), 200)
        assert asking["review_asked"] == QUESTION
        facilitator = api.as_("facilitator")
        path, headers = f"/v1/referrals/{referral['id']}/answers", {"if-match": version(asking)}
        assert code(await facilitator.post(path, json={"answer": ANSWER}, headers=headers)) == (403, "role_not_allowed")
        assert code(await client.post(path, json={"answer": ANSWER}, headers=headers)) == (403, "scope_missing")

    async def test_the_answer_is_part_of_the_package_and_goes_with_it(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        lks = await organization(api, JOB[1])
        client = partner(api, lks)
        asking = await made(await act(client, await sent(api, lks, JOB), "REVIEW", asked=QUESTION), 200)
        told = await made(await answered(api, asking), 200)
        assert told["review_answered_at"] is not None
        inbox = (await client.get(f"/v1/referrals/{told['id']}")).json()
        assert inbox["package"]["review_answer"] == ANSWER
        listed = (await client.get("/v1/referrals")).json()["items"][0]
        assert "review_answer" not in listed["package"]
        stored = await owner.fetchrow("SELECT * FROM referral_packages WHERE id = $1", UUID(told["id"]))
        assert stored is not None
        assert ANSWER.encode() not in stored["review_answer"]
        texts = await owner.fetch("SELECT values::text AS text FROM revisions WHERE aggregate_id = $1", told["id"])
        assert not any(ANSWER in row["text"] for row in texts)
        # A further question waits for its own answer.
        again = await made(await act(client, told, "REVIEW", asked="Nama sekolahnya?"), 200)
        assert again["review_answered_at"] is None
        assert (await act(client, again, "DECLINE", reason="Sudah terlambat")).status_code == 204
        stored = await owner.fetchrow("SELECT * FROM referral_packages WHERE id = $1", UUID(told["id"]))
        assert stored is not None
        assert stored["review_answer"] is None


class TestWaitlist:
    async def test_a_month_that_is_over_is_refused(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        refused = await act(partner(api, lks), referral, "WAITLIST", waitlist_period="2026-01")
        assert fault(refused) == (422, "/waitlist_period", "date_in_past")
        refused = await act(partner(api, lks), referral, "ACCEPT", waitlist_position=1)
        assert fault(refused) == (422, "/waitlist_position", "not_for_this_action")

    async def test_the_line_is_in_order_and_holds_no_place_of_this_month(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        lks = await organization(api, JOB[1], capacity=1)
        client = partner(api, lks)
        first = await made(await act(client, await sent(api, lks, JOB), "WAITLIST"), 200)
        assert await used(owner, lks) == 0
        second = await made(await act(client, await sent(api, lks, JOB), "WAITLIST", waitlist_position=7), 200)
        third = await made(await act(client, await sent(api, lks, JOB), "WAITLIST"), 200)
        assert [each["waitlist_position"] for each in (first, second, third)] == [1, 7, 3]
        today = datetime.now(ZoneInfo("Asia/Jakarta")).date()
        following = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
        assert first["waitlist_period"] == following.strftime("%Y-%m")
        over = (following + timedelta(days=31)).replace(day=1)
        midnight = datetime(over.year, over.month, over.day, tzinfo=ZoneInfo("Asia/Jakarta"))
        assert datetime.fromisoformat(first["respond_by"]) == midnight
        # Its turn came: it takes the one place, and the next has to wait on.
        accepted = await made(await act(client, first, "ACCEPT"), 200)
        assert (accepted["status"], await used(owner, lks)) == ("APPROVED", 1)
        assert code(await act(client, third, "ACCEPT")) == (409, "no_capacity")
        moved = await made(await act(client, third, "WAITLIST", waitlist_position=2), 200)
        assert (moved["status"], moved["waitlist_position"]) == ("WAITLISTED", 2)

    async def test_whose_month_passes_is_no_silence(self, api: Api, owner: asyncpg.Connection) -> None:
        lks = await organization(api, JOB[1])
        waiting = await made(await act(partner(api, lks), await sent(api, lks, JOB), "WAITLIST"), 200)
        await at(api, datetime.fromisoformat(waiting["respond_by"]), rerouting.expire_referrals)
        assert (await seen(api, waiting))["status"] == "WAITLISTED"
        after = datetime.fromisoformat(waiting["respond_by"]) + timedelta(microseconds=1)
        await at(api, after, rerouting.expire_referrals)
        assert (await seen(api, waiting))["status"] == "EXPIRED"
        found = await owner.fetchrow("SELECT * FROM routing_standings WHERE organization_id = $1", UUID(lks["id"]))
        assert found is not None
        assert (found["answers"], found["unanswered"], found["open_offers"]) == (1, 0, 0)


class TestRedirect:
    async def test_it_may_say_who_should_serve_it_instead(self, api: Api) -> None:
        lks, other = await organization(api, JOB[1]), await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        client = partner(api, lks)
        for wrong in (lks["id"], referral["id"]):
            refused = await act(client, referral, "REDIRECT", reason="Bukan bidang kami", organization_id=wrong)
            assert fault(refused) == (422, "/organization_id", "reference_not_found")
        ended = await act(client, referral, "REDIRECT", reason="Bukan bidang kami", organization_id=other["id"])
        assert ended.status_code == 204
        told = await seen(api, referral)
        assert (told["status"], told["redirected_to"]) == ("REDIRECTED", other["id"])


class TestPackage:
    async def test_it_goes_when_its_time_is_over_though_the_referral_runs(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)
        until, grace = datetime.fromisoformat(referral["package_expires_at"]), timedelta(days=14)
        assert until == datetime.fromisoformat(referral["respond_by"]) + grace
        approved = await made(await act(partner(api, lks), referral, "ACCEPT"), 200)
        until = datetime.fromisoformat(approved["package_expires_at"])
        assert until == datetime.fromisoformat(approved["realize_by"]) + grace
        await at(api, until - timedelta(microseconds=1), rerouting.empty_outlived_packages)
        assert (await seen(api, approved))["package"]["name"] == "Siti Aminah"
        for _ in range(2):
            await at(api, until, rerouting.empty_outlived_packages)
        told = (await partner(api, lks).get(f"/v1/referrals/{referral['id']}")).json()
        assert (told["status"], told["package"]["name"], told["package_expires_at"]) == ("APPROVED", None, None)
        types = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", referral["id"])
        assert [row["type"] for row in types][-2:] == ["referral.accepted", "referral.package_emptied"]
        assert (await act(partner(api, lks), told, "REALIZE", evidence="Bekerja sejak Senin")).status_code == 204


class TestInbox:
    async def test_it_is_filtered_and_ordered_by_when_an_answer_is_due(self, api: Api) -> None:
        lks = await organization(api, JOB[1])
        client = partner(api, lks)
        first, second = await sent(api, lks, JOB), await sent(api, lks, JOB)
        waiting = await made(await act(client, first, "WAITLIST"), 200)

        async def found(query: str) -> list[str]:
            answer = await client.get(f"/v1/referrals?{query}")
            assert answer.status_code == 200, answer.text
            return [each["id"] for each in answer.json()["items"]]

        assert await found("sort=respond_by") == [second["id"], first["id"]]
        assert await found("sort=-respond_by&limit=1") == [first["id"]]
        page = (await client.get("/v1/referrals?sort=respond_by&limit=1")).json()
        assert await found(f"sort=respond_by&limit=1&cursor={page['next_cursor']}") == [first["id"]]
        assert await found(f"respond_from={waiting['respond_by']}") == [first["id"]]
        assert await found(f"respond_to={waiting['respond_by']}") == [second["id"]]
        assert await found(f"status=SENT,RECEIVED&service={JOB[1]}") == [second["id"]]
        counted = (await client.get("/v1/referrals?status=WAITLISTED&include_total=true&limit=1")).json()
        assert (counted["total"], counted["total_is_exact"]) == (1, True)
        refused = await client.get("/v1/referrals?no_receiver=true")
        assert refused.status_code in {400, 403}
