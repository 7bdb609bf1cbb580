"""What is recorded on a case: an assessment, and a service that the unit itself gave."""

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import codes
from slrt_api.cases import answers as forms
from slrt_api.cases.codes import CaseStatus, NeedStatus, TaskType
from slrt_api.cases.lifecycle import need_line
from slrt_api.cases.models import Assessment, Case, DirectService, Instrument
from slrt_api.cases.service import tasks
from slrt_api.cases.service.needs import counts_after, in_assessment, of_case
from slrt_api.cases.shapes import CASE
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.strictjson import pointer_to
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

#: canonical JSON holds integers exactly up to 2**53; no answer of a questionnaire comes near
_Whole = Annotated[int, Field(ge=-(10**12), le=10**12)]
_Text = Annotated[str, Field(max_length=2000)]
_Scalar = bool | _Whole | Annotated[float, Field(ge=-1e12, le=1e12)] | _Text | None
Question = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,60}$")]
MAX_ANSWERS = 300


class RecordAssessment(Command):
    """What an officer found."""

    instrument: str = Field(
        pattern="^[A-Z][A-Z0-9-]{0,39}$",
        description="The form that was asked by: a code of `/v1/instruments`.",
        examples=["REGSOSEK2022K"],
    )
    instrument_version: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Its version; the newest that is in force when left out.",
        examples=[1],
    )
    answers: dict[Question, _Scalar | list[_Scalar]] = Field(
        max_length=MAX_ANSWERS,
        description="Answers by question, as the form asks for them. A whole number stands for the code written like it.",
        examples=[{"304": 4, "409": 1}],
    )
    summary: str = Field(
        min_length=1, max_length=4000, description="Summary in words.", examples=["Ibu tunggal, dua anak bersekolah"]
    )


class RecordService(Command):
    """A service that the unit itself gave for a need."""

    need_id: UUID = Field(description="A need of the case.", examples=["019aaa11-2233-8000-8cfe-10a1b2c3d4e5"])
    delivered_on: date = Field(description="Day on which it was given.", examples=["2026-11-21"])
    evidence: str = Field(
        min_length=1,
        max_length=2000,
        description="What shows that it was given.",
        examples=["Akta kelahiran diserahkan kepada ibu"],
    )


@use_case("cases.assess", scope=Scope.CASES_WRITE, answers=CASE)
async def assess(tx: Transaction, actor: Actor, case_id: UUID, command: RecordAssessment) -> Case:
    """Record an assessment of a case.

    While the case is in `ASSESSMENT` or `REASSESSMENT`; of an emergency also while it is `IN_SERVICE`, where it completes
    what was skipped. The answers have to fit the version of the form (`/v1/instruments`), to which they are pinned; what
    does not fit is told question by question. A form with weights gives a score, shown with its parts.
    `include=assessments` shows all that there were.
    """
    case = await tx.ask(Case, case_id)
    if not in_assessment(case):
        raise errors.Conflict("case_not_in_assessment")
    instrument = await _instrument(tx, command)
    given = fitting(instrument.form, command.answers)
    score = forms.scored(instrument.score, given) if instrument.score is not None else None
    assessment = Assessment(
        regency=case.regency,
        id=new_id(Kind.ASSESSMENT, case.regency, tx.now),
        area=case.area,
        case_id=case.id,
        instrument=instrument.code,
        instrument_id=instrument.id,
        instrument_version=instrument.version,
        answers=given,
        score=score.points if score is not None else None,
        score_parts=score.plain() if score is not None else None,
        summary=command.summary,
        assessed_by=actor.subject,
        assessed_at=tx.now,
    )
    await tx.insert(assessment)
    settled = await tasks.settle(tx, case, {TaskType.ASSESSMENT})
    parts = {"assessments": [assessment], **settled.parts}
    return await tx.change(case, "assessed", parts=parts, assessed=True, **settled.columns)


async def _instrument(tx: Transaction, command: RecordAssessment) -> Instrument:
    """The version of the form that is meant. Raises Invalid where there is none."""
    version = "version = $3" if command.instrument_version is not None else "$3::integer IS NULL"
    found = await tx.rows(
        Instrument,
        f"code = $1 AND valid_from <= $2 AND {version} ORDER BY version DESC LIMIT 1",
        command.instrument,
        tx.now.date(),
        command.instrument_version,
    )
    if not found:
        place = "/instrument" if command.instrument_version is None else "/instrument_version"
        raise errors.Invalid.at(place, "unknown_code", "Give one of the documented codes.")
    return found[0]


def fitting(form: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    """The answers as they are kept. Raises Invalid with a fault for each that does not fit the form."""
    given = forms.in_codes(form, answers)
    wrong = forms.unfit(form, given)
    if wrong:
        # What names no question of the form may be anything, a document number too: it is not repeated.
        faults = [
            errors.Fault(pointer_to("answers", place) if place is not None else "/answers", code, _DETAILS[code])
            for place, code in wrong
        ]
        raise errors.Invalid(faults=tuple(faults[:100]))
    return given


_DETAILS: Final = {
    "required": "This member is required.",
    "question_unknown": "Give a question of this instrument.",
    "unknown_code": "Give a code of the question's own list.",
    "type": "Give a code, a list of codes, a whole number, or a day as YYYY-MM-DD, as the question takes it.",
    "range": "Give a number within the bounds of the question, or a text that is not too long.",
    "items": "Give as many codes as the question takes, each once.",
}


@use_case("cases.provide", scope=Scope.CASES_WRITE, answers=CASE)
async def provide(tx: Transaction, actor: Actor, case_id: UUID, command: RecordService) -> Case:
    """Record a service given directly.

    While the case is `IN_SERVICE`. The need, `OPEN` or in `DIRECT_SERVICE`, is `MET` by it. `include=services` shows it.
    """
    case = await tx.ask(Case, case_id)
    if case.status != CaseStatus.IN_SERVICE:
        raise errors.Conflict("case_not_in_service")
    if command.delivered_on > tx.now.astimezone(ZoneInfo(codes.time_zone(codes.area_code(case.area)))).date():
        raise errors.Invalid.at("/delivered_on", "date_in_future", "Give a date that has come.")
    need = await of_case(tx, case, command.need_id)
    if need.status == NeedStatus.REFERRED or need_line(need.status, NeedStatus.MET) is None:
        raise errors.Conflict("need_not_open")
    counts = counts_after(case, need, NeedStatus.MET)
    need = await tx.update(need, status=NeedStatus.MET.value)
    service = DirectService(
        regency=case.regency,
        id=new_id(Kind.DIRECT_SERVICE, case.regency, tx.now),
        area=case.area,
        case_id=case.id,
        need_id=need.id,
        service=need.need,
        delivered_on=command.delivered_on,
        evidence=command.evidence,
        provided_by=actor.subject,
        created_at=tx.now,
    )
    await tx.insert(service)
    return await tx.change(case, "service_provided", parts={"needs": [need], "services": [service]}, **counts)
