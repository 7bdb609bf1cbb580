"""What is kept of a file that somebody sent, and what is refused. No database."""

import base64
import io
import resource
import subprocess
import sys
import zlib
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from PIL import Image, ImageChops
from tests import files

from slrt_api.access import permissions
from slrt_api.attachments import examination, frames, lifecycle, vault
from slrt_api.attachments.codes import MEDIA_TYPES, Refusal
from slrt_api.attachments.examination import examine
from slrt_api.runtime.crypto import DecryptionFailed, Keyring

IMAGES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
KEYRING = Keyring({"test": bytes(range(32))}, bytes(range(32, 64)))
SEALING = Keyring({"test": bytes(range(32))}, bytes(range(32, 64)), None, {"test": b"s" * 32})


def refusal(content: bytes, media_type: str) -> Refusal | None:
    verdict = examine(content, media_type, keep_location=False)
    assert (verdict.content == b"") == (verdict.refusal is not None)
    return verdict.refusal


def saved(image: Image.Image, format_: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **how)
    return out.getvalue()


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (files.picture("PNG"), "image/jpeg"),
            (files.picture("JPEG"), "application/pdf"),
            (files.document(), "text/plain"),
            (files.archive(), "image/png"),
            (files.archive(), "text/plain"),
            (b"<html><script>alert(1)</script>", "image/jpeg"),
            (b"GIF89a" + bytes(20), "image/png"),
            (b"a line\x00", "text/plain"),
            (b"\x1b[31m a terminal", "text/plain"),
            ("naïve".encode("latin-1"), "text/plain"),
            (b"\xef\xbb\xbf%PDF-1.7", "application/pdf"),
            (b"MZ" + bytes(100), "application/pdf"),
        ],
    )
    def test_what_is_not_what_it_was_said_to_be(self, content: bytes, media_type: str) -> None:
        assert refusal(content, media_type) is Refusal.TYPE_MISMATCH

    @pytest.mark.parametrize("format_", IMAGES)
    def test_a_picture_that_was_cut_off(self, format_: str) -> None:
        whole = files.picture(format_, size=(300, 300), noise=True)
        assert refusal(whole[: len(whole) // 2], IMAGES[format_]) is Refusal.UNREADABLE

    def test_more_pixels_than_there_may_be_in_few_bytes(self) -> None:
        bomb = saved(Image.new("1", (8_000, 7_000)), "PNG")
        assert len(bomb) < 40_000
        assert refusal(bomb, "image/png") is Refusal.TOO_MANY_PIXELS

    def test_a_picture_whose_text_swells(self) -> None:
        chunk = b"zTXt" + b"Comment\x00\x00" + zlib.compress(bytes(4_000_000), 9)
        whole = files.picture("PNG")
        swollen = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        assert refusal(whole[:33] + swollen + whole[33:], "image/png") is Refusal.UNREADABLE

    def test_a_picture_that_moves(self) -> None:
        first, then = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
        for format_ in ("PNG", "WEBP"):
            moving = saved(first, format_, save_all=True, append_images=[then], duration=100)
            assert refusal(moving, IMAGES[format_]) is Refusal.ANIMATED

    @pytest.mark.parametrize(
        "actions", [{"script": "app.alert(1)"}, {"embedded": "isi"}, {"launch": "cmd.exe"}, {"form": "<xdp/>"}]
    )
    def test_a_document_that_acts(self, actions: dict[str, str]) -> None:
        assert refusal(files.document(**actions), "application/pdf") is Refusal.ACTIVE_CONTENT

    def test_a_document_that_acts_out_of_sight(self) -> None:
        hidden = (
            files.document(script="app.alert(1)").replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/#4aS")
        )
        assert b"/JS" not in hidden
        assert refusal(hidden, "application/pdf") is Refusal.ACTIVE_CONTENT

    def test_a_document_that_acts_within_a_compressed_stream(self) -> None:
        packed = object_stream()
        assert b"/JavaScript" not in packed
        assert b"/JS" not in packed
        assert refusal(packed, "application/pdf") is Refusal.ACTIVE_CONTENT

    def test_a_document_that_is_locked(self) -> None:
        assert refusal(files.document(password="rahasia"), "application/pdf") is Refusal.ENCRYPTED

    def test_a_document_without_a_page_or_an_end(self) -> None:
        assert refusal(b"%PDF-1.7\n" + bytes(100), "application/pdf") is Refusal.UNREADABLE
        assert refusal(b"%PDF-1.7\nnonsense\n%%EOF", "application/pdf") is Refusal.UNREADABLE


def object_stream() -> bytes:
    """A PDF whose catalog, and the script in it, stand in a compressed stream of objects."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction 4 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
    ]
    places, body = [], b""
    for number, text in enumerate(objects, 1):
        places.append(f"{number} {len(body)}")
        body += text + b" "
    head = " ".join(places).encode() + b" "
    packed = zlib.compress(head + body)
    out = b"%PDF-1.7\n"
    first = len(out)
    out += (
        f"5 0 obj\n<< /Type /ObjStm /N 4 /First {len(head)} /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
        + packed
        + b"\nendstream\nendobj\n"
    )
    at = len(out)
    rows = b"\x00\x00\x00\xff" + b"".join(bytes((2, 0, 5, n)) for n in range(4))
    rows += b"\x01" + first.to_bytes(2, "big") + b"\x00" + b"\x01" + at.to_bytes(2, "big") + b"\x00"
    table = zlib.compress(rows)
    out += (
        f"6 0 obj\n<< /Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R /Length {len(table)} /Filter /FlateDecode >>\n"
        "stream\n".encode()
        + table
        + f"\nendstream\nendobj\nstartxref\n{at}\n%%EOF\n".encode()
    )
    return out


class TestKept:
    @pytest.mark.parametrize("format_", IMAGES)
    def test_of_a_picture_its_pixels_alone(self, format_: str) -> None:
        sent = files.picture(format_, noise=True)
        for told in (files.OWNER, files.CAMERA):
            assert told.encode() in sent
        verdict = examine(sent, IMAGES[format_], keep_location=False)
        assert verdict.location is None
        for told in (files.OWNER, files.CAMERA, "Exif", "xmp", "http"):
            assert told.encode() not in verdict.content
        before, after = Image.open(io.BytesIO(sent)), Image.open(io.BytesIO(verdict.content))
        assert (after.format, after.size) == (format_, before.size)
        assert not set(after.info) - {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "background",
            "loop",
            "timestamp",
        }
        difference = ImageChops.difference(before.convert("RGB"), after.convert("RGB"))
        assert max(difference.tobytes()) < (1 if format_ == "PNG" else 90)

    def test_nothing_that_hangs_on_before_or_after_it(self) -> None:
        verdict = examine(files.picture() + files.archive() + b"<script>", "image/jpeg", keep_location=False)
        assert verdict.refusal is None
        assert not any(part in verdict.content for part in (b"PK\x03\x04", b"<script>", files.OWNER.encode()))
        assert verdict.content.endswith(b"\xff\xd9")

    def test_where_it_was_taken_only_if_that_is_asked_for(self) -> None:
        verdict = examine(files.picture(), "image/jpeg", keep_location=True)
        assert verdict.location is not None
        assert (verdict.location.latitude, verdict.location.longitude) == pytest.approx(files.PLACE, abs=1e-6)

    def test_a_picture_stands_as_it_was_held(self) -> None:
        wide = Image.new("RGB", (40, 20), "white")
        exif = Image.Exif()
        exif[0x0112] = 6
        verdict = examine(saved(wide, "JPEG", exif=exif), "image/jpeg", keep_location=False)
        assert Image.open(io.BytesIO(verdict.content)).size == (20, 40)

    def test_what_can_be_seen_through_stays_so(self) -> None:
        clear = Image.new("RGBA", (9, 9), (10, 20, 30, 77))
        verdict = examine(saved(clear, "PNG"), "image/png", keep_location=False)
        assert Image.open(io.BytesIO(verdict.content)).getpixel((4, 4)) == (10, 20, 30, 77)

    def test_a_document_and_a_text_byte_for_byte(self) -> None:
        for content, media_type in ((files.document(), "application/pdf"), (b"Ibu Siti\r\n\tdan", "text/plain")):
            assert examine(content, media_type, keep_location=True).content == content


class TestProcess:
    def test_it_may_use_no_more_than_its_share(self) -> None:
        code = (
            "import resource, io, sys; from slrt_api.attachments import examination as e;"
            "sys.stdin = type('S', (), {'buffer': io.BytesIO(b'')}); \ntry: e.main()\nexcept ValueError: pass\n"
            "print([resource.getrlimit(n)[0] for n in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)])"
        )
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert told.strip() == str([examination.MEMORY_BYTES, examination.PROCESSOR_SECONDS, 0])
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0


class TestFrames:
    SIZE = 2 * frames.FRAME_BYTES + 1000

    def test_every_byte_is_found_by_its_place(self) -> None:
        cipher = frames.Cipher(KEYRING, new_key(uuid4()))
        content = bytes(number % 251 for number in range(self.SIZE))
        sealed = cipher.seal(content)
        for position in (0, 1, frames.FRAME_BYTES - 1, frames.FRAME_BYTES, self.SIZE - 1):
            start, begin, end = frames.frame_at(position, self.SIZE)
            frame = cipher.open_frame(sealed[begin:end], start, self.SIZE)
            assert frame[position - start] == content[position]
            assert content[start : start + len(frame)] == frame
        assert frames.frame_at(self.SIZE - 1, self.SIZE)[2] == len(sealed)

    def test_a_frame_is_of_no_use_anywhere_else(self) -> None:
        key = new_key(uuid4())
        cipher = frames.Cipher(KEYRING, key)
        content = bytes(self.SIZE)
        sealed = cipher.seal(content)
        size = frames.FRAME_BYTES + frames.OVERHEAD
        for frame, start, whole in (
            (sealed[size : 2 * size], 0, self.SIZE),
            (sealed[:size], 0, frames.FRAME_BYTES),
            (sealed[: size - 1], 0, self.SIZE),
            (bytes(size), 0, self.SIZE),
            (b"", 0, self.SIZE),
            (cipher.seal_part(content[: frames.FRAME_BYTES], 0), 0, self.SIZE),
        ):
            with pytest.raises(DecryptionFailed):
                cipher.open_frame(frame, start, whole)
        part = cipher.seal_part(b"a part", 6)
        assert cipher.open_part(part, 6) == b"a part"
        with pytest.raises(DecryptionFailed):
            cipher.open_part(part, 0)
        with pytest.raises(DecryptionFailed):
            frames.Cipher(KEYRING, replace(key, id=uuid4()))

    def test_files_of_sealed_reports_open_under_their_own_keys_only(self) -> None:
        key = new_key(uuid4(), sealed=True)
        frame = frames.Cipher(SEALING, key).seal_part(b"a part", 0)
        assert frames.Cipher(SEALING, key).open_part(frame, 0) == b"a part"
        for keyring, asked in (
            (KEYRING, key),
            (SEALING, replace(key, sealed=False)),
            (SEALING, replace(key, id=uuid4())),
        ):
            with pytest.raises(DecryptionFailed):
                frames.Cipher(keyring, asked)


def new_key(id_: UUID, *, sealed: bool = False) -> frames.FileKey:
    columns = vault.kept(SEALING if sealed else KEYRING, id_, {"data_key": frames.new_key()}, sealed=sealed)
    return frames.FileKey(id_, columns[vault.column("data_key") if sealed else "data_key"], sealed)


class TestVault:
    """What tells of a file of a sealed report, and what becomes of rows from before."""

    VALUES: ClassVar = {
        "name": b"bukti.jpg",
        "location": None,
        "data_key": b"k" * 32,
        "digest": b"d" * 32,
        "kept_digest": None,
    }

    def test_a_sealed_row_has_nothing_where_others_have_it(self) -> None:
        kept = vault.kept(SEALING, uuid4(), self.VALUES, sealed=True)
        assert set(kept) == {vault.column(name) for name in self.VALUES}
        assert not any(
            value is not None and self.VALUES[name.removeprefix("sealed_")] in value for name, value in kept.items()
        )

    def test_its_digest_is_read_with_the_keys_of_sealed_reports(self) -> None:
        id_ = uuid4()
        kept = vault.kept(SEALING, id_, self.VALUES, sealed=True)
        assert vault.digest(SEALING, id_, clear=None, sealed=kept["sealed_digest"]) == b"d" * 32
        for keyring, asked in ((KEYRING, id_), (SEALING, uuid4())):
            with pytest.raises(DecryptionFailed):
                vault.digest(keyring, asked, clear=None, sealed=kept["sealed_digest"])

    def test_what_was_kept_before_these_columns_is_read_once_more_by_a_rotation(self) -> None:
        id_ = uuid4()
        before = vault.kept(SEALING, id_, self.VALUES, sealed=False)
        assert vault.former(SEALING, id_, "sealed_name", before["name"]) == b"bukti.jpg"
        assert base64.b64decode(vault.former(SEALING, id_, "sealed_digest", before["digest"])) == b"d" * 32
        for column, value in (("sealed_name", before["data_key"]), ("sealed_digest", b"d" * 31)):
            with pytest.raises(DecryptionFailed):
                vault.former(SEALING, id_, column, value)


def test_the_offices_are_those_who_work_on_cases() -> None:
    assert (lifecycle.OFFICES, lifecycle.RECEIVERS) == (permissions.CASE_WORKERS, permissions.RECEIVERS)


def test_every_type_that_is_taken_ends_in_a_name_of_its_own() -> None:
    assert len(set(MEDIA_TYPES.values())) == len(MEDIA_TYPES)
