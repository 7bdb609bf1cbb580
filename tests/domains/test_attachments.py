"""Attachments over HTTP: who may, what is refused, what survives a cut, and that nothing of a file lies about in clear."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests import files
from tests.api import OTHER_REGENCY_VILLAGE, OTHER_VILLAGE, Api, household_body, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.domains.test_complaints import complaint_body
from tests.domains.test_lineage import done
from tests.domains.test_public import file as file_publicly
from tests.domains.test_referrals import JOB, act, draft, in_service, made, organization, partner
from tests.domains.test_referrals import code as problem
from tests.files import created, described, document, opened, picture, send, upload_of, uploaded
from tests.graph_queries import data

from slrt_api.attachments.adapters.store import Store, configured
from slrt_api.attachments.frames import FRAME_BYTES, Cipher, FileKey
from slrt_api.attachments.service import examining as steps
from slrt_api.attachments.service.links import Token
from slrt_api.flows import examining, rotation
from slrt_api.kernel.errors import Forbidden, Unavailable
from slrt_api.kernel.ids import Kind, minted_at, new_id
from slrt_api.rest.attachments import Files
from slrt_api.rest.operations import Routes
from slrt_api.runtime.crypto import Keyring, Ring, aad
from slrt_api.runtime.usecase import Act, Platform

OFFICER = "puskesos_officer"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(make_database: MakeDatabase) -> MigratedDatabase:
    """A database of its own: a worker takes up whatever is due in it."""
    return await make_database("slrt_attachments")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attachments")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(own: MigratedDatabase, folder: Path) -> AsyncIterator[Api]:
    limits = {
        "attachment_max_bytes": 2_000_000,
        "attachments_per_resource": 6,
        "attachment_bytes_per_resource": 6_000_000,
    }
    async with running_api(own.api_url, folder, **limits) as running:
        yield running


@pytest_asyncio.fixture
async def owner(own: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def platform(api: Api) -> Platform:
    found: Platform = api.app.state.service.platform
    return found


@pytest.fixture
def store(api: Api) -> Store:
    found = configured(api.app.state.service.settings)
    assert found is not None
    return found


async def worked(api: Api, later: timedelta = timedelta(0)) -> int:
    """What the worker did; `later` than now."""
    running: Platform = api.app.state.service.platform
    store = configured(api.app.state.service.settings)
    assert store is not None
    then = replace(running, clock=lambda: running.clock() + later)
    done = 0
    while count := await examining.of(store)(then):
        done += count
    return done


async def family(api: Api, **changes: Any) -> dict[str, Any]:
    return await made(await api.as_("facilitator").post("/v1/households", json=household_body(**changes)))


async def ready(
    api: Api, client: httpx.AsyncClient, parent: str, content: bytes, *args: Any, **how: Any
) -> dict[str, Any]:
    """An attachment that was sent and examined."""
    sent = await uploaded(client, parent, content, *args, **how)
    await worked(api)
    found: dict[str, Any] = (await client.get(f"/v1/attachments/{sent['id']}")).json()
    return found


def objects(folder: Path) -> dict[str, bytes]:
    root = folder / "attachments"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def link_of(client: httpx.AsyncClient, attachment: dict[str, Any], purpose: str = "CASE_HANDLING") -> Any:
    return client.post(f"/v1/attachments/{attachment['id']}/links", json={"purpose": purpose})


async def withdraw(client: httpx.AsyncClient, attachment: dict[str, Any], version: int | None = None) -> httpx.Response:
    return await client.post(
        f"/v1/attachments/{attachment['id']}/transitions",
        json={"action": "WITHDRAW", "reason": "Foto yang salah"},
        headers={"if-match": f'"{version or attachment["version"]}"'},
    )


class TestCreate:
    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"media_type": "application/zip"}, 422, "content_invalid"),
            ({"media_type": "image/svg+xml"}, 422, "content_invalid"),
            ({"media_type": "text/html"}, 422, "content_invalid"),
            ({"size": 0}, 422, "content_invalid"),
            ({"size": 2_000_001}, 413, "attachment_too_large"),
            ({"sha256": "A" * 44}, 422, "content_invalid"),
            ({"sha256": "A" * 42 + "B="}, 422, "content_invalid"),
            ({"sha256": "A" * 40 + "===="}, 422, "content_invalid"),
            ({"name": ""}, 422, "content_invalid"),
            ({"uploaded_by": "me"}, 422, "content_invalid"),
        ],
    )
    async def test_what_cannot_be_attached(self, api: Api, change: dict[str, Any], status: int, code: str) -> None:
        parent = (await family(api))["id"]
        body = described(b"x", parent_id=parent) | change
        assert problem(await api.as_(OFFICER).post("/v1/attachments", json=body)) == (status, code)

    async def test_a_parent_that_is_unknown_elsewhere_or_of_no_such_kind(self, api: Api) -> None:
        elsewhere = await made(
            await api.as_("facilitator", area=OTHER_REGENCY_VILLAGE).post(
                "/v1/households", json=household_body(area_code=OTHER_REGENCY_VILLAGE)
            )
        )
        next_village = await made(
            await api.as_("facilitator", area=OTHER_VILLAGE).post(
                "/v1/households", json=household_body(area_code=OTHER_VILLAGE)
            )
        )
        answers = []
        for parent in (
            elsewhere["id"],
            next_village["id"],
            str(new_id(Kind.CASE, 3326)),
            str(new_id(Kind.CLOCK, 3326)),
            "00000000-0000-0000-0000-000000000000",
        ):
            answer = await api.as_(OFFICER).post("/v1/attachments", json=described(b"x", parent_id=parent))
            told = answer.json()
            answers.append((answer.status_code, told["errors"][0]["pointer"], told["errors"][0]["code"]))
        assert set(answers) == {(422, "/parent_id", "reference_not_found")}

    @pytest.mark.parametrize("role", ["auditor", "province_office", "administrator", "integrator"])
    async def test_roles_that_attach_nothing(self, api: Api, role: str) -> None:
        parent = (await family(api))["id"]
        answer = await api.as_(role).post("/v1/attachments", json=described(b"x", parent_id=parent))
        assert problem(answer) == (403, "scope_missing")

    async def test_a_resource_holds_so_many_files_and_so_many_bytes(self, api: Api) -> None:
        client = api.as_(OFFICER)
        many, heavy = (await family(api))["id"], (await family(api))["id"]
        first = await created(client, many, b"x", "text/plain")
        for _ in range(5):
            await created(client, many, b"x", "text/plain")
        another = described(b"x", "text/plain", parent_id=many)
        assert problem(await client.post("/v1/attachments", json=another)) == (409, "too_many_attachments")
        assert (await withdraw(client, first)).status_code == 200
        assert (await client.post("/v1/attachments", json=another)).status_code == 201
        for _ in range(3):
            await created(client, heavy, b"x", "text/plain", size=2_000_000)
        assert problem(await client.post("/v1/attachments", json=described(b"x", parent_id=heavy))) == (
            409,
            "too_many_attachments",
        )

    async def test_many_at_once_get_no_more_than_there_may_be(self, api: Api) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        body = described(b"x", "text/plain", parent_id=parent)
        answers = await asyncio.gather(*(client.post("/v1/attachments", json=body) for _ in range(12)))
        assert sorted(answer.status_code for answer in answers) == [201] * 6 + [409] * 6

    async def test_it_is_there_with_its_event_and_a_repeat_is_the_same(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        body = described(picture(), parent_id=parent, name="kartu.jpg")
        first = await client.post("/v1/attachments", json=body, headers={"idempotency-key": "a-key-of-mine"})
        again = await client.post("/v1/attachments", json=body, headers={"idempotency-key": "a-key-of-mine"})
        assert (first.content, again.headers["idempotency-replayed"]) == (again.content, "true")
        told = first.json()
        assert {name: told[name] for name in ("status", "name", "parent_id", "allowed_actions", "kept_size")} == {
            "status": "UPLOADING",
            "name": "kartu.jpg",
            "parent_id": parent,
            "allowed_actions": ["COMPLETE", "WITHDRAW"],
            "kept_size": None,
        }
        assert first.headers["location"] == f"/v1/attachments/{told['id']}"
        listed = (await client.get(f"/v1/households/{parent}/attachments")).json()["items"]
        assert [row["id"] for row in listed] == [told["id"]]
        # What tells of the file is not in lists.
        assert "name" not in listed[0]
        types = await owner.fetch("SELECT type FROM events WHERE aggregate_id = $1", UUID(told["id"]))
        assert [row["type"] for row in types] == ["attachment.created"]


class TestUpload:
    async def test_a_part_that_does_not_follow(self, api: Api) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        content = picture(noise=True)
        made_ = await created(client, parent, content)
        path = upload_of(made_)
        gap = await send(client, path, content[10:], 10)
        assert (problem(gap), gap.headers["upload-offset"]) == ((409, "upload_offset_mismatch"), "0")
        assert (await send(client, path, content[:100])).status_code == 204
        for start, part in ((100, b""), (50, content[50:120]), (0, b"\x00" * 100), (99, content[99:])):
            answer = await send(client, path, part, start, complete=True)
            if part:
                assert (problem(answer), answer.headers["upload-offset"]) == ((409, "upload_offset_mismatch"), "100")
            else:
                assert (problem(answer), answer.headers["upload-offset"]) == ((409, "upload_incomplete"), "100")
        beyond = await send(client, path, content[100:] + b"!", 100)
        assert problem(beyond) == (422, "content_invalid")

    @pytest.mark.parametrize(
        ("headers", "status", "code"),
        [
            ({"upload-offset": ""}, 400, "upload_header_invalid"),
            ({"upload-offset": "-1"}, 400, "upload_header_invalid"),
            ({"upload-offset": "01"}, 400, "upload_header_invalid"),
            ({"upload-complete": "true"}, 400, "upload_header_invalid"),
            ({"content-type": "application/octet-stream"}, 415, "unsupported_media_type"),
            ({"content-encoding": "gzip"}, 415, "unsupported_media_type"),
        ],
    )
    async def test_headers_that_cannot_be_read(self, api: Api, headers: dict[str, str], status: int, code: str) -> None:
        client = api.as_(OFFICER)
        made_ = await created(client, (await family(api))["id"], b"text", "text/plain")
        assert problem(await send(client, upload_of(made_), b"text", headers=headers)) == (status, code)

    async def test_one_request_carries_no_more_than_it_says(self, api: Api) -> None:
        client = api.as_(OFFICER)
        content = os.urandom(1_048_577)
        made_ = await created(client, (await family(api))["id"], content)
        told = (await client.head(upload_of(made_))).headers["upload-limit"]
        assert told == "max-size=2000000, max-append-size=1048576"
        assert problem(await send(client, upload_of(made_), content)) == (413, "payload_too_large")
        assert (await client.head(upload_of(made_))).headers["upload-offset"] == "0"

    async def test_somebody_elsewhere_finds_nothing(self, api: Api) -> None:
        made_ = await created(api.as_(OFFICER), (await family(api))["id"], b"text", "text/plain")
        for client in (api.as_(OFFICER, area=OTHER_VILLAGE), api.as_(OFFICER, area=OTHER_REGENCY_VILLAGE)):
            assert problem(await client.get(upload_of(made_))) == (404, "not_found")
            assert problem(await send(client, upload_of(made_), b"text")) == (404, "not_found")
            assert problem(await client.get(f"/v1/attachments/{made_['id']}")) == (404, "not_found")
            assert problem(await link_of(client, made_)) == (404, "not_found")
            assert problem(await withdraw(client, made_)) == (404, "not_found")

    async def test_after_a_cut_it_goes_on_by_another_worker_after_a_restart(
        self, api: Api, own: MigratedDatabase, folder: Path
    ) -> None:
        content = picture(size=(700, 700), noise=True)
        parent = (await family(api))["id"]
        made_ = await created(api.as_(OFFICER), parent, content)
        cut = len(content) // 3
        assert (await send(api.as_(OFFICER), upload_of(made_), content[:cut])).status_code == 204
        async with running_api(own.api_url, folder, attachment_max_bytes=2_000_000) as other:
            client = other.client(api.token(OFFICER))
            held = await client.head(upload_of(made_))
            told = {name: held.headers[name] for name in ("upload-offset", "upload-complete", "upload-length")}
            assert told == {
                "upload-offset": str(cut),
                "upload-complete": "?0",
                "upload-length": str(len(content)),
            }
            # The answer to the first part may have been lost: it is sent again, and nothing is twice.
            again = await send(client, upload_of(made_), content[:cut])
            assert (again.status_code, again.headers["upload-offset"]) == (204, str(cut))
            assert (await send(client, upload_of(made_), content[cut : 2 * cut], cut)).status_code == 204
        last = await send(api.as_(OFFICER), upload_of(made_), content[2 * cut :], 2 * cut, complete=True)
        assert (last.status_code, last.headers["upload-complete"]) == (204, "?1")
        repeated = await send(api.as_(OFFICER), upload_of(made_), content[2 * cut :], 2 * cut, complete=True)
        assert repeated.status_code == 204
        await worked(api)
        found = (await api.as_(OFFICER).get(f"/v1/attachments/{made_['id']}")).json()
        assert found["status"] == "READY"
        closed = await send(api.as_(OFFICER), upload_of(made_), b"more", len(content))
        assert problem(closed) == (409, "upload_closed")

    async def test_the_same_part_by_two_at_once_is_one(self, api: Api, folder: Path) -> None:
        client, content = api.as_(OFFICER), os.urandom(200_000)
        made_ = await created(client, (await family(api))["id"], content, "text/plain")
        answers = await asyncio.gather(*(send(client, upload_of(made_), content[:1000]) for _ in range(6)))
        assert {answer.status_code for answer in answers} == {204}
        different = await asyncio.gather(
            *(send(client, upload_of(made_), content[1000 : 1000 + size], 1000) for size in (10, 20, 30, 40))
        )
        assert sorted(answer.status_code for answer in different) == [204, 409, 409, 409]
        held = (await client.head(upload_of(made_))).headers["upload-offset"]
        assert held in {"1010", "1020", "1030", "1040"}
        name = await _object(api, made_)
        assert sum(part.startswith(f"parts/{name}/") for part in objects(folder)) == 2

    async def test_an_upload_that_nobody_completes_is_dropped(
        self, api: Api, owner: asyncpg.Connection, folder: Path
    ) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        made_ = await created(client, parent, b"some text", "text/plain", name="rahasia.txt")
        assert (await send(client, upload_of(made_), b"some")).status_code == 204
        name = await _object(api, made_)
        await worked(api, timedelta(hours=23))
        assert (await client.get(f"/v1/attachments/{made_['id']}")).json()["status"] == "UPLOADING"
        await worked(api, timedelta(hours=25))
        found = (await client.get(f"/v1/attachments/{made_['id']}")).json()
        assert (found["status"], found["name"], found["allowed_actions"]) == ("EXPIRED", None, [])
        assert [part for part in objects(folder) if name in part] == []
        left = await owner.fetchval(
            "SELECT (SELECT count(*) FROM attachment_parts WHERE attachment_id = $1)"
            " + (SELECT count(*) FROM attachment_tasks WHERE id = $1)",
            UUID(made_["id"]),
        )
        assert left == 0
        assert problem(await send(client, upload_of(made_), b" text", 4)) == (409, "upload_closed")


async def _object(api: Api, attachment: dict[str, Any]) -> str:
    connection = await asyncpg.connect(api.app.state.service.settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE slrt_effect; SET LOCAL app.regency = '3326'")
            name: str = await connection.fetchval(
                "SELECT object FROM attachments WHERE id = $1", UUID(attachment["id"])
            )
            return name
    finally:
        await connection.close()


class TestExamination:
    @pytest.mark.parametrize(
        ("content", "media_type", "refusal"),
        [
            (picture("PNG"), "image/jpeg", "TYPE_MISMATCH"),
            (document(script="app.alert(1)"), "application/pdf", "ACTIVE_CONTENT"),
            (picture()[:200], "image/jpeg", "UNREADABLE"),
        ],
    )
    async def test_what_is_not_kept(
        self, api: Api, folder: Path, content: bytes, media_type: str, refusal: str
    ) -> None:
        client = api.as_(OFFICER)
        found = await ready(api, client, (await family(api))["id"], content, media_type, name="foto.jpg")
        assert (found["status"], found["refusal"], found["name"]) == ("REFUSED", refusal, None)
        assert problem(await link_of(client, found)) == (409, "attachment_not_ready")
        name = await _object(api, found)
        assert [part for part in objects(folder) if name in part] == []

    async def test_other_bytes_than_were_declared(self, api: Api) -> None:
        client, content = api.as_(OFFICER), picture()
        wrong = described(b"something else")["sha256"]
        found = await ready(api, client, (await family(api))["id"], content, sha256=wrong)
        assert (found["status"], found["refusal"]) == ("REFUSED", "DIGEST_MISMATCH")

    async def test_a_part_that_was_altered_or_lost_in_the_store(self, api: Api, folder: Path) -> None:
        client = api.as_(OFFICER)
        for harm in ("alter", "lose", "swap"):
            sent = await uploaded(client, (await family(api))["id"], picture())
            name = await _object(api, sent)
            first, second = sorted((folder / "attachments/parts" / name).iterdir())
            if harm == "alter":
                first.write_bytes(first.read_bytes()[:-1] + b"\x00")
            elif harm == "lose":
                second.unlink()
            else:
                one, other = first.read_bytes(), second.read_bytes()
                first.write_bytes(other)
                second.write_bytes(one)
            await worked(api)
            found = (await client.get(f"/v1/attachments/{sent['id']}")).json()
            assert (found["status"], found["refusal"]) == ("REFUSED", "DIGEST_MISMATCH"), harm

    async def test_a_file_that_breaks_its_reader_harms_nobody(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        command = ("/bin/sh", "-c", "kill -SEGV $$")
        monkeypatch.setattr("slrt_api.attachments.adapters.inspector._COMMAND", command)
        client = api.as_(OFFICER)
        found = await ready(api, client, (await family(api))["id"], picture())
        assert (found["status"], found["refusal"]) == ("REFUSED", "TOO_COSTLY")
        monkeypatch.setattr("slrt_api.attachments.adapters.inspector._COMMAND", ("/bin/sleep", "60"))
        monkeypatch.setattr("slrt_api.attachments.adapters.inspector.SECONDS", 0.2)
        found = await ready(api, client, (await family(api))["id"], picture())
        assert (found["status"], found["refusal"]) == ("REFUSED", "TOO_COSTLY")

    async def test_it_reads_with_no_setting_and_no_secret(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SLRT_INDEX_KEY", "a-secret-of-the-worker")
        monkeypatch.setattr(
            "slrt_api.attachments.adapters.inspector._COMMAND",
            ("/bin/sh", "-c", "! /usr/bin/env | /bin/grep -q SLRT && exit 3; exit 0"),
        )
        found = await ready(api, api.as_(OFFICER), (await family(api))["id"], picture())
        # Exit 3, as when nothing was found; with a setting it would have ended well, and its answer been no JSON.
        assert found["refusal"] == "TOO_COSTLY"

    async def test_a_store_that_is_away_is_asked_again(
        self, api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = api.as_(OFFICER)
        sent = await uploaded(client, (await family(api))["id"], picture())

        async def away(*_: object) -> bytes:
            raise Unavailable("attachments_unavailable")

        with monkeypatch.context() as broken:
            broken.setattr(Store, "get", away)
            await worked(api)
        assert (await client.get(f"/v1/attachments/{sent['id']}")).json()["status"] == "PROCESSING"
        await worked(api, examining.LEASE + timedelta(seconds=1))
        assert (await client.get(f"/v1/attachments/{sent['id']}")).json()["status"] == "READY"

    async def test_a_worker_that_dies_between_store_and_database_loses_nothing(
        self, api: Api, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = api.as_(OFFICER)
        sent = await uploaded(client, (await family(api))["id"], picture(noise=True))

        class Killed(BaseException):
            pass

        async def put(self: Store, name: str, content: bytes) -> None:
            await whole(self, name, content)
            raise Killed

        whole = Store.put
        with monkeypatch.context() as dying:
            dying.setattr(Store, "put", put)
            with pytest.raises(Killed):
                await worked(api)
        # Two others come when its lease is over; one of them does it.
        await asyncio.gather(*(worked(api, examining.LEASE + timedelta(seconds=1)) for _ in range(2)))
        found = (await client.get(f"/v1/attachments/{sent['id']}")).json()
        assert found["status"] == "READY"
        assert (await opened(client, found)).status_code == 200
        types = await owner.fetch(
            "SELECT type, actor FROM events WHERE aggregate_id = $1 ORDER BY sequence", UUID(sent["id"])
        )
        assert [row["type"] for row in types] == ["attachment.created", "attachment.completed", "attachment.ready"]
        assert types[2]["actor"] == "system#worker"

    async def test_a_file_that_is_withdrawn_meanwhile_leaves_nothing(
        self, api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = api.as_(OFFICER)
        sent = await uploaded(client, (await family(api))["id"], picture())
        name = await _object(api, sent)

        async def put(self: Store, target: str, content: bytes) -> None:
            # The file goes into the store when it was withdrawn, and all of it cleaned, by another worker.
            assert (await withdraw(client, sent)).status_code == 200
            await examining.of(self)(replace(api.app.state.service.platform))
            await whole(self, target, content)

        whole = Store.put
        with monkeypatch.context() as slow:
            slow.setattr(Store, "put", put)
            await worked(api)
        assert (await client.get(f"/v1/attachments/{sent['id']}")).json()["status"] == "WITHDRAWN"
        assert [part for part in objects(folder) if name in part] == []

    async def test_only_the_worker_examines(self, api: Api, platform: Platform) -> None:
        sent = await uploaded(api.as_(OFFICER), (await family(api))["id"], picture())
        client = Act(platform, replace(_anybody(), scopes=frozenset()), "0" * 32)
        for step, command in (
            (steps.record, steps.Examined(refusal=None)),
            (steps.expire, None),
            (steps.cleaned, None),
        ):
            with pytest.raises(Forbidden):
                await client(step, command, on=UUID(sent["id"]))


def _anybody() -> Any:
    from slrt_api.access.service import ANONYMOUS

    return ANONYMOUS


class TestOpen:
    async def test_by_a_link_without_a_token_as_a_file_and_no_page(self, api: Api) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        found = await ready(api, client, parent, picture(), name="../../etc/passwd.html")
        answer = await opened(client, found)
        assert answer.status_code == 200
        assert (len(answer.content), answer.headers["content-length"]) == (found["kept_size"], str(found["kept_size"]))
        assert answer.headers["content-disposition"] == f'attachment; filename="{found["id"]}.jpg"'
        told = {
            name: answer.headers[name]
            for name in ("content-type", "x-content-type-options", "cache-control", "content-security-policy")
        }
        assert told == {
            "content-type": "image/jpeg",
            "x-content-type-options": "nosniff",
            "cache-control": "private, no-store",
            "content-security-policy": "default-src 'none'; sandbox",
        }

    async def test_a_document_comes_back_as_it_was_sent_and_in_ranges(self, api: Api) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        # Larger than one frame, so that a range crosses from one to the next.
        content = ("Keterangan. " * 40_000).encode()
        assert len(content) > FRAME_BYTES
        found = await ready(api, client, parent, content, "text/plain")
        assert (found["kept_sha256"], found["kept_size"]) == (found["sha256"], len(content))
        assert (await opened(client, found)).content == content
        for asked, begin, end in (
            ("bytes=0-0", 0, 1),
            (f"bytes={FRAME_BYTES - 5}-{FRAME_BYTES + 5}", FRAME_BYTES - 5, FRAME_BYTES + 6),
            ("bytes=-7", len(content) - 7, len(content)),
            (f"bytes={len(content) - 3}-", len(content) - 3, len(content)),
        ):
            part = await opened(client, found, range=asked)
            assert (part.status_code, part.content) == (206, content[begin:end])
            assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(content)}"
        for ignored in ("bytes=99999999-", "bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "bytes=-"):
            whole = await opened(client, found, range=ignored)
            assert (whole.status_code, len(whole.content)) == (200, len(content))

    async def test_every_link_and_opening_is_on_record_with_its_purpose(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        client = api.as_(OFFICER, subject="petugas-7")
        found = await ready(api, client, (await family(api))["id"], picture())
        await opened(client, found)
        rows = await owner.fetch(
            "SELECT operation, actor, role, purpose FROM accesses WHERE resource_id = $1 AND operation LIKE"
            " 'attachments.%n%' AND purpose IS NOT NULL ORDER BY at",
            UUID(found["id"]),
        )
        assert [(row["operation"], row["role"], row["purpose"]) for row in rows] == [
            ("attachments.link", OFFICER, "CASE_HANDLING"),
            ("attachments.open", OFFICER, "CASE_HANDLING"),
        ]
        assert {row["actor"].rpartition("#")[2] for row in rows} == {"petugas-7"}

    async def test_a_link_that_was_altered_or_is_over_leads_nowhere(self, api: Api, platform: Platform) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        found, other = (
            await ready(api, client, parent, picture()),
            await ready(api, client, parent, picture("PNG"), "image/png"),
        )
        url = (await link_of(client, found)).json()["url"]
        assert found["id"] not in url
        token = Token.read(platform.keyring, url.rpartition("/")[2])
        raw = base64.urlsafe_b64decode(url.rpartition("/")[2] + "==")
        stranger = Keyring({"x": bytes(32)}, bytes(range(32)))

        def text(content: bytes) -> str:
            return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

        forged = [
            text(UUID(other["id"]).bytes + raw[16:]),
            text(raw[:32] + (2**42).to_bytes(8, "big") + raw[40:]),
            text(raw[:-1] + bytes((raw[-1] ^ 1,))),
            text(raw[:40]),
            text(b""),
            "*",
            "%00",
            token.text(stranger),
            replace(token, expires_at=platform.clock() - timedelta(seconds=1)).text(platform.keyring),
            replace(token, access_id=new_id(Kind.ACCESS, 3326)).text(platform.keyring),
            replace(token, attachment_id=UUID(other["id"])).text(platform.keyring),
        ]
        for bad in forged:
            answer = await api.anonymous.get(f"/v1/attachments/content/{bad}")
            assert answer.status_code == 404, bad
        assert (await api.anonymous.get(url)).status_code == 200

    async def test_a_link_dies_with_the_file(self, api: Api) -> None:
        client = api.as_(OFFICER)
        found = await ready(api, client, (await family(api))["id"], picture())
        url = (await link_of(client, found)).json()["url"]
        assert (await api.anonymous.get(url)).status_code == 200
        assert (await withdraw(client, found)).status_code == 200
        assert (await api.anonymous.get(url)).status_code == 404

    async def test_what_was_altered_in_the_store_is_not_given_out(self, api: Api, folder: Path) -> None:
        client = api.as_(OFFICER)
        found = await ready(api, client, (await family(api))["id"], picture())
        path = folder / "attachments/files" / await _object(api, found)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        assert problem(await opened(client, found)) == (503, "attachments_unavailable")
        path.unlink()
        assert problem(await opened(client, found)) == (503, "attachments_unavailable")

    async def test_a_facilitator_sees_that_there_is_a_file_and_not_what_it_shows(self, api: Api) -> None:
        found = await ready(api, api.as_("facilitator"), (await family(api))["id"], picture(), name="foto.jpg")
        assert (found["status"], "name" in found) == ("READY", False)
        assert problem(await link_of(api.as_("facilitator"), found)) == (403, "role_not_allowed")
        assert (await opened(api.as_(OFFICER), found)).status_code == 200


class TestWithdraw:
    async def test_without_a_reason_or_by_somebody_who_may_not(self, api: Api) -> None:
        client = api.as_(OFFICER)
        found = await ready(api, client, (await family(api))["id"], picture())
        path = f"/v1/attachments/{found['id']}/transitions"
        version = {"if-match": f'"{found["version"]}"'}
        assert problem(await client.post(path, json={"action": "WITHDRAW"}, headers=version)) == (
            422,
            "content_invalid",
        )
        assert problem(await client.post(path, json={"action": "WITHDRAW", "reason": "x"})) == (
            428,
            "if_match_required",
        )
        assert problem(await withdraw(client, found, version=1)) == (412, "version_stale")
        assert problem(await withdraw(api.as_("facilitator"), found)) == (409, "not_your_attachment")
        assert problem(await withdraw(api.as_("auditor"), found)) == (403, "scope_missing")

    async def test_the_file_is_gone_and_its_history_stays(
        self, api: Api, owner: asyncpg.Connection, folder: Path
    ) -> None:
        client = api.as_(OFFICER)
        found = await ready(api, client, (await family(api))["id"], picture(), name="foto.jpg", keep_location=True)
        name = await _object(api, found)
        assert found["location"] == {"latitude": pytest.approx(files.PLACE[0]), "longitude": files.PLACE[1]}
        assert f"files/{name}" in objects(folder)
        answer = await withdraw(client, found)
        gone = answer.json()
        assert [gone[each] for each in ("status", "name", "location", "allowed_actions")] == [
            "WITHDRAWN",
            None,
            None,
            [],
        ]
        # Before any worker has come: nobody reads what still lies in the store.
        assert await owner.fetchval("SELECT data_key FROM attachments WHERE id = $1", UUID(found["id"])) is None
        await worked(api)
        assert [part for part in objects(folder) if name in part] == []
        history = (await client.get(f"/v1/attachments/{found['id']}/history?sort=sequence")).json()["items"]
        assert [entry["type"] for entry in history] == [
            f"attachment.{event}" for event in ("created", "completed", "ready", "withdrawn")
        ]
        assert history[-1]["texts"] == {"reason": "Foto yang salah"}


class TestLeaks:
    async def test_of_a_picture_nothing_is_left_but_its_pixels_and_these_are_encrypted(
        self, api: Api, own: MigratedDatabase, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = api.as_(OFFICER)
        content = picture(noise=True)
        found = await ready(api, client, (await family(api))["id"], content, name="Nama-Berkas-Rahasia.jpg")
        kept = (await opened(client, found)).content
        for distinctive in (files.CAMERA, files.OWNER, "Nama-Berkas-Rahasia"):
            assert distinctive.encode() not in kept
            for name, stored in objects(folder).items():
                assert distinctive.encode() not in stored, name
            assert distinctive not in await _dump(own)
            assert distinctive not in caplog.text
        for stored in objects(folder).values():
            assert not any(mark in stored for mark in (b"\xff\xd8\xff\xe0", b"JFIF", b"%PDF", kept[-40:]))

    async def test_the_place_is_kept_apart_and_encrypted_and_only_when_asked_for(
        self, api: Api, own: MigratedDatabase
    ) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        without = await ready(api, client, parent, picture())
        kept = await ready(api, client, parent, picture(), keep_location=True)
        assert without["location"] is None
        assert kept["location"]["longitude"] == files.PLACE[1]
        assert "109.62" not in await _dump(own)
        listed = (await client.get(f"/v1/households/{parent}/attachments")).json()["items"]
        assert not any("location" in row for row in listed)

    async def test_a_file_whose_key_this_worker_does_not_hold_waits_and_is_not_destroyed(
        self, api: Api, platform: Platform, owner: asyncpg.Connection
    ) -> None:
        client = api.as_(OFFICER)
        found = await uploaded(client, (await family(api))["id"], picture(), name="foto.jpg")
        id_ = UUID(found["id"])
        key = await owner.fetchval("SELECT data_key FROM attachments WHERE id = $1", id_)
        other = Ring({"gone": b"g" * 32}).encrypt(b"k" * 32, aad("attachment.key", id_))
        await owner.execute("UPDATE attachments SET data_key = $2 WHERE id = $1", id_, other)
        await worked(api)
        assert (await client.get(f"/v1/attachments/{id_}")).json()["status"] == "PROCESSING"
        await owner.execute("UPDATE attachments SET data_key = $2 WHERE id = $1", id_, key)
        await owner.execute("UPDATE attachment_tasks SET due_at = now() WHERE id = $1", id_)
        await worked(api)
        assert (await client.get(f"/v1/attachments/{id_}")).json()["status"] == "READY"
        await owner.execute("UPDATE attachments SET data_key = $2 WHERE id = $1", id_, other)
        assert problem(await opened(client, found)) == (503, "attachments_unavailable")

    async def test_keys_rotate_without_a_touch_of_the_store(
        self, api: Api, platform: Platform, folder: Path, owner: asyncpg.Connection
    ) -> None:
        client = api.as_(OFFICER)
        found = await ready(api, client, (await family(api))["id"], picture(), name="foto.jpg")
        kept, stored = (await opened(client, found)).content, objects(folder)
        before = await owner.fetchval("SELECT data_key FROM attachments WHERE id = $1", UUID(found["id"]))
        old = json.loads((folder / "keys.json").read_text())
        keys = {name: base64.b64decode(key) for name, key in old["encryption_keys"].items()} | {"next": os.urandom(32)}
        newer = Keyring(keys, base64.b64decode(old["index_key"]))
        outcome = await rotation.rotate(replace(platform, keyring=newer), regencies=[3326])
        assert outcome.rotated["attachments"] >= 1
        after = await owner.fetchval("SELECT data_key FROM attachments WHERE id = $1", UUID(found["id"]))
        assert (after[2:6], before == after) == (b"next", False)
        cipher = Cipher(newer, FileKey(UUID(found["id"]), after, sealed=False))
        name = await _object(api, found)
        assert cipher.open_frame(stored[f"files/{name}"], 0, len(kept)) == kept
        assert objects(folder) == stored
        # For the tests after this one.
        back = Keyring({"next": keys.pop("next"), **keys}, base64.b64decode(old["index_key"]))
        await rotation.rotate(replace(platform, keyring=back), regencies=[3326])


async def _dump(database: MigratedDatabase) -> str:
    """All rows of all tables, as text; bytes both as they are and in hexadecimal."""
    connection = await asyncpg.connect(database.admin_url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND relname NOT IN ('areas', 'code_list_items')"
        )
        texts = []
        for table in tables:
            rows = await connection.fetch(f"SELECT * FROM {table['relname']}")
            texts += [
                value.decode("latin-1") if isinstance(value, bytes) else str(value) for row in rows for value in row
            ]
        return "\n".join(texts)
    finally:
        await connection.close()


class TestPartner:
    async def test_before_during_and_after_its_referral(self, api: Api, own: MigratedDatabase) -> None:
        officer = api.as_(OFFICER)
        lks = await organization(api, JOB[1])
        case = await in_service(api, JOB)
        referral = await made(await draft(api, case))
        of_case = await ready(api, officer, case["id"], picture())
        found = await ready(api, officer, referral["id"], picture(), name="surat.jpg")
        client = partner(api, lks)

        async def seen() -> tuple[list[str], int, int, int]:
            listed = (await client.get("/v1/attachments")).json()["items"]
            one = (await client.get(f"/v1/attachments/{found['id']}")).status_code
            link = (await link_of(client, found, "REFERRAL")).status_code
            node = await data(client, f'{{ node(id: "{found["id"]}") {{ id }} }}')
            return [row["id"] for row in listed], one, link, 200 if node["node"] else 404

        assert await seen() == ([], 404, 404, 404)
        sent = await made(await act(officer, referral, "SEND", organization_id=lks["id"]), 200)
        assert await seen() == ([found["id"]], 200, 200, 200)
        assert (await client.get(f"/v1/attachments/{of_case['id']}")).status_code == 404
        told = (await client.get(f"/v1/attachments/{found['id']}")).json()
        assert (told["name"], told["allowed_actions"]) == ("surat.jpg", [])
        # It adds its own evidence, and may take that back, but not what the sender gave.
        evidence = await ready(api, client, referral["id"], document(), "application/pdf")
        assert (evidence["status"], evidence["allowed_actions"]) == ("READY", ["WITHDRAW"])
        assert problem(await withdraw(client, told)) == (409, "not_your_attachment")
        refused = await client.post("/v1/attachments", json=described(b"x", parent_id=case["id"]))
        assert refused.json()["errors"][0]["code"] == "reference_not_found"
        url = (await link_of(client, found, "REFERRAL")).json()["url"]
        assert (await api.anonymous.get(url)).status_code == 200
        ended = await act(client, sent, "DECLINE", reason="Penuh")
        assert ended.status_code == 204
        assert await seen() == ([], 404, 404, 404)
        assert (await client.get(f"/v1/attachments/{evidence['id']}")).status_code == 404
        assert (await client.get(f"/v1/attachments/{found['id']}/history")).status_code == 404
        # A link that was given before is of no more use.
        assert (await api.anonymous.get(url)).status_code == 404
        assert (await opened(officer, evidence)).status_code == 200
        # The control: without its word `shared` the policy would show it still.
        await own.execute(
            "ALTER POLICY slrt_organization ON attachments USING (organization_id = "
            "current_setting('app.organization')::uuid AND NOT sealed)"
        )
        try:
            assert (await seen())[0] != []
        finally:
            await own.execute(
                "ALTER POLICY slrt_organization ON attachments USING (organization_id = "
                "current_setting('app.organization')::uuid AND shared AND NOT sealed)"
            )
        assert await seen() == ([], 404, 404, 404)

    async def test_what_it_names_as_evidence_is_a_file_of_the_referral_that_it_sees_and_that_is_ready(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        officer, lks = api.as_(OFFICER), await organization(api, JOB[1])
        client = partner(api, lks)
        case = await in_service(api, JOB)
        referral = await made(await draft(api, case))
        of_case = await ready(api, officer, case["id"], document(), "application/pdf")
        referral = await made(await act(officer, referral, "SEND", organization_id=lks["id"]), 200)
        other = await made(await draft(api, await in_service(api, JOB)))
        other = await made(await act(officer, other, "SEND", organization_id=lks["id"]), 200)
        of_other = await ready(api, client, other["id"], document(), "application/pdf")
        referral = await made(await act(client, referral, "ACCEPT"), 200)
        unsent = await created(client, referral["id"], b"text", "text/plain")
        gone = await ready(api, client, referral["id"], b"salah kirim", "text/plain")
        assert (await withdraw(client, gone)).status_code == 200
        signed = await ready(api, client, referral["id"], document(), "application/pdf")
        photo = await ready(api, client, referral["id"], picture())
        hidden = await ready(api, officer, referral["id"], picture())
        await owner.execute("UPDATE attachments SET shared = false WHERE id = $1", UUID(hidden["id"]))

        async def realize(*ids: str, action: str = "REALIZE", **members: Any) -> httpx.Response:
            return await act(client, referral, action, attachment_ids=list(ids), **members)

        unknown = [str(new_id(Kind.ATTACHMENT, regency)) for regency in (3326, 3328)]
        told = set()
        for wrong in (*unknown, *(each["id"] for each in (of_case, of_other, unsent, gone, hidden, referral))):
            refused = await realize(signed["id"], wrong, evidence="Mulai bekerja")
            assert refused.status_code == 422
            told.add(json.dumps({**refused.json(), "trace_id": None}))
        # Not there, not here, not for it, not ready: one answer.
        [refusal] = [json.loads(each)["errors"] for each in told]
        assert [(each["pointer"], each["code"]) for each in refusal] == [("/attachment_ids/1", "reference_not_found")]
        assert (await realize(signed["id"])).json()["errors"][0]["code"] == "evidence_required"
        refused = await realize(signed["id"], action="FAIL", reason="Tidak hadir")
        assert refused.json()["errors"][0]["code"] == "not_for_this_action"
        assert (await officer.get(f"/v1/referrals/{referral['id']}")).json()["evidence_attachment_ids"] == []

        named = [photo["id"], signed["id"]]
        assert (await realize(*named, photo["id"], evidence="Mulai bekerja")).status_code == 204
        done_ = await made(await officer.get(f"/v1/referrals/{referral['id']}"), 200)
        assert (done_["status"], done_["evidence_attachment_ids"]) == ("REALIZED", named)
        # The sending side opens what it is told of; who has sent it does no more.
        assert (await opened(officer, signed)).status_code == 200
        assert problem(await link_of(client, signed, "REFERRAL")) == (404, "not_found")
        last = (await officer.get(f"/v1/referrals/{referral['id']}/history")).json()["items"][-1]
        assert (last["type"], "evidence_attachment_ids" in last["fields"]) == ("referral.realized", True)
        kept = await owner.fetchval(
            "SELECT values #> '{changes,evidence_attachment_ids,after}' FROM revisions WHERE aggregate_id = $1"
            " AND values::text LIKE '%evidence_attachment_ids%' ORDER BY sequence DESC LIMIT 1",
            UUID(referral["id"]),
        )
        assert json.loads(kept) == named

    async def test_evidence_is_named_and_shown_by_graphql_alike(self, api: Api) -> None:
        officer, lks = api.as_(OFFICER), await organization(api, JOB[1])
        client = partner(api, lks)
        referral = await made(await draft(api, await in_service(api, JOB)))
        referral = await made(await act(officer, referral, "SEND", organization_id=lks["id"]), 200)
        referral = await made(await act(client, referral, "ACCEPT"), 200)
        photo = await ready(api, client, referral["id"], picture())
        query = "mutation($input: ReferralsTransitionInput!) { referralsTransition(input: $input) { referral { id } } }"
        step = {
            "id": referral["id"],
            "expectedVersion": referral["version"],
            "action": "REALIZE",
            "evidence": "Bekerja",
        }

        async def realize(*ids: str) -> Any:
            given = {"query": query, "variables": {"input": step | {"attachmentIds": list(ids)}}}
            return (await client.post("/graphql", json=given)).json()

        [refused] = (await realize(referral["id"]))["errors"]
        assert refused["extensions"]["errors"][0]["code"] == "reference_not_found"
        assert "errors" not in await realize(photo["id"])
        told = await data(officer, f'{{ referral(id: "{referral["id"]}") {{ status evidenceAttachmentIds }} }}')
        assert told["referral"] == {"status": "REALIZED", "evidenceAttachmentIds": [photo["id"]]}

    async def test_what_is_attached_after_consent_was_taken_back_is_not_for_it(
        self, api: Api, owner: asyncpg.Connection
    ) -> None:
        lks = await organization(api, JOB[1])
        referral = await made(await draft(api, await in_service(api, JOB)))
        await made(await act(api.as_(OFFICER), referral, "SEND", organization_id=lks["id"]), 200)
        await owner.execute("UPDATE referral_packages SET emptied_at = now() WHERE id = $1", UUID(referral["id"]))
        found = await created(api.as_(OFFICER), referral["id"], b"text", "text/plain")
        assert problem(await partner(api, lks).get(f"/v1/attachments/{found['id']}")) == (404, "not_found")
        assert (await api.as_(OFFICER).get(f"/v1/attachments/{found['id']}")).status_code == 200

    async def test_what_is_attached_while_it_runs_is_seen_at_once_and_by_no_other(self, api: Api) -> None:
        lks, other = await organization(api, JOB[1]), await organization(api, JOB[1])
        case = await in_service(api, JOB)
        referral = await made(await draft(api, case))
        await made(await act(api.as_(OFFICER), referral, "SEND", organization_id=lks["id"]), 200)
        found = await ready(api, api.as_(OFFICER), referral["id"], picture())
        assert (await opened(partner(api, lks), found)).status_code == 200
        assert problem(await partner(api, other).get(f"/v1/attachments/{found['id']}")) == (404, "not_found")


class TestComplainant:
    async def test_a_citizen_attaches_to_the_own_complaint_and_to_no_other(self, api: Api) -> None:
        siti, other = api.as_("citizen", subject="siti"), api.as_("citizen", subject="budi")
        complaint = await made(await siti.post("/v1/complaints", json=_complaint()))
        found = await ready(api, siti, complaint["id"], picture())
        assert (await opened(siti, found)).status_code == 200
        listed = (await siti.get(f"/v1/complaints/{complaint['id']}/attachments")).json()["items"]
        assert [row["id"] for row in listed] == [found["id"]]
        refused = await other.post("/v1/attachments", json=described(b"x", parent_id=complaint["id"]))
        assert refused.json()["errors"][0]["code"] == "reference_not_found"
        assert problem(await other.get(f"/v1/attachments/{found['id']}")) == (404, "not_found")
        assert (await opened(api.as_(OFFICER), found)).status_code == 200
        # Neither id tells the hour of a confidential report.
        assert minted_at(UUID(found["id"])).hour == 0
        assert (await withdraw(siti, found)).status_code == 200

    async def test_by_receipt_and_secret_without_an_account(self, api: Api, folder: Path) -> None:
        receipt = (await file_publicly(api)).json()
        path = f"/v1/public/complaints/{receipt['receipt']}/attachments"
        shown = {"authorization": f"Receipt {receipt['receipt_secret']}"}
        content = picture()
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer x"}, 401),
            ({"authorization": "Receipt 7ZQ40-MXR2K-9D3WA-HB6TN"}, 404),
        ):
            answer = await api.anonymous.post(path, json=described(content), headers=headers)
            assert answer.status_code == status
        answer = await api.anonymous.post(path, json=described(content), headers=shown)
        assert answer.status_code == 201
        found = answer.json()
        assert set(found) == {"id", "status", "media_type", "size", "refusal"}
        upload = f"{path}/{found['id']}/upload"
        half = len(content) // 2
        assert (
            await send(api.anonymous, upload, content[:half], headers={"authorization": "Receipt x"})
        ).status_code == 404
        assert (await send(api.anonymous, upload, content[:half], headers=shown)).status_code == 204
        held = await api.anonymous.head(upload, headers=shown)
        assert (held.status_code, held.headers["upload-offset"]) == (204, str(half))
        assert (
            await send(api.anonymous, upload, content[half:], half, complete=True, headers=shown)
        ).status_code == 204
        await worked(api)
        listed = (await api.anonymous.get(path, headers=shown)).json()["items"]
        assert [(row["id"], row["status"]) for row in listed] == [(found["id"], "READY")]
        link = await api.anonymous.post(f"{path}/{found['id']}/links", headers=shown)
        assert (await api.anonymous.get(link.json()["url"])).status_code == 200
        assert (await opened(api.as_(OFFICER), found)).status_code == 200

    @pytest.mark.parametrize("confidentiality", ["CONFIDENTIAL", "SEALED"])
    async def test_what_was_attached_by_receipt_is_withdrawn_by_receipt(
        self, api: Api, owner: asyncpg.Connection, folder: Path, confidentiality: str
    ) -> None:
        receipt, other = [(await file_publicly(api, confidentiality=confidentiality)).json() for _ in range(2)]
        shown = {"authorization": f"Receipt {receipt['receipt_secret']}"}
        path = f"/v1/public/complaints/{receipt['receipt']}/attachments"
        described_ = described(b"text", "text/plain", name="bukti.txt")
        found = (await api.anonymous.post(path, json=described_, headers=shown)).json()
        upload = f"{path}/{found['id']}/upload"
        assert (await send(api.anonymous, upload, b"text", complete=True, headers=shown)).status_code == 204
        await worked(api)
        link = (await api.anonymous.post(f"{path}/{found['id']}/links", headers=shown)).json()["url"]
        taken = f"{path}/{found['id']}/withdrawal"
        body = {"reason": "Foto keluarga lain"}
        wrong = f"Receipt {other['receipt_secret']}"
        elsewhere = f"/v1/public/complaints/{other['receipt']}/attachments/{found['id']}/withdrawal"
        for url, secret, asked, status, code in (
            (taken, None, body, 401, "token_missing"),
            (taken, wrong, body, 404, "not_found"),
            (elsewhere, wrong, body, 404, "not_found"),
            (taken, shown["authorization"], {}, 422, "content_invalid"),
        ):
            headers = {} if secret is None else {"authorization": secret}
            assert problem(await api.anonymous.post(url, json=asked, headers=headers)) == (status, code)
        answer = await api.anonymous.post(taken, json=body, headers=shown)
        assert (answer.status_code, answer.json()["status"]) == (200, "WITHDRAWN"), answer.text
        assert problem(await api.anonymous.post(taken, json=body, headers=shown)) == (409, "transition_not_allowed")
        assert (await api.anonymous.get(link)).status_code == 404
        row = await owner.fetchrow("SELECT * FROM attachments WHERE id = $1", UUID(found["id"]))
        assert row is not None
        assert [row[name] for name in ("name", "data_key", "sealed_name", "sealed_data_key")] == [None] * 4
        await worked(api)
        assert not any(row["object"] in name for name in objects(folder))
        # Why, and that it was there, is told to who handles the complaint.
        handler = api.as_("integrity_officer" if confidentiality == "SEALED" else OFFICER)
        told = (await handler.get(f"/v1/attachments/{found['id']}/history")).json()["items"]
        assert (told[-1]["type"], told[-1]["texts"]) == ("attachment.withdrawn", body)

    async def test_what_the_office_attached_is_not_withdrawn_by_receipt(self, api: Api) -> None:
        receipt = (await file_publicly(api)).json()
        shown = {"authorization": f"Receipt {receipt['receipt_secret']}"}
        [complaint] = (await api.as_(OFFICER).get(f"/v1/complaints?receipt={receipt['receipt']}")).json()["items"]
        found = await ready(api, api.as_(OFFICER), complaint["id"], picture())
        taken = f"/v1/public/complaints/{receipt['receipt']}/attachments/{found['id']}/withdrawal"
        refused = await api.anonymous.post(taken, json={"reason": "Bukan milik saya"}, headers=shown)
        assert problem(refused) == (409, "not_your_attachment")
        assert (await opened(api.as_(OFFICER), found)).status_code == 200

    async def test_one_receipt_opens_nothing_of_another_and_wrong_secrets_close_it(self, api: Api) -> None:
        mine, other = (await file_publicly(api)).json(), (await file_publicly(api)).json()
        shown = {"authorization": f"Receipt {mine['receipt_secret']}"}
        theirs = f"/v1/public/complaints/{other['receipt']}/attachments"
        answer = await api.anonymous.post(
            theirs, json=described(b"x", "text/plain"), headers={"authorization": f"Receipt {other['receipt_secret']}"}
        )
        found = answer.json()
        path = f"/v1/public/complaints/{mine['receipt']}/attachments"
        assert (await send(api.anonymous, f"{path}/{found['id']}/upload", b"x", headers=shown)).status_code == 404
        assert (await api.anonymous.get(f"{path}/{found['id']}/upload", headers=shown)).status_code == 404
        assert (await api.anonymous.post(f"{path}/{found['id']}/links", headers=shown)).status_code == 404
        wrong = {"authorization": f"Receipt {other['receipt_secret']}"}
        for _ in range(10):
            assert (await api.anonymous.get(path, headers=wrong)).status_code == 404
        assert problem(await api.anonymous.get(path, headers=shown)) == (429, "receipt_closed")

    async def test_files_of_a_sealed_complaint_are_absent_for_the_staff(self, api: Api) -> None:
        receipt = (await file_publicly(api, confidentiality="SEALED")).json()
        shown = {"authorization": f"Receipt {receipt['receipt_secret']}"}
        path = f"/v1/public/complaints/{receipt['receipt']}/attachments"
        answer = await api.anonymous.post(path, json=described(b"text", "text/plain"), headers=shown)
        assert answer.status_code == 201, answer.text
        found = answer.json()
        upload = f"{path}/{found['id']}/upload"
        assert (await send(api.anonymous, upload, b"text", complete=True, headers=shown)).status_code == 204
        await worked(api)
        listed = (await api.anonymous.get(path, headers=shown)).json()["items"]
        assert [row["status"] for row in listed] == ["READY"]
        assert minted_at(UUID(found["id"])).hour == 0
        assert (await opened(api.as_("integrity_officer"), found)).status_code == 200
        for role in (OFFICER, "secretariat_manager", "auditor"):
            client = api.as_(role)
            assert problem(await client.get(f"/v1/attachments/{found['id']}")) == (404, "not_found")
            rows = (await client.get("/v1/attachments?status=READY&limit=200")).json()["items"]
            assert found["id"] not in {row["id"] for row in rows}
            assert (await client.get(f"/v1/attachments/{found['id']}/history")).status_code == 404

    @pytest.mark.parametrize("accused", ["organization", "person"])
    async def test_files_of_a_sealed_complaint_are_absent_for_the_inspectorate_that_it_accuses(
        self, api: Api, accused: str
    ) -> None:
        ids = {"organization": (await organization(api, "LEGAL_AID"))["id"]}
        ids["person"] = (await family(api))["members"][0]["person_id"]
        body = complaint_body(confidentiality="SEALED", **{f"accused_{accused}_id": ids[accused]})
        receipt = await made(await api.as_("facilitator").post("/v1/complaints", json=body))
        shown = {"authorization": f"Receipt {receipt['receipt_secret']}"}
        path = f"/v1/public/complaints/{receipt['receipt']}/attachments"
        answer = await api.anonymous.post(path, json=described(b"text", "text/plain"), headers=shown)
        found = answer.json()
        upload = f"{path}/{found['id']}/upload"
        assert (await send(api.anonymous, upload, b"text", complete=True, headers=shown)).status_code == 204
        await worked(api)
        claims = {accused: ids[accused]}
        of_accused = api.as_("integrity_officer", subject="wbs-accused", **claims)
        independent = api.as_("integrity_officer", subject="wbs-independent")
        for client, there in ((independent, True), (of_accused, False)):
            expected = 200 if there else 404
            for part in ("", "/history"):
                assert (await client.get(f"/v1/attachments/{found['id']}{part}")).status_code == expected
            rows = (await client.get("/v1/attachments?status=READY&limit=200")).json()["items"]
            assert (found["id"] in {row["id"] for row in rows}) is there
            link = await client.post(f"/v1/attachments/{found['id']}/links", json={"purpose": "CASE_HANDLING"})
            assert link.status_code == expected
            query = {"query": f'{{ attachment(id: "{found["id"]}") {{ id }} }}'}
            told = (await client.post("/graphql", json=query)).json()
            assert (told["data"]["attachment"] is not None) is there
        # Nor is told that it was read, or that somebody asked for a link.
        await api.app.state.service.platform.accesses.flush()
        for client, operations in ((independent, {"attachments.get", "attachments.link"}), (of_accused, set())):
            records = (await client.get(f"/v1/audit/accesses?resource_id={found['id']}")).json()["items"]
            assert operations <= {each["operation"] for each in records}
            assert operations or records == []


def _complaint() -> dict[str, Any]:
    return {
        "nature": "GRIEVANCE",
        "category": "PARTICIPATION",
        "channel": "WEB",
        "area_code": "33.26.01.2001",
        "summary": "Tidak terdaftar.",
    }


class TestFollowing:
    async def test_a_family_that_moves_takes_its_files_along(self, api: Api) -> None:
        household = await family(api)
        found = await ready(api, api.as_(OFFICER), household["id"], picture())
        supervisor = api.as_("supervisor", area="33.26")
        await done(supervisor, f"households/{household['id']}", "move", area_code=OTHER_VILLAGE, address="Dusun I")
        assert problem(await api.as_(OFFICER).get(f"/v1/attachments/{found['id']}")) == (404, "not_found")
        assert (await opened(api.as_(OFFICER, area=OTHER_VILLAGE), found)).status_code == 200


class TestGraphQL:
    async def test_the_same_acts_as_over_rest(self, api: Api) -> None:
        client, parent = api.as_(OFFICER), (await family(api))["id"]
        content = picture()
        described_ = described(content)
        made_ = await data(
            client,
            "mutation($i: AttachmentsCreateInput!) { attachmentsCreate(input: $i) { attachment { id status version } } }",
            {
                "i": {
                    "parentId": parent,
                    "mediaType": "image/jpeg",
                    "size": len(content),
                    "sha256": described_["sha256"],
                }
            },
        )
        found = made_["attachmentsCreate"]["attachment"]
        assert (await send(client, upload_of(found), content)).status_code == 204
        await data(
            client,
            "mutation($i: AttachmentsTransitionInput!) { attachmentsTransition(input: $i) { attachment { status } } }",
            {"i": {"id": found["id"], "expectedVersion": 1, "action": "COMPLETE"}},
        )
        await worked(api)
        shown = await data(
            client,
            "query($p: ID!) { household(id: $p) { attachments(first: 5) { edges { node { id status sha256 } } } } }",
            {"p": parent},
        )
        [edge] = shown["household"]["attachments"]["edges"]
        assert edge["node"] == {"id": found["id"], "status": "READY", "sha256": described_["sha256"]}
        link = await data(
            client,
            "mutation($i: AttachmentsLinkInput!) { attachmentsLink(input: $i) { result } }",
            {"i": {"id": found["id"], "purpose": "CASE_HANDLING"}},
        )
        url = link["attachmentsLink"]["result"]["url"]
        assert (await api.anonymous.get(url)).status_code == 200


async def test_without_a_place_for_files_they_are_refused_until_there_is_one(api: Api) -> None:
    service = replace(api.app.state.service)
    service.settings = service.settings.model_copy(update={"data_dir": None})
    with pytest.raises(Unavailable) as refused:
        _ = Files(Routes(service)).store
    assert refused.value.code == "attachments_unavailable"
