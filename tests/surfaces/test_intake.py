"""What cannot be read and what must not pass, sent to real routes over HTTP: each is refused as the contract says."""

import base64
import gzip
import json
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from tests.api import VILLAGE, Api, household_body
from tests.problems import MARKER, problem
from tests.sizes import size

from slrt_api.cli import contracts
from slrt_api.kernel.ids import Kind, new_id

JSON = {"content-type": "application/json"}
HOUSEHOLDS = "/v1/households"


def text(**changes: Any) -> bytes:
    """A body that would register a household, but for `changes`; its address is the marker."""
    return json.dumps(household_body(**{"address": MARKER, **changes}), ensure_ascii=False).encode()


def spliced(member: bytes) -> bytes:
    """Such a body with one more member, written as it is."""
    return text()[:-1] + b", " + member + b"}"


def nested(depth: int) -> bytes:
    """Such a body whose unknown member `x` nests arrays so that the whole is `depth` deep."""
    return spliced(b'"x": ' + b"[" * (depth - 1) + b"]" * (depth - 1))


def member(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": MARKER, "sex": "F", "relation": "HEAD", **changes}]


UNREADABLE = {
    "empty": (b"", "json_invalid"),
    "white space only": (b" \n\t ", "json_invalid"),
    "cut off": (text()[:-1], "json_invalid"),
    "trailing comma": (text()[:-1] + b",}", "json_invalid"),
    "two values": (text() + text(), "json_invalid"),
    "single quotes": (b"{'address': '" + MARKER.encode() + b"'}", "json_invalid"),
    "a comment": (b"/* " + MARKER.encode() + b" */" + text(), "json_invalid"),
    "a form": (b"address=" + MARKER.encode(), "json_invalid"),
    "raw control character": (text().replace(MARKER.encode(), MARKER.encode() + b"\x01"), "json_invalid"),
    "byte order mark": (b"\xef\xbb\xbf" + text(), "json_encoding"),
    "utf-16": (text().decode().encode("utf-16"), "json_nul"),
    "latin-1": (text(address=f"{MARKER} é").decode().encode("latin-1"), "json_encoding"),
    "overlong utf-8": (text().replace(MARKER.encode(), MARKER.encode() + b"\xc0\xaf"), "json_encoding"),
    "surrogates as utf-8": (text().replace(MARKER.encode(), b"\xed\xa0\x80"), "json_encoding"),
    "NaN": (spliced(b'"x": NaN'), "json_number"),
    "Infinity": (spliced(b'"x": Infinity'), "json_number"),
    "-Infinity": (spliced(b'"x": -Infinity'), "json_number"),
    "1e400": (spliced(b'"x": 1e400'), "json_number"),
    "a number of 5,000 digits": (spliced(b'"x": ' + b"9" * 5_000), "json_number"),
    "raw NUL": (text().replace(MARKER.encode(), MARKER.encode() + b"\0"), "json_nul"),
    "escaped NUL": (text().replace(MARKER.encode(), MARKER.encode() + b"\\u0000"), "json_nul"),
    "escaped NUL in a name": (spliced(b'"x\\u0000": 1'), "json_nul"),
    "high surrogate alone": (text().replace(MARKER.encode(), b"\\ud800 " + MARKER.encode()), "json_surrogate"),
    "low surrogate alone": (text().replace(MARKER.encode(), b"\\udfff"), "json_surrogate"),
    "surrogates the wrong way round": (spliced(b'"x": "\\udc00\\ud800"'), "json_surrogate"),
    "duplicate member": (spliced(b'"address": "B"'), "json_duplicate_key"),
    "duplicate member, escaped": (spliced(b'"\\u0061ddress": "B"'), "json_duplicate_key"),
    "duplicate member below": (
        text().replace(b'"sex": "F"', b'"sex": "F", "sex": "M"'),
        "json_duplicate_key",
    ),
    "33 deep": (nested(33), "json_depth"),
    "100,000 deep": (b"[" * 100_000, "json_depth"),
}
WRONG: dict[str, tuple[bytes, str, str]] = {
    "32 deep is read": (nested(32), "/x", "unknown_member"),
    "null": (b"null", "", "type"),
    "an array": (b"[" + text() + b"]", "", "type"),
    "a string": (b'"' + MARKER.encode() + b'"', "", "type"),
    "unknown member": (spliced(b'"status": "OPEN"'), "/status", "unknown_member"),
    "a member named by a document number": (spliced(b'"9901017777880009": 1'), "", "unknown_member"),
    "a member of another table": (spliced(b'"regency": 3327'), "/regency", "unknown_member"),
    "missing member": (b'{"area_code": "33.26.01.2001"}', "/address", "required"),
    "null for text": (text(address=None), "/address", "type"),
    "number for text": (text(address=1), "/address", "type"),
    "text too long": (text(address=MARKER * 10_000), "/address", "length"),
    "blank text": (text(address=" \t "), "/address", "length"),
    "object for array": (text(members={"0": member()[0]}), "/members", "type"),
    "no items": (text(members=[]), "/members", "items"),
    "41 items": (text(members=member() * 41), "/members", "items"),
    "number for a date": (text(members=member(birth_date=1)), "/members/0/birth_date", "type"),
    "digits for a date": (text(members=member(birth_date="1700000000")), "/members/0/birth_date", "format"),
    "a day that is none": (text(members=member(birth_date="2026-02-30")), "/members/0/birth_date", "format"),
    "an instant for a date": (
        text(members=member(birth_date="1988-05-05T00:00:00Z")),
        "/members/0/birth_date",
        "format",
    ),
    "a day to come": (text(members=member(birth_date="9999-12-31")), "/members/0/birth_date", "date_in_future"),
    "number for an instant": (text(captured_at=1_700_000_000), "/captured_at", "type"),
    "digits for an instant": (text(captured_at="1700000000"), "/captured_at", "format"),
    "a naive instant": (text(captured_at="2026-11-21T09:14:07"), "/captured_at", "time_zone_required"),
    "an instant before year 1": (text(captured_at="0001-01-01T00:00:00+14:00"), "/captured_at", "range"),
    "unknown code": (text(members=member(sex="X")), "/members/0/sex", "unknown_code"),
    "code in lower case": (text(members=member(sex="f")), "/members/0/sex", "unknown_code"),
    "true for a code": (text(members=member(sex=True)), "/members/0/sex", "unknown_code"),
    "number for a NIK": (text(members=member(nik=9901017777880009)), "/members/0/nik", "type"),
    "Arabic digits in a NIK": (text(members=member(nik="٩٩٠١٠١٧٧٧٧٨٨٠٠٠٩")), "/members/0/nik", "nik_malformed"),
    "a NIK with a line end": (text(members=member(nik="9901017777880009\n5")), "/members/0/nik", "nik_malformed"),
    "fullwidth digits in a KK": (text(kk="９９０１０１７７７７８８０００９"), "/kk", "kk_malformed"),
    "Arabic digits in an area": (text(area_code="٣٣.٢٦.٠١.٢٠٠١"), "/area_code", "area_unknown"),
    "a marker for an area": (text(area_code=MARKER), "/area_code", "area_unknown"),
    "a district for a village": (text(area_code="33.26.01"), "/area_code", "area_unknown"),
    "a number for an area": (text(area_code=33.26), "/area_code", "type"),
}


class TestBodies:
    @pytest.mark.parametrize("name", UNREADABLE)
    async def test_what_cannot_be_read_is_400(self, api: Api, name: str) -> None:
        body, code = UNREADABLE[name]
        problem(await api.as_("facilitator").post(HOUSEHOLDS, content=body, headers=JSON), 400, code)

    @pytest.mark.parametrize("name", WRONG)
    async def test_what_reads_but_is_wrong_is_422_at_its_place(self, api: Api, name: str) -> None:
        body, pointer, code = WRONG[name]
        answer = await api.as_("facilitator").post(HOUSEHOLDS, content=body, headers=JSON)
        problem(answer, 422, "content_invalid", fault=(pointer, code))

    async def test_nothing_of_all_that_was_written(self, api: Api, owner: asyncpg.Connection) -> None:
        assert await owner.fetchval("SELECT count(*) FROM households WHERE address LIKE '%Penanda%'") == 0

    async def test_a_merge_patch_is_read_as_strictly(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        location = (await facilitator.post(HOUSEHOLDS, json=household_body())).headers["location"]
        headers = {"content-type": "application/merge-patch+json", "if-match": '"1"'}
        for body, status, code in (
            (b'{"address": "A", "address": "B"}', 400, "json_duplicate_key"),
            (b'{"address": NaN}', 400, "json_number"),
            (b'{"version": 7}', 422, "content_invalid"),
            (b'{"address": null}', 422, "content_invalid"),
        ):
            problem(await facilitator.patch(location, content=body, headers=headers), status, code)
        assert (await facilitator.get(location)).json()["version"] == 1


class TestSize:
    async def test_a_body_beyond_a_mebibyte_is_413(self, api: Api) -> None:
        body = text(address="a" * 1_048_576)
        answer = await api.as_("facilitator").post(HOUSEHOLDS, content=body, headers=JSON)
        problem(answer, 413, "payload_too_large")

    async def test_a_body_that_does_not_say_its_length_is_413_as_well(self, api: Api) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 65_536
                yield b" " * 65_536

        answer = await api.as_("facilitator").post(HOUSEHOLDS, content=endless(), headers=JSON)
        problem(answer, 413, "payload_too_large")
        assert sent <= 1_048_576 + 2 * 65_536

    async def test_a_body_of_exactly_a_mebibyte_is_read(self, api: Api) -> None:
        body = text(address="A").ljust(1_048_576)
        assert (await api.as_("facilitator").post(HOUSEHOLDS, content=body, headers=JSON)).status_code == 201
        problem(
            await api.as_("facilitator").post(HOUSEHOLDS, content=body + b" ", headers=JSON), 413, "payload_too_large"
        )

    async def test_a_length_that_lies_is_refused(self, api: Api) -> None:
        for length in ("-1", "1e3", "٣", "0x10", "+5", "99999999999999999999999"):
            headers = [(b"content-type", b"application/json"), (b"content-length", length.encode())]
            answer = await api.as_("facilitator").post(HOUSEHOLDS, content=text(), headers=headers)
            problem(answer, 400, "header_invalid", fault=("Content-Length", "header_invalid"))


class TestMediaTypes:
    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/merge-patch+json",
            "application/json-patch+json",
            "application/jsonx",
            "application/json; charset=utf-16",
            "application/json; charset=latin-1",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json, text/plain",
            MARKER,
        ],
    )
    async def test_another_media_type_is_415(self, api: Api, content_type: str | None) -> None:
        headers = {} if content_type is None else {"content-type": content_type}
        answer = await api.as_("facilitator").post(HOUSEHOLDS, content=text(), headers=headers)
        problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", 'APPLICATION/JSON; charset="utf-8"'])
    async def test_utf_8_may_be_said(self, api: Api, content_type: str) -> None:
        answer = await api.as_("facilitator").post(
            HOUSEHOLDS, content=json.dumps(household_body()), headers={"content-type": content_type}
        )
        assert answer.status_code == 201

    async def test_json_is_no_merge_patch(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        location = (await facilitator.post(HOUSEHOLDS, json=household_body())).headers["location"]
        answer = await facilitator.patch(location, json={"address": "B"}, headers={"if-match": '"1"'})
        problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", MARKER])
    async def test_an_encoded_body_is_415(self, api: Api, encoding: str) -> None:
        answer = await api.as_("facilitator").post(
            HOUSEHOLDS, content=gzip.compress(text()), headers={**JSON, "content-encoding": encoding}
        )
        problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize(
        "accept",
        ["text/html", "application/xml", "application/json;q=0", "application/json; q=0.000", "image/*", MARKER],
    )
    async def test_an_answer_that_may_not_be_json_is_406(self, api: Api, accept: str) -> None:
        facilitator = api.as_("facilitator")
        problem(await facilitator.get(HOUSEHOLDS, headers={"accept": accept}), 406, "not_acceptable")
        answer = await facilitator.post(HOUSEHOLDS, content=text(), headers={**JSON, "accept": accept})
        problem(answer, 406, "not_acceptable")

    @pytest.mark.parametrize(
        "accept", ["*/*", "application/*", "text/html, application/json;q=0.1", "APPLICATION/JSON"]
    )
    async def test_an_answer_in_json_may_be_asked_for(self, api: Api, accept: str) -> None:
        assert (await api.as_("facilitator").get(HOUSEHOLDS, headers={"accept": accept})).status_code == 200


class TestParameters:
    @pytest.mark.parametrize(
        ("query", "pointer", "code"),
        [
            ("limit=0", "limit", "out_of_range"),
            ("limit=201", "limit", "out_of_range"),
            ("limit=abc", "limit", "out_of_range"),
            ("limit=-1", "limit", "out_of_range"),
            ("limit=1.0", "limit", "out_of_range"),
            ("limit=", "limit", "out_of_range"),
            ("limit=%D9%A3", "limit", "out_of_range"),
            ("limit=99999999999999999999", "limit", "out_of_range"),
            ("limit=5&limit=6", "limit", "parameter_repeated"),
            ("nik=9901017777880009", "query", "parameter_unknown"),
            ("offset=1", "query", "parameter_unknown"),
            ("LIMIT=1", "query", "parameter_unknown"),
            ("sort=address", "sort", "sort_unknown"),
            ("sort=kk", "sort", "sort_unknown"),
            ("sort=", "sort", "sort_unknown"),
            ("sort=--id", "sort", "sort_unknown"),
            ("sort=id,-id", "sort", "sort_unknown"),
            ("sort=id%3Bselect", "sort", "sort_unknown"),
            ("include_total=1", "include_total", "parameter_invalid"),
            ("include=persons", "include", "include_unknown"),
            ("include=members.household", "include", "include_unknown"),
            ("include=", "include", "include_unknown"),
            ("include=members,", "include", "include_unknown"),
            ("area_code=9901017777880009", "area_code", "filter_invalid"),
            ("area_code=33.2", "area_code", "filter_invalid"),
            ("area_code=33.26.01.20", "area_code", "filter_invalid"),
            ("area_code=%D9%A3%D9%A3", "area_code", "filter_invalid"),
            ("area_code=33%25", "area_code", "filter_invalid"),
            ("updated_from=2026-11-01", "updated_from", "filter_invalid"),
            ("updated_from=2026-11-01T00:00:00", "updated_from", "filter_invalid"),
            ("updated_from=20261101T000000Z", "updated_from", "filter_invalid"),
            ("updated_from=1700000000", "updated_from", "filter_invalid"),
            ("updated_from=0001-01-01T00:00:00%2B14:00", "updated_from", "filter_invalid"),
            ("updated_to=9999-12-31T23:59:59-14:00", "updated_to", "filter_invalid"),
            ("updated_to=now", "updated_to", "filter_invalid"),
            ("cursor=", "cursor", "cursor_invalid"),
            ("cursor=%00", "cursor", "parameter_invalid"),
            ("area_code=%FF", None, "parameter_invalid"),
            ("area_code=%ED%A0%80", None, "parameter_invalid"),
            ("&".join(f"a{n}=1" for n in range(60)), None, "parameter_invalid"),
        ],
    )
    async def test_a_bad_parameter_is_400_and_named(self, api: Api, query: str, pointer: str | None, code: str) -> None:
        answer = await api.as_("facilitator").get(f"{HOUSEHOLDS}?{query}")
        assert answer.status_code == 400, answer.text
        told = answer.json()
        problem(answer, 400, told["code"], fault=(pointer, code) if pointer else None)
        assert code in {told["code"], *(fault["code"] for fault in told["errors"])}

    async def test_a_parameter_named_like_a_person_is_not_repeated(self, api: Api) -> None:
        answer = await api.as_("facilitator").get(HOUSEHOLDS, params={MARKER: "1"})
        problem(answer, 400, "parameter_unknown")

    async def test_items_and_writes_take_no_unknown_parameter_either(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        created = await facilitator.post(f"{HOUSEHOLDS}?dry_run=true", json=household_body())
        problem(created, 400, "parameter_unknown", fault=("query", "parameter_unknown"))
        location = (await facilitator.post(HOUSEHOLDS, json=household_body())).headers["location"]
        problem(await facilitator.get(f"{location}?limit=1"), 400, "parameter_unknown")
        problem(await facilitator.get(f"{location}/members?area_code=33"), 400, "parameter_unknown")


def forged(cursor: str, *values: Any) -> str:
    """The cursor with other values behind its digest."""
    digest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
    payload = json.dumps([digest, *values], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


class TestCursors:
    async def _cursor(self, api: Api, query: str = "limit=1") -> str:
        facilitator = api.as_("facilitator")
        for _ in range(2):
            await facilitator.post(HOUSEHOLDS, json=household_body())
        cursor: str = (await facilitator.get(f"{HOUSEHOLDS}?{query}")).json()["next_cursor"]
        return cursor

    @pytest.mark.parametrize(
        "cursor", ["x", "abc=", "W10", "bnVsbA", "eyJhIjoxfQ", "A" * 2_000, "..", "%F0%9F%98%80", "/v1"]
    )
    async def test_what_is_none_is_invalid(self, api: Api, cursor: str) -> None:
        answer = await api.as_("facilitator").get(f"{HOUSEHOLDS}?cursor={cursor}")
        problem(answer, 400, "cursor_invalid", fault=("cursor", "cursor_invalid"))

    async def test_one_of_another_sort_filter_or_role_does_not_match(self, api: Api) -> None:
        cursor = await self._cursor(api)
        for role, query in (
            ("facilitator", "sort=updated_at"),
            ("facilitator", "area_code=33.26"),
            ("puskesos_officer", "limit=1"),
            ("auditor", "limit=1"),
        ):
            answer = await api.as_(role).get(f"{HOUSEHOLDS}?{query}&cursor={cursor}")
            problem(answer, 400, "cursor_mismatch", fault=("cursor", "cursor_mismatch"))

    async def test_one_of_another_list_does_not_match(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        made = (await facilitator.post(HOUSEHOLDS, json=household_body())).json()
        cursor = await self._cursor(api, "limit=1&sort=id")
        answer = await facilitator.get(f"{HOUSEHOLDS}/{made['id']}/members?sort=id&cursor={cursor}")
        problem(answer, 400, "cursor_mismatch")

    @pytest.mark.parametrize(
        ("sort", "values"),
        [
            ("id", []),
            ("id", ["x"]),
            ("id", ["x", "x"]),
            ("id", [1, 1]),
            ("id", [None, None]),
            ("id", [str(UUID(int=0)), MARKER]),
            ("id", [str(UUID(int=0)), "' OR 1=1 --"]),
            ("id", ["٠" * 32, "٠" * 32]),
            ("id", [str(UUID(int=0)), "x" * 36]),
            ("updated_at", ["now", str(UUID(int=0))]),
            ("updated_at", ["2026-11-01T00:00:00", str(UUID(int=0))]),
            ("updated_at", ["0001-01-01T00:00:00+14:00", str(UUID(int=0))]),
            ("updated_at", [5, str(UUID(int=0))]),
            ("area_code", ["33", "x"]),
            ("area_code", ["9" * 30, str(UUID(int=0))]),
            ("area_code", [True, "no uuid"]),
            ("area_code", [1, 2, 3]),
        ],
    )
    async def test_a_forged_one_is_invalid(self, api: Api, sort: str, values: list[Any]) -> None:
        cursor = forged(await self._cursor(api, f"limit=1&sort={sort}"), *values)
        answer = await api.as_("facilitator").get(f"{HOUSEHOLDS}?limit=1&sort={sort}&cursor={cursor}")
        problem(answer, 400, "cursor_invalid", fault=("cursor", "cursor_invalid"))

    async def test_a_forged_one_that_reads_gives_no_right(self, api: Api) -> None:
        elsewhere = api.as_("facilitator", area="33.27.01.2001")
        other = (await elsewhere.post(HOUSEHOLDS, json=household_body(area_code="33.27.01.2001"))).json()["id"]
        cursor = await self._cursor(api, "limit=1&sort=-id")
        high = str(UUID(int=2**128 - 1))
        answer = await api.as_("facilitator").get(f"{HOUSEHOLDS}?limit=1&sort=-id&cursor={forged(cursor, high, high)}")
        assert answer.status_code == 200
        assert {item["area_code"] for item in answer.json()["items"]} <= {VILLAGE}
        assert other not in answer.text


class TestHeaders:
    @pytest.mark.parametrize(
        "value",
        ["1", '"00"', '"01"', '"-1"', '"1', "*", 'W/"1"', '"1", "2"', '"٣"', '""', '"99999999999"', '"1.0"', MARKER],
    )
    async def test_if_match_names_one_version(self, api: Api, value: str) -> None:
        facilitator = api.as_("facilitator")
        location = (await facilitator.post(HOUSEHOLDS, json=household_body())).headers["location"]
        answer = await facilitator.patch(
            location,
            content=b'{"address": "B"}',
            headers=[
                (b"content-type", b"application/merge-patch+json"),
                (b"if-match", value.encode()),
            ],
        )
        problem(answer, 400, "if_match_invalid", fault=("If-Match", "if_match_invalid"))

    @pytest.mark.parametrize("value", ["", '""', " ", "a b", "é", "x" * 256, '"a"b"', "a\\b", MARKER])
    async def test_an_idempotency_key_is_visible_ascii(self, api: Api, value: str) -> None:
        answer = await api.as_("facilitator").post(
            HOUSEHOLDS, json=household_body(), headers=[(b"idempotency-key", value.encode())]
        )
        problem(answer, 400, "idempotency_key_invalid", fault=("Idempotency-Key", "idempotency_key_invalid"))

    @pytest.mark.parametrize("value", ['"*"', '"1"', "W/*", "**", MARKER])
    async def test_if_none_match_of_a_put_is_a_star(self, api: Api, value: str) -> None:
        answer = await api.as_("facilitator").put(
            f"{HOUSEHOLDS}/{new_id(Kind.HOUSEHOLD, 3326)}", json=household_body(), headers={"if-none-match": value}
        )
        problem(answer, 400, "if_none_match_invalid", fault=("If-None-Match", "if_none_match_invalid"))

    @pytest.mark.parametrize("value", ["", "Facilitator", "facilitator,auditor", "x" * 41, "é", MARKER])
    async def test_an_acting_role_that_cannot_be_one_is_400(self, api: Api, value: str) -> None:
        answer = await api.as_("facilitator").get(HOUSEHOLDS, headers=[(b"acting-role", value.encode())])
        problem(answer, 400, "header_invalid", fault=("Acting-Role", "header_invalid"))

    async def test_an_acting_role_that_is_not_held_is_403(self, api: Api) -> None:
        for role in ("auditor", "nobody"):
            problem(
                await api.as_("facilitator").get(HOUSEHOLDS, headers={"acting-role": role}), 403, "role_not_granted"
            )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Authorization", "Bearer x"),
            ("Acting-Role", "facilitator"),
            ("Idempotency-Key", "a"),
            ("If-Match", '"1"'),
            ("If-None-Match", "*"),
            ("Content-Type", "application/json"),
            ("Content-Encoding", "identity"),
            ("Host", "api.test"),
        ],
    )
    async def test_a_header_that_counts_comes_once(self, api: Api, name: str, value: str) -> None:
        headers = {} if name == "Authorization" else {"authorization": f"Bearer {api.token('facilitator')}"}
        twice = [*headers.items(), (name, value), (name, value)]
        for method, url in (("POST", HOUSEHOLDS), ("GET", HOUSEHOLDS)):
            answer = await api.anonymous.request(method, url, headers=twice, content=text())
            problem(answer, 400, "header_invalid", fault=(name, "header_invalid"))

    @pytest.mark.parametrize(
        "value", ["", "Bearer", "Bearer ", "Basic dTpw", "bearer x.y.z", "Bearer " + "a" * 20_000, MARKER]
    )
    async def test_a_token_that_is_none_is_401(self, api: Api, value: str) -> None:
        answer = await api.anonymous.get(HOUSEHOLDS, headers={"authorization": value})
        problem(answer, 401, "token_invalid")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]

    @pytest.mark.parametrize("value", ["a/b", "a b", "api.test@evil", "x" * 300, "ä"])
    async def test_a_host_that_is_none_is_400(self, api: Api, value: str) -> None:
        answer = await api.anonymous.get(HOUSEHOLDS, headers=[(b"host", value.encode())])
        problem(answer, 400, "header_invalid", fault=("Host", "header_invalid"))


class TestPaths:
    async def test_whatever_stands_for_an_id_the_answer_is_one(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        real = (await facilitator.post(HOUSEHOLDS, json=household_body())).json()["id"]
        shifted = real.replace("-", "")
        ids = [
            str(new_id(Kind.HOUSEHOLD, 3326)),
            str(new_id(Kind.HOUSEHOLD, 3327)),
            str(new_id(Kind.HOUSEHOLD, 0)),
            str(new_id(Kind.HOUSEHOLD, 9999)),
            str(new_id(Kind.PERSON, 3326)),
            str(uuid4()),
            str(UUID(int=0)),
            str(UUID(int=2**128 - 1)),
            "1",
            "null",
            "%20",
            "%00",
            "%FF",
            "..%2f..",
            "٣" * 36,
            "x" * 3_000,
            "'; DROP TABLE households; --",
            MARKER,
            shifted,
            f"{{{real}}}",
            f"urn:uuid:{real}",
            f"----{shifted}",
            f" {real}",
            f"{real}%0A",
        ]
        first = await facilitator.get(f"{HOUSEHOLDS}/{ids[0]}")
        problem(first, 404, "not_found")
        for id_ in ids:
            answer = await facilitator.get(f"{HOUSEHOLDS}/{id_}")
            problem(answer, 404, "not_found")
            assert {**answer.json(), "trace_id": ""} == {**first.json(), "trace_id": ""}, id_
            assert _steady(answer) == _steady(first), id_
        assert (await facilitator.get(f"{HOUSEHOLDS}/{real.upper()}")).status_code == 200

    async def test_a_trailing_slash_is_404_and_leads_nowhere(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        location = (await facilitator.post(HOUSEHOLDS, json=household_body())).headers["location"]
        for url in (
            f"{HOUSEHOLDS}/",
            f"{location}/",
            f"{location}/members/",
            "//v1/households",
            "/v1//households",
            "/V1/households",
        ):
            answer = await facilitator.get(f"http://api.test{url}")
            problem(answer, 404, "not_found")
            assert "location" not in answer.headers

    async def test_every_path_refuses_the_methods_it_lacks_and_names_those_it_has(self, api: Api) -> None:
        rng = random.Random(20261201)
        for path, operations in contracts.document()["paths"].items():
            url = path.replace("{id}", str(new_id(Kind.HOUSEHOLD, 3326))).replace("{", "").replace("}", "")
            has = {method.upper() for method in operations} | {"OPTIONS"}
            has |= {"HEAD"} if "GET" in has else set()
            lacking = sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - has)
            for method in rng.sample(lacking, min(len(lacking), size(2, 7))):
                answer = await api.as_("facilitator").request(method, url)
                problem(answer, 405, "method_not_allowed")
                assert set(answer.headers["allow"].split(", ")) == has, (method, path)
            options = await api.as_("facilitator").options(url)
            assert (options.status_code, options.content) == (204, b""), path
            assert set(options.headers["allow"].split(", ")) == has, path

    async def test_head_is_get_without_its_body(self, api: Api) -> None:
        facilitator = api.as_("facilitator")
        location = (await facilitator.post(HOUSEHOLDS, json=household_body())).headers["location"]
        for url in (location, f"{location}/members", f"{HOUSEHOLDS}/{uuid4()}"):
            get, head = await facilitator.get(url), await facilitator.head(url)
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert _steady(head) == _steady(get)


def _steady(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in {"ratelimit", "traceparent", "date"}}
