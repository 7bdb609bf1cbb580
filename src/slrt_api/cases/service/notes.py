"""Notes of officers on a case: encrypted, for the office of their author or for all who work on cases, and erasable."""

from typing import Any, Final
from uuid import UUID

from pydantic import Field

from slrt_api.access.scopes import Role, Scope
from slrt_api.cases.codes import NoteVisibility
from slrt_api.cases.models import Case, Note
from slrt_api.cases.shapes import CASE, SEALED_NOTE, UNITS
from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind, new_id
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import aad
from slrt_api.runtime.transaction import Transaction
from slrt_api.runtime.usecase import Command, use_case

MAX_NOTES = 1_000
AUTHORS: Final = frozenset(UNITS)


class AddNote(Command):
    """A note and who may read it."""

    text: str = Field(
        min_length=1,
        max_length=4000,
        repr=False,
        description="The note.",
        examples=["Ibu lebih mudah ditemui sore hari"],
    )
    visibility: NoteVisibility = Field(
        default=NoteVisibility.CASE_WORKERS,
        description=(
            "`UNIT`: for officers of the author's own office; `CASE_WORKERS`: for all who work on cases here. `RECEIVERS` is"
            " written at the referral (`POST /v1/referrals/{id}/notes`)."
        ),
        examples=["CASE_WORKERS"],
    )


class EraseNote(Command):
    """A note that is to be forgotten, and why."""

    note_id: UUID = Field(description="A note of the case.", examples=["019aaa11-2233-8000-8cfe-b8a1b2c3d4e5"])
    reason: str = Field(
        min_length=1,
        max_length=500,
        description="Why; without repeating what is erased.",
        examples=["Tertulis pada kasus yang salah"],
    )


@use_case(
    "cases.note",
    scope=Scope.CASES_READ,
    one_of=(Scope.CASES_WRITE, Scope.CASES_DECIDE),
    roles=AUTHORS,
    answers=CASE,
)
async def note(tx: Transaction, actor: Actor, case_id: UUID, command: AddNote) -> Case:
    """Write a note on a case.

    It is encrypted, stands in no event and no history, and can be erased. What the people concerned are to know belongs
    into a message or a reason. `include=notes` shows what the caller may read.
    """
    if command.visibility is NoteVisibility.RECEIVERS:
        raise errors.Invalid.at(
            "/visibility", "not_for_this_action", "Write it at the referral whose receiver reads it."
        )
    return await write(tx, await tx.ask(Case, case_id), command.visibility, command.text)


async def write(tx: Transaction, case: Case, visibility: NoteVisibility, text: str, **of: Any) -> Case:
    """Write a note of the caller's. `of`: the referral that it is for, and who reads it there."""
    written = await tx.value(
        "SELECT count(*) FROM case_notes WHERE regency = $1 AND case_id = $2", case.regency, case.id
    )
    if written >= MAX_NOTES:
        raise errors.Conflict("notes_full")
    id_ = new_id(Kind.NOTE, case.regency, tx.now)
    row = Note(
        regency=case.regency,
        id=id_,
        area=case.area,
        case_id=case.id,
        visibility=visibility.value,
        unit=UNITS[Role(tx.actor.role)].value,
        text=tx.keyring.encrypt(text.encode(), aad(SEALED_NOTE, id_)),
        author=tx.actor.subject,
        created_at=tx.now,
        **of,
    )
    await tx.insert(row)
    return await tx.change(case, "note_added", parts={"notes": [row]})


@use_case(
    "cases.erase_note",
    scope=Scope.CASES_READ,
    one_of=(Scope.CASES_WRITE, Scope.CASES_DECIDE),
    roles=AUTHORS,
    answers=CASE,
)
async def erase_note(tx: Transaction, actor: Actor, case_id: UUID, command: EraseNote) -> Case:
    """Erase a note.

    By its author, or by who decides cases in the author's office or above it. That there was one stays; its text is gone.
    """
    case = await tx.ask(Case, case_id)
    found = await tx.rows(
        Note, "regency = $1 AND case_id = $2 AND id = $3 FOR NO KEY UPDATE", case.regency, case.id, command.note_id
    )
    if not found or (found[0].visibility == NoteVisibility.UNIT and found[0].unit != UNITS[Role(actor.role)]):
        # A note that one may not read is none that one could name.
        raise errors.Invalid.reference("/note_id")
    if found[0].author != actor.subject and Scope.CASES_DECIDE not in actor.scopes:
        raise errors.Forbidden("not_the_author")
    if found[0].erased_at is not None:
        raise errors.Conflict("note_erased")
    row = await tx.update(found[0], text=None, erased_at=tx.now, shared=False)
    return await tx.change(case, "note_erased", parts={"notes": [row]}, texts={"reason": command.reason})
