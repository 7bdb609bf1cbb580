"""Sealed reports leave no trace but their ciphertext: not in the database's dump, its write-ahead log, a log, a span, a metric or
a file.

Distinctive strings stand in the identity, the summary, messages, reasons and outcome of reports, in a picture that goes with one
and its name, and in the headers of who filed them. After intake, handling, refused accesses, a merge and errors everything that
the service and PostgreSQL wrote is searched for them, as text and in the spellings in which a database writes text. Then the
control is taken away, and they are found.
"""

import asyncio
import base64
import hashlib
import io
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from PIL import Image
from prometheus_client import generate_latest
from tests import canaries, files
from tests.api import Api, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.domains.test_complaints import complaint_body, filed

from slrt_api import app as composition
from slrt_api.attachments import vault as file_vault
from slrt_api.attachments.adapters.store import configured
from slrt_api.attachments.frames import Cipher
from slrt_api.complaints import vault
from slrt_api.flows import examining, rotation
from slrt_api.runtime import embedded, logs
from slrt_api.runtime.crypto import NONCE_BYTES, TAG_BYTES, DecryptionFailed, Keyring, Ring
from slrt_api.runtime.embedded import EmbeddedPostgres
from slrt_api.runtime.telemetry import Telemetry
from slrt_api.settings import Settings

#: what identifies the reporter, and what the report says: none of it is a word of the code, of the tests or of Indonesian
MARKS = {
    "reporter_name": "Qwxvanth Zerpolidu",
    "reporter_phone": "+6281739506284",
    "identifying_details": "Mbrakzino gerdulafix",
    "card_number": "KKS-QJ7731904",
    "nik": "9901175512648831",
    "summary": "Plomquazin dergovast",
    "detail": "Vexquorbil hantropaz",
    "reason": "Jubqarrelop sintovaz",
    "resolution": "Drelqimpaz ortovund",
    "question": "Kratzwimbel poqurast",
    "answer": "Fyxolquart bendrimov",
    "access": "Wurpqeltan grisovantu memerlukan",
    "file_name": "Bukti-Zwolqanterip.jpg",
    "camera": "Kamera-Xurbelqant-88",
    "owner": "Hrimqulda Veztopran",
    "place": "Desa-Gwexpuldano",
    "comment": "Tlaqwimber oszudrel",
    "text": "Ybroqzantul merdivask",
    "address": "203.0.113.219",
    "agent": "Telefon-Qypzarundel/9",
}
#: tables with rows of sealed reports and of others
SEALED_ROWS = {"complaints", "complaint_messages", "attachments"}
#: of these, what stands in the picture itself
PICTURED = ("camera", "owner", "place", "comment")


def spellings(mark: str) -> Iterator[bytes]:
    """A mark as it may stand in a file: as it is, as JSON and base64 hold it, and in PostgreSQL's hexadecimal."""
    plain = mark.encode()
    yield plain
    yield plain.hex().encode()
    yield plain.decode().encode("utf-16-le")
    for shift in range(3):
        # Within a longer text base64 begins at any of three places; its ends depend on what stands around.
        yield base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4]


def found_in(content: bytes) -> set[str]:
    """The marks that stand in a file."""
    return {name for name, mark in MARKS.items() if any(spelling in content for spelling in spellings(mark))}


class Lines(RawIOBase):
    """The stream of an application's log, kept."""

    def __init__(self) -> None:
        super().__init__()
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.content += bytes(data)
        return len(data)


@dataclass
class Scene:
    """A database and an application of one test's own, with all that they tell. `wal_from`: the first segment of its log."""

    api: Api
    database: MigratedDatabase
    server: EmbeddedPostgres
    lines: Lines
    spans: InMemorySpanExporter
    log_from: int
    wal_from: str
    objects: Path


@pytest_asyncio.fixture
async def scene(
    postgres: EmbeddedPostgres, make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    database = await make_database(f"slrt_marks_{uuid4().hex[:8]}")
    lines, spans = Lines(), InMemorySpanExporter()

    class Kept(Telemetry):
        def __init__(self, settings: Settings, *, processor: SpanProcessor | None = None) -> None:
            assert processor is None
            everything = settings.model_copy(update={"trace_sample_ratio": 1.0, "log_level": "DEBUG"})
            super().__init__(everything, processor=SimpleSpanProcessor(spans))

        def start(self) -> None:
            super().start()
            logs.configure("DEBUG", lines)  # type: ignore[arg-type]

    monkeypatch.setattr(composition, "Telemetry", Kept)
    wal_from = await _asked(database, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    with canaries.logging_kept():
        async with running_api(database.api_url, tmp_path) as api:
            log_from = postgres.log_file.stat().st_size
            yield Scene(api, database, postgres, lines, spans, log_from, wal_from, tmp_path / "attachments")


async def _asked(database: MigratedDatabase, sql: str) -> str:
    admin = await asyncpg.connect(database.admin_url)
    try:
        return str(await admin.fetchval(sql))
    finally:
        await admin.close()


@dataclass(frozen=True)
class Life:
    """The id of a report, and what lay in the object store when its files had arrived and were not examined yet."""

    id: str
    arrived: bytes


async def lived(api: Api) -> Life:
    """The whole life of a report: taken in twice, handled, asked about, opened, refused, merged, gone wrong."""
    headers = {
        "x-forwarded-for": MARKS["address"],
        "user-agent": MARKS["agent"],
        "forwarded": f"for={MARKS['address']}",
        "x-real-ip": MARKS["address"],
    }
    body = complaint_body(
        confidentiality="SEALED",
        category="IMPLEMENTATION",
        subtype="ILLEGAL_DEDUCTION",
        **{name: MARKS[name] for name in ("reporter_name", "reporter_phone", "identifying_details", "card_number")},
        **{name: MARKS[name] for name in ("nik", "summary", "detail")},
    )
    staff = api.as_("facilitator")
    staff.headers.update(headers)
    key = {"idempotency-key": str(uuid4())}
    report = await made(await staff.post("/v1/complaints", json=body, headers=key), 201)
    await made(await staff.post("/v1/complaints", json=body, headers=key), 201)
    # What is refused is not written either, whatever it is refused for.
    for wrong in ({**body, "nature": MARKS["summary"]}, {**body, "area_code": "33.26.01.2999"}, {**body, "nik": "99"}):
        assert (await staff.post("/v1/complaints", json=wrong)).status_code == 422
    assert (await staff.post("/v1/complaints", json=body, headers={"acting-role": "auditor"})).status_code == 403
    public = api.anonymous
    without = {name: value for name, value in body.items() if name != "channel"}
    sent = await public.post(
        "/v1/public/complaints", json=without, headers={**headers, "idempotency-key": str(uuid4())}
    )
    await made(sent, 201)

    unit, other = api.as_("integrity_officer", subject="wbs-1"), api.as_("integrity_officer", subject="wbs-2")
    for step in (
        {"action": "TRIAGE", "nature": "GRIEVANCE", "reason": MARKS["reason"]},
        {"action": "ASK_COMPLAINANT", "reason": MARKS["question"]},
    ):
        await stepped(unit, f"/v1/complaints/{report['id']}", step)
    secret = {"authorization": f"Receipt {report['receipt_secret']}", **headers}
    path = f"/v1/public/complaints/{report['receipt']}"
    arrived = await sent_files(api, unit, path, secret)
    await made(await public.post(f"{path}/messages", json={"text": MARKS["answer"]}, headers=secret), 200)
    told = {"action": "RESOLVE", "resolution": MARKS["resolution"], "service_realized": True}
    await stepped(unit, f"/v1/complaints/{report['id']}", told)

    asked = {"complaint_id": report["id"], "purpose": "PROTECTION", "reason": MARKS["access"]}
    access = await made(await unit.post("/v1/sealed-accesses", json=asked), 201)
    path = f"/v1/sealed-accesses/{access['id']}"
    await stepped(other, path, {"action": "GRANT"})
    match = {"if-match": (await unit.get(path)).headers["etag"]}
    shown = await made(await unit.post(f"{path}/reveal", headers=match), 200)
    assert shown["reporter_name"] == MARKS["reporter_name"]
    assert (await unit.post(f"{path}/reveal", headers=match)).status_code == 412

    # Others try, and a merge into an open complaint is tried from both sides.
    open_one = await filed(api)
    for client, one, into in ((api.as_("secretariat_manager"), open_one, report), (unit, report, open_one)):
        found = await client.get(f"/v1/complaints/{one['id']}")
        merge = {"action": "MERGE", "merge_into": into["id"], "reason": MARKS["reason"]}
        answer = await client.post(
            f"/v1/complaints/{one['id']}/transitions", json=merge, headers={"if-match": found.headers["etag"]}
        )
        assert answer.status_code in {409, 422}, answer.text
    for role in ("puskesos_officer", "auditor"):
        assert (await api.as_(role).get(f"/v1/complaints/{report['id']}")).status_code == 404
    await api.app.state.service.platform.accesses.flush()
    return Life(str(report["id"]), arrived)


#: the mark stands within the first of the parts in which it is sent
NOTE = f"{MARKS['text']}. {'Catatan lain. ' * 20}".encode()


def fingerprints(content: bytes) -> int:
    """How often the SHA-256 of the note stands in what was written, as bytes or in hexadecimal or base64."""
    digest = hashlib.sha256(NOTE).digest()
    text = base64.b64encode(digest)
    return sum(content.count(each) for each in (digest, digest.hex().encode(), text, text.hex().encode()))


def picture() -> bytes:
    """A JPEG in which camera, owner, place and a comment stand in clear, in the four places where they may."""
    exif = Image.Exif()
    exif[0x0110], exif[0x013B] = MARKS["camera"], MARKS["owner"]
    exif.get_ifd(0x8825).update(
        {1: "S", 2: (6.0, 54.0, 53.0), 3: "E", 4: (109.0, 37.0, 12.0), 28: MARKS["place"].encode()}
    )
    out = io.BytesIO()
    Image.effect_noise((320, 240), 90).save(out, "JPEG", exif=exif, comment=MARKS["comment"].encode())
    content = out.getvalue()
    assert found_in(content) == set(PICTURED)
    return content


def stored(objects: Path) -> bytes:
    """What lies in the object store, and under which names."""
    found = [path for path in sorted(objects.rglob("*")) if path.is_file()]
    return b"".join(str(path.relative_to(objects)).encode() + path.read_bytes() for path in found)


async def sent_files(api: Api, unit: httpx.AsyncClient, path: str, headers: dict[str, str]) -> bytes:
    """A picture and a text that the complainant adds by receipt: sent, examined by the worker, opened by who handles the report.

    Returns what lay in the store before the worker came.
    """
    settings, arrived = api.app.state.service.settings, b""
    store = configured(settings)
    assert store is not None
    for content, type_ in ((picture(), "image/jpeg"), (NOTE, "text/plain")):
        described = files.described(content, type_, name=MARKS["file_name"], keep_location=type_ == "image/jpeg")
        file = await made(await api.anonymous.post(f"{path}/attachments", json=described, headers=headers), 201)
        upload = f"{path}/attachments/{file['id']}/upload"
        half = len(content) // 2
        for start, part in ((0, content[:half]), (half, content[half:])):
            sent = await files.send(api.anonymous, upload, part, start, complete=start > 0, headers=headers)
            assert sent.status_code == 204, sent.text
        arrived += stored(Path(settings.data_dir) / "attachments")
        assert await examining.of(store)(api.app.state.service.platform) > 0
        opened = await files.opened(unit, file)
        assert opened.status_code == 200, opened.text
        # What is handed out is the file, without what its camera wrote.
        assert found_in(opened.content) == (set() if type_ == "image/jpeg" else {"text"})
        kept = await made(await unit.get(f"/v1/attachments/{file['id']}"), 200)
        assert kept["name"] == MARKS["file_name"]
    return arrived


async def made(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def stepped(client: httpx.AsyncClient, path: str, step: dict[str, Any]) -> None:
    match = {"if-match": (await client.get(path)).headers["etag"]}
    await made(await client.post(f"{path}/transitions", json=step, headers=match), 200)


async def everything(scene: Scene) -> dict[str, bytes]:
    """What was written since the beginning, by where."""
    logs.flush()
    # What is still in memory is written out with the segment that ends.
    await _asked(scene.database, "SELECT pg_switch_wal()")
    segments = [
        path
        for path in sorted((scene.server.data_dir / "cluster" / "pg_wal").iterdir())
        if len(path.name) == 24 and path.name >= scene.wal_from
    ]
    assert segments[0].name == scene.wal_from, "the beginning of the log is gone: the search would prove nothing"
    dump = [str(embedded._binaries() / "pg_dump"), "--dbname", scene.database.admin_url]
    await _asked(scene.database, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    statements = "SELECT string_agg(query, E'\\n') FROM pg_stat_statements"
    metrics = scene.api.app.state.service.platform.count.__self__.registry
    return {
        "dump": await asyncio.to_thread(subprocess.check_output, dump),
        "write-ahead log": b"".join(path.read_bytes() for path in segments),
        "application log": bytes(scene.lines.content),
        "postgres log": scene.server.log_file.read_bytes()[scene.log_from :],
        "spans": "\n".join(span.to_json() for span in scene.spans.get_finished_spans()).encode(),
        "statements": (await _asked(scene.database, statements)).encode(),
        "metrics": generate_latest(metrics),
        "object store": stored(scene.objects),
    }


@contextmanager
def in_clear(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The control taken away: what is sealed is written as it is, where its ciphertext would stand."""
    with monkeypatch.context() as patch:
        patch.setattr(Ring, "encrypt", lambda self, plaintext, aad: _plain(plaintext))
        patch.setattr(Ring, "decrypt", lambda self, blob, aad: blob)
        # Of files as well, in frames as long as they are otherwise.
        patch.setattr(Cipher, "_seal", lambda self, content, *place: bytes(NONCE_BYTES) + content + bytes(TAG_BYTES))
        patch.setattr(Cipher, "_open", lambda self, frame, *place: frame[NONCE_BYTES:-TAG_BYTES])
        yield


def _plain(plaintext: str | bytes) -> bytes:
    return plaintext.encode() if isinstance(plaintext, str) else plaintext


async def test_only_ciphertext_holds_what_identifies_and_what_was_said(scene: Scene) -> None:
    life = await lived(scene.api)
    id_, written = life.id, await everything(scene) | {"files that arrived": life.arrived}
    # Where nothing was written, nothing is shown by finding nothing.
    assert {where for where, content in written.items() if len(content) < 500} <= {"postgres log"}
    assert b'"event":"request"' in written["application log"]
    assert b"complaints.file" in written["spans"]
    # The dump holds the report, and so everything that was kept of it.
    assert id_.encode() in written["dump"]
    assert {where: sorted(found) for where, content in written.items() if (found := found_in(content))} == {}
    # Nor can who has a file find out by its digest that it was sent.
    assert {where: fingerprints(content) for where, content in written.items() if fingerprints(content)} == {}
    # Nothing that is told beside the database says which report it was, nor that one was sealed.
    for where in ("application log", "spans", "metrics"):
        assert id_.encode() not in written[where], where
        assert b"INSERT sealed" not in written[where], where


async def test_without_the_control_all_of_it_is_found(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search finds what stands there: in the dump, in the write-ahead log and in the object store."""
    with in_clear(monkeypatch):
        life = await lived(scene.api)
    written = await everything(scene)
    of_files = {*PICTURED, "text"}
    said = set(MARKS) - {"address", "agent"} - of_files
    assert found_in(written["write-ahead log"]) == said
    assert found_in(written["dump"]) == said
    # What was sent, and what was kept of it: a text is kept as it was.
    assert fingerprints(written["dump"]) == 2
    assert found_in(life.arrived) == of_files
    # Once a picture was examined, what its camera wrote is nowhere, in whatever form.
    assert found_in(written["object store"]) == {"text"}


async def test_the_ordinary_keys_open_nothing_of_a_sealed_report(scene: Scene) -> None:
    """Whoever has the database, the object store and the ordinary keys, and not those of sealed reports."""
    await lived(scene.api)
    whole: Keyring = scene.api.app.state.service.platform.keyring
    kept = json.loads((scene.objects.parent / "keys.json").read_text())
    keys = {name: base64.b64decode(key) for name, key in kept["encryption_keys"].items()}
    ordinary = Keyring(keys, base64.b64decode(kept["index_key"]))
    owner = await asyncpg.connect(scene.database.owner_url)
    tried = Counter[str]()
    for each in rotation.SEALED:
        if not each.sealed and each.table not in SEALED_ROWS:
            continue
        where = f"({each.where}) AND {'sealed' if each.table in SEALED_ROWS else 'true'}"
        for row in await owner.fetch(f"SELECT * FROM {each.table} WHERE {where}"):
            for column, place in each.columns.items():
                if row[column] is None:
                    continue
                tried[f"{each.table}.{column}"] += 1
                assert each.sealed, f"{each.table}.{column} of a sealed report stands under the ordinary keys"
                assert whole.sealed.decrypt(row[column], place(row))
                # Under the same id and place, too: the keys are others.
                with pytest.raises(DecryptionFailed):
                    ordinary.decrypt(row[column], place(row))
    assert set(tried) >= {
        "complaints.sealed_summary",
        "complaint_messages.text",
        "sealed_identities.identity",
        *(f"attachments.{file_vault.column(name)}" for name in file_vault.KEPT),
    }
    await owner.close()


async def test_a_step_that_forgets_to_seal_a_file_fails(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table itself refuses what code would write in clear, or under the ordinary keys."""
    unit = scene.api.as_("facilitator")
    report = await made(await unit.post("/v1/complaints", json=complaint_body(confidentiality="SEALED")), 201)
    path = f"/v1/public/complaints/{report['receipt']}/attachments"
    headers = {"authorization": f"Receipt {report['receipt_secret']}"}
    body = files.described(NOTE, "text/plain", name=MARKS["file_name"])
    kept = file_vault.kept
    with monkeypatch.context() as patch:
        patch.setattr(
            file_vault, "kept", lambda keyring, id_, values, *, sealed: kept(keyring, id_, values, sealed=False)
        )
        assert (await scene.api.anonymous.post(path, json=body, headers=headers)).status_code == 500
    assert (await scene.api.anonymous.get(path, headers=headers)).json()["items"] == []
    assert (await scene.api.anonymous.post(path, json=body, headers=headers)).status_code == 201


async def test_nothing_leads_from_a_report_to_the_moment_of_its_intake(scene: Scene) -> None:
    """No row of the report, its events, clocks and kept answers tells more than the day, and none names a request."""
    id_ = UUID((await lived(scene.api)).id)
    owner = await asyncpg.connect(scene.database.owner_url)
    telling = await owner.fetch(
        "SELECT 'complaints' FROM complaints WHERE id = $1 AND received_at <> date_trunc('day', received_at, 'UTC')"
        " UNION ALL SELECT 'events' FROM events WHERE sealed AND at <> date_trunc('day', at, 'UTC')"
        " UNION ALL SELECT 'traces' FROM events WHERE sealed AND trace_id <> repeat('0', 32)"
        " UNION ALL SELECT 'feed' FROM events WHERE sealed AND xact <> '0'::xid8"
        " UNION ALL SELECT 'answers' FROM idempotent_answers WHERE resource_id = $1"
        " UNION ALL SELECT 'authors' FROM events WHERE sealed AND sequence = 1 AND kind = 7 AND role <> $2",
        id_,
        vault.UNIT,
    )
    assert [row[0] for row in telling] == []
    sealed = await owner.fetchval("SELECT count(*) FROM events WHERE sealed")
    assert sealed > 8
    await owner.close()


def test_the_search_knows_the_spellings_of_a_database() -> None:
    mark = MARKS["summary"]
    for content in (
        json.dumps({"summary": f"x {mark} y"}).encode(),
        b"\\x" + f"ab {mark} cd".encode().hex().encode(),
        base64.b64encode(f"one {mark} two".encode()),
        base64.b64encode(f"three {mark} four".encode()),
        base64.b64encode(f"seven {mark} eight".encode()),
    ):
        assert found_in(content) == {"summary"}, content
    assert found_in(b"Plomquazin") == set()
