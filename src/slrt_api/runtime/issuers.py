"""The published keys of an issuer: fetched over HTTP, refreshed, and kept while the issuer is away.

Addresses come from the settings, or from metadata that stand on the issuer's own host. What keys are good for is decided
in `tokens`; here they are a document.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from functools import cache
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

import httpx
import structlog

from slrt_api.kernel.errors import BadRequest, Unavailable
from slrt_api.runtime import strictjson
from slrt_api.settings import Issuer, fetchable

#: for metadata and key set together; a request that needs them waits no longer
FETCH_SECONDS: Final = 5.0
#: a set of a dozen keys with their certificates has 20,000
MAX_DOCUMENT_BYTES: Final = 262_144
#: how often keys are fetched without a reason, so that a withdrawn one goes; what the issuer's headers say of it is not read
ROUTINE_SECONDS: Final = 300
#: pause between two fetches for a `kid` that is not known, or after one that failed
UNKNOWN_KID_SECONDS: Final = 30
#: the same while no key has ever been fetched, when nobody can be let in
FIRST_FETCH_SECONDS: Final = 5
#: requests that may wait for one fetch
MAX_WAITING: Final = 256

_log = structlog.get_logger(__name__)


class KeysRefused(ValueError):
    """What the issuer answered is no key set of its own. The text is a constant of this module: safe to log."""


async def fetch(entry: Issuer) -> str:
    """The JWKS that an issuer publishes, unread.

    Raises KeysRefused, or what httpx raises. Never follows a redirect: the address is the operator's decision.
    """
    limits = httpx.Timeout(FETCH_SECONDS, connect=FETCH_SECONDS / 2)
    # Neither proxies nor passwords (.netrc) of the environment. `no-cache`: the answer of a cache in between may be older
    # than the rotation. `identity`: what is small on the way must not become large here.
    headers = {"accept": "application/json", "accept-encoding": "identity", "cache-control": "no-cache"}
    async with httpx.AsyncClient(verify=_authorities(), timeout=limits, headers=headers, trust_env=False) as client:
        if entry.jwks_url is not None:
            return await _get(client, entry.jwks_url)
        metadata = _members(await _get(client, str(entry.fetched_from)))
        # RFC 8414, 3.3: else metadata of one tenant of the host could stand in for those of another.
        if metadata.get("issuer") != entry.issuer:
            raise KeysRefused("metadata of another issuer")
        address = metadata.get("jwks_uri")
        if not isinstance(address, str) or not fetchable(address) or _origin(address) != _origin(entry.issuer):
            raise KeysRefused("jwks_uri is not on the issuer's host")
        return await _get(client, address)


class PublishedKeys:
    """The keys of one issuer as they were last fetched; to be used from one event loop.

    take  takes a JWKS into force; raises ValueError for a document that is none
    now   seconds that only grow
    """

    def __init__(
        self, entry: Issuer, take: Callable[[str], object], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        #: whether any have ever been fetched
        self.known = False
        self._entry = entry
        self._take = take
        self._now = now
        self._fetch: asyncio.Task[bool] | None = None
        self._failed_at = self._asked_at = -math.inf
        self._waiting = 0

    async def refresh(self) -> bool:
        """Fetch the keys, or wait for the fetch that is under way. False if the known ones stay in force."""
        if self._fetch is None:
            # A task of its own: the request that began it may go away while others wait for it.
            self._fetch = asyncio.create_task(self._fetched())
        return await asyncio.shield(self._fetch)

    async def ask_again(self) -> bool:
        """Refresh for the sake of a `kid` that is not known; False if it was refreshed for one a moment ago.

        Raises Unavailable while no keys have ever been fetched: then nobody can say whether the token is good.
        """
        if self._fetch is None:
            now = self._now()
            if not self.known and (rest := self._failed_at + FIRST_FETCH_SECONDS - now) > 0:
                raise Unavailable("issuer_unavailable", retry_after_seconds=math.ceil(rest))
            if self.known and now < self._asked_at + UNKNOWN_KID_SECONDS:
                return False
            self._asked_at = now
        if self._waiting >= MAX_WAITING:
            raise Unavailable("overloaded")
        self._waiting += 1
        try:
            fresh = await self.refresh()
        finally:
            self._waiting -= 1
        if not self.known:
            raise Unavailable("issuer_unavailable", retry_after_seconds=FIRST_FETCH_SECONDS)
        return fresh

    async def keep_fresh(self) -> None:
        """Fetch now and then, until cancelled."""
        try:
            while True:
                fresh = await self.refresh()
                pause = ROUTINE_SECONDS if fresh else UNKNOWN_KID_SECONDS if self.known else FIRST_FETCH_SECONDS
                await asyncio.sleep(pause)
        finally:
            if self._fetch is not None:
                self._fetch.cancel()

    async def _fetched(self) -> bool:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                document = await fetch(self._entry)
            self._take(document)
        except Exception as error:
            # The outermost place of a task in the background: whatever an issuer answers, known keys serve and it goes on.
            self._failed_at = self._now()
            reason = str(error) if isinstance(error, KeysRefused) else type(error).__name__
            _log.warning(
                "issuer_keys_not_fetched", issuer=self._entry.issuer, reason=reason, known_keys_serve=self.known
            )
            return False
        finally:
            self._fetch = None
        self.known = True
        return True


@cache
def _authorities() -> SSLContext:
    # Reads the whole list of authorities: once. SSL_CERT_FILE names another list, for an authority of the ministry's own.
    return httpx.create_ssl_context()


async def _get(client: httpx.AsyncClient, url: str) -> str:
    content = bytearray()
    async with client.stream("GET", url) as answer:
        if answer.status_code != 200:
            raise KeysRefused("answered with another status than 200")
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise KeysRefused("compressed, which was not asked for")
        async for chunk in answer.aiter_raw():
            content += chunk
            if len(content) > MAX_DOCUMENT_BYTES:
                raise KeysRefused("longer than a key set may be")
    return content.decode("utf-8")


def _members(document: str) -> Mapping[str, object]:
    """A JSON object, read by the same strict rules as a request body."""
    try:
        members = strictjson.loads(document.encode())
    except BadRequest:
        members = None
    if not isinstance(members, dict):
        raise KeysRefused("metadata are no JSON object")
    return members


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
