"""Who calls: from the headers of a request to the act of its caller, the same for every surface.

What is found is kept for ACTOR_SECONDS at most, so that what was revoked is refused everywhere that many seconds after the
revocation was committed, at the latest.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from slrt_api.access.actors import Caller, Grant, caller_of, subject_id, token_key
from slrt_api.access.scopes import Role
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tokens import Claims, Verifier
from slrt_api.runtime.traces import current_trace, current_trace_id, statement_span
from slrt_api.runtime.usecase import Act, Platform
from slrt_api.settings import Settings

ANONYMOUS = Actor("anonymous", "public", frozenset(), RowScope(ScopeKind.PUBLIC, regency=0, receipt=-1))
_ROLE = re.compile("[a-z_]{1,40}")
ACTOR_SECONDS = 30
CALLERS_KEPT = 10_000

#: the grants of a subject, and one more row where the subject or the token was revoked
_STANDING = """
/* slrt_subject */ SELECT role, areas, organization_id, program_ids, person_id, valid_from, valid_until, false AS revoked
FROM grants WHERE subject_id = $1 AND revoked_at IS NULL AND (valid_until IS NULL OR valid_until > $3)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, true
FROM revocations WHERE key = ANY ($2::uuid[]) AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
"""


@dataclass(frozen=True)
class Standing:
    """What is known of a token, from `since` until `until` (seconds since the epoch). caller: None = it was revoked."""

    since: float
    until: float
    caller: Caller | None

    def at(self, now: float) -> bool:
        # Both ends, so that a clock that is set back makes nothing last longer.
        return self.since <= now < self.until


@dataclass
class Service:
    """The platform, the token verifier and the settings of one process.

    default_roles  issuer -> the role of its subjects that have no grant
    now            seconds since the epoch
    """

    verifier: Verifier
    settings: Settings
    default_roles: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    #: set when the application starts, before its first request
    platform: Platform = field(init=False)

    def __post_init__(self) -> None:
        self._standings: dict[str, Standing] = {}
        self._asking: dict[str, asyncio.Task[Standing]] = {}
        self._actors: dict[tuple[str, str | None], tuple[Standing, Actor]] = {}

    async def ready(self) -> bool:
        """Whether the database answers."""
        return await self.platform.database.ready()

    async def act(self, request: Request, *, anonymous: bool = False) -> Act:
        """The act of this request. Raises Unauthenticated, Forbidden, BadRequest, or Unavailable without a database.

        anonymous  a request without a token is served as the public's
        """
        headers = request.headers
        return await self.act_of(headers.get("authorization"), headers.get("acting-role"), anonymous=anonymous)

    async def act_of(self, authorization: str | None, acting_role: str | None, *, anonymous: bool = False) -> Act:
        """The act of a request with these headers."""
        if authorization is None:
            if not anonymous:
                raise errors.Unauthenticated("token_missing")
            return Act(self.platform, ANONYMOUS, current_trace_id())
        found = self._actors.get((authorization, acting_role))
        if found is None or not found[0].at(self.now()):
            found = await self._derived(authorization, acting_role)
        trace = current_trace()
        trace.role = found[1].role
        return Act(self.platform, found[1], trace.trace_id)

    async def _derived(self, authorization: str, acting_role: str | None) -> tuple[Standing, Actor]:
        """The actor of these headers, with what it was derived from."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise errors.Unauthenticated("token_invalid")
        role = _role(acting_role)
        # Also where the answer is kept: a token ends, and a key may have been withdrawn.
        claims = await self.verifier.authenticate(token)
        standing = self._standings.get(authorization)
        if standing is None or not standing.at(self.now()):
            standing = await self._asked(authorization, claims)
        if standing.caller is None:
            raise errors.Unauthenticated("token_revoked")
        found = standing, standing.caller.acting(role, datetime.fromtimestamp(self.now(), UTC))
        _keep(self._actors, (authorization, acting_role), found)
        return found

    async def _asked(self, authorization: str, claims: Claims) -> Standing:
        """The standing of this token, asked for once however many requests wait for it."""
        asking = self._asking.get(authorization)
        if asking is None:
            asking = asyncio.get_running_loop().create_task(self._standing(claims))
            self._asking[authorization] = asking
            asking.add_done_callback(lambda asked: self._answered(authorization, asked))
        # Whoever goes away while waiting must not take the answer from the others.
        return await asyncio.shield(asking)

    def _answered(self, authorization: str, asked: "asyncio.Task[Standing]") -> None:
        del self._asking[authorization]
        if not asked.cancelled() and asked.exception() is None:
            _keep(self._standings, authorization, asked.result())

    async def _standing(self, claims: Claims) -> Standing:
        """What the database knows of this token, in one statement. Raises Unavailable where it does not answer.

        The half minute counts from before the question, so that it ends half a minute after any revocation that the answer
        may have missed.
        """
        asked_at = self.now()
        now = datetime.fromtimestamp(asked_at, UTC)
        caller = caller_of(claims)
        subject = subject_id(caller.subject)
        keys = [subject, *([token_key(claims.issuer, claims.token_id)] if claims.token_id is not None else [])]
        own = RowScope(ScopeKind.SUBJECT, subject_id=subject, keys=tuple(keys))
        async with self.platform.database.transaction(own, write=False) as connection:
            with statement_span("SELECT grants"):
                rows = await connection.fetch(_STANDING, subject, keys, now)
        until = min(asked_at + ACTOR_SECONDS, claims.expires_at)
        if any(row["revoked"] for row in rows):
            return Standing(asked_at, until, None)
        if not caller.grants:
            caller = replace(caller, grants=tuple(_grant(row) for row in rows))
        if not caller.grants and claims.issuer in self.default_roles:
            caller = replace(caller, grants=(Grant(role=Role(self.default_roles[claims.issuer])),))
        change = caller.changes_after(now)
        return Standing(asked_at, min(until, change.timestamp()) if change else until, caller)


def _grant(row: Any) -> Grant:
    """A row of the table as a grant."""
    return Grant(
        role=Role(row["role"]),
        areas=tuple(row["areas"]),
        organization=row["organization_id"],
        programs=tuple(row["program_ids"]),
        person=row["person_id"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
    )


def _keep(cache: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep `value`; the one that was kept first goes when there are too many."""
    cache.pop(key, None)
    if len(cache) >= CALLERS_KEPT:
        del cache[next(iter(cache))]
    cache[key] = value


def _role(role: str | None) -> str | None:
    """The role that `Acting-Role` names, or None without it. Raises BadRequest for text that names none."""
    if role is not None and not _ROLE.fullmatch(role):
        fault = errors.Fault("Acting-Role", "header_invalid", "Send this header once, valid.")
        raise errors.BadRequest("header_invalid", faults=(fault,))
    return role
