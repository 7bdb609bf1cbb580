"""How much of a count is told to somebody who may not see what was counted. Pure.

A count below `LEAST` is not told: in a village it is a person. Nor may two counts that are told lead to one: with filters that
can be combined at will, whoever takes one from another gets the count of what lies between them. So every count is told in
whole steps of `LEAST`, rounded down. Two told counts then differ by a multiple of it, and a difference stands for nine
neighboring values of the true one: no pair of filters leads to a count below `LEAST`, and no part has to be withheld because
another one was told (`docs/decisions/0028`).
"""

from typing import Final

#: a smaller number is not told
LEAST: Final = 5


def told(number: int) -> int | None:
    """The count as it is told: rounded down to a multiple of LEAST; None for fewer than that, none at all among them.

    Raises ValueError for a negative number.
    """
    if number < 0:
        raise ValueError("nothing is counted below zero")
    return None if number < LEAST else number - number % LEAST
