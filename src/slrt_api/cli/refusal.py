"""Why a command does not do what it was asked, in words for the person who asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError


class Refusal(Exception):
    """The text says what to do; it holds no secret."""


@contextmanager
def readable_settings() -> Iterator[None]:
    """Tell wrong settings by the name of the variable, never by its value."""
    try:
        yield
    except ValidationError as error:
        told = [
            f"{'SLRT_' + str(each['loc'][0]).upper() + ': ' if each['loc'] else ''}{each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise Refusal("; ".join(told)) from None
