"""A stage with rows of every kind, and onlookers: callers in every role with what each may see, said as SQL.

What is in sight is said by the words of the contract and never by the row policies, because those are tested against it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from tests.api import OTHER_VILLAGE, VILLAGE, Api, household_body
from tests.domains.test_complaints import complaint_body
from tests.domains.test_public import public_body
from tests.domains.test_referrals import OFFICER, act, draft, in_service, made, organization, sent
from tests.domains.test_sealed_reports import sealed_body
from tests.files import created, described
from tests.surfaces.test_isolation import HERE, World, populated
from tests.worlds import Worlds

from slrt_api.access.actors import subject_id
from slrt_api.areas import codes
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.registry import service as registry
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.usecase import Act

NEIGHBOR = "33.26.01.2002"
JOB = ("ECONOMIC_EMPOWERMENT", "JOB_PLACEMENT")
REHABILITATION = ("SOCIAL_WELFARE", "SOCIAL_REHABILITATION")
#: special data, and what stands in their place in the second world
SPECIAL = ("MENTAL_HEALTH_CARE", "CHILD_PROTECTION")
FLAGS = ("VIOLENCE_OR_CHILD_PROTECTION", "LIFE_THREATENING")
TOLD = ("Yang hanya diketahui petugas kasus", "Yang lain sama sekali")
CITIZEN = "warga of two worlds"
#: tables of a regency as a whole, and of nobody
_REGIONAL = (
    "registry_snapshots",
    "service_capacity",
    "variant_choices",
    "enrollment_lists",
    "routing_policies",
    "routing_standings",
)
_NOBODYS = {
    "receipt_secrets",
    "complaint_numbers",
    "registry_entries",
    "idempotent_answers",
    "accesses",
    "sealed_identities",
    "attachment_parts",
    "attachment_tasks",
    "screening_households",
}
#: national tables with a history that are not closed
_NATIONAL = ("organizations", "programs", "rule_versions", "calendar_decrees", "sla_policies", "escalation_ladders")
#: what is told of families as numbers, to those too who see no family
_SCREENED = ("screenings", "screening_counts", "screening_changes")


@dataclass
class Scene:
    """What the onlookers look at."""

    world: World
    organizations: tuple[str, str]
    programs: tuple[str, str]
    receipt: str
    secret: str
    number: int
    tables: Mapping[str, set[str]]
    #: before anything was asked: asking leaves records of itself
    at: str

    def area(self, code: str) -> dict[str, str]:
        """What staff of an area see: rows of its area that are not sealed, and what is known of the whole regency."""
        lo, hi = codes.area_range(code)
        seen = {
            table: f"area BETWEEN {lo} AND {hi}" + (" AND NOT sealed" if "sealed" in columns else "")
            for table, columns in self.tables.items()
            if "area" in columns and table not in _NOBODYS
        }
        return seen | dict.fromkeys(_REGIONAL, f"regency = {HERE}")


@dataclass(frozen=True)
class Onlooker:
    """A caller, and what of each table it sees."""

    role: str
    claims: Mapping[str, Any]
    sees: Mapping[str, str]
    receipt: tuple[str, str] | None = None

    def client(self, api: Api) -> httpx.AsyncClient:
        if self.receipt is not None:
            return httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url="http://api.test")
        return api.as_(self.role, **self.claims)


def _area(role: str, code: str, **claims: Any) -> Callable[[Scene], Onlooker]:
    return lambda scene: Onlooker(role, {"area": code, **claims}, scene.area(code))


def _auditor(code: str) -> Callable[[Scene], Onlooker]:
    def onlooker(scene: Scene) -> Onlooker:
        seen = scene.area(code)
        if code == "33.26":
            # Who reads a list reads no one place: accesses are those of a regency as a whole.
            # That sealed reports are read is for who handles them.
            seen["accesses"] = f"regency = {HERE} AND NOT sealed AND at < '{scene.at}'"
        return Onlooker("auditor", {"area": code}, seen)

    return onlooker


def _partner(scene: Scene) -> Onlooker:
    mine = f"organization_id = '{scene.organizations[0]}'"
    # What has ended is nobody's business any more but that of those who sent it.
    open_ = "status NOT IN ('REALIZED', 'REJECTED', 'FAILED', 'REVOKED', 'EXPIRED', 'REDIRECTED', 'DRAFT')"
    of_open = f"IN (SELECT id FROM saved.referrals WHERE {mine} AND {open_})"
    told = f"{of_open[:-1]} UNION ALL SELECT id FROM saved.attachments WHERE parent_id {of_open})"
    return Onlooker(
        "partner",
        {"organization": scene.organizations[0]},
        {
            "referrals": f"{mine} AND {open_}",
            "referral_packages": f"id {of_open}",
            "attachments": f"parent_id {of_open}",
            "clocks": f"aggregate_id {of_open}",
            "events": f"aggregate_id {told}",
            "revisions": f"aggregate_id {told}",
            "service_capacity": mine,
            "routing_standings": mine,
        },
    )


def _manager(scene: Scene) -> Onlooker:
    lo, hi = codes.area_range("33.26")
    mine = f"program_id = '{scene.programs[0]}' AND area BETWEEN {lo} AND {hi}"
    return Onlooker(
        "program_manager",
        {"area": "33.26", "programs": [scene.programs[0]]},
        dict.fromkeys(("referrals", "referral_packages", "attachments", "clocks", "events", "revisions"), mine),
    )


def _citizen(scene: Scene) -> Onlooker:
    mine = f"reporter_id = '{subject_id(f'http://api.test#{CITIZEN}')}'"
    seen = dict.fromkeys(("complaints", "clocks", "attachments", "events"), mine)
    seen["complaint_messages"] = f"{mine} AND visibility = 'COMPLAINANT'"
    return Onlooker("citizen", {"subject": CITIZEN}, seen)


def _public(scene: Scene) -> Onlooker:
    mine = f"regency = {HERE} AND receipt = {scene.number}"
    # The tracker's own secret decides whether there is an answer, though it is never shown.
    seen = dict.fromkeys(("complaints", "clocks", "attachments", "events", "receipt_secrets"), mine)
    seen["complaint_messages"] = f"{mine} AND visibility = 'COMPLAINANT'"
    return Onlooker("public", {}, seen, (scene.receipt, scene.secret))


def _integrity(scene: Scene) -> Onlooker:
    lo, hi = codes.area_range("33.26")
    mine, office = f"area BETWEEN {lo} AND {hi} AND sealed", scene.organizations[0]
    # A report that accuses the own office is not there, nor anything of it.
    theirs = " UNION ALL ".join(
        f"SELECT id FROM saved.{table} WHERE accused_organization_id = '{office}'"
        for table in ("complaints", "attachments", "sealed_accesses")
    )
    texts = f"SELECT id FROM saved.events WHERE aggregate_id IN ({theirs})"
    of = {
        **dict.fromkeys(("complaints", "attachments", "sealed_accesses"), "id"),
        **dict.fromkeys(("events", "revisions", "clocks"), "aggregate_id"),
        "complaint_messages": "complaint_id",
    }
    seen = {table: f"{mine} AND {column} NOT IN ({theirs})" for table, column in of.items()}
    seen["sealed_texts"] = f"{mine} AND id NOT IN ({texts})"
    seen["accesses"] = f"{mine} AND at < '{scene.at}' AND (resource_id IS NULL OR resource_id NOT IN ({theirs}))"
    return Onlooker("integrity_officer", {"area": "33.26", "organization": office}, seen)


def _escalated(role: str, condition: str, screened: str, **claims: Any) -> Callable[[Scene], Onlooker]:
    # A complaint with its deadlines and its history, and those of a case.
    unsealed = dict.fromkeys(("complaints", "clocks", "events", "revisions"), f"{condition} AND NOT sealed")
    seen = dict.fromkeys(("cases", "needs"), condition) | unsealed | dict.fromkeys(_SCREENED, screened)
    return lambda _: Onlooker(role, claims, seen)


def _of_the_regency(role: str, *tables: str) -> Callable[[Scene], Onlooker]:
    """Who looks after a regency and knows nobody in it: what is of the regency as a whole, and `tables` by area."""
    whole = dict.fromkeys((*_REGIONAL, "registry_entries"), f"regency = {HERE}")

    def onlooker(scene: Scene) -> Onlooker:
        seen = {name: scene.area("33.26")[name] for name in tables}
        # What has a version has a history; numbers of a screening are told with it.
        roots = [name for name in (*tables, *_REGIONAL) if "version" in scene.tables.get(name, ())]
        known = " UNION ALL ".join(f"SELECT id FROM saved.{name} WHERE {(whole | seen)[name]}" for name in roots)
        # So has what everybody reads and this regency or the nation founded.
        known += "".join(f" UNION ALL SELECT id FROM {name}" for name in _NATIONAL)
        lo, hi = codes.area_range("33.26")
        theirs = f"area BETWEEN {lo} AND {hi} AND aggregate_id IN ({known})"
        histories = dict.fromkeys(("events", "revisions"), theirs) if tables else {}
        return Onlooker(role, {"area": "33.26"}, whole | seen | histories)

    return onlooker


ONLOOKERS: dict[str, Callable[[Scene], Onlooker]] = {
    "facilitator": _area("facilitator", VILLAGE),
    "puskesos_officer": _area("puskesos_officer", VILLAGE),
    "puskesos_coordinator": _area("puskesos_coordinator", VILLAGE),
    "supervisor": _area("supervisor", "33.26.01"),
    "secretariat_officer": _area("secretariat_officer", "33.26"),
    "secretariat_manager": _area("secretariat_manager", "33.26"),
    "social_office": _area("social_office", "33.26"),
    "auditor": _auditor("33.26"),
    "auditor of a district": _auditor("33.26.01"),
    "partner": _partner,
    "program_manager": _manager,
    "citizen": _citizen,
    "public": _public,
    "province_office": _escalated(
        "province_office", "escalation >= 1 AND area / 100000000 = 33", "area / 100000000 = 33", area="33"
    ),
    "national_office": _escalated("national_office", "escalation = 2", "true", areas=[]),
    "administrator": _of_the_regency("administrator", "grants", "revocations", *_SCREENED),
    "integrator": _of_the_regency("integrator"),
    "integrity_officer": _integrity,
}


async def staged(api: Api, owner: asyncpg.Connection) -> Scene:
    """Make rows of every kind, in sight and out of sight of each onlooker."""
    world = await populated(api)
    for village in (NEIGHBOR, OTHER_VILLAGE):
        facilitator, officer = api.as_("facilitator", area=village), api.as_("puskesos_officer", area=village)
        household = await made(await facilitator.post("/v1/households", json=household_body(area_code=village)))
        await made(await facilitator.post("/v1/complaints", json=complaint_body(area_code=village)))
        await made(await officer.post("/v1/cases", json={"household_id": household["id"]}))
    first, second = await organization(api, JOB[1], capacity=9), await organization(api, JOB[1], capacity=9)
    running, ended = await sent(api, first, JOB), await sent(api, first, JOB)
    for referral in (running, ended):
        await created(api.as_(OFFICER), referral["id"], b"B", "text/plain", name=TOLD[0])
    client = api.as_("partner", organization=first["id"])
    assert (await act(client, ended, "DECLINE", reason="Tidak ada tempat")).status_code == 204
    await sent(api, second, JOB)
    programs = []
    for code in ("ATENSI", "PKH"):
        [program] = (await api.as_(OFFICER).get(f"/v1/programs?code={code}")).json()["items"]
        programs.append(program["id"])
        drafted = await made(await draft(api, await in_service(api, REHABILITATION), program_code=code))
        await made(await act(api.as_(OFFICER), drafted, "SEND"), 200)
        await created(api.as_(OFFICER), drafted["id"], b"B", "text/plain", name=TOLD[0])
    for level in ("PROVINCE", "NATION"):
        case = await in_service(api, REHABILITATION)
        manager = api.as_("secretariat_manager")
        answer = await manager.post(
            f"/v1/cases/{case['id']}/escalation",
            json={"level": level, "reason": "Di luar kemampuan kabupaten"},
            headers={"if-match": f'"{case["version"]}"'},
        )
        await made(answer, 200)
    for rung in ("SECRETARIAT", "PROVINCE", "MINISTRY"):
        complaint = await made(await api.as_("facilitator").post("/v1/complaints", json=complaint_body()))
        answer = await api.as_("secretariat_manager").post(
            f"/v1/complaints/{complaint['id']}/escalation",
            json={"rung": rung, "reason": "Di luar kemampuan kabupaten"},
            headers={"if-match": f'"{complaint["version"]}"'},
        )
        await made(answer, 200)
    for subject in (CITIZEN, "another citizen"):
        citizen = api.as_("citizen", subject=subject)
        own = await made(await citizen.post("/v1/complaints", json=complaint_body()))
        await created(citizen, own["id"], b"B", "text/plain", name=TOLD[0])
    await _sealed(api, first["id"])
    for accused in ({}, {"accused_organization_id": first["id"]}):
        report = await made(await api.as_("facilitator").post("/v1/complaints", json=sealed_body(**accused)))
        hidden = await made(
            await api.anonymous.post(
                f"/v1/public/complaints/{report['receipt']}/attachments",
                json=described(b"B", "text/plain", name=TOLD[0]),
                headers={"authorization": f"Receipt {report['receipt_secret']}"},
            )
        )
        assert (await api.as_("integrity_officer").get(f"/v1/attachments/{hidden['id']}")).status_code == 200
    await _special(world, owner)
    await _release(api)
    headers = {"idempotency-key": str(uuid4())}
    tracked = await made(await api.anonymous.post("/v1/public/complaints", json=public_body(), headers=headers))
    number = await owner.fetchval("SELECT receipt FROM receipt_secrets ORDER BY id DESC LIMIT 1")
    columns = await owner.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name IN (SELECT relname FROM pg_class WHERE relrowsecurity)"
    )
    tables: dict[str, set[str]] = {}
    for row in columns:
        tables.setdefault(row["table_name"], set()).add(row["column_name"])
    return Scene(
        world,
        (first["id"], second["id"]),
        (programs[0], programs[1]),
        tracked["receipt"],
        tracked["receipt_secret"],
        number,
        tables,
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    )


async def _sealed(api: Api, accused: str) -> None:
    """Sealed reports of two villages, the last of which accuses an office: with messages, texts and requests for identities."""
    unit = api.as_("integrity_officer", organization=new_id(Kind.ORGANIZATION, 0))
    for village, changes in ((VILLAGE, {}), (OTHER_VILLAGE, {}), (VILLAGE, {"accused_organization_id": accused})):
        facilitator = api.as_("facilitator", area=village)
        report = await made(await facilitator.post("/v1/complaints", json=sealed_body(area_code=village, **changes)))
        path = f"/v1/complaints/{report['id']}"
        for step in ({"action": "TRIAGE", "nature": "GRIEVANCE"}, {"action": "ASK_COMPLAINANT"}):
            match = {"if-match": (await unit.get(path)).headers["etag"]}
            await made(await unit.post(f"{path}/transitions", json={**step, "reason": "x"}, headers=match), 200)
        asked = {"complaint_id": report["id"], "purpose": "PROTECTION", "reason": "Pelapor harus dilindungi segera"}
        request = await made(await unit.post("/v1/sealed-accesses", json=asked))
        await made(await unit.get(f"/v1/sealed-accesses/{request['id']}"), 200)
    await made(await unit.get("/v1/complaints"), 200)


async def _release(api: Api) -> None:
    release = registry.LoadRelease(
        source="DTSEN", release="2026-Q3", as_of=date(2026, 9, 30), area_code="33.26", entries=()
    )
    rows = RowScope(ScopeKind.IMPORTER, tenants=(HERE,), regency=HERE)
    importer = Actor("system#importer", "integrator", frozenset({"imports:write"}), rows)
    await Act(api.app.state.service.platform, importer, "0" * 32)(registry.load_release, release)


async def _special(world: World, owner: asyncpg.Connection) -> None:
    """Special data in the first case of the village: a need, a service that met it, and a grave complaint."""
    case, need = world.here[Kind.CASE], world.here[Kind.NEED]
    await owner.execute("UPDATE needs SET need = $1, note = $2 WHERE id = $3", SPECIAL[0], TOLD[0], need)
    await owner.execute(
        "INSERT INTO direct_services (regency, id, area, case_id, need_id, service, delivered_on, evidence, provided_by,"
        " created_at) SELECT regency, $1, area, case_id, id, need, current_date, $2, 'somebody', now() FROM needs"
        " WHERE id = $3",
        new_id(Kind.DIRECT_SERVICE, HERE),
        TOLD[0],
        need,
    )
    await owner.execute("UPDATE assessments SET summary = $1 WHERE case_id = $2", TOLD[0], case)
    await owner.execute(
        "UPDATE complaints SET severity_flags = $1 WHERE id = $2", [FLAGS[0], "OVERSIGHT"], world.here[Kind.COMPLAINT]
    )


@dataclass
class Stage:
    """The running application over a database of this module's own."""

    api: Api
    scene: Scene
    worlds: Worlds
