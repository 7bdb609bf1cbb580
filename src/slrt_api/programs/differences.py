"""What two rules of a program say differently, part by part, as who publishes wants to read it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slrt_api.programs.criteria import Rule

#: parts of a rule that have a code of their own; the path leads to them
_CODED: Final = (
    ("requirements", ("requirements",)),
    ("exclusions", ("exclusions",)),
    ("conflicts", ("conflicts",)),
    ("waitlist", ("waitlist",)),
    ("components", ("benefit", "components")),
    ("documents", ("documents",)),
    ("variants", ("variants",)),
)
#: what tells two quotas apart
_QUOTA: Final = ("area_code", "period_from", "period_to")


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that only one of them has (the other side is None), or that both have and say differently.

    part  a member of the rule, or `components` of the benefit
    code  of the part, where it has one; `from` is added where a code stands for several stretches of days
    """

    part: str
    code: str | None
    before: Any
    after: Any

    @property
    def change(self) -> str:
        if self.before is None:
            return "ADDED"
        return "REMOVED" if self.after is None else "CHANGED"


def plain(rule: Rule) -> dict[str, Any]:
    """The rule as JSON, as it is stored and digested: what is null is left out."""
    content: dict[str, Any] = rule.model_dump(mode="json", exclude_none=True)
    return content


def differences(before: Rule, after: Rule) -> tuple[Difference, ...]:
    """All of them, in the order of the parts of a rule."""
    return tuple(_differences(plain(before), plain(after)))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    apart = {path[0] for _, path in _CODED} | {"quotas"}
    for name in Rule.model_fields:
        if name not in apart and before.get(name) != after.get(name):
            yield Difference(name, None, before.get(name), after.get(name))
    benefits = [dict(each.get("benefit") or {}) for each in (before, after)]
    for benefit in benefits:
        benefit.pop("components", None)
    if benefits[0] != benefits[1]:
        yield Difference("benefit", None, benefits[0] or None, benefits[1] or None)
    for name, path in _CODED:
        yield from _of_lists(name, _at(before, path), _at(after, path), ("code", "valid_from"))
    yield from _of_lists("quotas", _at(before, ("quotas",)), _at(after, ("quotas",)), _QUOTA)


def _at(rule: Mapping[str, Any], path: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    here: Any = rule
    for name in path:
        here = (here or {}).get(name)
    return here or ()


def _of_lists(
    part: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], key: Sequence[str]
) -> Iterator[Difference]:
    def keyed(parts: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], Mapping[str, Any]]:
        # A code that stands once is the same part, from whatever day it holds.
        codes = [each.get("code") for each in parts]
        return {
            (each["code"],) if "code" in each and codes.count(each["code"]) == 1 else tuple(map(each.get, key)): each
            for each in parts
        }

    old, new = keyed(before), keyed(after)
    for place in [*old, *(each for each in new if each not in old)]:
        if old.get(place) != new.get(place):
            name = " ".join(str(each) for each in place if each is not None)
            yield Difference(part, name or None, old.get(place), new.get(place))
