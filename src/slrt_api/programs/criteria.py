"""Rules of eligibility as typed data: what a version of a program holds, stored as JSON. Pure.

A rule version (`Rule`) says who is entitled (`unit`) and, in four groups, by which criteria:

- `requirements`: all must hold. One that does not makes INELIGIBLE, one that is not known INDETERMINATE.
- `exclusions`: findings such as "a member is a civil servant". One that holds leads to EXCLUDED_PENDING_VERIFICATION, never to
  a silent refusal. What is not known excludes nobody, and is told.
- `conflicts`: other programs that it cannot be received with. One that holds makes CONFLICT.
- `waitlist`: who is entitled and must wait. One that holds makes ELIGIBLE_WAITLIST, as do places that are taken (`quotas`).

Each criterion has a code, labels, its condition (`when`), a citation, whether that was read (`sourced`) or not (`unverified`),
and the days from and to which it holds; outside them it is not asked. A condition is a tree, told apart by `type`:

    {"type": "all", "of": [...]}      {"type": "any", "of": [...]}      {"type": "not", "of": {...}}
    {"type": "compare", "fact": "owns_house", "op": "=", "value": true}            op: =  <>  <  <=  >  >=
    {"type": "range", "fact": "desil", "from": 1, "to": 4}                         both ends belong to it, one may be missing
    {"type": "one_of", "fact": "relation", "values": ["HEAD", "SPOUSE"]}
    {"type": "known", "fact": "desil"}                                             never UNKNOWN itself
    {"type": "age", "from": 60, "to": null, "unit": "YEARS", "on": null}           full years or MONTHS; on null: the judged day
    {"type": "since", "fact": "graduated_on", "months": 36}                        a day within the last months
    {"type": "count", "where": {...}, "at_least": 1, "at_most": null}              members of the family; where null: everybody
    {"type": "area", "codes": ["31", "33.26.01"]}                                  the household lives in one of these areas
    {"type": "enrolled", "program": "PKH", "who": "HOUSEHOLD", "within_months": null}

Facts stand in `facts.vocabulary()`. Facts of a person are asked inside `count`, or of the person who is judged where the unit is
PERSON; inside `count` nothing of the household is asked. `enrolled` asks for a program received on the judged day, or
with `within_months` at any time in those months. `who`: HOUSEHOLD the family or anybody in it, PERSON the person at hand alone.

Sources that disagree are kept: a `variant` replaces criteria or components of the same code, and a regency chooses it.
`evaluation` judges a rule in Python, `sql` compiles it for a whole regency.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,59}$", examples=["DESIL_AT_MOST_4"])]
ProgramCode = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,39}$", examples=["PKH"])]
FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$", examples=["desil"])]
AreaCode = Annotated[str, Field(pattern=r"^[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?$", examples=["33.26"])]
Text = Annotated[str, Field(min_length=1, max_length=500)]
#: not `date` first: text that is no date stays text, and is judged against the fact's type when published
Scalar = StrictBool | StrictInt | Annotated[str, Field(max_length=60)]
Months = Annotated[StrictInt, Field(ge=1, le=600)]
Rupiah = Annotated[StrictInt, Field(ge=0, le=10**12)]


class Part(BaseModel):
    """Base of all parts: nothing unknown passes, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Confidence(StrEnum):
    """Whether what is cited was read, or is general knowledge."""

    SOURCED = "sourced"
    UNVERIFIED = "unverified"


class Unit(StrEnum):
    """Who is entitled. All but PERSON are judged once for the household."""

    HOUSEHOLD = "HOUSEHOLD"
    FAMILY = "FAMILY"
    PERSON = "PERSON"
    GROUP = "GROUP"
    METER = "METER"


class Label(Part):
    """What people read, in both languages."""

    id: Text
    en: Text


class All(Part):
    """All of them hold."""

    type: Literal["all"] = "all"
    of: tuple["Condition", ...] = Field(max_length=50)


class Any(Part):
    """One of them holds."""

    type: Literal["any"] = "any"
    of: tuple["Condition", ...] = Field(max_length=50)


class Not(Part):
    """It does not hold."""

    type: Literal["not"] = "not"
    of: "Condition"


class Compare(Part):
    """A fact compared with a constant. Only numbers and dates have an order."""

    type: Literal["compare"] = "compare"
    fact: FactName
    op: Literal["=", "<>", "<", "<=", ">", ">="]
    value: Scalar


class Range(Part):
    """A number or a date between two ends, which belong to it."""

    type: Literal["range"] = "range"
    fact: FactName
    low: Scalar | None = Field(default=None, alias="from")
    high: Scalar | None = Field(default=None, alias="to")


class OneOf(Part):
    """A fact that has one of the values."""

    type: Literal["one_of"] = "one_of"
    fact: FactName
    values: tuple[Scalar, ...] = Field(max_length=100)


class Known(Part):
    """That a fact is known at all."""

    type: Literal["known"] = "known"
    fact: FactName


class Age(Part):
    """The age of a person in full years or months on a day, by the date of birth."""

    type: Literal["age"] = "age"
    low: Annotated[StrictInt, Field(ge=0, le=1800)] | None = Field(default=None, alias="from")
    high: Annotated[StrictInt, Field(ge=0, le=1800)] | None = Field(default=None, alias="to")
    unit: Literal["YEARS", "MONTHS"] = "YEARS"
    on: date | None = None


class Since(Part):
    """A date in the last `months` before the judged day, that day included; later dates are not."""

    type: Literal["since"] = "since"
    fact: FactName
    months: Months


class Count(Part):
    """How many members of the household meet a condition; everybody where there is none."""

    type: Literal["count"] = "count"
    where: "Condition | None" = None
    at_least: Annotated[StrictInt, Field(ge=0, le=100)] | None = None
    at_most: Annotated[StrictInt, Field(ge=0, le=100)] | None = None


class Area(Part):
    """The household lives in one of the areas, of any level."""

    type: Literal["area"] = "area"
    codes: tuple[AreaCode, ...] = Field(max_length=600)


class Enrolled(Part):
    """A program is received on the judged day, or was at any time in the last months."""

    type: Literal["enrolled"] = "enrolled"
    program: ProgramCode
    who: Literal["HOUSEHOLD", "PERSON"] = "HOUSEHOLD"
    within_months: Months | None = None


Condition = Annotated[
    All | Any | Not | Compare | Range | OneOf | Known | Age | Since | Count | Area | Enrolled,
    Field(discriminator="type"),
]


class Dated(Part):
    """A part of a rule with its source. It holds from `valid_from` to `valid_to`, both days included."""

    code: Code
    label: Label
    citation: Text
    confidence: Confidence
    valid_from: date
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it is asked on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Criterion(Dated):
    """A named condition."""

    when: Condition


class Conflict(Dated):
    """A program that this one cannot be received with; without a condition, by anybody of the family."""

    program: ProgramCode
    when: Condition | None = None

    @property
    def condition(self) -> "Condition":
        return self.when or Enrolled(program=self.program)


class Component(Dated):
    """An amount for each MEMBER who meets `where`, or once for the UNIT (household or person) that does.

    where  none: every member, or every unit
    cap    how many members count at most
    """

    amount: Rupiah
    per: Literal["UNIT", "MEMBER"] = "UNIT"
    where: Condition | None = None
    cap: Annotated[StrictInt, Field(ge=1, le=100)] | None = None


class Period(StrEnum):
    """What an amount is paid for."""

    ONCE = "ONCE"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


class Benefit(Part):
    """What is given. Of more components than `max_components` those of the highest amounts count.

    description     what is given in kind or as a service, or where amounts are not all
    one_per_member  a member counts for one component, the one of the highest amount
    max_amount      no more than this, whatever the components come to
    """

    period: Period
    description: Label | None = None
    components: tuple[Component, ...] = Field(default=(), max_length=50)
    max_components: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    one_per_member: StrictBool = False
    max_amount: Rupiah | None = None


class Quota(Part):
    """Places of an area in a period; no area is the whole nation."""

    area_code: AreaCode | None = None
    period_from: date
    period_to: date
    places: Annotated[StrictInt, Field(ge=0, le=10**9)]
    citation: Text
    confidence: Confidence


class Document(Part):
    """A document that the program asks for. Documents are no criteria."""

    code: Code
    label: Label
    citation: Text
    confidence: Confidence
    required: StrictBool = True


class Variant(Part):
    """What another source says: its criteria and components take the place of those of the same code.

    Of variants that replace the same code a regency chooses one at most.
    """

    code: Code
    label: Label
    citation: Text
    confidence: Confidence
    requirements: tuple[Criterion, ...] = Field(default=(), max_length=50)
    exclusions: tuple[Criterion, ...] = Field(default=(), max_length=50)
    conflicts: tuple[Conflict, ...] = Field(default=(), max_length=50)
    waitlist: tuple[Criterion, ...] = Field(default=(), max_length=50)
    components: tuple[Component, ...] = Field(default=(), max_length=50)


class Rule(Part):
    """A version of the rules of one program, immutable once it is published.

    version              such as `2026.1`
    valid_from, valid_to the days on which it is judged by
    open_from, open_to   when people are taken, where that is known
    areas                where the program is open; empty is the whole nation
    """

    program: ProgramCode
    version: Annotated[str, Field(pattern=r"^[0-9]{4}\.[0-9]{1,3}$", examples=["2026.1"])]
    unit: Unit
    citation: Text
    confidence: Confidence
    valid_from: date
    valid_to: date | None = None
    open_from: date | None = None
    open_to: date | None = None
    areas: tuple[AreaCode, ...] = Field(default=(), max_length=600)
    requirements: tuple[Criterion, ...] = Field(min_length=1, max_length=50)
    exclusions: tuple[Criterion, ...] = Field(default=(), max_length=50)
    conflicts: tuple[Conflict, ...] = Field(default=(), max_length=50)
    waitlist: tuple[Criterion, ...] = Field(default=(), max_length=50)
    benefit: Benefit | None = None
    quotas: tuple[Quota, ...] = Field(default=(), max_length=600)
    documents: tuple[Document, ...] = Field(default=(), max_length=50)
    variants: tuple[Variant, ...] = Field(default=(), max_length=50)


def sharing(rule: Rule, pool: dict[Dated, Dated]) -> Rule:
    """The rule with criteria out of `pool` where equal ones are in it; the others are added to it.

    Rules have most exclusions in common: what is one object is judged once (`evaluation.Judgments`).
    """
    groups = ("requirements", "exclusions", "conflicts", "waitlist")
    shared = {group: tuple(pool.setdefault(each, each) for each in getattr(rule, group)) for group in groups}
    return rule.model_copy(update=shared)


def chosen(rule: Rule, variants: frozenset[str]) -> Rule:
    """The rule with the variants of these codes in the places of what they replace.

    Raises ValueError for a code that the rule does not have, or two variants that replace the same.
    """
    picked = [variant for variant in rule.variants if variant.code in variants]
    if len(picked) != len(variants):
        raise ValueError("no such variant")
    groups: dict[str, tuple[Dated, ...]] = {
        "requirements": rule.requirements,
        "exclusions": rule.exclusions,
        "conflicts": rule.conflicts,
        "waitlist": rule.waitlist,
        "components": rule.benefit.components if rule.benefit else (),
    }
    replaced: set[tuple[str, str]] = set()
    for variant in picked:
        for group, held in groups.items():
            parts: tuple[Dated, ...] = getattr(variant, group)
            codes = {part.code for part in parts}
            if any((group, code) in replaced for code in codes):
                raise ValueError("two variants replace the same")
            replaced |= {(group, code) for code in codes}
            first = next((place for place, each in enumerate(held) if each.code in codes), len(held))
            groups[group] = (*held[:first], *parts, *(each for each in held[first:] if each.code not in codes))
    components = groups.pop("components")
    changes: dict[str, object] = dict(groups)
    if rule.benefit:
        changes["benefit"] = rule.benefit.model_copy(update={"components": components})
    return rule.model_copy(update=changes)
