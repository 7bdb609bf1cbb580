"""What a regency says of programs that are not its own: which source counts, and whether a list of recipients is whole."""

from datetime import date
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.areas import places
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.programs.criteria import Rule
from slrt_api.programs.lifecycle import CHOOSERS
from slrt_api.programs.models import EnrollmentList, Program, RuleVersion, VariantChoice
from slrt_api.programs.service.versions import with_variants
from slrt_api.programs.shapes import ENROLLMENT_LIST, VARIANT_CHOICE
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

_PROGRAM: Final = ["019aaa11-2233-8000-8009-04a1b2c3d4e5"]


class ChooseVariants(Command):
    """Which of the sources that disagree count in a regency."""

    program_id: UUID = Field(description="The program.", examples=_PROGRAM)
    area_code: str = Field(max_length=13, description="Your regency or city.", examples=["33.26"])
    variants: tuple[Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,59}$")], ...] = Field(
        max_length=20,
        description="Codes of variants of the rule; none to follow the rule as it stands.",
        examples=[["DESIL_5"]],
    )
    valid_from: date = Field(description="First day on which it is judged so.", examples=["2026-12-01"])
    reason: str = Field(
        min_length=1, max_length=2000, description="Why.", examples=["Edaran Dinas Sosial 7/2026 memakai desil 5"]
    )
    decree: str | None = Field(
        default=None, min_length=1, max_length=200, description="The decision that says so.", examples=["460/7/2026"]
    )


class DeclareRecipients(Command):
    """That the recorded enrollments of a program are all there are."""

    program_id: UUID = Field(description="The program.", examples=_PROGRAM)
    area_code: str = Field(max_length=13, description="Your regency or city.", examples=["33.26"])
    as_of: date = Field(description="The day of which the list is.", examples=["2026-10-31"])
    source: str = Field(min_length=1, max_length=100, description="Where it is from.", examples=["SIKS-NG 2026-10"])


class RenewList(Command):
    """The next list of the same program."""

    as_of: date = Field(description="The day of which the list is.", examples=["2026-10-31"])
    source: str = Field(min_length=1, max_length=100, description="Where it is from.", examples=["SIKS-NG 2026-10"])


@use_case("variant_choices.choose", scope=Scope.PROGRAMS_WRITE, roles=CHOOSERS, answers=VARIANT_CHOICE, creates=True)
async def choose(tx: Transaction, actor: Actor, command: ChooseVariants) -> VariantChoice:
    """Choose variants of a rule for a regency.

    Where sources disagree, the rule has a variant for what each other one says. The regency names those that it follows, from
    a day on, with its reason; the choice before stays, for the days before. Two variants that replace the same criterion
    exclude each other (422 `variants_exclusive`). The variants are those of the version that is in force on that day.
    """
    regency, area = _regency(actor, command.area_code)
    program = await tx.find(Program, command.program_id)
    if program is None:
        raise errors.Invalid.reference("/program_id")
    if len(set(command.variants)) < len(command.variants):
        raise errors.Invalid.at("/variants", "duplicate", "Name each of them once.")
    versions = await tx.rows(
        RuleVersion,
        "program_id = $1 AND status IN ('PUBLISHED', 'SUPERSEDED') AND valid_from <= $2"
        " AND (valid_to IS NULL OR valid_to >= $2)",
        program.id,
        command.valid_from,
    )
    if not versions:
        raise errors.Conflict("no_version_in_force")
    with_variants(Rule.model_validate(versions[0].rule), command.variants)
    async with tx.effect(regency):
        return await tx.create(
            VariantChoice(
                regency=regency,
                id=new_id(Kind.VARIANT_CHOICE, regency, tx.now),
                area=area,
                created_at=tx.now,
                updated_at=tx.now,
                program_id=program.id,
                program_code=program.code,
                variants=sorted(command.variants),
                valid_from=command.valid_from,
                reason=command.reason,
                decree=command.decree,
                chosen_by=actor.subject,
            ),
            "chosen",
            texts={"reason": command.reason},
        )


@use_case("enrollment_lists.declare", scope=Scope.PROGRAMS_WRITE, roles=CHOOSERS, answers=ENROLLMENT_LIST, creates=True)
async def declare(tx: Transaction, actor: Actor, command: DeclareRecipients) -> EnrollmentList:
    """Declare a list of recipients whole.

    From that day on, whoever is in no enrollment of the program does not receive it. Until a list is declared whole, that
    somebody does not receive a program is not known, and rules that ask for it say so.
    """
    regency, area = _regency(actor, command.area_code)
    program = await tx.find(Program, command.program_id)
    if program is None:
        raise errors.Invalid.reference("/program_id")
    _check(tx, command.as_of)
    async with tx.effect(regency):
        return await tx.create(
            EnrollmentList(
                regency=regency,
                id=new_id(Kind.ENROLLMENT_LIST, regency, tx.now),
                area=area,
                created_at=tx.now,
                updated_at=tx.now,
                program_id=program.id,
                as_of=command.as_of,
                source=command.source,
                declared_by=actor.subject,
            ),
            "declared",
        )


@use_case("enrollment_lists.renew", scope=Scope.PROGRAMS_WRITE, roles=CHOOSERS, answers=ENROLLMENT_LIST)
async def renew(tx: Transaction, actor: Actor, id_: UUID, command: RenewList) -> EnrollmentList:
    """Declare the next list of a program whole.

    Of a later day than the one before, which the history keeps (409 `list_not_newer` otherwise).
    """
    seen = await tx.get(EnrollmentList, id_)
    actor.require_area(seen.area)
    actor.require_area(seen.area + 999_999)
    _check(tx, command.as_of)
    async with tx.effect(seen.regency):
        row = await tx.ask(EnrollmentList, id_)
        if command.as_of <= row.as_of:
            raise errors.Conflict("list_not_newer")
        return await tx.change(row, "renewed", as_of=command.as_of, source=command.source, declared_by=actor.subject)


def _check(tx: Transaction, as_of: date) -> None:
    if as_of > tx.now.date():
        raise errors.Invalid.at("/as_of", "date_in_future", "This day is yet to come.")


def _regency(actor: Actor, text: str) -> tuple[int, int]:
    """Tenant number and area number of a regency, the whole of it in the actor's scope."""
    if text.count(".") != 1:
        raise errors.Invalid.at("/area_code", "area_unknown", "Give the code of a regency or city, such as 33.26.")
    return places.tenant(text), places.area(actor, text)[0]
