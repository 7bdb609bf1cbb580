"""Routes for anybody, without a token: file a complaint and follow it by its receipt."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Body, Header, Path
from pydantic import BaseModel, Field, create_model
from starlette.requests import Request
from starlette.responses import Response

from slrt_api.cases.codes import ReopeningOutcome
from slrt_api.complaints.service import file, intake, receipts, track
from slrt_api.complaints.shapes import TRACKED_COMPLAINT, TRACKED_MESSAGE
from slrt_api.flows import confirming, reopening
from slrt_api.kernel import errors, numbers
from slrt_api.referrals.codes import ReferralStatus
from slrt_api.rest import query
from slrt_api.rest.complaints import filed
from slrt_api.rest.documents import document
from slrt_api.rest.exchange import PRIVATE, content_type, written
from slrt_api.rest.operations import Handler, Routes
from slrt_api.rest.service import Service, accepts_json
from slrt_api.runtime import idempotency, strictjson
from slrt_api.runtime.traces import current_trace, current_trace_id
from slrt_api.runtime.usecase import Act, Command, of

TAG = "Public"
_ROLE = "public"


class Step(BaseModel):
    """One step of a process."""

    type: str = Field(description="What happened.", examples=["case.confirmed"])
    at: datetime = Field(
        description="When; the day where the complaint is not open.", examples=["2026-11-22T00:00:00.000000Z"]
    )


class ReferredService(BaseModel):
    """A service that others were asked for: its number and how far it is."""

    number: str = Field(description="Its number.", examples=["RJK-3326-7ZQ4-0MXR-K"])
    status: ReferralStatus = Field(description="Where it stands.", examples=["REALIZED"])
    confirmed: bool = Field(description="Whether it was confirmed that it was received.", examples=[False])


class Reopening(BaseModel):
    """What was asked for: that the case goes on."""

    outcome: ReopeningOutcome = Field(description="What became of it.", examples=["REFUSED"])
    answer: str | None = Field(description="Why it was refused.", examples=["Bantuan sudah diterima."])


class CaseProcess(BaseModel):
    """The case that the complaint belongs to: its process, nothing personal."""

    status: str = Field(description="Where it stands.", examples=["IN_SERVICE"])
    timeline: list[Step] = Field(description="What happened, in order.")
    referrals: list[ReferredService] = Field(
        description="What was referred, where the case was opened from this complaint and nothing of it is sealed."
    )
    reopening: Reopening | None = Field(
        description="What was asked for last by `reopening-requests`, where the case was opened from this complaint."
    )


class Deadline(BaseModel):
    """A deadline of a process."""

    name: str = Field(description="What is promised.", examples=["RESOLVE"])
    unit: str = Field(description="What `amount` counts.", examples=["WORKING_DAY"])
    amount: int = Field(description="Length of the promise, in units.", examples=[14])
    state: str = Field(description="What became of it.", examples=["RUNNING"])
    due_at: datetime = Field(description="By when.", examples=["2026-12-11T00:00:00.000000Z"])


class MergedProcess(BaseModel):
    """The complaint that is handled in place of one that was merged: its process, nothing that another complainant said."""

    status: str = Field(description="Where it stands.", examples=["IN_PROGRESS"])
    timeline: list[Step] = Field(description="What happened, in order.")
    clocks: list[Deadline] = Field(description="Its deadlines.")
    outcome: str | None = Field(description="How it ended.", examples=["SERVICE_REALIZED"])
    resolution: str | None = Field(description="What was found and done.", examples=["The card was replaced."])
    service_realized: bool | None = Field(description="Whether a service was given.", examples=[True])


class TrackedMessages(BaseModel):
    """Messages between the desk and the complainant, in their order."""

    items: list[document(TRACKED_MESSAGE)] = Field(description="All of them.")  # type: ignore[valid-type]


_RECEIPT = (
    Annotated[
        str,
        Path(
            description="The receipt, in any case.",
            min_length=1,
            max_length=64,
            examples=["KEL-3326-7ZQ4-0MXR-K"],
        ),
    ],
    inspect.Parameter.empty,
)
_RETRIED = (
    Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="A retry with the same key and content gets the first answer.",
            examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        ),
    ],
    None,
)


def add(routes: Routes) -> None:
    case = Field(description="The case that it belongs to, or null.")
    merged = Field(description="How the complaint goes on into which it was merged; null where it goes on by itself.")
    tracked = create_model(
        "TrackedComplaintWithCase",
        __base__=document(TRACKED_COMPLAINT),
        __doc__=TRACKED_COMPLAINT.description,
        case=(CaseProcess | None, case),
        merged=(MergedProcess | None, merged),
    )
    filing, tracking = of(file.file_publicly), of(track.track)
    routes.add(
        "POST",
        "/v1/public/complaints",
        _file(routes.service),
        name="complaints_file_publicly",
        summary=filing.summary,
        doc=filing.description,
        tag=TAG,
        parameters={
            "idempotency_key": (
                Annotated[
                    str,
                    Header(
                        alias="Idempotency-Key",
                        description="Stands for the caller: a UUID or 128 random bits. A repeat gets the first answer.",
                        pattern="^[!#-\\[\\]-~]{22,255}$",
                        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
                    ),
                ],
                inspect.Parameter.empty,
            ),
            "command": (Annotated[intake.FilePublicComplaint, Body()], inspect.Parameter.empty),
        },
        model=filed(TRACKED_COMPLAINT, "PubliclyFiledComplaint"),
        status=201,
        errors_=(404, 409, 413, 415, 422),
        scheme=None,
    )
    routes.add(
        "GET",
        "/v1/public/complaints/{receipt}",
        _track(routes.service),
        name="complaints_track",
        summary=tracking.summary,
        doc=tracking.description,
        tag=TAG,
        parameters={"receipt": _RECEIPT},
        model=tracked,
        errors_=(404,),
        scheme="receipt",
    )
    routes.add(
        "GET",
        "/v1/public/complaints/{receipt}/messages",
        _track(routes.service, _messages),
        name="complaints_messages_by_receipt",
        summary="List the messages of a complaint",
        doc="Those between the desk and the complainant, in their order; shown to who holds the receipt, as tracking is.",
        tag=TAG,
        parameters={"receipt": _RECEIPT},
        model=TrackedMessages,
        errors_=(404,),
        scheme="receipt",
    )
    for path, run, command, by_receipt in (
        ("messages", track.write, track.ComplainantMessage, track.WriteByReceipt),
        ("transitions", track.act, track.ComplainantStep, track.StepByReceipt),
        ("confirmations", confirming.confirm, confirming.ConfirmService, confirming.ConfirmByReceipt),
        ("reopening-requests", reopening.ask, reopening.AskReopening, reopening.AskByReceipt),
    ):
        case_ = of(run)
        routes.add(
            "POST",
            f"/v1/public/complaints/{{receipt}}/{path}",
            _write(routes.service, run, by_receipt),
            name=case_.name.replace(".", "_"),
            summary=case_.summary,
            doc=case_.description,
            tag=TAG,
            parameters={
                "receipt": _RECEIPT,
                "idempotency_key": _RETRIED,
                "command": (Annotated[command, Body()], inspect.Parameter.empty),
            },
            model=tracked,
            errors_=(404, 409, 413, 415, 422),
            scheme="receipt",
        )


def _file(service: Service) -> Handler:
    async def handler(request: Request) -> Response:
        accepts_json(request)
        current_trace().role = _ROLE
        query.parameters(request.scope["query_string"], ())
        key = _key(request)
        content_type(request)
        body = await request.body()
        command = strictjson.parse_body(intake.FilePublicComplaint, body)
        platform = service.platform
        actor = receipts.public_actor(platform.keyring, command.area_code, key)
        # Keys of the public stand with the nation, so that one key cannot file in two regencies.
        kept = idempotency.key_of(
            platform.keyring,
            0,
            (actor.subject, actor.role, "complaints.file_publicly"),
            key,
            idempotency.canonical(body),
        )
        answer = await Act(platform, actor, current_trace_id())(file.file_publicly, command, key=kept)
        return written(replace(answer, location=f"/v1/public/complaints/{receipts.receipt_of(actor)}"))

    return handler


def _key(request: Request) -> str:
    """The idempotency key. Raises BadRequest where there is none, or one that others might use as well."""
    header = request.headers.get("idempotency-key")
    code = "idempotency_key_required" if header is None else "idempotency_key_invalid"
    key = idempotency.parse(header) if header is not None else ""
    if not idempotency.strong(key):
        fault = errors.Fault("Idempotency-Key", code, "Give a UUID, or 128 random bits in at least 22 characters.")
        raise errors.BadRequest(code, faults=(fault,))
    return key


def _shown(request: Request) -> tuple[numbers.Number, str]:
    """The receipt of the path and the secret that was shown for it. Raises NotFound for what is no receipt."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise errors.Unauthenticated("token_missing")
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "receipt" or not secret.strip():
        raise errors.Unauthenticated("token_invalid")
    number = numbers.parse_number(receipts.PREFIX, request.path_params["receipt"])
    if number is None:
        raise errors.NotFound
    return number, secret.strip()


def _messages(body: bytes) -> bytes:
    return orjson.dumps({"items": orjson.loads(body)["messages"]})


def _track(service: Service, part: Callable[[bytes], bytes] = bytes) -> Handler:
    async def handler(request: Request) -> Response:
        accepts_json(request)
        current_trace().role = _ROLE
        query.parameters(request.scope["query_string"], ())
        number, secret = _shown(request)
        act = Act(service.platform, receipts.receipt_holder(number), current_trace_id())
        answer = await act(track.track, track.TrackComplaint(secret=secret))
        act.note("complaints.track", "complaint", number.tenant, None, 1)
        return Response(part(answer.body), media_type="application/json", headers=PRIVATE)

    return handler


def _write(service: Service, run: Callable[..., Any], model: type[Command]) -> Handler:
    async def handler(request: Request) -> Response:
        accepts_json(request)
        current_trace().role = _ROLE
        query.parameters(request.scope["query_string"], ())
        number, secret = _shown(request)
        content_type(request)
        body = await request.body()
        command = strictjson.parse_body(model, strictjson.with_member(body, "secret", secret))
        platform = service.platform
        actor = receipts.receipt_holder(number)
        key = None
        header = request.headers.get("idempotency-key")
        if header is not None:
            # A key counts for who shows the secret: a first answer is for nobody else.
            whose = receipts.secret_hash(platform.keyring, numbers.normalize_secret(secret) or "").hex()
            scope = (actor.subject, actor.role, of(run).name, number.text, whose)
            content = idempotency.canonical(body)
            key = idempotency.key_of(platform.keyring, number.tenant, scope, idempotency.parse(header), content)
        act = Act(platform, actor, current_trace_id())
        answer = await act(run, command, key=key)
        act.note(of(run).name, "complaint", number.tenant, None, 1)
        return written(answer)

    return handler
