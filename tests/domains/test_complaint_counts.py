"""Counts of complaints: exact for who sees the rows, and for all others such that no two of them lead to a small one."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from tests.api import Api, running_api
from tests.conftest import MakeDatabase, MigratedDatabase
from tests.problems import problem
from tests.sizes import size
from tests.volume import complaint_rows

from slrt_api.kernel import disclosure

VILLAGES = (3326012001, 3326012002, 3326022001, 3327012001, 3401012001)
STATUSES = ("RECEIVED", "IN_PROGRESS", "CLOSED")
NATURES = ("GRIEVANCE", "QUESTION")
CATEGORIES = ("PARTICIPATION", "NEED")
PROGRAMS = ("PKH", "SEMBAKO", None)
MONTHS = ("2026-09", "2026-10")


class TestTold:
    def test_fewer_than_five_are_not_told(self) -> None:
        assert [disclosure.told(number) for number in range(5)] == [None] * 5

    def test_more_are_told_in_steps_rounded_down(self) -> None:
        assert [disclosure.told(number) for number in (5, 9, 10, 14, 15, 1_003)] == [5, 5, 10, 10, 15, 1_000]

    def test_below_zero_nothing_is_counted(self) -> None:
        with pytest.raises(ValueError, match="below zero"):
            disclosure.told(-1)

    def test_a_difference_of_two_told_counts_never_singles_out_a_small_one(self) -> None:
        """Whatever part of a whole is asked beside it, at least five sizes of the rest stay possible."""
        for whole in range(60):
            for part in range(whole + 1):
                told = disclosure.told(whole), disclosure.told(part)
                possible = {
                    other - less
                    for other in range(60)
                    for less in range(other + 1)
                    if (disclosure.told(other), disclosure.told(less)) == told
                }
                assert len(possible) >= disclosure.LEAST, (whole, part)
