"""Who calls: from the headers of a request to the act of its caller, the same for every surface."""

import re
import time
from dataclasses import dataclass, field

from starlette.requests import Request

from slrt_api.access.actors import Caller, caller_of
from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tokens import Verifier
from slrt_api.runtime.traces import current_trace, current_trace_id
from slrt_api.runtime.usecase import Act, Platform
from slrt_api.settings import Settings

ANONYMOUS = Actor("anonymous", "public", frozenset(), RowScope(ScopeKind.PUBLIC, regency=0, receipt=-1))
_ROLE = re.compile("[a-z_]{1,40}")
ACTOR_SECONDS = 30
_CALLERS_KEPT = 10_000


@dataclass
class Service:
    """The platform, the token verifier and the settings of one process."""

    verifier: Verifier
    settings: Settings
    #: set when the application starts, before its first request
    platform: Platform = field(init=False)

    def __post_init__(self) -> None:
        self._actors: dict[tuple[str, str | None], tuple[float, Actor]] = {}

    async def ready(self) -> bool:
        """Whether the database answers."""
        return await self.platform.database.ready()

    async def act(self, request: Request, *, anonymous: bool = False) -> Act:
        """The act of this request. Raises Unauthenticated, Forbidden or BadRequest.

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
        if found is None or time.time() >= found[0]:
            found = await self._derived(authorization, acting_role)
        trace = current_trace()
        trace.role = found[1].role
        return Act(self.platform, found[1], trace.trace_id)

    async def _derived(self, authorization: str, acting_role: str | None) -> tuple[float, Actor]:
        """The actor of these headers, kept until the token ends and for ACTOR_SECONDS at most."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise errors.Unauthenticated("token_invalid")
        role = _role(acting_role)
        claims = await self.verifier.authenticate(token)
        caller: Caller = caller_of(claims)
        actor = caller.acting(role, self.platform.clock())
        if len(self._actors) >= _CALLERS_KEPT:
            self._actors.clear()
        # Grants begin and end at instants: derived anew now and then.
        kept = min(time.time() + ACTOR_SECONDS, claims.expires_at), actor
        self._actors[authorization, acting_role] = kept
        return kept


def _role(role: str | None) -> str | None:
    """The role that `Acting-Role` names, or None without it. Raises BadRequest for text that names none."""
    if role is not None and not _ROLE.fullmatch(role):
        fault = errors.Fault("Acting-Role", "header_invalid", "Send this header once, valid.")
        raise errors.BadRequest("header_invalid", faults=(fault,))
    return role
