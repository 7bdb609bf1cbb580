"""Routes of attachments: describing, sending and opening files, by a token or by the receipt of a complaint."""

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Body, Header, Path
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from slrt_api.access.permissions import doing
from slrt_api.attachments import names
from slrt_api.attachments.adapters import store as stores
from slrt_api.attachments.adapters.store import Store
from slrt_api.attachments.codes import MEDIA_TYPES, LinkPurpose
from slrt_api.attachments.frames import Cipher, FileKey, frame_at
from slrt_api.attachments.service import links, upload
from slrt_api.attachments.service.links import Content, LinkDocument, LinkRequest, OpenLink, Token
from slrt_api.attachments.service.upload import AppendPart, Progress
from slrt_api.attachments.shapes import ATTACHMENT, TRACKED_ATTACHMENT
from slrt_api.cases.shapes import CASE
from slrt_api.complaints.service import receipts, track
from slrt_api.complaints.shapes import COMPLAINT
from slrt_api.flows import attaching
from slrt_api.households.shapes import HOUSEHOLD, PERSON
from slrt_api.kernel import errors, numbers
from slrt_api.referrals.shapes import REFERRAL
from slrt_api.rest import parameters as described
from slrt_api.rest import query
from slrt_api.rest.documents import document, page_document
from slrt_api.rest.exchange import PRIVATE, content_type, page_response, written
from slrt_api.rest.operations import Handler, Routes
from slrt_api.rest.service import accepts_json, path_id
from slrt_api.runtime import strictjson
from slrt_api.runtime.crypto import DecryptionFailed
from slrt_api.runtime.traces import current_trace, current_trace_id
from slrt_api.runtime.usecase import Act, Platform, of

TAG = "Attachments"
PARTIAL_UPLOAD: Final = "application/partial-upload"
_PUBLIC: Final = "/v1/public/complaints/{receipt}/attachments"
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,14}")
_RANGE: Final = re.compile("bytes=([0-9]{1,15})?-([0-9]{1,15})?")
#: of a file that is given out: it is no page, runs nothing and is kept by nobody on the way
_FILE: Final = PRIVATE | {
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "accept-ranges": "bytes",
}
_RECEIPT: Final = (
    Annotated[
        str,
        Path(description="The receipt, in any case.", min_length=1, max_length=64, examples=["KEL-3326-7ZQ4-0MXR-K"]),
    ],
    inspect.Parameter.empty,
)
_OFFSET: Final = (
    Annotated[
        str,
        Header(
            alias="Upload-Offset",
            description="Where in the file the body begins: as many bytes as have arrived.",
            pattern="^(0|[1-9][0-9]{0,14})$",
            examples=["0"],
        ),
    ],
    inspect.Parameter.empty,
)
_COMPLETE: Final = (
    Annotated[
        Literal["?0", "?1"],
        Header(alias="Upload-Complete", description="`?1`: this is the last part.", examples=["?1"]),
    ],
    "?0",
)
_BYTES: Final = (
    Annotated[bytes, Body(media_type=PARTIAL_UPLOAD, description="The bytes.")],
    inspect.Parameter.empty,
)
Acting = Callable[[Request], Awaitable[Act]]


def add(routes: Routes) -> None:
    served = Files(routes)
    routes.read(ATTACHMENT, tag=TAG)
    routes.write(attaching.create, "/v1/attachments", tag=TAG, errors_=(409, 413))
    routes.write(upload.transition, "/v1/attachments/{id}/transitions", tag=TAG)
    routes.write(links.link, "/v1/attachments/{id}/links", tag=TAG, noun="attachment", model=LinkDocument)
    for shape in (HOUSEHOLD, PERSON, CASE, REFERRAL, COMPLAINT):
        routes.link(shape, "attachments", tag=TAG)
    served.add_upload("/v1/attachments/{id}/upload", served.by_token, public=False)
    served.add_content()
    served.add_public()


class Files:
    """The routes that carry bytes, over one object store."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._service = routes.service
        self._store = stores.configured(routes.service.settings)

    @property
    def store(self) -> Store:
        """Raises Unavailable where files have no place."""
        if self._store is None:
            raise errors.Unavailable("attachments_unavailable")
        return self._store

    # Who asks ---------------------------------------------------------------------------------------------------

    async def by_token(self, request: Request) -> Act:
        return await self._service.act(request)

    async def by_receipt(self, request: Request) -> Act:
        """The act of who holds a receipt and shows its secret; a wrong one is counted, and refused as when it is tracked."""
        current_trace().role = "public"
        authorization = request.headers.get("authorization")
        if authorization is None:
            raise errors.Unauthenticated("token_missing")
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "receipt" or not secret.strip():
            raise errors.Unauthenticated("token_invalid")
        number = numbers.parse_number(receipts.PREFIX, request.path_params["receipt"])
        if number is None:
            raise errors.NotFound
        actor = receipts.receipt_holder(number)
        act = Act(self._service.platform, actor, current_trace_id())
        await act(track.track, track.TrackComplaint(secret=secret.strip()))
        return Act(self._service.platform, attaching.holder(actor), current_trace_id())

    # Uploading --------------------------------------------------------------------------------------------------

    def add_upload(self, path: str, acting: Acting, *, public: bool) -> None:
        """How far an upload is, and one more part of it."""
        progress, append = of(upload.progress), of(upload.append)
        suffix = "_publicly" if public else ""
        parameters: dict[str, tuple[Any, Any]] = {"id": described.resource_id("attachment")}
        if public:
            parameters = {"receipt": _RECEIPT} | parameters
        common: dict[str, Any] = {"tag": TAG, "status": 204}
        common |= {"scheme": "receipt"} if public else {}
        self._routes.add(
            "GET",
            path,
            self._progress(acting),
            name=f"attachments_progress{suffix}",
            summary=progress.summary,
            doc=progress.description,
            parameters=parameters,
            errors_=(404,),
            rule=None if public else doing(progress),
            **common,
        )
        self._routes.add(
            "PATCH",
            path,
            self._append(acting),
            name=f"attachments_append{suffix}",
            summary=append.summary,
            doc=append.description,
            parameters=parameters | {"upload_offset": _OFFSET, "upload_complete": _COMPLETE, "content": _BYTES},
            errors_=(404, 409, 413, 415, 422),
            rule=None if public else doing(append),
            **common,
        )

    def _progress(self, acting: Acting) -> Handler:
        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = await acting(request)
            query.parameters(request.scope["query_string"], ())
            found: Progress = await act.ask(upload.progress, on=path_id(request))
            return Response(status_code=204, headers=self._told(found.offset, complete=found.complete, size=found.size))

        return handler

    def _told(self, offset: int, *, complete: bool, size: int) -> Mapping[str, str]:
        settings = self._service.settings
        return PRIVATE | {
            "upload-offset": str(offset),
            "upload-complete": "?1" if complete else "?0",
            "upload-length": str(size),
            "upload-limit": f"max-size={settings.attachment_max_bytes}, max-append-size={settings.max_body_bytes}",
        }

    def _append(self, acting: Acting) -> Handler:
        async def handler(request: Request) -> Response:
            accepts_json(request)
            act = await acting(request)
            of(upload.append).permit(act.actor)
            query.parameters(request.scope["query_string"], ())
            content_type(request, PARTIAL_UPLOAD)
            starts, complete = _offset(request), _complete(request)
            id_ = path_id(request)
            body = await request.body()
            found: Progress = await act.ask(upload.progress, on=id_)
            stored = ""
            if body and not found.complete and found.key and starts == found.offset <= found.size - len(body):
                stored = names.new_part(found.object)
                sealed = _cipher(act.platform, found.key).seal_part(body, starts)
                await self.store.put(stored, sealed)
            digest = act.platform.keyring.digest("attachment part", body)
            part = AppendPart(starts=starts, size=len(body), digest=digest, object=stored, complete=complete)
            try:
                answer = await act(upload.append, part, on=id_)
            except errors.Unavailable:
                # Whether it was counted is not known here: if it was not, the worker finds it at the end.
                raise
            except errors.SlrtError:
                await self._drop(stored)
                raise
            told = orjson.loads(answer.body)
            if told["repeated"]:
                await self._drop(stored)
            return Response(status_code=204, headers=self._told(told["offset"], complete=complete, size=found.size))

        return handler

    async def _drop(self, name: str) -> None:
        if name:
            await self.store.delete(name)

    # Opening ----------------------------------------------------------------------------------------------------

    def add_content(self) -> None:
        case = of(links.opened)
        self._routes.add(
            "GET",
            f"{links.PATH}{{token}}",
            self._content,
            name="attachments_open",
            summary=case.summary,
            doc=case.description,
            tag=TAG,
            parameters={
                "token": (
                    Annotated[
                        str,
                        Path(
                            description="The last part of a link.",
                            min_length=1,
                            max_length=200,
                            examples=["AZqqESIzgACM_gShssPU5Q"],
                        ),
                    ],
                    inspect.Parameter.empty,
                ),
                "range": (
                    Annotated[
                        str | None,
                        Header(alias="Range", description="One range of bytes.", examples=["bytes=0-1023"]),
                    ],
                    None,
                ),
            },
            errors_=(404,),
            scheme=None,
            media=tuple(MEDIA_TYPES),
            more={206: {"description": "The range that was asked for", "content": _files()}},
        )

    async def _content(self, request: Request) -> Response:
        query.parameters(request.scope["query_string"], ())
        platform = self._service.platform
        token = Token.read(platform.keyring, request.path_params["token"])
        current_trace().role = "public"
        act = Act(platform, links.follower(token), current_trace_id())
        asked = OpenLink(access_id=token.access_id, expires_at=token.expires_at)
        found: Content = await act.ask(links.opened, on=token.attachment_id, command=asked, recorded=True)
        name = f"{found.id}.{MEDIA_TYPES[found.media_type]}"
        headers = _FILE | {"content-disposition": f'attachment; filename="{name}"', "content-type": found.media_type}
        begin, end = _range(request.headers.get("range"), found.size)
        stream = _Stream(self.store, _cipher(platform, found.key), found)
        # The first bytes are there before the answer begins: what cannot be read is refused and not cut off.
        try:
            first = await stream.frame(begin)
        except (FileNotFoundError, DecryptionFailed):
            raise errors.Unavailable("attachments_unavailable") from None
        headers |= {"content-length": str(end - begin)}
        status = 200
        if (begin, end) != (0, found.size):
            status, headers = 206, headers | {"content-range": f"bytes {begin}-{end - 1}/{found.size}"}
        return StreamingResponse(stream.bytes(first, begin, end), status, headers)

    # By receipt -------------------------------------------------------------------------------------------------

    def add_public(self) -> None:
        creating, linking = of(attaching.create_publicly), of(links.link)
        common: dict[str, Any] = {"tag": TAG, "scheme": "receipt"}
        self._routes.add(
            "POST",
            _PUBLIC,
            self._create_publicly,
            name="attachments_create_publicly",
            summary=creating.summary,
            doc=creating.description,
            parameters={
                "receipt": _RECEIPT,
                "command": (Annotated[attaching.FileDescription, Body()], inspect.Parameter.empty),
            },
            model=document(TRACKED_ATTACHMENT),
            status=201,
            errors_=(404, 409, 413, 415, 422),
            **common,
        )
        self._routes.add(
            "GET",
            _PUBLIC,
            self._list_publicly,
            name="attachments_list_publicly",
            summary="List the files of a complaint by its receipt",
            doc=TRACKED_ATTACHMENT.description,
            parameters={"receipt": _RECEIPT} | described.of_list(TRACKED_ATTACHMENT),
            model=page_document(TRACKED_ATTACHMENT),
            errors_=(404,),
            **common,
        )
        self.add_upload(f"{_PUBLIC}/{{id}}/upload", self.by_receipt, public=True)
        self._routes.add(
            "POST",
            f"{_PUBLIC}/{{id}}/links",
            self._link_publicly,
            name="attachments_link_publicly",
            summary="Get a link to a file of a complaint by its receipt",
            doc=linking.description,
            parameters={"receipt": _RECEIPT, "id": described.resource_id("attachment")},
            model=LinkDocument,
            errors_=(404, 409),
            **common,
        )
        withdrawing = of(attaching.withdraw_publicly)
        self._routes.add(
            "POST",
            f"{_PUBLIC}/{{id}}/withdrawal",
            self._withdraw_publicly,
            name="attachments_withdraw_publicly",
            summary=withdrawing.summary,
            doc=withdrawing.description,
            parameters={
                "receipt": _RECEIPT,
                "id": described.resource_id("attachment"),
                "command": (Annotated[attaching.WithdrawFile, Body()], inspect.Parameter.empty),
            },
            model=document(TRACKED_ATTACHMENT),
            errors_=(404, 409, 413, 415, 422),
            **common,
        )

    async def _withdraw_publicly(self, request: Request) -> Response:
        accepts_json(request)
        query.parameters(request.scope["query_string"], ())
        act = await self.by_receipt(request)
        content_type(request)
        id_ = path_id(request)
        command = strictjson.parse_body(attaching.WithdrawFile, await request.body())
        return written(await act(attaching.withdraw_publicly, command, on=id_))

    async def _create_publicly(self, request: Request) -> Response:
        accepts_json(request)
        query.parameters(request.scope["query_string"], ())
        act = await self.by_receipt(request)
        content_type(request)
        command = strictjson.parse_body(attaching.FileDescription, await request.body())
        answer = await act(attaching.create_publicly, command)
        return written(replace(answer, location=None))

    async def _list_publicly(self, request: Request) -> Response:
        accepts_json(request)
        asked = query.of_list(TRACKED_ATTACHMENT, request.scope["query_string"])
        act = await self.by_receipt(request)
        page = await act.page(asked.selection, asked.query, operation="attachments.list_publicly")
        return page_response(request, asked.selection, page.items, page.cursor, page.total)

    async def _link_publicly(self, request: Request) -> Response:
        accepts_json(request)
        query.parameters(request.scope["query_string"], ())
        act = await self.by_receipt(request)
        asked = LinkRequest(purpose=LinkPurpose.OWN_REPORT)
        return written(await act(links.link, asked, on=path_id(request)))


class _Stream:
    """Reads a file frame by frame."""

    def __init__(self, store: Store, cipher: Cipher, content: Content) -> None:
        self._store, self._cipher, self._content = store, cipher, content

    async def frame(self, position: int) -> tuple[int, bytes]:
        """Where the frame that holds `position` begins, and its bytes."""
        start, begin, end = frame_at(position, self._content.size)
        sealed = await self._store.get(names.file_of(self._content.object), begin, end)
        return start, self._cipher.open_frame(sealed, start, self._content.size)

    async def bytes(self, first: tuple[int, bytes], begin: int, end: int) -> AsyncIterator[bytes]:
        start, content = first
        while True:
            yield content[max(0, begin - start) : end - start]
            if start + len(content) >= end:
                return
            start, content = await self.frame(start + len(content))


def _cipher(platform: Platform, key: FileKey) -> Cipher:
    """Raises Unavailable for a file whose key this process cannot read."""
    try:
        return Cipher(platform.keyring, key)
    except DecryptionFailed:
        platform.reads.alarm(key.key_id)
        raise errors.Unavailable("attachments_unavailable") from None


def _files() -> dict[str, Any]:
    return {media: {"schema": {"type": "string"}} for media in MEDIA_TYPES}


def _header(name: str, code: str, detail: str) -> errors.BadRequest:
    return errors.BadRequest(code, faults=(errors.Fault(name, code, detail),))


def _offset(request: Request) -> int:
    text = request.headers.get("upload-offset", "")
    if not _NUMBER.fullmatch(text):
        raise _header("Upload-Offset", "upload_header_invalid", "Say where in the file the body begins.")
    return int(text)


def _complete(request: Request) -> bool:
    text = request.headers.get("upload-complete", "?0")
    if text not in {"?0", "?1"}:
        raise _header("Upload-Complete", "upload_header_invalid", "Say ?1 with the last part, or ?0.")
    return text == "?1"


def _range(header: str | None, size: int) -> tuple[int, int]:
    """From where to before where; all of it where no single range is asked for that there is."""
    found = _RANGE.fullmatch(header) if header is not None else None
    if found is None or (found[1] is None and found[2] is None):
        return 0, size
    if found[1] is None:
        begin, end = max(0, size - int(found[2])), size
    else:
        begin, end = int(found[1]), size if found[2] is None else min(size, int(found[2]) + 1)
    return (begin, end) if begin < end else (0, size)
