"""The frozen facts of one household: what the caller reads of it, and what is known of its regency as a whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID

from slrt_api.areas import codes
from slrt_api.households.models import Household
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, kind_of, tenant_of
from slrt_api.programs import loading
from slrt_api.programs.evaluation import Situation
from slrt_api.programs.facts import HouseholdFacts
from slrt_api.programs.recording import Judgement
from slrt_api.runtime.transaction import Transaction

#: of a quota: whether its places are taken. $1 regency, $2 program, $3 and $4 the area, $5 day, $6 places
_TAKEN: Final = """
SELECT count(*) >= $6 FROM (
    SELECT FROM enrollments WHERE regency = $1 AND program_id = (SELECT id FROM programs WHERE code = $2)
      AND area BETWEEN $3 AND $4 AND status <> 'VOID' AND started_on <= $5 AND (ended_on IS NULL OR ended_on >= $5)
    LIMIT $6
) taken
"""


async def household(tx: Transaction, id_: UUID) -> HouseholdFacts:
    """What is known of a household that the caller may see; what is known of its regency comes with `surroundings`.

    Raises Invalid at `/household_id` where it is not there, Conflict `household_ended`.
    """
    if kind_of(id_) is Kind.HOUSEHOLD:
        found = await loading.household_facts(tx.fetch, tenant_of(id_), id_, {})
        if found is not None:
            return found
        if await tx.find(Household, id_) is not None:
            raise errors.Conflict("household_ended")
    raise errors.Invalid.reference("/household_id")


async def surroundings(
    tx: Transaction, facts: HouseholdFacts, on: date, judgements: Sequence[Judgement]
) -> tuple[HouseholdFacts, Situation]:
    """The facts of a household with what is known of its regency as a whole, for these rules on that day.

    Lists of all recipients and places that are taken are read under the effect role. A quota counts where its area lies within
    the regency: how many places are taken in a wider one is not known here.
    """
    async with tx.effect(facts.regency):
        lists = await loading.whole_lists(tx.fetch, facts.regency)
        full = await places_taken(tx, facts.regency, (facts.area, facts.area), on, judgements)
    return replace(facts, enrollments_of=lists), Situation(on=on, full=full)


async def places_taken(
    tx: Transaction, regency: int, area: tuple[int, int], on: date, judgements: Sequence[Judgement]
) -> dict[str, tuple[tuple[int, int], ...]]:
    """Program -> areas around or inside `area` whose places are taken on the day. Under the effect role.

    area  its first and its last number; of one household, its village twice
    """
    first, last = area
    code = codes.regency_of(codes.area_code(first))
    full: dict[str, tuple[tuple[int, int], ...]] = {}
    for each in judgements:
        for quota in each.rule.quotas if each.rule is not None else ():
            if quota.area_code is None or not quota.period_from <= on <= quota.period_to:
                continue
            low, high = codes.area_range(quota.area_code)
            inside = code is not None and codes.contains(code, quota.area_code)
            if not inside or low > last or high < first:
                continue
            taken = quota.places == 0 or await tx.value(_TAKEN, regency, each.program, low, high, on, quota.places)
            if taken:
                full[each.program] = (*full.get(each.program, ()), (low, high))
    return full
