"""Reading request bodies: strict JSON first, then a pydantic model in strict JSON mode.

Python's own reader takes duplicate keys, NaN, 1e400, lone surrogates and NUL; PostgreSQL and other readers of the
same bytes do not. What cannot be read is `BadRequest`, what reads but is wrong is `Invalid` with pointers. Neither ever
repeats a value of the input.
"""

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate
from typing import Annotated, Any, Final, NoReturn, TypeAlias, TypeVar, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from slrt_api.kernel.errors import BadRequest, Fault, Invalid

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Model = TypeVar("Model", bound=BaseModel)

MAX_DEPTH: Final = 32
MAX_NUMBER_CHARACTERS: Final = 64
MAX_FAULTS: Final = 100

# A string is consumed whole, closed or not, so that the scan stays linear on bodies made of quotes and backslashes.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
# Backslashes of valid JSON stand in strings only, so pairs read from the left are its escapes; `\\u0000` is none.
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<surrogate>u[dD][89a-fA-F])|(?P<nul>u0000)|.)",
    re.DOTALL,
)
# A member's name may stand in a pointer, a document number used as a name may not.
_NAME = re.compile(r"(?!.*[0-9]{5})[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def loads(body: bytes) -> JsonValue:
    """The JSON value in `body`.

    Raises BadRequest with one of
    `json_encoding`      not UTF-8, or a byte order mark
    `json_invalid`       not JSON (an empty body included)
    `json_depth`         arrays and objects nested deeper than 32
    `json_number`        NaN, Infinity, a number beyond a double, or one of more than 64 characters
    `json_nul`           the character U+0000, raw or escaped, anywhere
    `json_surrogate`     half of a surrogate pair
    `json_duplicate_key` a member named twice in one object
    """
    _scan(body)
    with suppress(json.JSONDecodeError):
        return _DECODER.decode(_text(body))  # type: ignore[no-any-return]
    # Raised outside the handler: the decoder's error holds the whole body and must not travel as a context.
    raise BadRequest("json_invalid")


def parse_body(model: type[Model], body: bytes) -> Model:
    """`body` as an instance of `model`, strictly: "1" is no integer, 1 is no date, unknown members are refused where
    the model says `extra="forbid"`.

    A BeforeValidator turns its field's text into a Python value, and strict Python takes no text for dates, ids or enums:
    such a validator must return the final type, as `Instant` does.

    Raises BadRequest as `loads`, Invalid with one fault a place otherwise.
    """
    value = loads(body)
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    raise Invalid(faults=faults_of(found, value))


def with_member(body: bytes, name: str, text: str) -> bytes:
    """`body` with one member more, which the path says. Raises BadRequest as `loads`, Invalid where the body has it too."""
    value = loads(body)
    if not isinstance(value, dict):
        return body
    if name in value:
        raise Invalid.at(pointer_to(name), *_FAULTS["extra_forbidden"])
    return json.dumps({**value, name: text}, ensure_ascii=False).encode()


def faults_of(found: Sequence[ErrorDetails], value: JsonValue) -> tuple[Fault, ...]:
    """Faults of the API from pydantic's, at most 100. `value` is the input: with it, tags of unions are left out."""
    return tuple(
        Fault(_pointer(error["loc"], value), code, detail)
        for error in found[:MAX_FAULTS]
        for code, detail in (_fault(error),)
    )


def pointer_to(*parts: str | int) -> str:
    """RFC 6901 pointer: `pointer_to("members", 0, "nik") == "/members/0/nik"`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _parsed(value: object) -> object:
    # pydantic reads "1700000000" as seconds since 1970 even when strict, and "2026-11-22 09:00Z".
    if not isinstance(value, str):
        return value
    if _INSTANT.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value.upper())
    raise PydanticCustomError("format", "Give an instant as RFC 3339, such as 2026-11-22T02:14:07Z.")


def _in_utc(value: datetime) -> datetime:
    with suppress(OverflowError):
        return value.astimezone(UTC)
    raise PydanticCustomError("range", "Give an instant between the years 1 and 9999 in UTC.")


Instant: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_parsed), AfterValidator(_in_utc)]
"""RFC 3339 with Z or an offset in, an aware UTC datetime out: the type of instants in commands."""


def _scan(body: bytes) -> None:
    """Refuse what must not reach the parser, in linear time and without recursion."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise BadRequest("json_encoding")
    if b"\0" in body:
        raise BadRequest("json_nul")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        brackets = _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS)
        if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
            raise BadRequest("json_depth")
    if b"\\u" in body:
        for escape in _ESCAPES.finditer(body):
            if escape.lastgroup is not None:
                raise BadRequest("json_nul" if escape.lastgroup == "nul" else "json_surrogate")


def _text(body: bytes) -> str:
    with suppress(UnicodeDecodeError):
        return body.decode()
    raise BadRequest("json_encoding")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadRequest("json_duplicate_key")
    return members


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise BadRequest("json_number")
    return int(text)


def _float(text: str) -> float:
    number = float(text) if len(text) <= MAX_NUMBER_CHARACTERS else math.inf
    if math.isinf(number):
        raise BadRequest("json_number")
    return number


def _constant(_: str) -> NoReturn:
    raise BadRequest("json_number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant, strict=True
)


def _pointer(loc: Sequence[int | str], value: JsonValue) -> str:
    """Pointer for pydantic's `loc`, read along the input, because a union adds its tags and validators their names."""
    parts: list[str | int] = []
    here: JsonValue = value
    for place, part in enumerate(loc):
        if isinstance(here, list):
            if isinstance(part, int) and part < len(here):
                parts.append(part)
                here = here[part]
        elif isinstance(here, dict):
            known = isinstance(part, str) and part in here
            if known or (place == len(loc) - 1 and part != "[key]"):
                if not (isinstance(part, str) and _NAME.fullmatch(part)):
                    break
                parts.append(part)
                here = here.get(part)
    return pointer_to(*parts)


_TYPE = ("type", "Give a value of the documented type.")
_RANGE = ("range", "Give a value inside the documented range.")
_LENGTH = ("length", "Give a value of the documented length.")
_ITEMS = ("items", "Give as many items as documented.")
_PATTERN = ("pattern", "Give a value of the documented pattern.")
_UNKNOWN_CODE = ("unknown_code", "Give one of the documented codes.")
_FORMAT = ("format", "Give a value in the documented format.")
_INVALID = ("invalid", "This value is not allowed here.")

_BUILT_IN: Final = frozenset(get_args(ErrorType))
_FAULTS: Final[dict[str, tuple[str, str]]] = {
    "missing": ("required", "This member is required."),
    "union_tag_not_found": ("required", "The member that tells the variants apart is required."),
    "extra_forbidden": ("unknown_member", "This member is not known here; leave it out."),
    "timezone_aware": ("time_zone_required", "Give an offset or Z with the instant."),
    "timezone_naive": ("format", "Give a local time without an offset."),
    "none_required": ("type", "Give null or leave the member out."),
    **dict.fromkeys(("union_tag_invalid", "enum", "literal_error"), _UNKNOWN_CODE),
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"), _RANGE),
    **dict.fromkeys(("finite_number", "int_parsing_size", "decimal_max_digits"), _RANGE),
    **dict.fromkeys(("decimal_max_places", "decimal_whole_digits"), _RANGE),
    **dict.fromkeys(("date_past", "date_future", "datetime_past", "datetime_future"), _RANGE),
    **dict.fromkeys(("string_too_short", "string_too_long", "bytes_too_short", "bytes_too_long"), _LENGTH),
    **dict.fromkeys(("too_short", "too_long"), _ITEMS),
    **dict.fromkeys(("string_pattern_mismatch", "string_not_ascii"), _PATTERN),
    **dict.fromkeys(("int_from_float", "bool_parsing", "int_parsing", "float_parsing"), _TYPE),
    **dict.fromkeys(("date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _FORMAT),
    **dict.fromkeys(("datetime_parsing", "datetime_object_invalid", "datetime_from_date_parsing"), _FORMAT),
    **dict.fromkeys(("time_parsing", "time_delta_parsing", "timezone_offset"), _FORMAT),
    **dict.fromkeys(("uuid_parsing", "uuid_version", "decimal_parsing", "string_unicode"), _FORMAT),
    **dict.fromkeys(("url_parsing", "url_syntax_violation", "url_too_long", "url_scheme"), _FORMAT),
}


def _fault(error: ErrorDetails) -> tuple[str, str]:
    """Code and static text. Custom errors keep their code, and their text where nothing was filled into it."""
    kind = error["type"]
    if kind in _FAULTS:
        return _FAULTS[kind]
    if kind in _BUILT_IN:
        # The texts of `value_error` and `assertion_error` are whatever a validator wrote, input included.
        return _TYPE if kind.endswith("_type") else _INVALID
    return kind, _INVALID[1] if error.get("ctx") else error["msg"]
