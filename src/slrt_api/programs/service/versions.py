"""Versions of the rules of a program: drafted by one, published by another, never changed afterwards."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field, ValidationError

from slrt_api.access.scopes import Scope
from slrt_api.areas import codes, places
from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, new_id
from slrt_api.programs import differences, recording, validation
from slrt_api.programs.codes import VersionAction, VersionStatus
from slrt_api.programs.criteria import Area, Condition, Rule, chosen
from slrt_api.programs.lifecycle import ANY_WRITER, VERSION_LIFECYCLE
from slrt_api.programs.lowering import parts
from slrt_api.programs.models import Program, RuleVersion
from slrt_api.programs.service import authority
from slrt_api.programs.shapes import RULE_VERSION
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.strictjson import faults_of
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, Result, use_case

_ID: Final = ["019aaa11-2233-8000-802d-04a1b2c3d4e5"]


#: read as a rule in the act, so that both surfaces take the same JSON and tell the same faults
RuleJson = dict[str, Any]
_RULE: Final = {
    "program": "BANSOS-3326",
    "version": "2026.1",
    "unit": "FAMILY",
    "citation": "Perbup 12/2026",
    "confidence": "sourced",
    "valid_from": "2026-01-01",
    "requirements": [
        {
            "code": "DESIL_AT_MOST_4",
            "label": {"id": "Desil 1 sampai 4", "en": "Decile 1 to 4"},
            "citation": "Perbup 12/2026, pasal 4",
            "confidence": "sourced",
            "valid_from": "2026-01-01",
            "when": {"type": "compare", "fact": "desil", "op": "<=", "value": 4},
        }
    ],
}


class DraftVersion(Command):
    """A version of the rules of a program, as data."""

    rule: RuleJson = Field(
        description="The rule: criteria with citation, dates and confidence, benefit, quotas, documents, variants. Facts that it"
        " may ask for stand in the guide for those who write rules.",
        examples=[_RULE],
    )


class TransitionVersion(Command):
    """A step of a version."""

    action: VersionAction = Field(description="One of `allowed_actions`.", examples=["PUBLISH"])
    reason: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="Why; asked for when it is discarded or withdrawn.",
        examples=["Pasal 4 telah dicabut"],
    )


class CompareVersions(Command):
    """What a version is compared with."""

    against: UUID | None = Field(
        default=None,
        description="Another version of the same program; without it the version itself, to see what its variants change.",
        examples=_ID,
    )
    variants: tuple[Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,59}$")], ...] = Field(
        default=(), max_length=20, description="Variants of the version that are chosen.", examples=[["DESIL_5"]]
    )


@use_case(
    "programs.draft_version",
    scope=Scope.PROGRAMS_WRITE,
    roles=ANY_WRITER,
    answers=RULE_VERSION,
    creates=True,
    conditional=False,
)
async def draft(tx: Transaction, actor: Actor, program_id: UUID, command: DraftVersion) -> RuleVersion:
    """Draft a version of the rules of a program.

    The rule is checked as a whole: an unknown fact, a value of another type, a range that nobody can meet is answered 422,
    each with a pointer into `/rule`. Nothing is judged by a draft. A rule of a program that has an area requires that area,
    so that nobody elsewhere is found eligible.
    """
    program = await tx.lock(Program, program_id)
    authority.require(actor, program.level, program.area)
    rule = await read(tx, program, command.rule)
    return await tx.create(
        RuleVersion(
            id=new_id(Kind.RULE_VERSION, NATIONAL, tx.now),
            area=program.area,
            created_at=tx.now,
            updated_at=tx.now,
            program_id=program.id,
            level=program.level,
            status=VersionStatus.DRAFT.value,
            drafted_by=actor.subject,
            **columns(rule),
        ),
        "drafted",
    )


@use_case("rule_versions.redraft", scope=Scope.PROGRAMS_WRITE, roles=ANY_WRITER, answers=RULE_VERSION)
async def redraft(tx: Transaction, actor: Actor, id_: UUID, command: DraftVersion) -> RuleVersion:
    """Change the rule of a draft.

    The whole rule again, checked as the first time. Whoever changes a draft has made it, and does not publish it. A version
    that is published is never changed (409 `version_immutable`): draft the next one.
    """
    version = await tx.ask(RuleVersion, id_)
    authority.require(actor, version.level, version.area)
    if version.status != VersionStatus.DRAFT:
        raise errors.Conflict("version_immutable")
    program = await tx.get(Program, version.program_id)
    rule = await read(tx, program, command.rule)
    taken = await tx.value(
        "SELECT true FROM rule_versions WHERE program_id = $1 AND number = $2 AND id <> $3",
        program.id,
        rule.version,
        version.id,
    )
    if taken:
        raise errors.Conflict("already_exists")
    return await tx.change(version, "redrafted", drafted_by=actor.subject, **columns(rule))


@use_case("rule_versions.transition", scope=Scope.PROGRAMS_WRITE, roles=ANY_WRITER, answers=RULE_VERSION)
async def transition(tx: Transaction, actor: Actor, id_: UUID, command: TransitionVersion) -> RuleVersion:
    """Publish, discard or withdraw a version.

    Who drafted a version does not publish it (403 `own_draft`). Publishing checks the rule once more and refuses days on
    which another version is in force (409 `version_overlap`); the one that is in force without an end is superseded, and ends
    on the day before. A version that is withdrawn is judged by no more, also for days that have passed; checks that were made
    by it keep it.
    """
    version = await tx.ask(RuleVersion, id_)
    if command.action is VersionAction.PUBLISH and version.drafted_by == actor.subject:
        authority.require(actor, version.level, version.area)
        raise errors.Forbidden("own_draft")
    authority.require(actor, version.level, version.area)
    line = VERSION_LIFECYCLE.advance(
        version.status,
        command.action,
        role=actor.role,
        scopes=actor.scopes,
        row={
            "drafted_by": version.drafted_by,
            "level": version.level,
            "reached": authority.reaches(actor, version.level, version.area),
        },
        actor=actor.guard_facts,
    )
    VERSION_LIFECYCLE.require_reason(line, command.reason)
    columns_: dict[str, Any] = {"status": line.target}
    if command.action is VersionAction.PUBLISH:
        # The program is locked, so that two versions are not published beside each other.
        program = await tx.lock(Program, version.program_id)
        await read(tx, program, version.rule)
        await _make_room(tx, version)
        columns_ |= {"published_by": actor.subject, "published_at": tx.now}
    return await tx.change(version, _EVENTS[command.action], texts={"reason": command.reason}, **columns_)


_EVENTS: Final[Mapping[VersionAction, str]] = {
    VersionAction.PUBLISH: "published",
    VersionAction.DISCARD: "discarded",
    VersionAction.WITHDRAW: "withdrawn",
}


@use_case("rule_versions.compare", scope=Scope.PROGRAMS_READ, conditional=False)
async def compare(tx: Transaction, actor: Actor, id_: UUID, command: CompareVersions) -> Result:
    """Compare two versions of a program.

    Criterion by criterion and member by member: what `against` says (`before`) and what this version says (`after`). With
    `variants`, this version is read as a regency that chose them reads it.
    """
    version = await tx.get(RuleVersion, id_)
    after = Rule.model_validate(version.rule)
    before = after
    if command.against is not None:
        other = await tx.find(RuleVersion, command.against)
        if other is None or other.program_id != version.program_id:
            raise errors.Invalid.reference("/against")
        before = Rule.model_validate(other.rule)
    return Result(
        {
            "before": {"version": before.version, "variants": []},
            "after": {"version": after.version, "variants": list(command.variants)},
            "differences": [
                {
                    "part": each.part,
                    "code": each.code,
                    "change": each.change,
                    "before": each.before,
                    "after": each.after,
                }
                for each in differences.differences(before, with_variants(after, command.variants))
            ],
        }
    )


def with_variants(rule: Rule, variants: tuple[str, ...], pointer: str = "/variants") -> Rule:
    """The rule with these variants. Raises Invalid for one that it has not, and for two that replace the same."""
    known = {each.code for each in rule.variants}
    faults = tuple(
        errors.Fault(f"{pointer}/{place}", "unknown_code", "Give one of the documented codes.")
        for place, code in enumerate(variants)
        if code not in known
    )
    if faults:
        raise errors.Invalid(faults=faults)
    try:
        return chosen(rule, frozenset(variants))
    except ValueError:
        raise errors.Invalid.at(pointer, "variants_exclusive", "Choose one of those that replace the same.") from None


def columns(rule: Rule) -> dict[str, Any]:
    """What a version keeps of its rule."""
    content = differences.plain(rule)
    return {
        "number": rule.version,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        "rule": content,
        "digest": recording.digest(content),
        "citation": rule.citation,
        "confidence": rule.confidence.value,
    }


async def read(tx: Transaction, program: Program, content: Mapping[str, Any]) -> Rule:
    """The rule that `content` is, sound as a whole and of the program. Raises Invalid with pointers into `/rule`."""
    try:
        # From JSON, so that it is read as strictly as it will be read from the table.
        rule = Rule.model_validate_json(recording.encoded(content))
    except ValidationError as error:
        raise errors.Invalid(faults=_below_rule(faults_of(error.errors(include_url=False), dict(content)))) from None
    known = {row["code"] for row in await tx.fetch("SELECT code FROM programs")}
    found = [*_of_program(rule, program), *validation.faults(rule, validation.Catalog(known, places.known()))]
    if found:
        raise errors.Invalid(faults=_below_rule(tuple(found[: validation.MAX_FAULTS])))
    return rule


def _below_rule(faults: tuple[errors.Fault, ...]) -> tuple[errors.Fault, ...]:
    return tuple(errors.Fault(f"/rule{each.pointer}", each.code, each.detail) for each in faults)


def _of_program(rule: Rule, program: Program) -> list[errors.Fault]:
    """What of a rule contradicts the program that it is of."""
    found = []
    if rule.program != program.code:
        found.append(errors.Fault("/program", "rule_of_another_program", "Give the code of the program in the path."))
    if rule.unit.value != program.unit:
        found.append(errors.Fault("/unit", "unit_of_program", "Give the unit of the program."))
    if program.area and not any(_keeps_to(each.when, program.area) for each in rule.requirements):
        found.append(
            errors.Fault(
                "/requirements", "area_criterion_required", "Require the area of the program: a condition of type area."
            )
        )
    return found


def _keeps_to(condition: Condition, area: int) -> bool:
    """Whether a requirement holds in the area alone."""
    if isinstance(condition, Area):
        low, high = codes.area_range(codes.area_code(area))
        inner = [codes.area_range(code) for code in condition.codes]
        return all(low <= first and last <= high for first, last in inner)
    return condition.type == "all" and any(_keeps_to(each, area) for each in parts(condition))


async def _make_room(tx: Transaction, version: RuleVersion) -> None:
    """See that no other version is in force on a day of this one; the last one, which has no end, ends before it."""
    async with tx.effect(NATIONAL):
        others = await tx.rows(
            RuleVersion,
            "program_id = $1 AND id <> $2 AND status = ANY ($3::text[]) AND ($4::date IS NULL OR valid_from <= $4)"
            " AND (valid_to IS NULL OR valid_to >= $5) ORDER BY valid_from FOR NO KEY UPDATE",
            version.program_id,
            version.id,
            [VersionStatus.PUBLISHED.value, VersionStatus.SUPERSEDED.value],
            version.valid_to,
            version.valid_from,
        )
    for other in others:
        if other.valid_to is not None or other.valid_from >= version.valid_from:
            raise errors.Conflict("version_overlap")
        await tx.change(
            other,
            "superseded",
            status=VersionStatus.SUPERSEDED.value,
            valid_to=version.valid_from - timedelta(days=1),
        )
