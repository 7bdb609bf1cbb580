"""The bytes of events: whatever writes them, they are those of RFC 8785."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sizes import size

from slrt_api.runtime.events import canonical

EXACT = 2**53 - 1
texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-EXACT, EXACT), st.floats(allow_nan=False, allow_infinity=False), texts
)
#: with names outside the first plane, whose order by UTF-16 is another one than by code points
names = st.one_of(st.sampled_from(["status", "id", "\ufb01", "\U0001f600", "é"]), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=size(300, 200_000), deadline=None)
@given(value=values)
def test_are_those_of_the_standard(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, '\u20ac\n\x0f"\\/']}, '{"a":[true,null,"€\\n\\u000f\\"\\\\/"],"b":1}'),
        ({"\U0001f600": 1, "\ufb01": 2}, '{"\U0001f600":1,"\ufb01":2}'),
        ({"n": 1e21, "m": 0.000001, "z": -0.0}, '{"m":0.000001,"n":1e+21,"z":0}'),
        ({"n": EXACT}, '{"n":9007199254740991}'),
    ],
    ids=["sorted and escaped", "by UTF-16", "numbers of ECMAScript", "the largest whole number"],
)
def test_known_values(value: Any, expected: str) -> None:
    assert canonical(value) == expected.encode()


def test_a_number_that_not_every_reader_holds_is_refused() -> None:
    with pytest.raises(rfc8785.IntegerDomainError):
        canonical({"n": EXACT + 1})
