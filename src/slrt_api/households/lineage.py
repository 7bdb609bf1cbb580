"""What operations on families have to keep to. Pure.

A person has at most one household; every household that has not ended has exactly one head.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

from slrt_api.households.codes import Relation
from slrt_api.kernel import errors


class Side(StrEnum):
    """Where the people of a case are after a split: with those who stay, with those who go, or on both sides."""

    STAYS = "STAYS"
    GOES = "GOES"
    BOTH = "BOTH"


def side(people: Collection[UUID], going: Collection[UUID], members: Collection[UUID]) -> Side:
    """Where the people of a case are after `going` of `members` have left; a case of nobody in particular stays.

    people   those with needs that are not final
    members  everybody who belonged to the household before
    """
    concerned = set(people) & set(members)
    if concerned and concerned <= set(going):
        return Side.GOES
    return Side.BOTH if concerned & set(going) else Side.STAYS


def seats(
    members: Mapping[UUID, Relation], changes: Sequence[tuple[UUID, Relation]], pointer: str
) -> Mapping[UUID, Relation]:
    """Relations of `members` after `changes`: exactly one head, or nobody at all.

    pointer  where `changes` stand in the body
    Raises Invalid for somebody who is no member, somebody named twice, no head, or two.
    """
    after = dict(members)
    named = named_once(changes, pointer)
    for position, (person, relation) in enumerate(named.items()):
        if person not in after:
            raise errors.Invalid.reference(f"{pointer}/{position}/person_id")
        after[person] = relation
    if after and sum(relation is Relation.HEAD for relation in after.values()) != 1:
        raise errors.Invalid.at(pointer, "one_head_required", "Name exactly one member as HEAD.")
    return after


def named_once(changes: Sequence[tuple[UUID, Relation]], pointer: str) -> Mapping[UUID, Relation]:
    """The relations by person. Raises Invalid for somebody named twice."""
    named: dict[UUID, Relation] = {}
    for position, (person, relation) in enumerate(changes):
        if person in named:
            raise errors.Invalid.at(f"{pointer}/{position}/person_id", "duplicate", "Name each person once.")
        named[person] = relation
    return named


def ends_on(valid_from: date, effective_on: date) -> date:
    """The last day of what began on `valid_from`: nothing ends before it began, whatever came to be known late."""
    return max(valid_from, effective_on)
