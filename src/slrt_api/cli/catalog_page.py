"""`docs/programs.md`: what is shipped of programs and their rules, for people. Made from the data, committed, compared by a test.

What is sourced, what is general knowledge only, and where sources disagree is told by the data itself; only what no criterion
asks is written here by hand.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final, assert_never

from slrt_api.areas.codes import area_code
from slrt_api.cli.refusal import Refusal
from slrt_api.programs.catalog import CatalogProgram, load_programs, load_rules, load_shared_exclusions
from slrt_api.programs.criteria import (
    Age,
    All,
    Any,
    Area,
    Benefit,
    Compare,
    Component,
    Condition,
    Confidence,
    Conflict,
    Count,
    Criterion,
    Dated,
    Enrolled,
    Known,
    Not,
    OneOf,
    Range,
    Rule,
    Since,
    Variant,
)
from slrt_api.programs.facts import FactType, vocabulary

PATH: Final = Path("docs") / "programs.md"

#: what the sources say and no criterion asks, because nobody records it or because it is no rule about a household
NOT_ASKED: Final = (
    ("ATENSI", "Which of the seven components of service a person gets: the assessment decides."),
    ("BLT-DD", "The share of the village fund that may be spent (25 % in 2023, 15 % in 2025; unverified): a budget."),
    ("BLT-DD", "That the list of a village holds for twelve months: whoever is on it is enrolled until its end."),
    ("KUBE", "That the other families of the group are of decile 1 to 4 too: each is judged by itself."),
    (
        "KUR, UMI, BPUM",
        "Anything beyond the age of the business and civil service: the rules of the lenders are not at hand.",
    ),
    ("LISTRIK-SUBSIDI", "That the tariff class is R-1: no questionnaire asks for it."),
    ("PBI-REAKTIVASI", "What follows when the six months have passed: the wording of the sources is ambiguous."),
    ("PENA", "Leaving social assistance after graduation: a step of the program, not a condition of entering it."),
    ("PIP", "Groups of the priority list beyond those that the sources name."),
    ("SEKOLAH-RAKYAT", "The verification at home and the signature of the regent: steps after the answer."),
)

INTRODUCTION: Final = """\
# Programs that are shipped

Made from [`programs/data`](../src/slrt_api/programs/data) by `slrt-api programs page`; do not edit it here. The rules are data:
[`data/rules`](../src/slrt_api/programs/data/rules) holds a file a program, and
[`tests/domains/programs`](../tests/domains/programs) the households at its boundaries, each row with its citation.

Being eligible is not the same as receiving: places are counted, and somebody decides. Amounts, ceilings and ages change from year
to year, so that everything here has days from and to which it holds.

**Confidence.** `sourced`: a public page or a decree was read, and the citation names it. `unverified`: general knowledge of the
program, or a criterion of which a part is. **Look unverified parts up before anybody is refused by them.** What no source says is
not there: legal bases, documents and places are missing where none was at hand.
"""


def text() -> str:
    """The whole page."""
    return "\n".join(
        (INTRODUCTION, *_catalog(), *_disagreements(), *_exclusions(), *_conflicts(), *_left_out(), *_each())
    )


def write(root: Path) -> None:
    """Write the page below `root`."""
    (root / PATH).write_text(text(), encoding="utf-8")


def check(root: Path) -> None:
    """Compare the page with the data. Raises Refusal when it differs."""
    path = root / PATH
    if not path.is_file() or path.read_text(encoding="utf-8") != text():
        raise Refusal(f"{path} is not what the data makes: run `slrt-api programs page` and look at the difference")


def words(condition: Condition) -> str:
    """A condition for people: `decile from 1 to 4 and not (owns another house)`."""
    match condition:
        case All(of=of):
            return " and ".join(_part(each) for each in of)
        case Any(of=of):
            return " or ".join(_part(each) for each in of)
        case Not(of=inner):
            return f"not ({words(inner)})"
        case Compare(fact=fact, op=op, value=value):
            if isinstance(value, bool):
                return f"`{fact}`" if value is (op == "=") else f"not `{fact}`"
            return f"`{fact}` {op} {_value(fact, value)}"
        case Range(fact=fact, low=low, high=high):
            return f"`{fact}` {_span(low, high)}"
        case OneOf(fact=fact, values=values):
            return f"`{fact}` one of {', '.join(str(value) for value in values)}"
        case Known(fact=fact):
            return f"`{fact}` known"
        case Age(low=low_age, high=high_age, unit=unit):
            return f"age {_span(low_age, high_age)} {unit.lower()}"
        case Since(fact=fact, months=months):
            return f"`{fact}` in the last {months} months"
        case Count():
            return _count(condition)
        case Area(codes=codes):
            return f"lives in {', '.join(codes)}"
        case Enrolled(program=program, who=who, within_months=months):
            whose = "the family" if who == "HOUSEHOLD" else "the person"
            return f"{whose} receives {program}" + (f", or did in the last {months} months" if months else "")
        case _:
            assert_never(condition)


def _part(condition: Condition) -> str:
    inner = words(condition)
    return f"({inner})" if isinstance(condition, All | Any) and len(condition.of) > 1 else inner


def _count(condition: Count) -> str:
    low, high = condition.at_least, condition.at_most
    how_many = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
    return f"{how_many} of the family" + (f": {words(condition.where)}" if condition.where else "")


def _span(low: object, high: object) -> str:
    if high is None:
        return f"from {low}"
    return f"to {high}" if low is None else f"from {low} to {high}"


def _value(fact: str, value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and vocabulary()[fact].type is FactType.RUPIAH else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(str(cell) if cell is not None else '' for cell in row)} |"
    yield ""


def _days(start: date, end: date | None) -> str:
    return f"from {start}" if end is None else f"{start} to {end}"


def _catalog() -> Iterator[str]:
    yield f"## The {len(load_programs())} programs"
    yield ""
    yield from _table(
        (
            "code",
            "name",
            "cluster",
            "domain",
            "level",
            "unit",
            "area",
            "legal basis",
            "source of these facts",
            "confidence",
        ),
        (
            (
                f"[{each.code}](#{each.code.lower()})",
                f"{each.name_id} ({each.name_en})",
                each.cluster,
                each.domain,
                each.level,
                each.unit,
                area_code(each.area) if each.area else "",
                each.legal_basis,
                each.citation,
                each.confidence,
            )
            for each in load_programs()
        ),
    )


def _disagreements() -> Iterator[str]:
    yield "## Where sources disagree"
    yield ""
    yield "The rule says what stands under *in place of*; a regency may choose a variant instead. None is hidden."
    yield ""
    yield from _table(
        ("program", "variant", "in place of", "says", "source", "confidence"),
        (
            (
                rule.program,
                f"`{variant.code}` {variant.label.en}",
                "; ".join(_replaced(rule, part) for part in _parts(variant)),
                "; ".join(_said(part) for part in _parts(variant)),
                variant.citation,
                variant.confidence.value,
            )
            for rule in load_rules()
            for variant in rule.variants
        ),
    )


def _parts(variant: Variant) -> tuple[Dated, ...]:
    return (*variant.requirements, *variant.exclusions, *variant.conflicts, *variant.waitlist, *variant.components)


def _replaced(rule: Rule, part: Dated) -> str:
    components = rule.benefit.components if rule.benefit else ()
    of_rule = components if isinstance(part, Component) else (*rule.requirements, *rule.exclusions, *rule.waitlist)
    return "; ".join(_said(each) for each in of_rule if each.code == part.code)


def _said(part: Dated) -> str:
    """The part in words that tell its variants apart: its label, and the amount where it has one."""
    return f"{part.label.en} ({part.amount:,} rupiah)" if isinstance(part, Component) else part.label.en


def _exclusions() -> Iterator[str]:
    sharing = [rule.program for rule in load_rules() if _shares(rule)]
    yield "## Findings that exclude"
    yield ""
    yield "Each makes EXCLUDED_PENDING_VERIFICATION, which opens a verification and an objection. None refuses anybody by itself,"
    yield "and what is not known excludes nobody. Further ones stand with their program; these are shared by"
    yield f"{', '.join(sharing)}."
    yield ""
    yield from _criteria(load_shared_exclusions())


def _shares(rule: Rule) -> bool:
    shared = load_shared_exclusions()
    return rule.exclusions[: len(shared)] == shared


def _conflicts() -> Iterator[str]:
    yield "## What cannot be received together"
    yield ""
    yield from _table(
        ("program", "with", "when", "source", "confidence"),
        (
            (rule.program, each.program, words(each.condition), each.citation, each.confidence.value)
            for rule in load_rules()
            for each in rule.conflicts
        ),
    )


def _left_out() -> Iterator[str]:
    yield "## What no criterion asks"
    yield ""
    yield from _table(("program", "what"), NOT_ASKED)


def _each() -> Iterator[str]:
    yield "## Program by program"
    yield ""
    rules = load_rules()
    for program in load_programs():
        yield f"### {program.code}"
        yield ""
        yield from _program(program)
        for rule in rules:
            if rule.program == program.code:
                yield from _rule(rule)


def _program(program: CatalogProgram) -> Iterator[str]:
    yield f"{program.name_id}: {program.name_en}. Complaints: {program.complaint_channel}."
    yield ""


def _rule(rule: Rule) -> Iterator[str]:
    held = _days(rule.valid_from, rule.valid_to)
    yield f"**Version {rule.version}**, {held}; {rule.confidence.value}: {rule.citation}."
    yield ""
    own = rule.exclusions[len(load_shared_exclusions()) :] if _shares(rule) else rule.exclusions
    yield from _criteria((*rule.requirements, *own, *rule.conflicts, *rule.waitlist))
    if _shares(rule):
        yield "Besides: [findings that exclude](#findings-that-exclude)."
        yield ""
    if rule.benefit:
        yield from _benefit(rule.benefit)
    for quota in rule.quotas:
        where = quota.area_code or "the nation"
        yield f"Places: {quota.places:,} in {where}, {quota.period_from} to {quota.period_to};"
        yield f"{quota.confidence.value}: {quota.citation}."
        yield ""
    if rule.documents:
        asked = (f"{each.label.en} ({each.confidence.value})" for each in rule.documents)
        yield f"Documents: {', '.join(asked)}."
        yield ""


def _criteria(criteria: Sequence[Criterion | Conflict]) -> Iterator[str]:
    yield from _table(
        ("criterion", "meaning", "asks", "holds", "source", "confidence"),
        (
            (
                f"`{each.code}`",
                each.label.en,
                words(each.condition if isinstance(each, Conflict) else each.when),
                _days(each.valid_from, each.valid_to),
                each.citation,
                _confidence(each.confidence),
            )
            for each in criteria
        ),
    )


def _confidence(confidence: Confidence) -> str:
    return "**unverified**" if confidence is Confidence.UNVERIFIED else confidence.value


def _benefit(benefit: Benefit) -> Iterator[str]:
    told = f": {benefit.description.en}" if benefit.description else ""
    yield f"Benefit, {benefit.period.value}{told}."
    if benefit.max_components:
        yield f"At most {benefit.max_components} components count, the highest first."
    yield ""
    if benefit.components:
        yield from _table(
            ("component", "rupiah", "for", "at most", "holds", "source", "confidence"),
            (
                (
                    f"`{each.code}` {each.label.en}",
                    f"{each.amount:,}",
                    words(each.where) if each.where else "everybody entitled",
                    each.cap,
                    _days(each.valid_from, each.valid_to),
                    each.citation,
                    _confidence(each.confidence),
                )
                for each in benefit.components
            ),
        )
