"""One case once around the loop, over HTTP, with a token of its own for each actor.

    .venv/bin/python docs/examples/story.py        (or: make story)

Runs against the server at SLRT_BASE_URL, or starts one of its own with a temporary data folder. After each step the result
is read back as another actor and compared: the first value that is not as expected ends the story with exit code 1 and a
line that says which. Needs nothing but httpx. The people are invented; no NIK begins with 990101 in life.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn

import httpx

Json = dict[str, Any]

VILLAGE = "33.26.01.2001"
LKS = "LKS-TUNAS-HARAPAN"
#: the secret of every client of the development issuer; that issuer refuses to exist in production
DEVELOPMENT_SECRET = "slrt-development"  # noqa: S105
JAKARTA = timezone(timedelta(hours=7))

FAMILY: Json = {
    "kk": "9901010101120007",
    "area_code": VILLAGE,
    "address": "Dusun III RT 02 RW 01",
    "members": [
        {"name": "Siti Aminah", "nik": "9901014505880003", "birth_date": "1988-05-05", "sex": "F", "relation": "HEAD"},
        {"name": "Bagas Prasetyo", "nik": "9901011703110004", "birth_date": "2011-03-17", "sex": "M", "relation": "CHILD"},
        {"name": "Laras Wulandari", "nik": "9901016209160002", "birth_date": "2016-09-22", "sex": "F", "relation": "CHILD"},
        {"name": "Sukinem", "nik": "9901014107560001", "birth_date": "1956-07-01", "sex": "F", "relation": "PARENT"},
    ],
}  # fmt: skip
#: a family that the demo release of the registry holds
REGISTERED_FAMILY: Json = {
    "kk": "9901011406150003",
    "area_code": VILLAGE,
    "address": "Dusun I RT 01 RW 02",
    "members": [
        {"name": "Slamet Purwanto", "nik": "9901011208840005", "birth_date": "1984-08-12", "sex": "M", "relation": "HEAD"},
        {"name": "Sri Wahyuni", "nik": "9901015911860002", "birth_date": "1986-11-19", "sex": "F", "relation": "SPOUSE"},
        {"name": "Dimas Aditya", "nik": "9901010602150006", "birth_date": "2015-02-06", "sex": "M", "relation": "CHILD"},
    ],
}  # fmt: skip
REASON_TO_RECOMMEND = "Layak dilayani dan dirujuk."
REASON_TO_CLOSE = "Anak kembali bersekolah, jaminan kesehatan nenek aktif; keluarga sudah mandiri."
RESOLUTION = "Keluarga diusulkan ke PKH; kebutuhan sekolah dan kesehatan sudah dilayani."


def broken(line: str) -> NoReturn:
    """End the story: exit code 1, the line on standard error."""
    sys.exit(f"story: {line}")


def check(what: str, actual: object, expected: object) -> None:
    """End the story unless both are equal."""
    if actual != expected:
        broken(f"{what}: expected {expected!r}, got {actual!r}")


class Actor:
    """Somebody with an access token. `subject` is what histories call this caller: issuer and subject of the token."""

    def __init__(self, http: httpx.Client, role: str, organization: str | None = None) -> None:
        self.role = role
        self.name = f"{role} of {organization}" if organization else role
        token = access_token(http, f"{role}.{organization}" if organization else role)
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        self.subject = f"{claims['iss']}#{claims['sub']}"
        self._http = http
        self._authorization = {"authorization": f"Bearer {token}"}

    def get(self, path: str, **query: str) -> Json:
        """Read a resource or a list."""
        answer = self._http.get(path, params=query, headers=self._authorization)
        self._expect(answer, 200, f"GET {path.split('/')[2]}")
        found: Json = answer.json()
        return found

    def refused(self, path: str) -> int:
        """The status with which a read is refused."""
        return self._http.get(path, headers=self._authorization).status_code

    def post(self, path: str, body: Json, *, on: str | None = None, status: int = 201) -> Json:
        """Write. With an Idempotency-Key, so that a request whose answer was lost may simply be repeated.

        on      path of the resource that the write is asked on: its version goes into If-Match, and a write that somebody
                else has overtaken is answered 412 instead of overwriting theirs
        status  the answer that is expected: 201 for what makes a resource, 200 for what changes one, 204 without a body for
                what takes it out of the caller's sight
        """
        headers = {**self._authorization, "idempotency-key": str(uuid.uuid4())}
        if on is not None:
            headers["if-match"] = f'"{self.get(on)["version"]}"'
        answer = self._http.post(path, json=body, headers=headers)
        self._expect(answer, status, f"POST {path.rsplit('/', 1)[-1]}")
        told: Json = answer.json() if status != 204 else {}
        return told

    def step(self, path: str, action: str, *, status: int = 200, **members: object) -> Json:
        """A transition of the resource at `path`."""
        return self.post(f"{path}/transitions", {"action": action, **members}, on=path, status=status)

    def _expect(self, answer: httpx.Response, status: int, what: str) -> None:
        if answer.status_code != status:
            # A problem (RFC 9457) says by its code what is wrong, and never repeats what was sent.
            code = answer.json().get("code") if "json" in answer.headers.get("content-type", "") else None
            broken(f"{self.name}, {what}: expected HTTP {status}, got {answer.status_code} {code or ''}".rstrip())


def access_token(http: httpx.Client, client_id: str) -> str:
    """A token of the development issuer, by client credentials (RFC 6749, 4.4)."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": DEVELOPMENT_SECRET}
    answer = http.post("/oauth/token", data=form)
    check(f"token of {client_id}", answer.status_code, 200)
    return str(answer.json()["access_token"])


def tell(base_url: str, after_step: Callable[[str], None] = lambda _: None) -> None:
    """The story. `after_step` is called with the name of each step that has been checked."""
    # Not through a proxy of the environment: the server is on this machine, or on the next one.
    with httpx.Client(base_url=base_url, trust_env=False, timeout=30) as http:
        walk(http, after_step)


def walk(http: httpx.Client, after_step: Callable[[str], None]) -> None:
    """All steps, each by whose turn it is."""

    def done(step: str, line: str) -> None:
        print(f"{step:<12} {line}", flush=True)
        after_step(step)

    facilitator = Actor(http, "facilitator")
    officer = Actor(http, "puskesos_officer")
    manager = Actor(http, "secretariat_manager")
    lks = Actor(http, "partner", LKS)
    other_lks = Actor(http, "partner", "LKS-BUDI-ASIH")
    auditor = Actor(http, "auditor")

    # The facilitator registers two families. Numbers are stored encrypted and shown masked.
    captured_at = datetime.now(JAKARTA).isoformat()
    household = facilitator.post("/v1/households", {**FAMILY, "captured_at": captured_at})
    home = f"/v1/households/{household['id']}"
    seen = officer.get(home, include="members")
    check("address of the household", seen["address"], FAMILY["address"])
    check(
        "members of the household",
        [each["name"] for each in seen["members"]],
        [each["name"] for each in FAMILY["members"]],
    )
    check("NIK as shown", seen["members"][0]["nik"], "990101**********")
    persons = {member["name"]: member["person_id"] for member in seen["members"]}
    registered = facilitator.post("/v1/households", REGISTERED_FAMILY)
    check("second household", officer.get(f"/v1/households/{registered['id']}")["area_code"], VILLAGE)
    done("register", "a household of four, and a second one, in 33.26.01.2001")

    # A complaint for the first one. The receipt and its secret are for the complainant; the secret is shown this once.
    complaint = facilitator.post(
        "/v1/complaints",
        {
            "nature": "GRIEVANCE",
            "category": "PARTICIPATION",
            "subtype": "EXCLUSION_ERROR",
            "program_code": "PKH",
            "channel": "FIELD_APP",
            "confidentiality": "CONFIDENTIAL",
            "area_code": VILLAGE,
            "household_id": household["id"],
            "subject_person_id": persons["Siti Aminah"],
            "summary": "Keluarga tidak mampu, tetapi tidak terdaftar sebagai penerima PKH.",
            "reporter_name": "Siti Aminah",
        },
    )
    grievance = f"/v1/complaints/{complaint['id']}"
    receipt, secret = complaint["receipt"], complaint["receipt_secret"]
    seen = officer.get(grievance)
    check("complaint", (seen["status"], seen["subtype"], seen["program_code"]), ("RECEIVED", "EXCLUSION_ERROR", "PKH"))
    check("name of the complainant for who handles it", seen["reporter_name"], "Siti Aminah")
    check("running deadlines", {clock["state"] for clock in seen["clocks"]}, {"RUNNING"})
    check("status for the complainant", tracked(http, receipt, secret)["status"], "RECEIVED")
    done("complain", f"{receipt}: exclusion error, PKH; {len(seen['clocks'])} deadlines run")

    # The officer takes it up and opens a case from it.
    officer.step(grievance, "TRIAGE")
    officer.step(grievance, "START")
    case = officer.post("/v1/cases", {"household_id": household["id"], "complaint_id": complaint["id"]})
    work = f"/v1/cases/{case['id']}"
    check("case", manager.get(work)["status"], "REGISTERED")
    check("case named by the complaint", facilitator.get(grievance)["case_id"], case["id"])
    check("status for the complainant", tracked(http, receipt, secret)["status"], "IN_PROGRESS")
    done("open", f"{case['number']} from the complaint")

    # Checked against the release of the registry: this family is not in it, and its case goes on; the second one is.
    officer.step(work, "VERIFY")
    seen = manager.get(work)
    check("registry", (seen["status"], seen["registry_outcome"]), ("VERIFICATION", "NOT_FOUND"))
    check("a proposal is wanted", seen["proposal_wanted"], True)
    second = officer.post("/v1/cases", {"household_id": registered["id"]})
    officer.step(f"/v1/cases/{second['id']}", "VERIFY")
    check("registry, second family", manager.get(f"/v1/cases/{second['id']}")["registry_outcome"], "IN_REGISTRY")
    done("verify", "NOT_FOUND, and the case goes on; the second family is IN_REGISTRY")

    # Two needs of two people, an assessment, a recommendation.
    officer.step(work, "ASSESS")
    for name, domain, need in (
        ("Sukinem", "HEALTH", "HEALTH_INSURANCE"),
        ("Bagas Prasetyo", "EDUCATION", "SCHOOL_RETENTION"),
    ):
        officer.post(f"{work}/needs", {"person_id": persons[name], "domain": domain, "need": need}, on=work, status=200)
    assessment = {
        "instrument": "REGSOSEK2022K",
        "answers": {"304": 4, "409": 1},
        "summary": "Ibu tunggal; anak sulung berhenti sekolah, nenek tanpa jaminan kesehatan.",
    }
    officer.post(f"{work}/assessments", assessment, on=work, status=200)
    officer.step(work, "RECOMMEND", reason=REASON_TO_RECOMMEND)
    seen = manager.get(work, include="needs,assessments")
    check("case", seen["status"], "RECOMMENDED")
    check("assessment", [each["summary"] for each in seen["assessments"]], [assessment["summary"]])
    needs = {need["need"]: need for need in seen["needs"]}
    check("needs", sorted(needs), ["HEALTH_INSURANCE", "SCHOOL_RETENTION"])
    check("people in need", len({need["person_id"] for need in seen["needs"]}), 2)
    done("assess", "two needs of two people; recommended")

    # Whoever recommends does not decide: the secretariat's manager confirms.
    check("the officer may not confirm", "CONFIRM" in officer.get(work)["allowed_actions"], False)
    manager.step(work, "CONFIRM")
    check("case", officer.get(work)["status"], "CONFIRMED")
    done("confirm", "by the secretariat's manager")

    # One need is served by the Puskesos itself.
    officer.step(work, "START_SERVICE")
    given = {
        "need_id": needs["HEALTH_INSURANCE"]["id"],
        "delivered_on": datetime.now(JAKARTA).date().isoformat(),
        "evidence": "Kepesertaan aktif kembali, kartu diserahkan.",
    }
    officer.post(f"{work}/services", given, on=work, status=200)
    seen = manager.get(work, include="services")
    check("needs", status_of_needs(seen), {"HEALTH_INSURANCE": "MET", "SCHOOL_RETENTION": "OPEN"})
    check("evidence of the service", [each["evidence"] for each in seen["services"]], [given["evidence"]])
    done("serve", "health insurance, directly")

    # The other is for an organization outside the government. It may know the boy because his mother agrees to that.
    agreed = {
        "person_id": persons["Bagas Prasetyo"],
        "case_id": case["id"],
        "purpose": "PARTNER_SHARING",
        "basis": "CONSENT",
        "evidence": "GUARDIAN_SIGNED",
    }
    officer.post("/v1/consents", agreed)
    said = [(each["purpose"], each["basis"], each["status"]) for each in manager.get(f"{work}/consents")["items"]]
    check("lawful bases of the case", sorted(said), [
        ("CASE_WORK", "PUBLIC_TASK", "GIVEN"), ("PARTNER_SHARING", "CONSENT", "GIVEN"),
    ])  # fmt: skip
    done("consent", "the mother signs for her son; the case itself is a public task")

    # It is referred: drafted, matched with who serves the area and the service and has a place, and sent.
    make_room(Actor(http, "administrator"), "SCHOOL_RETENTION")
    draft = officer.post("/v1/referrals", {"case_id": case["id"], "need_id": needs["SCHOOL_RETENTION"]["id"]})
    referral = f"/v1/referrals/{draft['id']}"
    check("a draft is nobody's yet", lks.refused(referral), 404)
    best = officer.get(f"{referral}/candidates")["items"][0]
    check("best candidate", (best["code"], best["takes"]), (LKS, True))
    officer.step(referral, "SEND", routing="AUTO")
    seen = lks.get(referral)
    check("referral as the LKS finds it", (seen["status"], seen["service"]), ("SENT", "SCHOOL_RETENTION"))
    check("package", seen["package"]["name"], "Bagas Prasetyo")
    check("why the LKS may know him", seen["package"]["basis"], "CONSENT")
    check("NIK in the package", seen["package"]["nik"], None)
    check("referral in the inbox", draft["id"] in {each["id"] for each in inbox(lks)}, True)
    check("household for the LKS", lks.refused(home), 404)
    check("case for the LKS", lks.refused(work), 404)
    check("complaint for the LKS", lks.refused(grievance), 404)
    check("referral for another LKS", other_lks.refused(referral), 404)
    check("needs", status_of_needs(manager.get(work)), {"HEALTH_INSURANCE": "MET", "SCHOOL_RETENTION": "REFERRED"})
    done("refer", f"{draft['number']} to {LKS}, which sees it and its package, and nothing else")

    # The LKS accepts and reports what it did. With the end of the referral its package is emptied, and the LKS loses it.
    lks.step(referral, "ACCEPT")
    check("referral", officer.get(referral)["status"], "APPROVED")
    done("accept", "by the LKS")
    evidence = "Kembali bersekolah, surat kepala sekolah terlampir."
    lks.step(referral, "REALIZE", status=204, evidence=evidence)
    seen = officer.get(referral)
    check("referral", (seen["status"], seen["evidence"]), ("REALIZED", evidence))
    check("package after the end", seen["package"]["name"], None)
    check("referral for the LKS after its end", lks.refused(referral), 404)
    check("needs", status_of_needs(manager.get(work)), {"HEALTH_INSURANCE": "MET", "SCHOOL_RETENTION": "MET"})
    check("household for the LKS", lks.refused(home), 404)
    done("realize", "by the LKS, with evidence")

    # Feedback, re-assessment, and the end.
    officer.step(referral, "CONFIRM_RECEIPT")
    officer.step(work, "COLLECT_FEEDBACK")
    check("case", manager.get(work)["status"], "FEEDBACK")
    officer.step(work, "REASSESS")
    again = {**assessment, "summary": "Kedua kebutuhan terpenuhi; penghasilan cukup."}
    officer.post(f"{work}/assessments", again, on=work, status=200)
    manager.step(work, "CLOSE", outcome="CLOSED_SELF_RELIANT", reason=REASON_TO_CLOSE)
    seen = manager.get(work)
    check("case", (seen["status"], seen["closing_text"]), ("CLOSED_SELF_RELIANT", REASON_TO_CLOSE))
    done("close", "the case, as self-reliant")
    officer.step(grievance, "RESOLVE", resolution=RESOLUTION, service_realized=True)
    seen = facilitator.get(grievance)
    check("complaint", (seen["status"], seen["resolution"]), ("RESOLVED", RESOLUTION))
    done("resolve", "the complaint")

    # The complainant reads process and outcome with receipt and secret, without a token.
    seen = tracked(http, receipt, secret)
    check("outcome", (seen["status"], seen["service_realized"]), ("RESOLVED", True))
    check("resolution", seen["resolution"], RESOLUTION)
    check("case behind it", seen["case"]["status"], "CLOSED_SELF_RELIANT")
    steps = [step["type"] for step in seen["timeline"]]
    check("process", [step for step in steps if step != "complaint.case_opened"], [
        "complaint.filed", "complaint.triaged", "complaint.started", "complaint.resolved",
    ])  # fmt: skip
    check("last step of the case", seen["case"]["timeline"][-1]["type"], "case.closed")
    check("a wrong secret", track(http, receipt, "00000-00000-00000-00000").status_code, 404)
    done("track", "process and outcome, by receipt and secret")

    # The auditor reads who did what, in which role and why, and recomputes the chain of each history.
    check("household", told(auditor, home), [("household.registered", facilitator.subject, "facilitator", None)])
    check("referral", told(auditor, referral), [
        ("referral.drafted", officer.subject, "puskesos_officer", None),
        ("referral.sent", officer.subject, "puskesos_officer", None),
        ("referral.accepted", lks.subject, "partner", None),
        ("referral.realized", lks.subject, "partner", None),
        ("referral.receipt_confirmed", officer.subject, "puskesos_officer", None),
    ])  # fmt: skip
    of_case = told(auditor, work)
    check("who confirmed", [each[1:3] for each in of_case if each[0] == "case.confirmed"], [
        (manager.subject, "secretariat_manager"),
    ])  # fmt: skip
    check("who met the referred need", [each[1:3] for each in of_case if each[0] == "case.need_met"], [
        (lks.subject, "partner"),
    ])  # fmt: skip
    recommended = next(each for each in of_case if each[0] == "case.recommended")
    check("why it was recommended", recommended[1:], (officer.subject, "puskesos_officer", REASON_TO_RECOMMEND))
    check("end of the case", of_case[-1], ("case.closed", manager.subject, "secretariat_manager", REASON_TO_CLOSE))
    of_complaint = told(auditor, grievance)
    check("complaint", of_complaint[0], ("complaint.filed", facilitator.subject, "facilitator", None))
    check("end of the complaint", of_complaint[-1][:3], ("complaint.resolved", officer.subject, "puskesos_officer"))
    events = 6 + len(of_case) + len(of_complaint)
    done("audit", f"{events} events of four histories: who, what, when, in which role, why; the chains hold")


def status_of_needs(case: Json) -> dict[str, str]:
    """Status of each need of a case, by the service needed."""
    return {need["need"]: need["status"] for need in case["needs"]}


def inbox(lks: Actor) -> Iterator[Json]:
    """All referrals that the LKS sees, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = lks.get("/v1/referrals", limit="200", **cursor)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def make_room(administrator: Actor, service: str) -> None:
    """Give the LKS another place for this month where earlier tellings have taken all."""
    found = administrator.get("/v1/organizations", code=LKS, include="capacity")["items"][0]
    month = f"{datetime.now(JAKARTA):%Y-%m}"
    lines = [each for each in found["capacity"] if (each["service"], each["period"]) == (service, month)]
    used, capacity = (lines[0]["used"], lines[0]["capacity"]) if lines else (0, 0)
    if used >= capacity:
        body = {"area_code": "33.26", "service": service, "period": month, "capacity": used + 1}
        administrator.post(f"/v1/organizations/{found['id']}/capacity", body, status=200)


def track(http: httpx.Client, receipt: str, secret: str) -> httpx.Response:
    """What the receipt and its secret open; no token."""
    headers = {"authorization": f"Receipt {secret}"}
    return http.get(f"/v1/public/complaints/{receipt}", headers=headers)


def tracked(http: httpx.Client, receipt: str, secret: str) -> Json:
    answer = track(http, receipt, secret)
    check("the complaint by receipt and secret", answer.status_code, 200)
    found: Json = answer.json()
    return found


def told(auditor: Actor, path: str) -> list[tuple[str, str, str, str | None]]:
    """The history of a resource as (what, who, in which role, why), after its chain has been verified.

    An event's hash is SHA-256 over a zero byte and the event's bytes; the bytes hold the hash of the event before, 32 zero
    bytes for the first. They name type, actor, role and instant too, so that none of these can be changed unseen.
    """
    entries = auditor.get(f"{path}/history", limit="200", sort="sequence")["items"]
    version = auditor.get(path)["version"]
    check("events of a history", [entry["sequence"] for entry in entries], list(range(1, version + 1)))
    previous = bytes(32).hex()
    for entry in entries:
        place = f"event {entry['sequence']} of {path.split('/')[2]}"
        event = json.loads(entry["event"])
        check(f"hash of {place}", hashlib.sha256(b"\x00" + entry["event"].encode()).hexdigest(), entry["hash"])
        check(f"link of {place} to the one before", event["previous"], previous)
        for name in ("id", "sequence", "type", "actor", "role"):
            check(f"{name} of {place}", entry[name], event[name])
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["at"])
        check(f"instant of {place}", datetime.fromisoformat(entry["at"]), at)
        previous = entry["hash"]
    return [(entry["type"], entry["actor"], entry["role"], (entry["texts"] or {}).get("reason")) for entry in entries]


@contextmanager
def own_server() -> Iterator[str]:
    """A fresh server on a free port, with everything in a temporary folder; stopped at the end."""
    command = Path(sys.executable).with_name("slrt-api")
    with tempfile.TemporaryDirectory(prefix="slrt-story-") as folder:
        print("starting a server of its own (SLRT_BASE_URL names another one) ...", flush=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLRT_")}
        log = Path(folder, "log")
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603
                [command, "dev", "--port", "0", "--data-dir", Path(folder, "data")],
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            # The server writes its address when it is ready.
            address = Path(folder, "data", "address")
            until = time.monotonic() + 180
            while not address.exists():
                if server.poll() is not None or time.monotonic() > until:
                    broken(f"the server did not start:\n{log.read_text(errors='replace')}")
                time.sleep(0.1)
            yield address.read_text().strip()
        finally:
            server.terminate()
            server.wait(60)


def main() -> None:
    base_url = os.environ.get("SLRT_BASE_URL", "").rstrip("/")
    if base_url:
        tell(base_url)
    else:
        with own_server() as base_url:
            tell(base_url)
    print("the loop is closed")


if __name__ == "__main__":
    main()
