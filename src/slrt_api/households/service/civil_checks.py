"""Checks with the civil registry: who asks for one, what is compared, and what becomes of the answer.

No function here waits for the registry: a check is requested in one act and answered in another, and the question is asked
between the two by the worker (`flows/asking`, `docs/decisions/0018`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import orjson

from slrt_api.access import quotas
from slrt_api.access.quotas import Quota
from slrt_api.access.scopes import Scope
from slrt_api.households.adapters.civil import Declared, Verdict
from slrt_api.households.codes import CivilCheckStatus, Sex, Standing
from slrt_api.households.matching_status import status_of
from slrt_api.households.models import CivilCheck, Identity, Person
from slrt_api.households.service import vault
from slrt_api.households.shapes import CIVIL_CHECK
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Done, use_case
from slrt_api.settings import Settings

#: name under which the limits of a platform hold the days that an answer is used; absent where no registry is configured
ANSWER_DAYS: Final = "civil_answer_days"
#: after each attempt without an answer, how long until the next one: an outage of a long weekend is lived through
PAUSES: Final = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 15)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, 12, 24, 24)),
)
_NIK: Final = "regency = $1 AND owner_id = $2 AND type = 'NIK' AND valid_to IS NULL ORDER BY id DESC LIMIT 1"


def limits(settings: Settings) -> Mapping[str, int]:
    """The limits of these settings by name: none where no civil registry is configured."""
    return {ANSWER_DAYS: settings.civil_answer_days} if settings.civil_registry_url is not None else {}


@dataclass(frozen=True)
class Question:
    """What is compared. The values are for the adapter: they are kept nowhere, and shown by no traceback.

    basis  keyed digest of the values: says whether two questions are the same one
    """

    nik: str = field(repr=False)
    declared: Declared = field(repr=False)
    basis: bytes = field(repr=False)


@use_case(
    "persons.civil_check",
    scope=Scope.REGISTRY_CHECK,
    answers=CIVIL_CHECK,
    creates=True,
    may_find=True,
    conditional=False,
)
async def request(tx: Transaction, actor: Actor, person_id: UUID) -> Done:
    """Ask the civil registry about a person.

    Whether NIK, name, sex and birth date are what it knows: yes or no for each. The answer comes later: look at the check, and
    at `matching_status` of the person, which it sets. Nothing of the person is overwritten. Where the civil registry is away
    the check waits and is tried again for some days, then `GIVEN_UP`; the person's status stays as it is. While a
    check waits, or its answer about the same values has not expired, that one is answered with 200 and nobody is asked.
    409 `civil_registry_absent` where the service is not connected to one.
    """
    person = await tx.ask(Person, person_id)
    if person.ended_at is not None:
        raise errors.Conflict("person_ended")
    if ANSWER_DAYS not in tx.limits:
        raise errors.Conflict("civil_registry_absent")
    asked = await question_of(tx, person)
    if asked is None:
        raise errors.Conflict("nik_missing")
    # Under the lock of the person: of two who ask at once, the second finds the check of the first.
    known = await tx.rows(
        CivilCheck,
        "regency = $1 AND person_id = $2 AND (status = 'REQUESTED' OR (status = 'ANSWERED' AND expires_at > $3"
        " AND basis = $4)) ORDER BY (status = 'REQUESTED') DESC, id DESC LIMIT 1",
        person.regency,
        person.id,
        tx.now,
        asked.basis,
    )
    if known:
        await _tell(tx, person, known[0])
        return Done(known[0].id, found=True)
    async with tx.effect(person.regency):
        await quotas.take(tx, actor, person.regency, Quota.CIVIL_CHECK)
    check = CivilCheck(
        regency=person.regency,
        id=new_id(Kind.CIVIL_CHECK, person.regency, tx.now),
        area=person.area,
        created_at=tx.now,
        updated_at=tx.now,
        person_id=person.id,
        status=CivilCheckStatus.REQUESTED.value,
        requested_by=actor.subject,
        due_at=tx.now,
    )
    await tx.create(check, "requested")
    return Done(check.id)


async def question_of(tx: Transaction, person: Person) -> Question | None:
    """What the civil registry is asked about the person as it is known now; None without a NIK."""
    held = await tx.rows(Identity, _NIK, person.regency, person.id)
    if not held:
        return None
    nik = vault.number_of(tx.keyring, held[0])
    declared = Declared(person.name, Sex(person.sex), person.birth_date)
    values = orjson.dumps([nik, declared.values()], option=orjson.OPT_SORT_KEYS)
    return Question(nik, declared, tx.keyring.digest("civil check", values))


async def settle(
    tx: Transaction, person: Person, check: CivilCheck, verdict: Verdict | None, basis: bytes | None
) -> CivilCheck:
    """Write what became of an attempt, with locks on both rows and inside `tx.effect`.

    verdict  None where there was no answer
    basis    what was compared
    """
    held = await tx.value(f"SELECT id FROM identities WHERE {_NIK}", person.regency, person.id)
    if person.ended_at is not None or held is None:
        return await tx.change(check, "withdrawn", status=CivilCheckStatus.WITHDRAWN.value, due_at=None)
    if verdict is None:
        if check.attempts > len(PAUSES):
            return await tx.change(check, "given_up", status=CivilCheckStatus.GIVEN_UP.value, due_at=None)
        return await tx.update(check, due_at=tx.now + PAUSES[check.attempts - 1])
    now = await question_of(tx, person)
    if now is None or now.basis != basis:
        # Corrected while it was being asked: the answer is about values that are no more.
        return await tx.update(check, due_at=tx.now)
    check = await tx.change(
        check,
        "answered",
        status=CivilCheckStatus.ANSWERED.value,
        due_at=None,
        basis=basis,
        standing=verdict.standing.value,
        name_matches=verdict.fields.get("name"),
        sex_matches=verdict.fields.get("sex"),
        birth_date_matches=verdict.fields.get("birth_date"),
        asked_at=tx.now,
        expires_at=tx.now + timedelta(days=tx.limits[ANSWER_DAYS]),
    )
    await _tell(tx, person, check)
    return check


async def _tell(tx: Transaction, person: Person, check: CivilCheck) -> None:
    """Let the person's status be what an answer about its present values means. A status that is so already is no change."""
    if check.standing is None:
        return
    given = {"name": check.name_matches, "sex": check.sex_matches, "birth_date": check.birth_date_matches}
    matches = {name: match for name, match in given.items() if match is not None}
    status = status_of(Standing(check.standing), matches)
    if person.matching_status != status:
        await tx.change(person, "civil_checked", notes={"civil_check": check.id}, matching_status=status.value)
