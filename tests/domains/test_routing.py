"""Routing over HTTP, on a real database: policies, standings, who is offered what, and the next one when nobody answers."""

import asyncio
import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from tests.api import Api, household_body
from tests.domains.test_clocks import decree
from tests.domains.test_clocks import policy as clock_policy
from tests.domains.test_referrals import act, code, fault, made, state, this_month, used, version
from tests.sizes import size

from slrt_api.flows import deadlines, rerouting
from slrt_api.referrals import service as referrals
from slrt_api.runtime.usecase import Act

JOB = ("ECONOMIC_EMPOWERMENT", "JOB_PLACEMENT")
REASON = "Baru saja ditelepon, ada pendamping pengganti"
#: regencies that no other test writes to, one for each test that routes
_REGENCIES = iter(("33.01", "33.02", "33.03", "33.04", "33.05", "33.06", "33.08", "33.09", "33.10", "33.11", "33.12",
                   "33.13", "33.14", "33.19", "33.20", "33.21", "33.76"))  # fmt: skip
_CODES = count(1)


class Place:
    """A regency of its own: its officer, its organizations and its cases."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.regency = next(_REGENCIES)
        self.village = f"{self.regency}.01.2001"

    def as_(self, role: str) -> httpx.AsyncClient:
        whole = role in {"administrator", "secretariat_manager", "social_office", "auditor", "program_manager"}
        return self.api.as_(role, area=self.regency if whole else self.village)

    async def case(self, *needs: tuple[str, str]) -> dict[str, Any]:
        """A case in service with these needs."""
        officer, headers = self.as_("puskesos_officer"), {}
        body = household_body(area_code=self.village)
        family = await made(await self.as_("facilitator").post("/v1/households", json=body))
        case = await made(await officer.post("/v1/cases", json={"household_id": family["id"]}))
        steps: list[tuple[str, dict[str, Any]]] = [
            ("transitions", {"action": "MARK_EMERGENCY", "reason": "Tidak ada makanan"}),
            *(
                ("needs", {"person_id": family["members"][0]["person_id"], "domain": domain, "need": need})
                for domain, need in needs
            ),
        ]
        for part, step in steps:
            headers = {"if-match": version(case)}
            case = await made(await officer.post(f"/v1/cases/{case['id']}/{part}", json=step, headers=headers), 200)
        return case

    async def lks(self, *services: str, capacity: int | None = None, **changes: Any) -> dict[str, Any]:
        """An LKS that serves the regency."""
        administrator = self.as_("administrator")
        body = {
            "code": f"LKS-ROUTING-{next(_CODES):03}",
            "name": "LKS Contoh",
            "kind": "LKS",
            "area_code": self.regency,
            "sk_number": "460/1/CONTOH/2024",
            "sk_date": "2024-02-12",
            "services": list(services or (JOB[1],)),
            "areas": [self.regency],
            **changes,
        }
        registered = await made(await administrator.post("/v1/organizations", json=body))
        if capacity is not None:
            line = {"area_code": self.regency, "service": JOB[1], "period": this_month(), "capacity": capacity}
            await made(await administrator.post(f"/v1/organizations/{registered['id']}/capacity", json=line), 200)
        return registered

    async def draft(self, case: Mapping[str, Any] | None = None, position: int = 0, **members: Any) -> httpx.Response:
        found = case or await self.case(JOB)
        body = {"case_id": found["id"], "need_id": found["needs"][position]["id"], **members}
        return await self.as_("puskesos_officer").post("/v1/referrals", json=body)

    async def routed(self, **members: Any) -> dict[str, Any]:
        return await made(await self.draft(routing="AUTO", **members))

    async def send(self, lks: Mapping[str, Any], **members: Any) -> httpx.Response:
        drafted = await made(await self.draft())
        return await act(self.as_("puskesos_officer"), drafted, "SEND", organization_id=lks["id"], **members)

    async def seen(self, referral: Mapping[str, Any], include: str = "") -> dict[str, Any]:
        path = f"/v1/referrals/{referral['id']}" + (f"?include={include}" if include else "")
        return await made(await self.as_("puskesos_officer").get(path), 200)

    async def policy(self, **changes: Any) -> httpx.Response:
        body = {"area_code": self.regency, "valid_from": TODAY.isoformat(), "reason": "Uji coba", **changes}
        return await self.as_("secretariat_manager").post("/v1/routing-policies", json=body)

    async def after(self, referral: Mapping[str, Any], job: Any, **later: int) -> int:
        """Run a job of the worker as if `respond_by` had passed by then."""
        at = datetime.fromisoformat(referral["respond_by"]) + timedelta(**(later or {"microseconds": 1}))
        found: int = await job(dataclasses.replace(state(self.api).platform, clock=lambda: at))
        return found


TODAY = datetime.now(ZoneInfo("Asia/Jakarta")).date()


def partner(place: Place, lks: Mapping[str, Any]) -> httpx.AsyncClient:
    return place.api.as_("partner", area=place.regency, organization=lks["id"])


async def standing(owner: asyncpg.Connection, lks: Mapping[str, Any]) -> dict[str, Any]:
    row = await owner.fetchrow(
        "SELECT offers, open_offers, answers, unanswered, response_minutes, acceptance FROM routing_standings"
        " WHERE organization_id = $1",
        lks["id"],
    )
    return dict(row) if row is not None else {}


async def offers(owner: asyncpg.Connection, referral: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = await owner.fetch("SELECT * FROM routing_offers WHERE need_id = $1 ORDER BY id", referral["need_id"])
    return [dict(row) for row in rows]


def rules(route: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {rule["rule"]: rule for rule in route}


class TestPolicy:
    async def test_only_who_decides_for_the_regency_may(self, api: Api) -> None:
        place = Place(api)
        body = {"area_code": place.regency, "valid_from": TODAY.isoformat(), "reason": "Uji coba"}
        for role, status, expected in (
            ("supervisor", 403, "scope_missing"),
            ("puskesos_coordinator", 403, "scope_missing"),
            ("partner", 403, "scope_missing"),
        ):
            client = place.as_(role) if role != "partner" else api.as_("partner", organization=str(UUID(int=1)))
            assert code(await client.post("/v1/routing-policies", json=body)) == (status, expected)
        other = api.as_("secretariat_manager", area="33.26")
        assert code(await other.post("/v1/routing-policies", json=body)) == (403, "area_out_of_scope")

    @pytest.mark.parametrize(
        ("change", "pointer", "expected"),
        [
            ({"valid_from": (TODAY - timedelta(days=1)).isoformat()}, "/valid_from", "date_in_past"),
            ({"area_code": "33.26.01"}, "/area_code", "area_unknown"),
            ({"minimum_share": 101}, "/minimum_share", "range"),
            ({"unanswered_limit": 0}, "/unanswered_limit", "range"),
            ({"auto_services": ["LEGAL_AID", "MAGIC"]}, "/auto_services/1", "unknown_code"),
            (
                dict.fromkeys(("places_weight", "response_weight", "acceptance_weight", "turn_weight"), 0),
                "/places_weight",
                "range",
            ),
        ],
    )
    async def test_wrong_content_is_refused_at_its_place(
        self, api: Api, change: dict[str, Any], pointer: str, expected: str
    ) -> None:
        body = {"area_code": "33.26", "valid_from": TODAY.isoformat(), "reason": "Uji coba", **change}
        answer = await api.as_("secretariat_manager").post("/v1/routing-policies", json=body)
        assert fault(answer) == (422, pointer, expected)

    async def test_one_a_day_and_what_is_left_out_is_the_preset(self, api: Api) -> None:
        place = Place(api)
        decided = await made(await place.policy(minimum_share=0, decree="460/12/2026"))
        assert (decided["minimum_share"], decided["turn_weight"], decided["auto_services"]) == (0, 3, None)
        assert code(await place.policy(minimum_share=10)) == (409, "already_exists")
        path = f"/v1/routing-policies/{decided['id']}"
        for role in ("social_office", "auditor", "puskesos_officer"):
            assert await made(await place.as_(role).get(path), 200) == decided
        assert (await api.as_("secretariat_manager", area="33.26").get(path)).status_code == 404
        [entry] = (await place.as_("secretariat_manager").get(f"{path}/history")).json()["items"]
        assert entry["type"] == "routing_policy.decided"

    async def test_the_newest_before_the_day_counts_and_an_offer_keeps_its_own(self, api: Api) -> None:
        place = Place(api)
        lks = await place.lks()
        before = await place.routed()
        decided = await made(await place.policy(places_weight=9))
        tomorrow = (TODAY + timedelta(days=1)).isoformat()
        await made(await place.policy(valid_from=tomorrow, places_weight=7))
        now = await place.routed()
        assert (rules(before["route"])["places"]["weight"], rules(now["route"])["places"]["weight"]) == (2, 9)
        told = [(await place.seen(each, "offer"))["offer"] for each in (before, now)]
        assert [offer["policy_id"] for offer in told] == [None, decided["id"]]
        assert [rules(offer["route"])["places"]["weight"] for offer in told] == [2, 9]
        assert {offer["organization_id"] for offer in told} == {lks["id"]}

    async def test_a_service_that_is_not_routed_is_sent_by_name(self, api: Api) -> None:
        place = Place(api)
        lks = await place.lks()
        await made(await place.policy(auto_services=["LEGAL_AID"]))
        drafted = await made(await place.draft())
        officer = place.as_("puskesos_officer")
        listed = (await officer.get(f"/v1/referrals/{drafted['id']}/candidates")).json()
        assert (listed["auto"], listed["items"][0]["takes"]) == (False, True)
        assert code(await act(officer, drafted, "SEND", routing="AUTO")) == (409, "auto_not_allowed")
        told = await made(await act(officer, drafted, "SEND", organization_id=lks["id"]), 200)
        assert (told["routed_by"], rules(told["route"])["first"]["outcome"]) == ("NAMED", True)


class TestFairness:
    async def test_equals_are_offered_in_turn_and_the_place_is_told(self, api: Api) -> None:
        place = Place(api)
        three = [await place.lks() for _ in range(3)]
        sent = [await place.routed() for _ in range(6)]
        assert [each["organization_id"] for each in sent] == [each["id"] for each in three] * 2
        chosen = await made(await place.send(three[2]), 200)
        assert rules(chosen["route"])["first"]["outcome"] is False
        offer = (await place.seen(chosen, "offer"))["offer"]
        assert (offer["place"], offer["routed_by"], offer["outcome"]) == (3, "NAMED", "OPEN")

    async def test_where_too_much_waits_nothing_is_routed_and_naming_takes_a_reason(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        place = Place(api)
        lks = await place.lks()
        await made(await place.policy(open_offers_limit=2))
        first, _ = [await place.routed() for _ in range(2)]
        assert code(await place.draft(routing="AUTO")) == (409, "no_receiver")
        assert fault(await place.send(lks)) == (422, "/reason", "reason_required")
        told = await made(await place.send(lks, reason=REASON), 200)
        assert rules(told["route"])["open_offers"] == {"rule": "open_offers", "outcome": False, "count": 2}
        assert (await standing(owner, lks))["open_offers"] == 3
        # An answer makes room.
        await made(await act(partner(place, lks), first, "ACCEPT"), 200)
        assert (await standing(owner, lks))["open_offers"] == 2

    @pytest.mark.slow
    async def test_parallel_senders_overbook_neither_places_nor_the_inbox(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        """Sixteen at once: never more than there are places, and never more than may wait."""
        place = Place(api)
        await made(await place.policy(open_offers_limit=5))
        counted, waiting = await place.lks(capacity=3), await place.lks()
        rounds = size(1, 20)

        async def persistent(case: dict[str, Any], position: int) -> httpx.Response:
            """Asked again where the machine was too busy: nothing was done then."""
            for _ in range(100):
                answer = await place.draft(case, position, routing="AUTO")
                if answer.status_code != 503:
                    break
                await asyncio.sleep(0.1)
            return answer

        for number in range(1, rounds + 1):
            cases = [await place.case(*[JOB] * 8) for _ in range(2)]
            answers = await asyncio.gather(*(persistent(case, position) for position in range(8) for case in cases))
            sent = [answer.json() for answer in answers if answer.status_code == 201]
            assert {code(each) for each in answers if each.status_code != 201} <= {(409, "no_receiver")}
            by = [each["organization_id"] for each in sent]
            assert (by.count(counted["id"]), by.count(waiting["id"])) == (3, 5)
            assert await used(owner, counted) == 3
            assert [(await standing(owner, lks))["open_offers"] for lks in (counted, waiting)] == [3, 5]
            for each in sent:
                whose = counted if each["organization_id"] == counted["id"] else waiting
                ended = await act(partner(place, whose), each, "DECLINE", reason="Penuh")
                assert ended.status_code == 204
            assert await used(owner, counted) == 0
            assert (await standing(owner, counted))["answers"] == 3 * number


class TestStanding:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            (("ACCEPT",), {"open_offers": 0, "answers": 1, "acceptance": 1_000}),
            (("RECEIVE", "REVIEW", "ACCEPT"), {"open_offers": 0, "answers": 1, "acceptance": 1_000}),
            (("DECLINE",), {"open_offers": 0, "answers": 1, "acceptance": 0}),
            (("REDIRECT",), {"open_offers": 0, "answers": 1, "acceptance": 0}),
            (("WAITLIST", "ACCEPT", "FAIL"), {"open_offers": 0, "answers": 1, "acceptance": 1_000}),
            (("REVIEW",), {"open_offers": 1, "answers": 0, "acceptance": None}),
            (("REVOKE",), {"open_offers": 0, "answers": 0, "acceptance": None}),
        ],
    )
    async def test_every_answer_is_counted_once(
        self, api: Api, owner: asyncpg.Connection, steps: tuple[str, ...], expected: dict[str, Any], here: Place
    ) -> None:
        lks = await here.lks()
        referral = await made(await here.send(lks), 200)
        for step in steps:
            client = here.as_("puskesos_officer") if step == "REVOKE" else partner(here, lks)
            given = {"reason": "Tidak ada tenaga"} if step in {"DECLINE", "REDIRECT", "FAIL", "REVOKE"} else {}
            answer = await act(client, referral, step, **given)
            referral = answer.json() if answer.status_code == 200 else referral
        found = await standing(owner, lks)
        assert {name: found[name] for name in expected} == expected
        assert (found["offers"], found["unanswered"]) == (1, 0)
        [offer] = await offers(owner, referral)
        outcome = {"REVOKE": "WITHDRAWN", "REVIEW": "OPEN"}.get(steps[-1], "ANSWERED")
        assert offer["outcome"] == outcome
        assert (offer["response_minutes"] is not None) == (outcome == "ANSWERED")

    async def test_it_is_shown_to_the_regency_and_to_the_organization_itself(self, api: Api, here: Place) -> None:
        lks, other = await here.lks(), await here.lks()
        await made(await here.send(lks), 200)
        path = f"/v1/organizations/{lks['id']}?include=standings"
        for client in (here.as_("secretariat_manager"), here.as_("auditor"), partner(here, lks)):
            [told] = (await client.get(path)).json()["standings"]
            assert (told["service"], told["offers"], told["open_offers"]) == (JOB[1], 1, 1)
        for client in (partner(here, other), api.as_("secretariat_manager", area="33.26")):
            assert (await client.get(path)).json()["standings"] == []


class TestProgram:
    async def test_who_names_programs_takes_referrals_of_those_only(self, api: Api, here: Place) -> None:
        need = ("SOCIAL_WELFARE", "SOCIAL_REHABILITATION")
        only_pkh = await here.lks(need[1], programs=["PKH"])
        every, atensi = await here.lks(need[1]), await here.lks(need[1], programs=["ATENSI", "PKH"])
        assert (only_pkh["programs"], every["programs"], atensi["programs"]) == (["PKH"], [], ["ATENSI", "PKH"])
        case = await here.case(need, need)
        drafted = await made(await here.draft(case, program_code="ATENSI"))
        officer = here.as_("puskesos_officer")
        listed = (await officer.get(f"/v1/referrals/{drafted['id']}/candidates")).json()["items"]
        told = {item["organization_id"]: rules(item["route"])["serves_program"]["outcome"] for item in listed}
        assert {lks["id"]: told[lks["id"]] for lks in (only_pkh, every, atensi)} == {
            only_pkh["id"]: False,
            every["id"]: True,
            atensi["id"]: True,
        }
        refused = await act(officer, drafted, "SEND", organization_id=only_pkh["id"])
        assert code(refused) == (409, "organization_cannot_take")
        sent = await made(await act(officer, drafted, "SEND", routing="AUTO"), 200)
        assert sent["organization_id"] in {every["id"], atensi["id"]}
        # Without a program nobody asks.
        free = await made(await here.draft(case, 1))
        await made(await act(officer, free, "SEND", organization_id=only_pkh["id"]), 200)

    async def test_an_unknown_program_is_refused_at_its_place(self, api: Api, here: Place) -> None:
        body = {
            "code": "LKS-ROUTING-NONE",
            "name": "LKS",
            "kind": "LKS",
            "area_code": here.regency,
            "sk_number": "1",
            "sk_date": "2024-02-12",
        }
        administrator = here.as_("administrator")
        for programs, pointer, expected in (
            (["PKH", "NONE"], "/programs/1", "unknown_code"),
            (["PKH", "PKH"], "/programs/1", "duplicate"),
        ):
            answer = await administrator.post("/v1/organizations", json={**body, "programs": programs})
            assert fault(answer) == (422, pointer, expected)


class TestSilence:
    """Nobody answers: the place is free again, the silence is kept, and the next candidate is asked."""

    async def test_the_next_candidate_gets_a_referral_of_its_own(self, api: Api, owner: asyncpg.Connection) -> None:
        place = Place(api)
        silent, other = await place.lks(capacity=1), await place.lks(capacity=1)
        first = await place.routed()
        assert first["organization_id"] == silent["id"]
        await place.after(first, rerouting.expire_referrals)
        ended = await place.seen(first)
        assert (ended["status"], ended["successor_id"], ended["package"]["name"]) == ("EXPIRED", None, None)
        assert await used(owner, silent) == 0
        assert (await standing(owner, silent))["unanswered"] == 1
        # Two workers at once, and one that comes late.
        await asyncio.gather(*(place.after(first, rerouting.reroute_referrals, minutes=1) for _ in range(2)))
        await place.after(first, rerouting.reroute_referrals, minutes=2)
        made_ = [each for each in await offers(owner, first) if each["attempt"] == 2]
        assert [(each["organization_id"], each["routed_by"], each["outcome"]) for each in made_] == [
            (UUID(other["id"]), "AUTO", "OPEN")
        ]
        ended = await place.seen(first)
        second = await place.seen({"id": ended["successor_id"]}, "offer,clocks")
        assert (second["status"], second["attempt"], second["predecessor_id"]) == ("SENT", 2, first["id"])
        assert (second["organization_id"], second["package"]["name"]) == (other["id"], "Siti Aminah")
        assert rules(second["offer"]["route"])["first"]["outcome"] is True
        assert [(clock["name"], clock["due_at"]) for clock in second["clocks"]] == [("RESPOND", second["respond_by"])]
        assert (await used(owner, silent), await used(owner, other)) == (0, 1)
        # Its receiver learns nothing of who let it lie.
        client = partner(place, other)
        inbox = (await client.get(f"/v1/referrals/{second['id']}")).json()
        assert {"predecessor_id", "successor_id", "attempt", "routed_by", "no_receiver_at"}.isdisjoint(inbox)
        types = [entry["type"] for entry in (await client.get(f"/v1/referrals/{second['id']}/history")).json()["items"]]
        assert types == ["referral.sent"]
        types = [
            entry["type"]
            for entry in (await place.as_("puskesos_officer").get(f"/v1/referrals/{first['id']}/history")).json()[
                "items"
            ]
        ]
        assert types[-2:] == ["referral.expired", "referral.rerouted"]

    async def test_when_nobody_is_left_the_sender_is_told_once(self, api: Api, owner: asyncpg.Connection) -> None:
        place = Place(api)
        await place.lks()
        only = await place.routed()
        await place.after(only, rerouting.expire_referrals)
        for minutes in (1, 2):
            await place.after(only, rerouting.reroute_referrals, minutes=minutes)
        officer = place.as_("puskesos_officer")
        listed = (await officer.get("/v1/referrals?no_receiver=true")).json()["items"]
        assert [(each["id"], each["status"]) for each in listed] == [(only["id"], "EXPIRED")]
        types = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1 ORDER BY sequence", only["id"])
        assert [row["type"] for row in types][-2:] == ["referral.expired", "referral.no_receiver"]
        case = (await officer.get(f"/v1/cases/{only['case_id']}")).json()
        assert [(need["status"], need["referral_id"]) for need in case["needs"]] == [("OPEN", None)]

    @pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=400)])
    async def test_a_clock_that_jumps_back_by_400_days_hides_nobody_who_waits(
        self, api: Api, owner: asyncpg.Connection, ahead: timedelta
    ) -> None:
        """Ended by a clock that was right or ran ahead, sought for by one that is 400 days behind, and by one that is right."""
        place = Place(api)
        _, other = await place.lks(), await place.lks()
        first = await place.routed()
        due = datetime.fromisoformat(first["respond_by"])
        # This one alone: a clock that runs ahead would end those of other tests.
        platform = dataclasses.replace(state(api).platform, clock=lambda: due + timedelta(seconds=1) + ahead)
        await Act(platform, rerouting.WORKER, "0" * 32)(referrals.expire, on=UUID(first["id"]))
        assert (await place.seen(first))["status"] == "EXPIRED"
        await place.after(first, rerouting.reroute_referrals, days=-400)
        assert (await place.seen(first))["successor_id"] is None
        await place.after(first, rerouting.reroute_referrals, minutes=1)
        successor = await place.seen({"id": (await place.seen(first))["successor_id"]})
        assert (successor["status"], successor["organization_id"]) == ("SENT", other["id"])
        # It has as long as anybody: counted by the clock that is right.
        assert datetime.fromisoformat(successor["respond_by"]) > due

    async def test_attempts_are_bounded(self, api: Api, owner: asyncpg.Connection) -> None:
        place = Place(api)
        for _ in range(4):
            await place.lks()
        await made(await place.policy(attempts_limit=2))
        first = await place.routed()
        await place.after(first, rerouting.expire_referrals)
        await place.after(first, rerouting.reroute_referrals, minutes=1)
        second = await place.seen({"id": (await place.seen(first))["successor_id"]})
        await place.after(second, rerouting.expire_referrals)
        await place.after(second, rerouting.reroute_referrals, minutes=1)
        second = await place.seen(second)
        assert (second["status"], second["successor_id"], second["no_receiver_at"] is None) == ("EXPIRED", None, False)
        assert [each["outcome"] for each in await offers(owner, first)] == ["SILENT", "SILENT"]

    async def test_who_was_named_is_not_followed_by_another(self, api: Api, owner: asyncpg.Connection) -> None:
        place = Place(api)
        named, _ = await place.lks(), await place.lks()
        referral = await made(await place.send(named), 200)
        await place.after(referral, rerouting.expire_referrals)
        await place.after(referral, rerouting.reroute_referrals, minutes=1)
        ended = await place.seen(referral)
        assert (ended["status"], ended["successor_id"], ended["no_receiver_at"]) == ("EXPIRED", None, None)
        assert len(await offers(owner, referral)) == 1
        # Silent as it was, it is routed to no more; who names it says why; and with its answer it is back.
        drafted = await made(await place.draft())
        officer = place.as_("puskesos_officer")

        async def judged() -> dict[str, Any]:
            listed = (await officer.get(f"/v1/referrals/{drafted['id']}/candidates")).json()["items"]
            return next(rules(item["route"])["answers"] for item in listed if item["organization_id"] == named["id"])

        assert (await judged()).items() >= {"outcome": False, "count": 1}.items()
        assert fault(await place.send(named)) == (422, "/reason", "reason_required")
        again = await made(await place.send(named, reason=REASON), 200)
        await made(await act(partner(place, named), again, "ACCEPT"), 200)
        assert await judged() == {"rule": "answers", "outcome": True, "count": 0}

    async def test_a_need_that_was_sent_by_hand_meanwhile_is_not_sent_twice(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        place = Place(api)
        _, other = await place.lks(), await place.lks()
        first = await place.routed()
        await place.after(first, rerouting.expire_referrals)
        body = {"case_id": first["case_id"], "need_id": first["need_id"]}
        officer = place.as_("puskesos_officer")
        drafted = await made(await officer.post("/v1/referrals", json=body))
        await made(await act(officer, drafted, "SEND", organization_id=other["id"]), 200)
        await place.after(first, rerouting.reroute_referrals, minutes=1)
        assert (await place.seen(first))["successor_id"] is None
        assert [each["attempt"] for each in await offers(owner, first)] == [1, 1]


class TestDecree:
    async def test_deadlines_that_a_decree_moves_take_the_end_of_the_package_with_them(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        place = Place(api)
        head, lks = place.as_("secretariat_manager"), await place.lks()
        promise = {
            "name": "REALIZE",
            "applies_to": "referral",
            "start_events": ["APPROVED"],
            "meets_events": ["REALIZED"],
        }
        asked = clock_policy(place.regency, **promise, remark="Layanan", amount=10)
        await made(await head.post("/v1/sla-policies", json=asked))
        waiting, emptied, long = [await made(await place.send(lks), 200) for _ in range(3)]
        approved = await made(await act(partner(place, lks), await made(await place.send(lks), 200), "ACCEPT"), 200)
        await owner.execute("UPDATE referrals SET package_expires_at = NULL WHERE id = $1", UUID(emptied["id"]))
        # The end of this one hangs on something later than its deadline.
        late = datetime.fromisoformat(long["package_expires_at"]) + timedelta(days=60)
        await owner.execute("UPDATE referrals SET package_expires_at = $2 WHERE id = $1", UUID(long["id"]), late)

        async def decreed(kind: str) -> None:
            days = {datetime.fromisoformat(each[name]).date().isoformat() for each, name in dates}
            body = decree(place.regency, *((day, day, kind) for day in sorted(days)))
            await made(await head.post("/v1/calendars/decrees", json=body))
            assert await deadlines.recompute_clocks(state(api).platform) >= 4

        dates = ((waiting, "respond_by"), (approved, "realize_by"))
        await decreed("REGIONAL")
        for before, name in dates:
            after = await place.seen(before)
            moved = datetime.fromisoformat(after[name]) - datetime.fromisoformat(before[name])
            assert moved >= timedelta(days=1)
            ends = [datetime.fromisoformat(each["package_expires_at"]) for each in (before, after)]
            assert ends[1] - ends[0] == moved
            assert ends[1] - datetime.fromisoformat(after[name]) == timedelta(days=14)
        after = await place.seen(emptied)
        assert (after["package_expires_at"], after["respond_by"] > emptied["respond_by"]) == (None, True)
        assert datetime.fromisoformat((await place.seen(long))["package_expires_at"]) == late
        # The days are given back: the deadlines are what they were, and so are the ends.
        await decreed("WORKING")
        for before, name in dates:
            after = await place.seen(before)
            assert (after[name], after["package_expires_at"]) == (before[name], before["package_expires_at"])
        assert datetime.fromisoformat((await place.seen(long))["package_expires_at"]) == late


@pytest.fixture(scope="module")
def here(api: Api) -> Place:
    """A regency that several tests share: each with organizations of its own, named."""
    return Place(api)
