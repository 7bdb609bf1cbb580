"""Files as people send them, with more in them than they know, and uploads of them."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import httpx
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject, TextStringObject

#: stands in the metadata of pictures made here, and nowhere else
CAMERA = "Kamera-Pelapor-7741"
OWNER = "Siti Pelapor Rahasia"
PLACE = (-6.914744, 109.62)
PARTIAL = {"content-type": "application/partial-upload"}


def picture(format_: str = "JPEG", *, size: tuple[int, int] = (64, 48), noise: bool = False) -> bytes:
    """A picture whose metadata name the camera, its owner and the place."""
    image = Image.effect_noise(size, 90).convert("RGB") if noise else Image.new("RGB", size, (180, 40, 60))
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = CAMERA, OWNER
    exif.get_ifd(0x8825).update({1: "S", 2: (6.0, 54.0, 53.0784), 3: "E", 4: (109.0, 37.0, 12.0)})
    out = io.BytesIO()
    more: dict[str, Any] = {"comment": OWNER.encode()} if format_ == "JPEG" else {}
    image.save(out, format_, exif=exif, xmp=f"<x>{OWNER}</x>".encode(), **more)
    return out.getvalue()


def document(**actions: str) -> bytes:
    """A PDF of one page; `script`, `launch` and `embedded` put what acts into it, `password` locks it."""
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    if "embedded" in actions:
        writer.add_attachment("catatan.txt", actions["embedded"].encode())
    for name, kind, key in (("launch", "/Launch", "/F"), ("script", "/JavaScript", "/JS")):
        if name in actions:
            action = DictionaryObject(
                {NameObject("/S"): NameObject(kind), NameObject(key): TextStringObject(actions[name])}
            )
            writer.root_object[NameObject("/OpenAction")] = writer._add_object(action)
    if "form" in actions:
        stream = StreamObject()
        stream.set_data(actions["form"].encode())
        form = DictionaryObject({NameObject("/XFA"): writer._add_object(stream)})
        writer.root_object[NameObject("/AcroForm")] = writer._add_object(form)
    if "password" in actions:
        writer.encrypt(actions["password"], algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def archive() -> bytes:
    """A ZIP file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("isi.txt", OWNER)
    return out.getvalue()


def described(content: bytes, media_type: str = "image/jpeg", **changes: Any) -> dict[str, Any]:
    """The description of a file before it is sent."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"media_type": media_type, "size": len(content), "sha256": digest, **changes}


async def created(client: httpx.AsyncClient, parent: str, content: bytes, *args: Any, **changes: Any) -> dict[str, Any]:
    """An attachment of `parent` whose bytes are still to come."""
    answer = await client.post("/v1/attachments", json=described(content, *args, parent_id=parent, **changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def send(
    client: httpx.AsyncClient,
    path: str,
    content: bytes,
    start: int = 0,
    *,
    complete: bool = False,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """One part of an upload."""
    told = {"upload-offset": str(start), "upload-complete": "?1" if complete else "?0"}
    return await client.patch(path, content=content, headers=PARTIAL | told | dict(headers or {}))


def upload_of(attachment: dict[str, Any]) -> str:
    return f"/v1/attachments/{attachment['id']}/upload"


async def uploaded(
    client: httpx.AsyncClient, parent: str, content: bytes, *args: Any, **changes: Any
) -> dict[str, Any]:
    """An attachment that has been sent in two parts, as it is then."""
    made = await created(client, parent, content, *args, **changes)
    half = len(content) // 2
    for start, part in ((0, content[:half]), (half, content[half:])):
        answer = await send(client, upload_of(made), part, start, complete=start > 0)
        assert answer.status_code == 204, answer.text
    found: dict[str, Any] = (await client.get(f"/v1/attachments/{made['id']}")).json()
    return found


async def opened(client: httpx.AsyncClient, attachment: dict[str, Any], **headers: str) -> httpx.Response:
    """What a link to the file leads to, without a token."""
    link = await client.post(f"/v1/attachments/{attachment['id']}/links", json={"purpose": "CASE_HANDLING"})
    assert link.status_code == 200, link.text
    token = {"authorization": ""} | headers
    request = client.build_request("GET", link.json()["url"], headers=token)
    del request.headers["authorization"]
    return await client.send(request)
