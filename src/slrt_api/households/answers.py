"""Coded answers against the questions of their instrument: what is given is brought into one form, or refused.

The same number means different things in two instruments, so an answer is never read without its own. Pure.
"""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from slrt_api.areas.codelists import CodeList, Question, QuestionType

Given = bool | int | float | str | list[bool | int | float | str | None] | None
#: what stands for an answer: a code, codes, a number, or a day as YYYY-MM-DD
Value = str | int | list[str]
#: codes of a set that stand by themselves: none of it, not known
_ALONE: Final = frozenset({"0", "99"})
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2100, 1, 1)


class Unfit(ValueError):
    """An answer that does not fit its question. `code`: what is wrong, as faults name it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def read(question: Question, given: Given, lists: Mapping[str, CodeList]) -> Value:
    """The answer in its one form: a code as text, codes in the order of their list, or a number.

    A code is given as the instrument writes it, "01" where it has two digits; a whole number stands for the code that is
    written like it. A set is given as a list of codes or as the sum of their numbers, a day as YYYY-MM-DD.

    Raises Unfit `type`, `range`, `items` or `unknown_code`.
    """
    if question.type is QuestionType.NUMBER:
        return _number(question, given)
    if question.type is QuestionType.DATE:
        return _day(given)
    codes = [item.code for item in lists[question.list_name or ""].items]
    if question.type is QuestionType.CODE:
        return _code(given, codes)
    if question.type is QuestionType.LIST:
        if not isinstance(given, list):
            raise Unfit("type")
        if not (question.low or 0) <= len(given) <= (question.high or len(given)):
            raise Unfit("items")
        return [_code(each, codes) for each in given]
    return _set(given, codes)


def _number(question: Question, given: Given) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise Unfit("type")
    if (question.low is not None and given < question.low) or (question.high is not None and given > question.high):
        raise Unfit("range")
    return given


def _day(given: Given) -> str:
    # By its pattern first: Python reads week dates and digits without dashes too.
    if not isinstance(given, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise Unfit("type")
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise Unfit("range") from None
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise Unfit("range")
    return given


def _code(given: object, codes: Collection[str]) -> str:
    # `True` is an int in Python and no code of any instrument.
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise Unfit("type")
    if str(given) not in codes:
        raise Unfit("unknown_code")
    return str(given)


def _set(given: Given, codes: list[str]) -> list[str]:
    if isinstance(given, int) and not isinstance(given, bool):
        return _summed(given, codes)
    if not isinstance(given, list):
        raise Unfit("type")
    found = {_code(each, codes) for each in given}
    if not found or len(found) != len(given) or (len(found) > 1 and found & _ALONE):
        raise Unfit("items")
    return sorted(found, key=codes.index)


def _summed(total: int, codes: list[str]) -> list[str]:
    if str(total) in codes:
        return [str(total)]
    powers = [code for code in codes if code not in _ALONE]
    found = [code for code in powers if total & int(code)]
    if total <= 0 or sum(map(int, found)) != total:
        raise Unfit("unknown_code")
    return found
