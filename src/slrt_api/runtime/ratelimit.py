"""How many requests a caller may make in a while: a token bucket a key, in the memory of one process.

It protects the service from one caller, cheaply and roughly: each worker process counts for itself. Business quotas,
which must be exact across workers, are rows in the database and not here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

SECOND_NS = 1_000_000_000
MAX_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Decision:
    """May this request be served, and what the caller should know for the next one.

    limit                units of a full bucket, and how many come back in `window_seconds`
    remaining            whole units left after this request
    reset_seconds        until the bucket is full again, rounded up; 0 when it is full
    retry_after_seconds  until a refused request would be served, rounded up; 0 when this one is allowed
    """

    policy: str
    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_after_seconds: int
    window_seconds: int

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11), `Retry-After` on a refusal."""
        fields = {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={self.window_seconds}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset_seconds}',
        }
        return fields if self.allowed else {**fields, "Retry-After": str(self.retry_after_seconds)}


class RateLimiter:
    """Token buckets of one policy; to be used from one event loop.

    limit     requests that an idle caller may make at once; spent ones come back evenly over `window_seconds`, so
              within one window a caller gets at most twice the limit
    policy    name of the policy in the headers: letters, digits, `_` and `-`
    max_keys  callers remembered; beyond it, who was not seen longest starts again with a full bucket
    clock     monotonic nanoseconds
    """

    def __init__(
        self,
        limit: int,
        window_seconds: int = 60,
        *,
        policy: str = "default",
        max_keys: int = MAX_KEYS,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if limit < 1 or window_seconds < 1 or max_keys < 1:
            message = "limit, window_seconds and max_keys are at least 1"
            raise ValueError(message)
        if not policy.isascii() or not policy.replace("_", "").replace("-", "").isalnum():
            message = "a policy's name is made of letters, digits, _ and -"
            raise ValueError(message)
        self._limit = limit
        self._window_seconds = window_seconds
        self._window = window_seconds * SECOND_NS
        # At least a nanosecond, so that no limit, however large, means no limit.
        self._interval = max(1, self._window // limit)
        self._capacity = self._interval * limit
        self._policy = policy
        self._max_keys = max_keys
        self._clock = clock
        # One integer a caller: when its bucket will be full again. In the order of last use: the front goes first.
        self._full_at: dict[str, int] = {}

    def check(self, key: str) -> Decision:
        """Take one unit from the bucket of `key`. A refused request takes none, so that waiting always helps."""
        now = self._clock()
        full_at = max(self._full_at.pop(key, now), now)
        wait = full_at + self._interval - now - self._capacity
        allowed = wait <= 0
        if allowed:
            full_at += self._interval
        self._remember(key, full_at, now)
        return Decision(
            policy=self._policy,
            allowed=allowed,
            limit=self._limit,
            remaining=(self._capacity - (full_at - now)) // self._interval,
            reset_seconds=_seconds(full_at - now),
            retry_after_seconds=0 if allowed else _seconds(wait),
            window_seconds=self._window_seconds,
        )

    def _remember(self, key: str, full_at: int, now: int) -> None:
        """Keep `key` and forget at most two others: memory shrinks without a sweep that would hold up a request.

        A full bucket is the same as none, so forgetting it changes nothing.
        """
        self._full_at[key] = full_at
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if len(self._full_at) <= self._max_keys and self._full_at[oldest] > now:
                return
            del self._full_at[oldest]


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND_NS)
