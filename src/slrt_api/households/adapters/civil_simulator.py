"""A civil registry for developers and tests: the interface of `civil`, over invented people, with failures by switch.

Knows only numbers of the prefix 99, which no district has: nobody real can be looked up in it. Never part of the service.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slrt_api.households.codes import Sex, Standing

#: what the simulator takes as credential; it protects nothing
CREDENTIAL: Final = "simulator"
_INVENTED: Final = re.compile("99[0-9]{14}")


@dataclass(frozen=True)
class Citizen:
    """Somebody whom the registry knows."""

    name: str
    sex: Sex
    birth_date: date
    standing: Standing = Standing.IN_FORCE


@dataclass
class Switches:
    """How it behaves, and how often it was asked.

    latency_seconds  before every answer
    failing          a status (such as 503) that every question gets; None for answers
    """

    latency_seconds: float = 0.0
    failing: int | None = None
    asked: int = field(default=0)


def simulator(people: Mapping[str, Citizen], switches: Switches | None = None) -> Starlette:
    """The application.

    people  by NIK. Raises ValueError for a NIK that somebody could have.
    """
    if not all(_INVENTED.fullmatch(nik) for nik in people):
        message = "the simulator knows NIKs of the prefix 99 only"
        raise ValueError(message)
    behavior = switches if switches is not None else Switches()

    async def match(request: Request) -> Response:
        behavior.asked += 1
        await asyncio.sleep(behavior.latency_seconds)
        if behavior.failing is not None:
            return _answer({"error": "switched off"}, behavior.failing)
        credential = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(credential, f"Bearer {CREDENTIAL}".encode()):
            return _answer({"error": "credential"}, 401)
        try:
            question = orjson.loads(await request.body())
            nik, declared = str(question["nik"]), dict(question["fields"])
        except (ValueError, KeyError, TypeError):
            return _answer({"error": "question"}, 422)
        citizen = people.get(nik)
        if citizen is None:
            return _answer({"standing": Standing.NOT_FOUND.value})
        if citizen.standing is not Standing.IN_FORCE:
            return _answer({"standing": citizen.standing.value})
        known = {"name": citizen.name, "sex": citizen.sex.value, "birth_date": citizen.birth_date.isoformat()}
        if not known.keys() >= declared.keys():
            return _answer({"error": "question"}, 422)
        return _answer(
            {
                "standing": Standing.IN_FORCE.value,
                "fields": {name: _plain(value) == _plain(known[name]) for name, value in declared.items()},
            }
        )

    async def switch(request: Request) -> Response:
        try:
            wanted = orjson.loads(await request.body())
            latency, failing = float(wanted.get("latency_seconds", 0)), wanted.get("failing")
        except (ValueError, TypeError, AttributeError):
            return _answer({"error": "question"}, 422)
        if not 0 <= latency <= 60 or not (failing is None or (type(failing) is int and 400 <= failing <= 599)):
            return _answer({"error": "question"}, 422)
        behavior.latency_seconds, behavior.failing = latency, failing
        return _answer({"latency_seconds": latency, "failing": failing})

    return Starlette(routes=[Route("/v1/match", match, methods=["POST"]), Route("/switches", switch, methods=["PUT"])])


def _plain(value: object) -> str:
    """As names are compared: without regard to case and spaces."""
    return " ".join(str(value).casefold().split())


def _answer(content: Mapping[str, object], status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
