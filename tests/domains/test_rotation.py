"""Keys rotate under load: every number is found and read at every moment, and a rotation that was killed goes on."""

import asyncio
import base64
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from sqlalchemy import LargeBinary
from tests.api import Api, running_api
from tests.commands import COMMAND, within
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.domains.test_complaints import act, complaint_body
from tests.domains.test_referrals import draft, in_service, organization
from tests.domains.test_registry import entry, load
from tests.domains.test_sealed_reports import NAME, PURPOSE, SUMMARY, holder, reported, seen
from tests.domains.test_vault import SEARCH, family, number, opened, registered
from tests.files import described, send
from tests.problems import problem
from tests.sizes import size

from slrt_api.flows import rotation
from slrt_api.households.service import identity_place
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime import migrations
from slrt_api.runtime.crypto import Keyring, aad
from slrt_api.settings import Settings

K1, K2, INDEX, INDEX_2 = (bytes([one]) * 32 for one in b"12ij")
#: binary columns that hold no ciphertext
NOT_ENCRYPTED = {
    "instruments.digest": "SHA-256 of a published form",
    "events.body": "the canonical event, which holds nothing personal",
    "events.hash": "SHA-256 of it",
    "revisions.salt": "random bytes of the commitment",
    "identities.blind_index": "HMAC, made anew with the ciphertext beside it",
    "complaint_numbers.blind_index": "HMAC, made anew with the ciphertext beside it",
    "registry_entries.nik_index": "HMAC without a plaintext; rotates with the next release",
    "registry_entries.kk_index": "HMAC without a plaintext; rotates with the next release",
    "idempotent_answers.key_digest": "HMAC under the root that stays",
    "idempotent_answers.request_digest": "HMAC under the root that stays",
    "receipt_secrets.secret_hash": "HMAC under the root that stays",
    "civil_checks.basis": "HMAC under the root that stays",
    "national_niks.digest": "HMAC under the root that stays",
    "duplicate_tickets.pair": "HMAC under the root that stays",
    "quota_uses.holder": "HMAC under the root that stays",
    "attachments.digest": "SHA-256 of what was sent",
    "attachments.kept_digest": "SHA-256 of what is kept",
    "attachment_parts.digest": "keyed digest",
}


def encoded(**keys: bytes) -> str:
    return json.dumps({key_id: base64.b64encode(key).decode() for key_id, key in keys.items()})


ROOT = base64.b64encode(INDEX).decode()
BEFORE = {"encryption_keys": encoded(k1=K1), "index_key": ROOT}
AFTER = {
    "encryption_keys": encoded(k1=K1, k2=K2),
    "index_key": ROOT,
    "index_keys": encoded(default=INDEX, i2=INDEX_2),
}
#: when the rotation has ended, the old keys are taken away
ENDED = {"encryption_keys": encoded(k2=K2), "index_key": ROOT, "index_keys": encoded(i2=INDEX_2)}
#: the keys before the writers change to the new ones: everybody can read them, nobody writes with them
PREPARED = {
    "encryption_keys": encoded(k2=K2, k1=K1),
    "index_key": ROOT,
    "index_keys": encoded(i2=INDEX_2, default=INDEX),
}


def test_every_binary_column_is_rotated_or_known_to_hold_no_ciphertext() -> None:
    binary = {
        f"{table.name}.{column.name}"
        for table in migrations.metadata().tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    rotated = {f"{sealed.table}.{column}" for sealed in rotation.SEALED for column in sealed.columns}
    assert not rotated & set(NOT_ENCRYPTED)
    assert binary == rotated | set(NOT_ENCRYPTED)


@pytest_asyncio.fixture(scope="module")
async def vault(make_database: MakeDatabase) -> MigratedDatabase:
    return await make_database("slrt_rotation")


@asynccontextmanager
async def running(database: MigratedDatabase, folder: Path, keys: dict[str, str]) -> AsyncIterator[Api]:
    patience: dict[str, Any] = {"pool_acquire_timeout_seconds": 60, "lock_timeout_ms": 30_000}
    limits = dict.fromkeys(
        (f"{what}_per_{who}_per_day" for what in ("nik_lookups", "reveals") for who in ("user", "organization")),
        1_000_000,
    )
    async with running_api(database.api_url, folder, **patience, **limits, **keys) as api:
        yield api


@pytest_asyncio.fixture
async def oracle(vault: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(vault.owner_url)
    yield connection
    await connection.close()


_OLD = """
SELECT (SELECT count(*) FROM identities WHERE position('\\x6b31'::bytea IN substring(ciphertext FROM 1 FOR 4)) > 0)
     + (SELECT count(*) FROM identities WHERE index_key = 'default')
     + (SELECT count(*) FROM referral_packages WHERE position('\\x6b31'::bytea IN substring(name FROM 1 FOR 4)) > 0)
     + (SELECT count(*) FROM complaints WHERE position('\\x6b31'::bytea IN substring(reporter_name FROM 1 FOR 4)) > 0)
     + (SELECT count(*) FROM idempotent_answers WHERE position('\\x6b31'::bytea IN substring(body FROM 1 FOR 4)) > 0)
"""


class Family:
    """A registered household with all that is encrypted of it, and how each of it is asked for."""

    def __init__(self) -> None:
        self.nik, self.kk, self.key = number(), number(), str(uuid4())

    async def register(self, api: Api) -> None:
        self.body = family(nik=self.nik, kk=self.kk)
        made = await api.as_("facilitator").post(
            "/v1/households", json=self.body, headers={"idempotency-key": self.key}
        )
        assert made.status_code == 201, made.text
        self.first_answer = made.content
        self.household = made.json()
        self.person = self.household["members"][0]["person_id"]
        self.case = await opened(api, self.household)
        filed = await api.as_("facilitator").post(
            "/v1/complaints", json=complaint_body(reporter_name="Pelapor Satu", reporter_phone="+628120000001")
        )
        assert filed.status_code == 201, filed.text
        self.complaint = filed.json()

    async def check(self, api: Api) -> None:
        """Everything is found, reads the same, and belongs to nobody else."""
        officer = api.as_("puskesos_officer")
        for ask in ({"nik": self.nik}, {"kk": self.kk}):
            found = (await officer.post(SEARCH, json={**ask, "purpose": "VERIFICATION"})).json()
            assert {item["household_id"] for item in found["items"]} == {self.household["id"]}, ask.keys()
        for type_, expected in (("NIK", self.nik), ("KK", self.kk)):
            shown = await officer.post(
                f"/v1/persons/{self.person}/reveal",
                json={"type": type_, "purpose": "VERIFICATION", "case_id": self.case},
            )
            assert (shown.status_code, shown.json()[type_.lower()]) == (200, expected)
        while True:
            again = await api.as_("facilitator").post(
                "/v1/households", json=self.body, headers={"idempotency-key": self.key}
            )
            # Another reader of this test asks with the same key at the same time.
            if again.status_code != 409:
                break
        assert (again.headers["idempotency-replayed"], again.content) == ("true", self.first_answer)
        complaint = await officer.get(f"/v1/complaints/{self.complaint['id']}")
        assert complaint.json()["reporter_name"] == "Pelapor Satu"
        tracked = await api.anonymous.get(
            f"/v1/public/complaints/{self.complaint['receipt']}",
            headers={"authorization": f"Receipt {self.complaint['receipt_secret']}"},
        )
        assert tracked.status_code == 200


@pytest.mark.slow
async def test_under_load_nothing_fails_and_no_old_key_is_needed_at_the_end(
    vault: MigratedDatabase, oracle: asyncpg.Connection, tmp_path: Path
) -> None:
    families = [Family() for _ in range(12)]
    async with running(vault, tmp_path, BEFORE) as api:
        for one in families:
            await one.register(api)
            await one.check(api)
        need = ("ECONOMIC_EMPOWERMENT", "BUSINESS_GROUP")
        lks = await organization(api, need[1], capacity=5)
        case = await in_service(api, need)
        referral = (await draft(api, case, 0)).json()
        sent = await api.as_("puskesos_officer").post(
            f"/v1/referrals/{referral['id']}/transitions",
            json={"action": "SEND", "organization_id": lks["id"]},
            headers={"if-match": f'"{referral["version"]}"'},
        )
        assert sent.status_code == 200, sent.text
        partner_sees = (await partner(api, lks).get(f"/v1/referrals/{referral['id']}")).json()["package"]
        assert partner_sees["name"]
        released = Family()
        await load(api, "2026-Q3", date(2026, 9, 30), entry(released.nik, released.kk), area_code="33.28")
    # Step one of a rotation without an interruption: the new keys are known to all and used by none.
    async with running(vault, tmp_path, PREPARED) as api:
        await families[0].check(api)
        assert await oracle.fetchval("SELECT count(*) FROM identities WHERE index_key <> 'default'") == 0
    async with running(vault, tmp_path, PREPARED) as other, running(vault, tmp_path, AFTER) as api:
        before = await oracle.fetchval(_OLD)
        assert before > 60
        stop = asyncio.Event()
        checks = 0

        async def load_(one: Api) -> None:
            nonlocal checks
            while not stop.is_set():
                for each in list(families[:8]):
                    await each.check(one)
                    checks += 1
                    # Two shared cores: readers without a pause would leave the rotation none.
                    await asyncio.sleep(size(50, 0) / 1_000)
                    if stop.is_set():
                        return
                fresh = Family()
                await fresh.register(one)
                await fresh.check(api)
                await fresh.check(other)
                families.append(fresh)

        # The instance that still writes with the old keys goes away before the end, as a rollout has it.
        readers = [asyncio.create_task(load_(one)) for one in (api, api, other)]
        await asyncio.sleep(0.5)
        outcome = await rotation.rotate(api.app.state.service.platform, batch=size(16, 3), regencies=[0, 3326])
        assert outcome.rotated["identities"] >= 24
        stop.set()
        await asyncio.gather(*readers)
        assert checks > 0
    async with running(vault, tmp_path, AFTER) as api:
        rest = await rotation.rotate(api.app.state.service.platform, batch=3)
        assert (rest.left.total(), rest.unreadable.total()) == (0, 0)
        assert await oracle.fetchval(_OLD) == 0
        status = await rotation.status(api.app.state.service.platform)
        assert status.of_encryption_key("k1") == 0
        assert (status.indexes["default"], status.releases["default"]) == (0, 1)
        assert status.of_encryption_key("k2") > before / 2
        # A release keeps the index key that it was loaded with, and is still found.
        await checked_against_the_release(api, released)
        # The next release is loaded under the new one.
        await load(api, "2026-Q4", date(2026, 12, 31), entry(released.nik, released.kk), area_code="33.28")
        await checked_against_the_release(api, released)
        assert (await rotation.status(api.app.state.service.platform)).releases == {"i2": 1}
    async with running(vault, tmp_path, ENDED) as api:
        for one in families:
            await one.check(api)
        assert (await partner(api, lks).get(f"/v1/referrals/{referral['id']}")).json()["package"] == partner_sees
        await checked_against_the_release(api, released)


def partner(api: Api, organization_: dict[str, Any]) -> httpx.AsyncClient:
    return api.as_("partner", organization=organization_["id"], area="33.26")


async def checked_against_the_release(api: Api, one: Family) -> None:
    village = "33.28.01.2001"
    body = family(nik=one.nik, kk=one.kk, area=village)
    made = await api.as_("facilitator", area=village).post("/v1/households", json=body)
    found = await api.as_("puskesos_officer", area=village).post(
        "/v1/registry/checks", json={"household_id": made.json()["id"]}
    )
    assert found.json()["outcome"] == "IN_REGISTRY", found.text


async def fill(oracle: asyncpg.Connection, count: int) -> dict[UUID, str]:
    """Numbers under the old keys, as a regency of some size has them: id -> number."""
    ring = Keyring({"k1": K1}, INDEX)
    rows: list[tuple[Any, ...]] = []
    numbers: dict[UUID, str] = {}
    for serial in range(count):
        id_, nik = new_id(Kind.PERSON, 3326), f"99010245{serial:08d}"
        numbers[id_] = nik
        sealed = (ring.encrypt(nik, identity_place("NIK", id_)), ring.blind_index("NIK", nik))
        rows.append((3326, id_, 3326012001, id_, "NIK", "990102", *sealed, "default", [], date(2026, 1, 1)))
    columns = ("regency", "id", "area", "owner_id", "type", "prefix", "ciphertext", "blind_index", "index_key")
    await oracle.executemany(
        f"INSERT INTO identities ({', '.join((*columns, 'findings', 'valid_from'))})"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        rows,
    )
    return numbers


def environment(database: MigratedDatabase, keys: dict[str, str]) -> dict[str, str]:
    given = {f"SLRT_{name.upper()}": value for name, value in keys.items()}
    return {"PATH": os.environ["PATH"], "SLRT_DATABASE_URL": database.api_url, **given}


async def command(
    database: MigratedDatabase, folder: Path, keys: dict[str, str], *arguments: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        COMMAND,
        "keys",
        *arguments,
        cwd=folder,
        env=environment(database, keys),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.slow
async def test_killed_in_the_middle_it_goes_on_where_it_was(make_database: MakeDatabase, tmp_path: Path) -> None:
    database = await make_database("slrt_rotation_killed")
    oracle = await asyncpg.connect(database.owner_url)
    old = "SELECT count(*) FROM identities WHERE index_key = 'default'"
    try:
        numbers = await fill(oracle, size(300, 2_000))
        ring = Keyring.from_settings(Settings.model_validate(AFTER), None)
        middles = []
        for _ in range(size(1, 2)):
            begun = await oracle.fetchval(old)
            process = await command(database, tmp_path, AFTER, "rotate", "--batch", "2")
            while await oracle.fetchval(old) > begun - 40:
                assert process.returncode is None, (await process.communicate())[1]
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            middles.append(await oracle.fetchval(old))
            await all_read(oracle, ring, numbers)
        assert 0 < middles[-1] <= middles[0] < len(numbers)
        assert len(set(middles)) == len(middles)
        out = within("keys", "status", folder=tmp_path, **environment(database, AFTER)).out
        # The server may still have been ending the last transaction of the killed process.
        left = await oracle.fetchval(old)
        assert f"identities.ciphertext: {left} under k1\n" in out
        assert f"index key default: needed by {left} values\n" in out
        assert "encryption key k2: current\n" in out
        again = within("keys", "rotate", folder=tmp_path, **environment(database, AFTER))
        assert (again.code, again.err) == (0, "")
        assert f"identities: {left} rotated, 0 left\n" in again.out
        assert await oracle.fetchval(old) == 0
        await all_read(oracle, Keyring({"k2": K2}, INDEX, {"i2": INDEX_2}), numbers)
        out = within("keys", "status", folder=tmp_path, **environment(database, AFTER)).out
        assert "encryption key k1: needed by nothing, may be removed\n" in out
        assert "index key default: needed by nothing, may be removed\n" in out
        out = within("keys", "status", folder=tmp_path, **environment(database, BEFORE)).out
        assert f"encryption key k2: NOT CONFIGURED, {len(numbers)} values cannot be used\n" in out
        assert not any(nik in out for nik in list(numbers.values())[:50])
    finally:
        await oracle.close()


async def all_read(oracle: asyncpg.Connection, ring: Keyring, numbers: dict[UUID, str]) -> None:
    rows = await oracle.fetch("SELECT id, type, ciphertext, blind_index, index_key FROM identities")
    assert {row["id"] for row in rows} == set(numbers)
    for row in rows:
        nik = numbers[row["id"]]
        assert ring.decrypt(row["ciphertext"], identity_place(row["type"], row["id"])).decode() == nik
        assert row["blind_index"] == ring.blind_index_under(row["index_key"], "NIK", nik)
        assert row["blind_index"] in ring.blind_indexes("NIK", nik)


class TestOneRegency:
    @pytest_asyncio.fixture
    async def filled(
        self, vault: MigratedDatabase, oracle: asyncpg.Connection, tmp_path: Path
    ) -> AsyncIterator[tuple[Api, asyncpg.Connection]]:
        """The vault without the numbers of other tests, so that these can count."""
        for table in ("identities", "idempotent_answers"):
            await oracle.execute(f"DELETE FROM {table}")
        await oracle.execute("UPDATE complaints SET reporter_name = NULL, reporter_phone = NULL")
        async with running(vault, tmp_path, AFTER) as api:
            yield api, oracle

    async def test_what_nobody_can_read_is_left_as_it_is_and_counted(
        self, filled: tuple[Api, asyncpg.Connection]
    ) -> None:
        api, oracle = filled
        ids = list(await fill(oracle, 5))
        swap = (
            "UPDATE identities i SET ciphertext = o.ciphertext FROM identities o"
            " WHERE i.id = ANY ($1) AND o.id = ANY ($1) AND i.id <> o.id"
        )
        await oracle.execute(swap, ids[:2])
        before = await oracle.fetch("SELECT id, ciphertext FROM identities WHERE id = ANY ($1) ORDER BY id", ids[:2])
        outcome = await rotation.rotate(api.app.state.service.platform, regencies=[3326])
        after = await oracle.fetch("SELECT id, ciphertext FROM identities WHERE id = ANY ($1) ORDER BY id", ids[:2])
        assert (outcome.rotated, outcome.unreadable, outcome.left) == (
            {"identities": 3},
            {"identities": 2},
            {"identities": 2},
        )
        assert before == after

    async def test_rows_that_somebody_writes_are_waited_for(self, filled: tuple[Api, asyncpg.Connection]) -> None:
        api, oracle = filled
        ids = list(await fill(oracle, 5))
        async with oracle.transaction():
            await oracle.execute("SELECT FROM identities WHERE id = $1 FOR NO KEY UPDATE", ids[2])
            rotating = asyncio.create_task(rotation.rotate(api.app.state.service.platform, regencies=[3326]))
            await asyncio.sleep(0.5)
            assert not rotating.done()
            # What the writer puts there stays: it is newer than what the rotation might have read.
            ring: Keyring = api.app.state.service.platform.keyring
            await oracle.execute(
                "UPDATE identities SET ciphertext = $2, blind_index = $3, index_key = $4 WHERE id = $1",
                ids[2],
                ring.encrypt("9901024599999999", identity_place("NIK", ids[2])),
                ring.blind_index("NIK", "9901024599999999"),
                ring.index_key_id,
            )
        outcome = await asyncio.wait_for(rotating, 10)
        assert (outcome.rotated, outcome.left) == ({"identities": 4}, {})
        kept = await oracle.fetchval("SELECT ciphertext FROM identities WHERE id = $1", ids[2])
        assert ring.decrypt(kept, identity_place("NIK", ids[2])) == b"9901024599999999"

    async def test_two_at_once_do_each_row_once(self, filled: tuple[Api, asyncpg.Connection]) -> None:
        api, oracle = filled
        await fill(oracle, 200)
        platform = api.app.state.service.platform
        both = await asyncio.gather(*(rotation.rotate(platform, batch=7, regencies=[3326]) for _ in range(2)))
        assert sum(each.rotated["identities"] for each in both) == 200
        assert [each.left.total() for each in both] == [0, 0]

    async def test_a_number_swapped_after_the_rotation_is_no_answer_either(
        self, filled: tuple[Api, asyncpg.Connection]
    ) -> None:
        api, oracle = filled
        niks = number(), number()
        made = [await registered(api, nik=nik) for nik in niks]
        await oracle.execute(
            "UPDATE identities i SET ciphertext = o.ciphertext, blind_index = o.blind_index FROM identities o"
            " WHERE i.type = 'NIK' AND o.type = 'NIK' AND i.id <> o.id"
        )
        for household in made:
            case = await opened(api, household)
            answer = await api.as_("puskesos_officer").post(
                f"/v1/persons/{household['members'][0]['person_id']}/reveal",
                json={"purpose": "VERIFICATION", "case_id": case},
            )
            problem(answer, 500, "identity_unreadable")
            assert not any(nik in answer.text for nik in niks)


async def test_sealed_reports_follow_the_keys_of_their_own_ring(
    vault: MigratedDatabase, oracle: asyncpg.Connection, tmp_path: Path
) -> None:
    s1, s2 = b"s" * 32, b"t" * 32
    async with running(vault, tmp_path, {**BEFORE, "sealed_keys": encoded(s1=s1)}) as api:
        report = await reported(api)
        for action in ("TRIAGE", "ASK_COMPLAINANT"):
            found = await seen(holder(api), f"/v1/complaints/{report['id']}")
            nature = "GRIEVANCE" if action == "TRIAGE" else None
            await act(holder(api), found, action, reason="Kapan?", nature=nature)
        asked = await holder(api).post("/v1/sealed-accesses", json={"complaint_id": report["id"], **PURPOSE})
        assert asked.status_code == 201
        secret = {"authorization": f"Receipt {report['receipt_secret']}"}
        path = f"/v1/public/complaints/{report['receipt']}/attachments"
        body = described(b"Catatan", "text/plain", name="buku-kas.txt")
        file = (await api.anonymous.post(path, json=body, headers=secret)).json()
    # Of a row of before, that a migration moved without having keys: the name under the ordinary keys, the digest in clear.
    attached = UUID(file["id"])
    before = Keyring({"k1": K1}, INDEX).encrypt("buku-kas.txt", aad("attachment.name", attached))
    await oracle.execute(
        "UPDATE attachments SET sealed_name = $2, sealed_digest = sha256('Catatan') WHERE id = $1", attached, before
    )
    both = encoded(s1=s1, s2=s2)
    async with running(vault, tmp_path, {**BEFORE, "sealed_keys": both}) as api:
        outcome = await rotation.rotate(api.app.state.service.platform, regencies=[3326])
        named = (
            "complaints",
            "complaint_messages",
            "sealed_identities",
            "sealed_texts",
            "sealed_accesses",
            "attachments",
        )
        assert {name: outcome.rotated[f"{name} (sealed)"] for name in named} == dict.fromkeys(named, 1)
        # The rings of other tests are gone, and what stands under them is left: the sealed ring is not.
        assert [name for name in outcome.left if name.endswith("(sealed)")] == []
        again = await rotation.rotate(api.app.state.service.platform, regencies=[3326])
        assert [name for name in again.rotated if name.endswith("(sealed)")] == []
    async with running(vault, tmp_path, {**BEFORE, "sealed_keys": encoded(s2=s2)}) as api:
        assert (await seen(holder(api), f"/v1/complaints/{report['id']}"))["summary"] == SUMMARY
        [message] = (await seen(holder(api), f"/v1/complaints/{report['id']}/messages"))["items"]
        assert message["text"] == "Kapan?"
        history = (await seen(holder(api), f"/v1/complaints/{report['id']}/history"))["items"]
        assert history[1]["texts"] == {"reason": "Kapan?"}
        told = await seen(holder(api), f"/v1/attachments/{file['id']}")
        assert (told["name"], told["sha256"]) == (body["name"], body["sha256"])
        sent = await send(api.anonymous, f"{path}/{file['id']}/upload", b"Catatan", complete=True, headers=secret)
        assert sent.status_code == 204, sent.text
        [access] = (await seen(holder(api), f"/v1/complaints/{report['id']}/sealed-accesses"))["items"]
        assert access["reason"] == PURPOSE["reason"]
        granted = await holder(api, "wbs-2").post(
            f"/v1/sealed-accesses/{access['id']}/transitions", json={"action": "GRANT"}, headers={"if-match": '"1"'}
        )
        assert granted.status_code == 200
        shown = await holder(api).post(f"/v1/sealed-accesses/{access['id']}/reveal", headers={"if-match": '"2"'})
        assert shown.json()["reporter_name"] == NAME
