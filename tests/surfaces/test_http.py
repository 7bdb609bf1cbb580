"""What every answer carries: language, authentication, limits, caching, versions, links, origins."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from tests.api import Api, household_body, running_api
from tests.conftest import MigratedDatabase
from tests.domains.test_public import public_body
from tests.problems import problem

from slrt_api.cli import contracts

HOUSEHOLDS = "/v1/households"
VARY = {"Authorization", "Acting-Role", "Accept-Language"}


class TestLanguage:
    @pytest.mark.parametrize(
        ("accepted", "language", "title"),
        [
            (None, "id", "Tidak ditemukan"),
            ("id", "id", "Tidak ditemukan"),
            ("en", "en", "Not found"),
            ("en-GB, id;q=0.5", "en", "Not found"),
            ("en;q=0.2, id;q=0.5", "id", "Tidak ditemukan"),
            ("fr, de", "id", "Tidak ditemukan"),
        ],
    )
    async def test_problems_speak_the_language_asked_for(
        self, api: Api, accepted: str | None, language: str, title: str
    ) -> None:
        headers = {"accept-language": accepted} if accepted else {}
        answer = await api.as_("facilitator").get(f"{HOUSEHOLDS}/{uuid4()}", headers=headers)
        assert (answer.headers["content-language"], answer.json()["title"]) == (language, title)


class TestAuthentication:
    async def test_a_401_names_the_metadata_of_the_resource(self, api: Api) -> None:
        for path, operations in contracts.document()["paths"].items():
            for method, operation in operations.items():
                if {} in operation.get("security", [{}]) or not operation["security"]:
                    continue
                answer = await api.anonymous.request(method, re.sub(r"\{[a-z_]+\}", str(uuid4()), path))
                problem(answer, 401, "token_missing")
                metadata = 'resource_metadata="http://api.test/.well-known/oauth-protected-resource"'
                assert answer.headers["www-authenticate"].startswith("Bearer ")
                assert metadata in answer.headers["www-authenticate"]

    async def test_the_metadata_is_there(self, api: Api) -> None:
        answer = await api.anonymous.get("/.well-known/oauth-protected-resource")
        assert answer.status_code == 200
        assert answer.json()["resource"] == "http://api.test"


class TestEveryAnswer:
    async def test_limits_and_vary_stand_on_all_and_personal_data_is_never_stored(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        created = await facilitator.post(HOUSEHOLDS, json=household_body())
        location = created.headers["location"]
        answers = [
            created,
            await facilitator.get(location),
            await facilitator.get(f"{location}?include=members"),
            await facilitator.get(HOUSEHOLDS),
            await facilitator.get(f"{HOUSEHOLDS}/{uuid4()}"),
            await facilitator.post(HOUSEHOLDS, json={}),
            await facilitator.delete(location),
            await api.anonymous.get(location),
        ]
        assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 404, 422, 405, 401]
        for answer in answers:
            assert re.fullmatch(r'"(default|public)";q=[0-9]+;w=60', answer.headers["ratelimit-policy"])
            assert re.fullmatch(r'"(default|public)";r=[0-9]+;t=[0-9]+', answer.headers["ratelimit"])
            assert set(", ".join(answer.headers.get_list("vary")).split(", ")) >= VARY
            assert "no-store" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"

    async def test_a_version_stands_on_writes_and_plain_items_only(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        created = await facilitator.post(HOUSEHOLDS, json=household_body())
        location = created.headers["location"]
        plain = await facilitator.get(location)
        included = await facilitator.get(f"{location}?include=members")
        listed = await facilitator.get(HOUSEHOLDS)
        assert (created.headers["etag"], plain.headers["etag"]) == ('"1"', '"1"')
        assert ("etag" in included.headers, "etag" in listed.headers) == (False, False)
        again = await facilitator.get(location, headers={"if-none-match": '"1"'})
        assert again.status_code == 200, "personal data is never answered by 304"

    async def test_a_page_links_to_the_next_with_all_that_was_asked(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        for _ in range(3):
            await facilitator.post(HOUSEHOLDS, json=household_body())
        first = await facilitator.get(f"{HOUSEHOLDS}?limit=1&sort=-updated_at&area_code=33.26")
        url = first.links["next"]["url"]
        assert url == (f"{HOUSEHOLDS}?limit=1&sort=-updated_at&area_code=33.26&cursor={first.json()['next_cursor']}")
        second = await facilitator.get(url)
        assert second.status_code == 200
        assert second.json()["items"][0]["id"] != first.json()["items"][0]["id"]
        whole = await facilitator.get(f"{HOUSEHOLDS}?limit=200")
        assert ("next" in whole.links) == (whole.json()["next_cursor"] is not None)


class TestReferenceData:
    @pytest.mark.parametrize("url", ["/v1/areas/33.26", "/v1/programs?limit=2", "/v1/code-lists", "/openapi.json"])
    async def test_it_is_public_and_answered_by_304(self, api: Api, url: str) -> None:
        client = api.as_("facilitator")
        first = await client.get(url)
        assert first.status_code == 200
        assert first.headers.get_list("cache-control") == ["public, max-age=300"]
        etag = first.headers["etag"]
        for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = await client.get(url, headers={"if-none-match": sent})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        other = await client.get(url, headers={"if-none-match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


@pytest_asyncio.fixture(scope="module")
async def strict(database: MigratedDatabase, api: Api) -> AsyncIterator[Api]:
    """An application that allows few requests, and one origin. With the keys of the others, who read what it writes."""
    async with running_api(
        database.api_url,
        api.app.state.service.settings.data_dir,
        rate_limit_per_minute=3,
        public_rate_limit_per_minute=2,
        cors_origins=("https://app.example",),
    ) as running:
        yield running


async def _file(public: httpx.AsyncClient, number: int) -> httpx.Response:
    """One more complaint by whoever this is, with headers that name another caller each time."""
    headers = {
        "idempotency-key": str(uuid4()),
        "authorization": f"Bearer {number}",
        "x-forwarded-for": f"203.0.113.{number}",
        "user-agent": f"browser {number}",
    }
    return await public.post("/v1/public/complaints", json=public_body(), headers=headers)


class TestLimits:
    async def test_beyond_the_limit_it_is_429_and_says_when(self, strict: Api) -> None:
        one, other = strict.as_("facilitator", subject="one"), strict.as_("facilitator", subject="other")
        answers = [await one.get(HOUSEHOLDS) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        problem(answers[3], 429, "too_many_requests")
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert answers[3].headers["ratelimit"].startswith('"default";r=0;')
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers[:3]] == ["r=2", "r=1", "r=0"]
        assert (await other.get(HOUSEHOLDS)).status_code == 200
        assert (await strict.anonymous.get("/health/live")).status_code == 200

    async def test_one_address_files_so_many_complaints_and_no_more(self, strict: Api) -> None:
        """Whatever it sends to look like somebody else, and also by the receipts that it holds."""
        address = httpx.ASGITransport(strict.app, client=("198.51.100.7", 4711))
        async with httpx.AsyncClient(transport=address, base_url="http://api.test") as public:
            answers = [await _file(public, number) for number in range(4)]
            assert [answer.status_code for answer in answers] == [201, 201, 429, 429]
            for refused in answers[2:]:
                problem(refused, 429, "too_many_requests")
                assert 1 <= int(refused.headers["retry-after"]) <= 60
                assert refused.headers["ratelimit"].startswith('"public";r=0;')
                assert refused.headers["ratelimit-policy"] == '"public";q=2;w=60'
            filed = answers[0].json()
            receipt = {"authorization": f"Receipt {filed['receipt_secret']}"}
            assert (await public.get(f"/v1/public/complaints/{filed['receipt']}", headers=receipt)).status_code == 429
        other = httpx.ASGITransport(strict.app, client=("198.51.100.8", 4711))
        async with httpx.AsyncClient(transport=other, base_url="http://api.test") as public:
            assert (await _file(public, 0)).status_code == 201

    async def test_a_named_origin_may_read_without_credentials(self, strict: Api) -> None:
        client = strict.as_("facilitator", subject="browser")
        for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
            answer = await client.get(HOUSEHOLDS, headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert "access-control-allow-credentials" not in answer.headers
            # Where an application in a browser learns who issues tokens.
            assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"].split(", ")
            assert "Origin" in ", ".join(answer.headers.get_list("vary"))

    async def test_a_preflight_is_answered(self, strict: Api) -> None:
        asked = {
            "origin": "https://app.example",
            "access-control-request-method": "PATCH",
            "access-control-request-headers": "authorization,if-match",
        }
        answer = await strict.as_("facilitator", subject="preflight").options(f"{HOUSEHOLDS}/{uuid4()}", headers=asked)
        assert answer.status_code == 200
        assert "PATCH" in answer.headers["access-control-allow-methods"]

    async def test_without_origins_named_there_are_none(self, api: Api) -> None:
        answer = await api.as_("facilitator").get(HOUSEHOLDS, headers={"origin": "https://app.example"})
        assert [name for name in answer.headers if name.startswith("access-control")] == []
