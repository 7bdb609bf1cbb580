"""Check a household against rules, keep what it hung on, and repeat it to the byte."""

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from pydantic import Field

from slrt_api.access.scopes import Scope
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.programs import recording
from slrt_api.programs.lifecycle import CHECKERS
from slrt_api.programs.models import EligibilityCheck
from slrt_api.programs.service import facts as loader
from slrt_api.programs.service import rules
from slrt_api.programs.shapes import ELIGIBILITY_CHECK, SEALED_INPUTS, SEALED_RESULTS
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.packing import packed, unpacked
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

ProgramCode = Annotated[str, Field(pattern="^[A-Z0-9][A-Z0-9.-]{0,39}$")]
_EARLIEST: Final = date(2015, 1, 1)
_LATEST: Final = date(2100, 1, 1)


class CheckEligibility(Command):
    """A household, and what it is to be checked for."""

    household_id: UUID = Field(
        description="A household in your scope.", examples=["019aaa11-2233-8000-8cfe-04a1b2c3d4e5"]
    )
    program_codes: tuple[ProgramCode, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Programs by their codes; without them, all that have a rule for the place of the household.",
        examples=[["PKH", "PBI-JK"]],
    )
    as_of: date | None = Field(
        default=None,
        description="The day to judge by: its rules, ages and enrollments; today when left out.",
        examples=["2026-11-22"],
    )


@use_case(
    "eligibility_checks.run", scope=Scope.ELIGIBILITY_CHECK, roles=CHECKERS, answers=ELIGIBILITY_CHECK, creates=True
)
async def run(tx: Transaction, actor: Actor, command: CheckEligibility) -> EligibilityCheck:
    """Check a household.

    For each program, and each member where the unit is a person: the outcome; every criterion with the value that was used,
    its source and day, and the citation; what is missing; which single criterion would change the answer; the benefit with its
    caps. Eligible is not the same as receiving. What is not known is told as missing and never taken for no. The check is
    kept with its inputs and versions, and can be repeated. A finding that excludes (`EXCLUDED_PENDING_VERIFICATION`) asks
    for a verification: request it under `reviews`, as anybody concerned may request that a human looks at the result.
    """
    household = await loader.household(tx, command.household_id)
    as_of = _day(tx, command)
    judgements = await rules.in_force(tx, household.regency, household.area, as_of, command.program_codes)
    facts, situation = await loader.surroundings(tx, household, as_of, judgements)
    lines = recording.answer(judgements, facts, situation)
    opened = recording.opened(judgements, lines)
    id_ = new_id(Kind.ELIGIBILITY_CHECK, household.regency, tx.now)
    encrypt = tx.keyring.encrypt
    check = EligibilityCheck(
        regency=household.regency,
        id=id_,
        area=household.area,
        created_at=tx.now,
        updated_at=tx.now,
        household_id=household.id,
        as_of=as_of,
        engine=recording.ENGINE,
        rules=rules.recorded(judgements),
        outcomes=recording.outcomes(opened),
        inputs=encrypt(packed(recording.encoded(recording.inputs(facts, situation))), aad(SEALED_INPUTS, id_)),
        results=encrypt(packed(recording.encoded(lines)), aad(SEALED_RESULTS, id_)),
        open_results=encrypt(packed(recording.encoded(opened)), aad(SEALED_RESULTS, id_)),
        checked_by=actor.subject,
    )
    return await tx.create(check, "run")


@use_case("eligibility_checks.replay", scope=Scope.ELIGIBILITY_CHECK, roles=CHECKERS)
async def replay(tx: Transaction, actor: Actor, id_: UUID) -> dict[str, Any]:
    """Repeat a check.

    From the inputs and the versions that were kept with it, whatever has changed since: `equal` tells whether every byte of
    the answer came out again. A version that was altered behind the service is 409 `rule_altered`.
    """
    check = await tx.get(EligibilityCheck, id_)
    again = await repeated(tx, check)
    kept = unpacked(tx.keyring.decrypt(check.results, aad(SEALED_RESULTS, check.id)))
    return {
        "id": str(check.id),
        "as_of": check.as_of.isoformat(),
        "engine": check.engine,
        "engine_now": recording.ENGINE,
        "rules": [
            {"program_code": each["program_code"], "version": each["version"], "version_id": each["version_id"]}
            for each in check.rules
        ],
        "equal": again == kept,
    }


async def repeated(tx: Transaction, check: EligibilityCheck) -> bytes:
    """The bytes of the answer of a check, made anew from its inputs and its versions."""
    content = orjson.loads(unpacked(tx.keyring.decrypt(check.inputs, aad(SEALED_INPUTS, check.id))))
    facts, situation = recording.inputs_of(content)
    judgements = await rules.kept(tx, check.rules)
    return recording.encoded(recording.answer(judgements, facts, situation))


def _day(tx: Transaction, command: CheckEligibility) -> date:
    as_of = command.as_of or tx.now.date()
    if not _EARLIEST <= as_of <= _LATEST:
        raise errors.Invalid.at("/as_of", "range", "Give a value inside the documented range.")
    codes = command.program_codes or ()
    repeated_ = [place for place, code in enumerate(codes) if code in codes[:place]]
    if repeated_:
        raise errors.Invalid.at(f"/program_codes/{repeated_[0]}", "duplicate", "Name each program once.")
    return as_of
