"""Work in the demo regency: complaints, cases, needs and referrals, so that each state of each lifecycle is taken.

A path is what happens to one row, in words: an action of its lifecycle in capitals (`CLOSE:DECEASED` with an outcome), what
is recorded beside it in small letters. The lifecycles refuse a path that could not be walked in life.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Final
from uuid import UUID

from slrt_api.access.consents.codes import ConsentEvidence, LawfulBasis, ProcessingPurpose
from slrt_api.access.scopes import Role
from slrt_api.cases import service as cases
from slrt_api.cases.codes import CaseAction, CaseStatus, Domain, NeedAction
from slrt_api.cases.lifecycle import TERMINAL as CASE_ENDS
from slrt_api.cases.service.needs import AddNeed, TransitionNeed
from slrt_api.cases.service.record import RecordAssessment, RecordService
from slrt_api.cases.service.transition import CaseTransition
from slrt_api.complaints.codes import Action as ComplaintAction
from slrt_api.complaints.codes import Category, Channel, ComplaintStatus, Confidentiality, Nature, Subtype
from slrt_api.complaints.lifecycle import TERMINAL as COMPLAINT_ENDS
from slrt_api.complaints.service import file, transition
from slrt_api.complaints.service.intake import FileComplaint
from slrt_api.complaints.service.step import TransitionComplaint
from slrt_api.demo.organizations import LKS_CARE, SOCIAL_OFFICE
from slrt_api.demo.people import PUSKESOS_VILLAGES
from slrt_api.demo.stage import HOURS, Stage
from slrt_api.flows import case_merge, consents, open_case
from slrt_api.flows.consents import RecordConsent
from slrt_api.flows.open_case import OpenCase
from slrt_api.referrals import service as referrals
from slrt_api.referrals.codes import ENDED as REFERRAL_ENDS
from slrt_api.referrals.codes import ReferralAction, ReferralStatus
from slrt_api.referrals.service.draft import DraftReferral
from slrt_api.referrals.service.transition import ReferralTransition

_IN_SERVICE: Final = "VERIFY ASSESS record RECOMMEND CONFIRM START_SERVICE"
_REASSESSED: Final = f"{_IN_SERVICE} provide COLLECT_FEEDBACK REASSESS"
#: path of a case to each of its states. `record`: two needs and an assessment; `serve`: the unit begins to serve the first;
#: `fail`: the second cannot be met; `provide`: what is left is given
CASES: Final[Mapping[CaseStatus, str]] = {
    CaseStatus.REGISTERED: "",
    CaseStatus.VERIFICATION: "VERIFY",
    CaseStatus.ASSESSMENT: "VERIFY ASSESS",
    CaseStatus.AWAITING_DOCUMENTS: "VERIFY ASSESS REQUEST_DOCUMENTS",
    CaseStatus.RECOMMENDED: "VERIFY ASSESS record RECOMMEND",
    CaseStatus.RETURNED: "VERIFY ASSESS record RECOMMEND RETURN",
    CaseStatus.CONFIRMED: "VERIFY ASSESS record RECOMMEND CONFIRM",
    CaseStatus.IN_SERVICE: f"{_IN_SERVICE} serve",
    CaseStatus.FEEDBACK: f"{_IN_SERVICE} provide COLLECT_FEEDBACK",
    CaseStatus.REASSESSMENT: _REASSESSED,
    CaseStatus.CLOSED_SELF_RELIANT: f"{_REASSESSED} CLOSE:CLOSED_SELF_RELIANT",
    CaseStatus.CLOSED_HANDLED: f"{_IN_SERVICE} fail provide COLLECT_FEEDBACK REASSESS CLOSE:CLOSED_HANDLED",
    CaseStatus.CLOSED_UNFOUNDED: "VERIFY CLOSE:CLOSED_UNFOUNDED",
    CaseStatus.WITHDRAWN: "VERIFY ASSESS record WITHDRAW",
    CaseStatus.DECEASED: "VERIFY CLOSE:DECEASED",
    CaseStatus.MOVED: "VERIFY TRANSFER",
    CaseStatus.MERGED: "MERGE",
    CaseStatus.NOT_COMPETENT: "VERIFY CLOSE:NOT_COMPETENT",
    CaseStatus.REOPENED: f"{_REASSESSED} CLOSE:CLOSED_HANDLED REOPEN",
}
#: path of a referral to each of its states, from its draft
REFERRALS: Final[Mapping[ReferralStatus, str]] = {
    ReferralStatus.DRAFT: "",
    ReferralStatus.SENT: "SEND",
    ReferralStatus.RECEIVED: "SEND RECEIVE",
    ReferralStatus.UNDER_REVIEW: "SEND REVIEW",
    ReferralStatus.APPROVED: "SEND ACCEPT",
    ReferralStatus.WAITLISTED: "SEND WAITLIST",
    ReferralStatus.REJECTED: "SEND DECLINE",
    ReferralStatus.REDIRECTED: "SEND RECEIVE REDIRECT",
    ReferralStatus.REALIZED: "SEND ACCEPT REALIZE CONFIRM_RECEIPT",
    ReferralStatus.FAILED: "SEND ACCEPT FAIL",
    ReferralStatus.REVOKED: "SEND REVOKE",
    ReferralStatus.EXPIRED: "SEND EXPIRE",
}
#: path of a complaint to each of its states
COMPLAINTS: Final[Mapping[ComplaintStatus, str]] = {
    ComplaintStatus.RECEIVED: "",
    ComplaintStatus.TRIAGED: "TRIAGE",
    ComplaintStatus.FORWARDED: "TRIAGE FORWARD",
    ComplaintStatus.IN_PROGRESS: "TRIAGE START",
    ComplaintStatus.AWAITING_COMPLAINANT: "TRIAGE START ASK_COMPLAINANT",
    ComplaintStatus.RETURNED: "FORWARD RETURN",
    ComplaintStatus.RESOLVED: "START RESOLVE",
    ComplaintStatus.OBJECTED: "START RESOLVE OBJECT",
    ComplaintStatus.CLOSED: "START ASK_COMPLAINANT ANSWER RESOLVE CLOSE",
    ComplaintStatus.LAPSED: "ASK_COMPLAINANT LAPSE",
    ComplaintStatus.NOT_COMPETENT: "TRIAGE REJECT_COMPETENCE",
    ComplaintStatus.MERGED: "MERGE",
    ComplaintStatus.REOPENED: "START RESOLVE CLOSE REOPEN",
}

#: actions, and the outcome, that a coordinator answers for
_DECISIONS: Final = frozenset({"CONFIRM", "RETURN", "TRANSFER", "MERGE", "REOPEN", "CLOSED_SELF_RELIANT"})
_RECEIVERS_STEPS: Final = frozenset(
    {"RECEIVE", "REVIEW", "ACCEPT", "DECLINE", "WAITLIST", "REDIRECT", "REALIZE", "FAIL"}
)
_CASE_REASONS: Final[Mapping[str, str]] = {
    "REQUEST_DOCUMENTS": "Mohon melengkapi fotokopi kartu keluarga.",
    "RETURN": "Asesmen belum menyebut pendapatan keluarga.",
    "WITHDRAW": "Keluarga mencabut laporannya.",
    "TRANSFER": "Keluarga pindah ke Kabupaten Pemalang.",
    "MERGE": "Laporan ganda untuk keluarga yang sama.",
    "REOPEN": "Keadaan keluarga memburuk kembali.",
    "CLOSED_SELF_RELIANT": "Keluarga sudah mandiri.",
    "CLOSED_HANDLED": "Kebutuhan yang dapat dilayani sudah tertangani.",
    "CLOSED_UNFOUNDED": "Keadaan di lapangan tidak sesuai laporan.",
    "DECEASED": "Kepala keluarga tunggal meninggal dunia.",
    "NOT_COMPETENT": "Sengketa tanah, bukan kewenangan SLRT.",
}
_REFERRAL_REASONS: Final[Mapping[str, str]] = {
    "SEND": "Keluarga sudah dikenal lembaga ini.",
    "DECLINE": "Tidak ada tenaga pendamping bulan ini.",
    "REDIRECT": "Lebih tepat dilayani dinas sosial.",
    "FAIL": "Klien tidak dapat ditemui setelah tiga kunjungan.",
    "REVOKE": "Keluarga memilih dirawat kerabat.",
}
_COMPLAINT_REASONS: Final[Mapping[str, str]] = {
    "ASK_COMPLAINANT": "Mohon membawa kartu keluarga ke Puskesos.",
    "ANSWER": "Pelapor menyerahkan kartu keluarga.",
    "RETURN": "Kewenangan ada pada Puskesos.",
    "OBJECT": "Bantuan belum juga diterima.",
    "LAPSE": "Pelapor tidak menjawab.",
    "REJECT_COMPETENCE": "Urusan perbankan, disampaikan ke bank penyalur.",
    "MERGE": "Laporan yang sama dari keluarga yang sama.",
    "REOPEN": "Ada keterangan baru dari pelapor.",
}
#: service that each village refers for; the partner LKS_CARE offers both
_REFERRED: Final = ("PSYCHOSOCIAL_SUPPORT", "OLDER_PERSON_CARE")
_FOUND: Final = "Penghasilan tidak tetap; jaminan kesehatan tidak aktif."
_SUMMARIES: Final = (
    (Category.PARTICIPATION, Subtype.EXCLUSION_ERROR, "Keluarga tidak mampu, tetapi tidak terdaftar sebagai penerima."),
    (Category.PARTICIPATION, Subtype.NIK_KK_MISMATCH, "NIK pada kartu keluarga berbeda dengan data penerima."),
    (Category.IMPLEMENTATION, Subtype.LATE_DISBURSEMENT, "Bantuan bulan lalu belum cair."),
    (Category.NEED, Subtype.HEALTH_SERVICE, "Butuh biaya pengobatan untuk penyakit menahun."),
)


@dataclass(frozen=True)
class Home:
    """A family as registered: its village, its id and those of its members."""

    area_code: str
    household_id: UUID
    persons: tuple[UUID, ...]


def everything(
    stage: Stage, organizations: Mapping[str, UUID], homes: Sequence[Home]
) -> Iterator[Callable[[], Awaitable[None]]]:
    """Every path, to be walked once in each village that has a Puskesos; the first is the development clients' own.

    They are independent of each other and begin at the present moment of `stage`.
    """
    for village in PUSKESOS_VILLAGES:
        families = cycle(home for home in homes if home.area_code == village)

        def scene(village: str = village) -> _Scene:
            return _Scene(stage.another(), village, organizations)

        for case_status in CASES:
            yield partial(scene().case, case_status, next(families))
        for referral_status in REFERRALS:
            yield partial(scene().referral, referral_status, next(families))
        for complaint_status in COMPLAINTS:
            yield partial(scene().complaint, complaint_status, next(families))


class _Scene:
    """One path of work in one village: its officer and coordinator, and the names under which the acts are kept."""

    def __init__(self, stage: Stage, village: str, organizations: Mapping[str, UUID]) -> None:
        self._stage = stage
        self._village = village
        self._organizations = organizations
        self._officer = stage.actor(Role.PUSKESOS_OFFICER, village)
        self._coordinator = stage.actor(Role.PUSKESOS_COORDINATOR, village)
        self._facilitator = stage.actor(Role.FACILITATOR, village)
        self._partner = stage.partner(LKS_CARE.code, organizations[LKS_CARE.code])
        # The partner takes a limited number of people a month for each service, so the villages ask for different ones.
        self._referred = _REFERRED[PUSKESOS_VILLAGES.index(village)]

    def _begin(self, path: str, *, ended: bool) -> None:
        """Begin early what has ended by now, and what waits for somebody so late that it does not wait for long."""
        if not ended:
            self._stage.before_now(len(path.split()) + 2 * len(HOURS))

    # Cases ----------------------------------------------------------------------------------------------------------

    async def case(self, status: CaseStatus, home: Home) -> None:
        """A case in that state."""
        name = f"case {self._village} {status}"
        self._begin(CASES[status], ended=status in CASE_ENDS)
        survivor = await self._opened(f"{name} survivor", home) if status is CaseStatus.MERGED else None
        case_id = await self._opened(name, home)
        await self._walk(name, case_id, CASES[status], home, into=survivor)

    async def _opened(self, name: str, home: Home) -> UUID:
        self._stage.later()
        command = OpenCase(household_id=home.household_id)
        case = await self._stage.act(f"{name} open", self._officer, open_case.open_case, command)
        return UUID(case["id"])

    async def _walk(
        self,
        name: str,
        case_id: UUID,
        path: str,
        home: Home,
        *,
        into: UUID | None = None,
        second: tuple[Domain, str] = (Domain.HEALTH, "HEALTH_INSURANCE"),
    ) -> list[UUID]:
        """Walk the path of a case. Returns its needs that are left to be served, in the order of their making."""
        needs: list[UUID] = []
        for number, word in enumerate(path.split()):
            step = f"{name} {number} {word}"
            self._stage.later()
            if word == "record":
                needs = await self._record(step, case_id, home, second)
            elif word == "serve":
                await self._need_step(step, case_id, TransitionNeed(need_id=needs[0], action=NeedAction.SERVE))
            elif word == "fail":
                reason = "Tidak ada layanan yang dapat memenuhinya."
                command = TransitionNeed(need_id=needs.pop(), action=NeedAction.FAIL, reason=reason)
                await self._need_step(step, case_id, command)
            elif word == "provide":
                await self._provide(step, case_id, needs)
                needs = []
            else:
                await self._case_step(step, case_id, word, into)
        return needs

    async def _case_step(self, step: str, case_id: UUID, word: str, into: UUID | None) -> None:
        action, _, outcome = word.partition(":")
        actor = self._coordinator if action in _DECISIONS or outcome in _DECISIONS else self._officer
        command = CaseTransition(
            action=CaseAction(action),
            reason=_CASE_REASONS.get(outcome or action),
            outcome=CaseStatus(outcome) if outcome else None,
            into=into,
            area_code="33.27" if action == CaseAction.TRANSFER else None,
        )
        await self._stage.act(step, actor, case_merge.transition, command, on=case_id)

    async def _record(self, step: str, case_id: UUID, home: Home, second: tuple[Domain, str]) -> list[UUID]:
        """A need of the first member and one of the last, and an assessment. Returns the needs."""
        wanted = (
            (home.persons[0], Domain.SOCIAL_WELFARE, "BASIC_FOOD_AID"),
            (home.persons[-1], *second),
        )
        for number, (person, domain, need) in enumerate(wanted):
            # An act of its own moment, because ids tell the order of making by it.
            self._stage.at += timedelta(minutes=10)
            command = AddNeed(person_id=person, domain=domain, need=need)
            await self._stage.act(f"{step} need {number}", self._officer, cases.add_need, command, on=case_id)
        found = RecordAssessment(instrument="REGSOSEK2022K", answers={"304": 4, "409": 1}, summary=_FOUND)
        case = await self._stage.act(f"{step} assessment", self._officer, cases.assess, found, on=case_id)
        return sorted(UUID(need["id"]) for need in case["needs"])

    async def _need_step(self, step: str, case_id: UUID, command: TransitionNeed) -> None:
        await self._stage.act(step, self._officer, cases.transition_need, command, on=case_id)

    async def _provide(self, step: str, case_id: UUID, needs: Sequence[UUID]) -> None:
        for number, need_id in enumerate(needs):
            command = RecordService(
                need_id=need_id, delivered_on=self._stage.at.date(), evidence="Tanda terima ditandatangani keluarga."
            )
            await self._stage.act(f"{step} {number}", self._officer, cases.provide, command, on=case_id)

    # Referrals ------------------------------------------------------------------------------------------------------

    async def referral(self, status: ReferralStatus, home: Home) -> None:
        """A referral in that state, of a case in service."""
        name = f"referral {self._village} {status}"
        self._begin(f"{_IN_SERVICE} {REFERRALS[status]}", ended=status in REFERRAL_ENDS)
        case_id = await self._opened(name, home)
        wanted = (Domain.SOCIAL_WELFARE, self._referred)
        needs = await self._walk(name, case_id, _IN_SERVICE, home, second=wanted)
        self._stage.later()
        # The partner is no office of the government: it may know a person who agreed to that.
        consent = RecordConsent(
            person_id=home.persons[-1],
            case_id=case_id,
            purpose=ProcessingPurpose.PARTNER_SHARING,
            basis=LawfulBasis.CONSENT,
            evidence=ConsentEvidence.SIGNED_FORM,
            evidence_note="Formulir persetujuan di map kasus.",
        )
        await self._stage.act(f"{name} consent", self._officer, consents.record, consent)
        self._stage.later()
        draft = DraftReferral(case_id=case_id, need_id=needs[-1], organization_id=self._organizations[LKS_CARE.code])
        told = await self._stage.act(f"{name} draft", self._officer, referrals.draft, draft)
        referral_id = UUID(told["id"])
        for number, action in enumerate(REFERRALS[status].split()):
            step = f"{name} {number} {action}"
            if action == ReferralAction.EXPIRE:
                self._stage.at = datetime.fromisoformat(told["respond_by"]) + timedelta(hours=1)
                await self._stage.act(step, self._stage.clockwork(), referrals.expire, on=referral_id)
                continue
            self._stage.later()
            command = ReferralTransition(
                action=ReferralAction(action),
                reason=_REFERRAL_REASONS.get(action),
                evidence="Tiga kali pendampingan, daftar hadir terlampir."
                if action == ReferralAction.REALIZE
                else None,
            )
            actor = self._partner if action in _RECEIVERS_STEPS else self._officer
            told = await self._stage.act(step, actor, referrals.transition, command, on=referral_id)

    # Complaints -----------------------------------------------------------------------------------------------------

    async def complaint(self, status: ComplaintStatus, home: Home) -> None:
        """A complaint in that state."""
        name = f"complaint {self._village} {status}"
        self._begin(COMPLAINTS[status], ended=status in COMPLAINT_ENDS)
        survivor = await self._filed(f"{name} survivor", home) if status is ComplaintStatus.MERGED else None
        complaint_id = await self._filed(name, home)
        for number, action in enumerate(COMPLAINTS[status].split()):
            self._stage.later()
            resolved = action == ComplaintAction.RESOLVE
            command = TransitionComplaint(
                action=ComplaintAction(action),
                reason=_COMPLAINT_REASONS.get(action),
                resolution="Keluarga dibantu mengurus perbaikan datanya." if resolved else None,
                service_realized=True if resolved else None,
                forward_to=self._organizations[SOCIAL_OFFICE.code] if action == ComplaintAction.FORWARD else None,
                merge_into=survivor if action == ComplaintAction.MERGE else None,
            )
            actor = self._coordinator if action in _DECISIONS else self._officer
            await self._stage.act(f"{name} {number} {action}", actor, transition.transition, command, on=complaint_id)

    async def _filed(self, name: str, home: Home) -> UUID:
        self._stage.later()
        category, subtype, summary = _SUMMARIES[len(name) % len(_SUMMARIES)]
        command = FileComplaint(
            nature=Nature.GRIEVANCE,
            category=category,
            subtype=subtype,
            program_code="PKH" if category is Category.PARTICIPATION else None,
            area_code=home.area_code,
            confidentiality=Confidentiality.CONFIDENTIAL,
            summary=summary,
            channel=Channel.FIELD_APP,
            household_id=home.household_id,
            subject_person_id=home.persons[0],
        )
        told = await self._stage.act(f"{name} file", self._facilitator, file.file_complaint, command)
        return UUID(told["id"])
