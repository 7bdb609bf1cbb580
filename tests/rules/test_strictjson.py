"""Hostile bodies: what cannot be read is refused by name before a model sees it, what is wrong is pointed at."""

import json
import time
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Literal, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ErrorType

from slrt_api.kernel.errors import BadRequest, Invalid
from slrt_api.runtime import strictjson

DEEP = strictjson.MAX_DEPTH

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "json_invalid"),
    "only spaces": (b" \n\t ", "json_invalid"),
    "byte order mark": (b'\xef\xbb\xbf{"a":1}', "json_encoding"),
    "UTF-16 with mark": ('{"a":1}'.encode("utf-16"), "json_nul"),
    "UTF-16 without mark": ('{"a":1}'.encode("utf-16-le"), "json_nul"),
    "latin-1": ('{"a":"café"}'.encode("latin-1"), "json_encoding"),
    "overlong slash": (b'{"a":"\xc0\xaf"}', "json_encoding"),
    "overlong NUL": (b'{"a":"\xc0\x80"}', "json_encoding"),
    "surrogate in UTF-8": (b'{"a":"\xed\xa0\x80"}', "json_encoding"),
    "cut multibyte": (b'{"a":"\xe2\x82', "json_encoding"),
    "beyond Unicode": (b'{"a":"\xf5\x80\x80\x80"}', "json_encoding"),
    "raw NUL in a string": (b'{"a":"x\0y"}', "json_nul"),
    "raw NUL after the value": (b'{"a":1}\0', "json_nul"),
    "escaped NUL in a string": (rb'{"a":"x\u0000y"}', "json_nul"),
    "escaped NUL in a key": (rb'{"a\u0000":1}', "json_nul"),
    "escaped NUL after an escaped backslash": (rb'{"a":"\\\u0000"}', "json_nul"),
    "lone high surrogate": (rb'{"a":"\ud800"}', "json_surrogate"),
    "lone low surrogate": (rb'{"a":"\uDC00"}', "json_surrogate"),
    "swapped pair": (rb'{"a":"\udc00\ud800"}', "json_surrogate"),
    "high surrogate before a letter": (rb'{"a":"\ud83dx\ude00"}', "json_surrogate"),
    "lone surrogate in a key": (rb'{"\udfff":1}', "json_surrogate"),
    "NaN": (b'{"a":NaN}', "json_number"),
    "Infinity": (b'{"a":Infinity}', "json_number"),
    "minus Infinity": (b'{"a":-Infinity}', "json_number"),
    "beyond a double": (b'{"a":1e400}', "json_number"),
    "beyond a double, negative": (b'{"a":-1E+999}', "json_number"),
    "integer of 5000 digits": (b'{"a":' + b"9" * 5000 + b"}", "json_number"),
    "fraction of 5000 digits": (b'{"a":0.' + b"1" * 5000 + b"}", "json_number"),
    "duplicate key": (b'{"a":1,"a":2}', "json_duplicate_key"),
    "duplicate key by escape": (rb'{"a":1,"\u0061":2}', "json_duplicate_key"),
    "duplicate key far inside": (b'{"a":[{"b":{"c":1,"c":1}}]}', "json_duplicate_key"),
    "33 arrays": (b"[" * (DEEP + 1) + b"]" * (DEEP + 1), "json_depth"),
    "33 objects": (b'{"a":' * (DEEP + 1) + b"1" + b"}" * (DEEP + 1), "json_depth"),
    "a hundred thousand open brackets": (b"[" * 100_000, "json_depth"),
    "depth behind a string full of brackets": (b'["]]]]]]]]]]]]",' + b"[" * DEEP + b"]" * DEEP + b"]", "json_depth"),
    "trailing comma": (b'{"a":1,}', "json_invalid"),
    "comment": (b'{"a":1}// x', "json_invalid"),
    "single quotes": (b"{'a':1}", "json_invalid"),
    "bare word": (b"{a:1}", "json_invalid"),
    "two values": (b'{"a":1}{"b":2}', "json_invalid"),
    "leading zero": (b'{"a":01}', "json_invalid"),
    "leading plus": (b'{"a":+1}', "json_invalid"),
    "point without digits": (b'{"a":1.}', "json_invalid"),
    "hexadecimal": (b'{"a":0x1F}', "json_invalid"),
    "Arabic digits": ('{"a":١٢}'.encode(), "json_invalid"),
    "raw line feed in a string": (b'{"a":"x\ny"}', "json_invalid"),
    "unknown escape": (rb'{"a":"\x41"}', "json_invalid"),
    "short escape": (rb'{"a":"\u00"}', "json_invalid"),
    "open string": (b'{"a":"x', "json_invalid"),
    "only a backslash": (b"\\", "json_invalid"),
    "no-break space around": ("\u00a0{}".encode(), "json_invalid"),
}


class TestLoads:
    @pytest.mark.parametrize(("body", "code"), HOSTILE.values(), ids=HOSTILE.keys())
    def test_refuses_hostile_body(self, body: bytes, code: str) -> None:
        with pytest.raises(BadRequest) as refused:
            strictjson.loads(body)
        assert refused.value.code == code
        assert refused.value.faults == ()

    def test_error_carries_no_trace_of_the_body(self) -> None:
        for body in (b'{"nik":"9901014505880003"', b'{"nik":"9901014505880003\xff"}'):
            with pytest.raises(BadRequest) as refused:
                strictjson.loads(body)
            assert refused.value.__context__ is None
            assert refused.value.__cause__ is None

    def test_reads_what_json_reads(self) -> None:
        body = rb' {"a": [1, -0.5e2, true, null, "\ud83d\ude00 \\u0000 \\ud800 [[[[[[[", {}], "b": {"a": "x"}} '
        assert strictjson.loads(body) == json.loads(body)

    def test_takes_exactly_the_allowed_depth(self) -> None:
        body = b'{"a":' * DEEP + b"1" + b"}" * DEEP
        assert strictjson.loads(body) == json.loads(body)

    def test_many_shallow_brackets_are_not_deep(self) -> None:
        body = b"[" + b",".join([b'{"a":"[[["}'] * 500) + b"]"
        assert strictjson.loads(body) == json.loads(body)

    def test_takes_a_number_of_64_characters_and_no_more(self) -> None:
        assert strictjson.loads(b"9" * 64) == int("9" * 64)
        with pytest.raises(BadRequest):
            strictjson.loads(b"9" * 65)

    @pytest.mark.parametrize(
        "body",
        [b'"\\' * 500_000, b'"' * 1_000_000, b"\\u" * 500_000, b'["\\"' * 250_000, b"[]," * 340_000],
        ids=["quote backslash", "quotes", "half escapes", "open arrays of strings", "empty arrays"],
    )
    def test_a_mebibyte_made_to_hurt_is_refused_in_linear_time(self, body: bytes) -> None:
        started = time.process_time()
        with pytest.raises(BadRequest):
            strictjson.loads(body)
        # A quadratic scan of a mebibyte takes minutes; the bound leaves room for a slow machine.
        assert time.process_time() - started < 5


class Color(StrEnum):
    RED = "RED"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["PART"] = "PART"
    nik: str = Field(pattern=r"^[0-9]{16}\z", default="9901014505880003")
    weight: int = Field(default=1, ge=1, le=10)


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["WHOLE"]
    name: str = Field(max_length=5)


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    name: str = Field(default="x", max_length=5)
    at: strictjson.Instant | None = None
    on: date | None = None
    color: Color = Color.RED
    parts: list[Part] = Field(default=[], max_length=3)
    variant: Annotated[Part | Whole, Field(discriminator="kind")] | None = None
    either: int | Part | None = None
    extra: dict[str, int] = {}
    code: str = ""

    @field_validator("code")
    @classmethod
    def code_is_known(cls, value: str) -> str:
        if value == "withdrawn":
            raise PydanticCustomError("code_withdrawn", "Give a code of the current edition.")
        if value == "filled":
            raise PydanticCustomError("code_filled", "Not {value}.", {"value": value})
        if value == "careless":
            message = f"{value} is wrong"
            raise ValueError(message)
        return value


class Need(BaseModel):
    model_config = ConfigDict(extra="forbid")

    thing: Thing


def faults(body: str, model: type[BaseModel] = Thing) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        strictjson.parse_body(model, body.encode())
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


class TestParseBody:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("[]", ("", "type")),
            ("null", ("", "type")),
            ('{"name": 1}', ("/name", "type")),
            ('{"name": "toolong"}', ("/name", "length")),
            ('{"color": "BLUE"}', ("/color", "unknown_code")),
            ('{"at": "2026-11-22T09:00:00"}', ("/at", "time_zone_required")),
            ('{"at": "1700000000"}', ("/at", "format")),
            ('{"at": 1700000000}', ("/at", "type")),
            ('{"at": "2026-11-22 09:00Z"}', ("/at", "format")),
            ('{"at": "2026-13-22T09:00:00Z"}', ("/at", "format")),
            ('{"at": "2026-11-22T09:00:00+99:00"}', ("/at", "format")),
            ('{"at": "0001-01-01T00:00:00+07:00"}', ("/at", "range")),
            ('{"on": "2026-02-30"}', ("/on", "format")),
            ('{"on": 20}', ("/on", "type")),
            ('{"id": "x"}', ("/id", "format")),
            ('{"adress": "x"}', ("/adress", "unknown_member")),
            ('{"parts": [{}, {"weight": 11}]}', ("/parts/1/weight", "range")),
            ('{"parts": [{"weight": "1"}]}', ("/parts/0/weight", "type")),
            ('{"parts": [{"weight": 1.0}]}', ("/parts/0/weight", "type")),
            ('{"parts": [{"weight": true}]}', ("/parts/0/weight", "type")),
            ('{"parts": [{"nik": "٩٩٠١٠١٤٥٠٥٨٨٠٠٠٣"}]}', ("/parts/0/nik", "pattern")),
            ('{"parts": [{"nik": "9901014505880003\\n"}]}', ("/parts/0/nik", "pattern")),
            ('{"parts": [{}, {}, {}, {}]}', ("/parts", "items")),
            ('{"variant": {"kind": "WHOLE"}}', ("/variant/name", "required")),
            ('{"variant": {"kind": "WHOLE", "name": "toolong"}}', ("/variant/name", "length")),
            ('{"variant": {"kind": "NONE"}}', ("/variant", "unknown_code")),
            ('{"variant": {}}', ("/variant", "required")),
            ('{"extra": {"a": "x"}}', ("/extra/a", "type")),
            ('{"code": "withdrawn"}', ("/code", "code_withdrawn")),
            ('{"code": "careless"}', ("/code", "invalid")),
        ],
    )
    def test_points_at_what_is_wrong(self, body: str, expected: tuple[str, str]) -> None:
        assert faults(body) == [expected]

    def test_members_of_a_plain_union_share_one_pointer(self) -> None:
        assert set(faults('{"either": "x"}')) == {("/either", "type")}

    def test_a_missing_member_is_named(self) -> None:
        assert faults("{}", Need) == [("/thing", "required")]

    def test_every_fault_is_told(self) -> None:
        assert faults('{"thing": {"name": 1, "color": 2}, "x": 1}', Need) == [
            ("/thing/name", "type"),
            ("/thing/color", "unknown_code"),
            ("/x", "unknown_member"),
        ]

    def test_a_name_that_could_be_data_is_not_echoed(self) -> None:
        assert faults('{"9901014505880003": 1}') == [("", "unknown_member")]
        assert faults('{"thing": {"nik_9901014505880003": 1}}', Need) == [("/thing", "unknown_member")]
        assert faults('{"extra": {"Siti Aminah": "x"}}') == [("/extra", "type")]

    def test_texts_hold_nothing_of_the_input(self) -> None:
        body = '{"name": "sentinel-value", "code": "filled", "color": "sentinel", "id": "sentinel", "on": "sentinel"}'
        with pytest.raises(Invalid) as refused:
            strictjson.parse_body(Thing, body.encode())
        told = repr([(fault.pointer, fault.code, fault.detail) for fault in refused.value.faults])
        assert "sentinel" not in told
        assert "Not filled" not in told
        assert refused.value.__context__ is None

    def test_hostile_json_is_not_a_matter_of_content(self) -> None:
        with pytest.raises(BadRequest):
            strictjson.parse_body(Thing, b'{"name": "x", "name": "y"}')

    def test_no_more_than_a_hundred_faults(self) -> None:
        assert len(faults(json.dumps({f"member_{number}": 1 for number in range(500)}))) == 100

    def test_reads_a_good_body(self) -> None:
        thing = strictjson.parse_body(Thing, b'{"at": "2026-11-22T09:14:07+07:00", "on": "2026-11-22", "color": "RED"}')
        assert thing.at == datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)
        assert thing.on == date(2026, 11, 22)

    def test_every_error_of_pydantic_has_a_code_of_ours(self) -> None:
        ours = {
            *("type", "required", "unknown_member", "range", "length", "items", "pattern"),
            *("unknown_code", "format", "time_zone_required", "invalid"),
        }
        for kind in get_args(ErrorType):
            [fault] = strictjson.faults_of([{"type": kind, "loc": ("a",), "msg": "secret", "input": 1}], {"a": 1})
            assert fault.code in ours
            assert "secret" not in fault.detail
