"""The civil registry (Dukcapil), asked whether what was declared of a person is what it knows under the NIK.

It answers yes or no, value by value, and never what it knows: no copy of its record can be made from here. The NIK travels in the
body only; neither it nor any value stands in an error, a log line or an address. The interface is documented in
`docs/how-to/civil-registry.md`; `civil_simulator` speaks it too.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

import httpx
import orjson
import structlog
from pydantic import SecretStr

from slrt_api.households.codes import Sex, Standing
from slrt_api.settings import Settings

#: seconds that one attempt may take, and attempts of one question: whoever asks waits at the counter
ATTEMPT_SECONDS: Final = 3.0
ATTEMPTS: Final = 2
#: pause before the second attempt, with up to as much again by chance
PAUSE_SECONDS: Final = 0.2
#: questions in a row without an answer after which nobody waits any more, and how long until one tries again
FAILURES_TO_OPEN: Final = 5
OPEN_SECONDS: Final = 30.0
#: an answer has a few hundred
MAX_ANSWER_BYTES: Final = 4_096
#: answers of a registry that is busy or being restarted; others would be the same the second time
_TRANSIENT: Final = frozenset({429, 502, 503, 504})

_log = structlog.get_logger(__name__)


class CivilRegistryAway(Exception):
    """No answer, or none that can be read. The text is a constant of this module: safe to log."""


class _Transient(CivilRegistryAway):
    """Worth a second attempt."""


@dataclass(frozen=True)
class Declared:
    """What is to be compared. birth_date is None where it is not known: it is left out then."""

    name: str
    sex: Sex
    birth_date: date | None = None

    def values(self) -> dict[str, str]:
        """By the names of the interface."""
        known = {"name": self.name, "sex": self.sex.value}
        return known if self.birth_date is None else known | {"birth_date": self.birth_date.isoformat()}


@dataclass(frozen=True)
class Verdict:
    """The answer: how the NIK stands, and for one in force whether each declared value is the registry's."""

    standing: Standing
    fields: Mapping[str, bool]


class CivilRegistry(Protocol):
    """Whoever can be asked."""

    async def match(self, nik: str, declared: Declared) -> Verdict:
        """Compare. Raises CivilRegistryAway; whoever asks leaves the person's status as it is then."""


class HttpCivilRegistry:
    """The registry at an address, for one event loop.

    address     base of the interface, without a slash at its end
    credential  sent as a bearer token
    transport   in place of the network
    now         seconds that only grow
    """

    def __init__(
        self,
        address: str,
        credential: SecretStr,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = f"{address}/v1/match"
        self._client = httpx.AsyncClient(
            timeout=ATTEMPT_SECONDS,
            # `identity`: what is small on the way must not become large here.
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "authorization": f"Bearer {credential.get_secret_value()}",
                "content-type": "application/json",
            },
            transport=transport,
            # Neither proxies nor passwords (.netrc) of the environment.
            trust_env=False,
        )
        self._now = now
        self._pause = pause
        self._failures = 0
        self._closed_again_at = 0.0

    async def aclose(self) -> None:
        """Give the connections up."""
        await self._client.aclose()

    async def match(self, nik: str, declared: Declared) -> Verdict:
        """See `CivilRegistry`. After several failures in a row one question in half a minute is asked, others fail at once."""
        if self._failures >= FAILURES_TO_OPEN:
            if self._now() < self._closed_again_at:
                raise CivilRegistryAway("not asked: it has not answered for a while")
            # This one tries; whoever comes meanwhile does not wait for it.
            self._closed_again_at = self._now() + OPEN_SECONDS
        try:
            verdict = await self._asked(nik, declared)
        except CivilRegistryAway as error:
            self._failures += 1
            self._closed_again_at = self._now() + OPEN_SECONDS
            _log.warning("civil_registry_away", reason=str(error), failures=self._failures)
            raise
        self._failures = 0
        return verdict

    async def _asked(self, nik: str, declared: Declared) -> Verdict:
        values = declared.values()
        body = orjson.dumps({"nik": nik, "fields": values})
        for _ in range(ATTEMPTS - 1):
            try:
                return _read(await self._posted(body), values)
            except _Transient:
                await self._pause(PAUSE_SECONDS * (1 + random.random()))  # noqa: S311 - spreads the load, guards nothing
        return _read(await self._posted(body), values)

    async def _posted(self, body: bytes) -> bytes:
        try:
            # The time of the client's settings is that between two bytes; this is the whole attempt's.
            async with (
                asyncio.timeout(ATTEMPT_SECONDS),
                self._client.stream("POST", self._url, content=body) as response,
            ):
                if response.status_code in _TRANSIENT:
                    raise _Transient("it is busy")
                if response.status_code != httpx.codes.OK:
                    raise CivilRegistryAway(f"it refuses the question with status {response.status_code}")
                answer = b""
                async for part in response.aiter_raw():
                    answer += part
                    if len(answer) > MAX_ANSWER_BYTES:
                        raise CivilRegistryAway("its answer is too long")
                return answer
        except (httpx.HTTPError, TimeoutError):
            # Without the cause: what a library says of a request may quote it.
            raise _Transient("it cannot be reached") from None


def configured(settings: Settings) -> HttpCivilRegistry | None:
    """The registry of the settings; None where there is none."""
    if settings.civil_registry_url is None or settings.civil_registry_credential is None:
        return None
    return HttpCivilRegistry(settings.civil_registry_url, settings.civil_registry_credential)


def _read(answer: bytes, asked: Mapping[str, str]) -> Verdict:
    """The verdict that an answer tells. Anything else in it is not even looked at."""
    try:
        told = orjson.loads(answer)
        standing = Standing(told["standing"])
        fields = {name: told["fields"][name] for name in asked} if standing is Standing.IN_FORCE else {}
    except (ValueError, KeyError, TypeError):
        raise CivilRegistryAway("its answer cannot be read") from None
    if not all(value is True or value is False for value in fields.values()):
        raise CivilRegistryAway("its answer cannot be read")
    return Verdict(standing, fields)
