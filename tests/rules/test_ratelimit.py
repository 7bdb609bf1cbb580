"""Token buckets: bursts, refill, what the headers say, and memory that stays bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slrt_api.runtime.ratelimit import SECOND_NS, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 5 * SECOND_NS

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * SECOND_NS)


def allowed(limiter: RateLimiter, key: str, times: int) -> int:
    return sum(limiter.check(key).allowed for _ in range(times))


class TestRefusal:
    def test_comes_after_the_limit_and_says_when_to_come_back(self) -> None:
        limiter = RateLimiter(100, 60, clock=Clock())
        assert allowed(limiter, "a", 100) == 100
        refused = limiter.check("a")
        assert (refused.allowed, refused.remaining, refused.reset_seconds) == (False, 0, 60)
        assert refused.headers() == {
            "RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=0;t=60', "Retry-After": "1"
        }  # fmt: skip

    def test_ends_at_the_instant_that_it_names_and_not_before(self) -> None:
        clock = Clock()
        limiter = RateLimiter(2, 60, clock=clock)
        allowed(limiter, "a", 2)
        assert limiter.check("a").retry_after_seconds == 30
        clock.now += 30 * SECOND_NS - 1
        assert limiter.check("a").retry_after_seconds == 1
        clock.now += 1
        assert limiter.check("a").allowed
        assert not limiter.check("a").allowed

    def test_costs_nothing(self) -> None:
        clock = Clock()
        limiter = RateLimiter(10, 60, clock=clock)
        assert allowed(limiter, "a", 1_000) == 10
        clock.advance(6)
        assert limiter.check("a").allowed

    def test_of_one_caller_does_not_touch_another(self) -> None:
        limiter = RateLimiter(3, 60, clock=Clock())
        assert allowed(limiter, "a", 5) == 3
        assert allowed(limiter, "b", 5) == 3


class TestRefill:
    def test_is_even(self) -> None:
        clock = Clock()
        limiter = RateLimiter(100, 60, clock=clock)
        allowed(limiter, "a", 100)
        clock.advance(30)
        assert allowed(limiter, "a", 100) == 50

    def test_stops_when_full(self) -> None:
        clock = Clock()
        limiter = RateLimiter(100, 60, clock=clock)
        allowed(limiter, "a", 100)
        clock.advance(86_400)
        assert allowed(limiter, "a", 500) == 100

    @given(st.lists(st.floats(min_value=0, max_value=20), max_size=200), st.integers(1, 50))
    def test_never_gives_more_than_the_bucket_and_what_came_back(self, pauses: list[float], limit: int) -> None:
        clock = Clock()
        limiter = RateLimiter(limit, 60, clock=clock)
        start, granted = clock.now, 0
        for pause in pauses:
            clock.advance(pause)
            decision = limiter.check("a")
            granted += decision.allowed
            elapsed = clock.now - start
            assert granted <= limit + elapsed // (60 * SECOND_NS // limit) + 1
            assert 0 <= decision.remaining < limit
            assert decision.allowed or decision.remaining == 0


class TestHeaders:
    def test_say_what_is_left_and_when_it_is_full_again(self) -> None:
        limiter = RateLimiter(100, 60, clock=Clock())
        assert limiter.check("a").headers()["RateLimit"] == '"default";r=99;t=1'
        for _ in range(48):
            limiter.check("a")
        assert limiter.check("a").headers() == {
            "RateLimit-Policy": '"default";q=100;w=60',
            "RateLimit": '"default";r=50;t=30',
        }

    @pytest.mark.parametrize("limit", [1, 3, 7, 6_000, 7_919])
    def test_count_down_to_nothing_whatever_the_limit_divides(self, limit: int) -> None:
        limiter = RateLimiter(limit, 60, policy="public", clock=Clock())
        assert [limiter.check("a").remaining for _ in range(limit)] == list(range(limit - 1, -1, -1))
        refused = limiter.check("a")
        assert not refused.allowed
        assert refused.headers()["RateLimit"] == '"public";r=0;t=60'

    @pytest.mark.parametrize("policy", ["", "-", 'a"b', "a;b", "é", "a b", "a\n"])
    def test_names_that_would_break_them_are_refused(self, policy: str) -> None:
        with pytest.raises(ValueError, match="name"):
            RateLimiter(1, policy=policy)

    @pytest.mark.parametrize("numbers", [(0, 60, 1), (1, 0, 1), (1, 60, 0), (-5, 60, 1)])
    def test_a_policy_of_nothing_is_refused(self, numbers: tuple[int, int, int]) -> None:
        limit, window, keys = numbers
        with pytest.raises(ValueError, match="at least 1"):
            RateLimiter(limit, window, max_keys=keys)


class TestMemory:
    def test_is_bounded_and_forgets_who_was_not_seen_longest(self) -> None:
        limiter = RateLimiter(2, 60, max_keys=3, clock=Clock())
        for key in ("a", "b", "c"):
            assert allowed(limiter, key, 3) == 2
        limiter.check("a")
        for number in range(2):
            limiter.check(f"new {number}")
        assert len(limiter._full_at) == 3
        assert not limiter.check("a").allowed
        assert limiter.check("b").allowed

    def test_shrinks_when_callers_are_gone(self) -> None:
        clock = Clock()
        limiter = RateLimiter(10, 60, clock=clock)
        for number in range(1_000):
            limiter.check(str(number))
        clock.advance(60)
        for _ in range(1_000):
            limiter.check("a")
        assert list(limiter._full_at) == ["a"]

    def test_the_only_caller_is_remembered_at_a_bound_of_one(self) -> None:
        limiter = RateLimiter(2, 60, max_keys=1, clock=Clock())
        assert allowed(limiter, "a", 5) == 2
