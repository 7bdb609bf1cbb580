"""Use cases, and the act: the one door through which every request goes (`docs/decisions/0001`).

A use case is a plain function `(tx, actor, command)`, or `(tx, actor, id, command)` when it is asked on a resource. `Act`
checks the scope, opens the transaction under the actor's role, runs it, renders the answer under the same role and commits
before the answer leaves. REST and GraphQL call the same line.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

from slrt_api.kernel import errors
from slrt_api.kernel.ids import tenant_of
from slrt_api.runtime import idempotency
from slrt_api.runtime.accesslog import AccessLog
from slrt_api.runtime.actor import Actor, RowScope
from slrt_api.runtime.crypto import DecryptionFailed, Keyring, KeysRefused
from slrt_api.runtime.db import RETRY, Database
from slrt_api.runtime.reads import Item, Page, Query, Reads
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import Link, Selection, Shape, select
from slrt_api.runtime.statements import ItemRoot, Statement
from slrt_api.runtime.traces import act_span
from slrt_api.runtime.transaction import Transaction

P = ParamSpec("P")
R = TypeVar("R")
#: of a caller and a resource: the rows under which the caller sees it
Sees = Callable[[Transaction, Actor, UUID], Awaitable[RowScope]]
#: a selection of the resource that a use case answers, and the parameters of its pages
Shown = tuple[ItemRoot, Mapping[str, Any]]


class Command(BaseModel):
    """Base of every command: strict, and closed to members that it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


@dataclass(frozen=True)
class Done:
    """What a use case did: the resource that answers, and members that are shown this once only.

    refusal  answered in place of the resource, after what was done has been committed: a refusal that is remembered
    veil     what was done is sealed: the answer is read under these rows, this once and as a row of a list; the act is not
             counted, and nothing beside a kept answer leads to it
    found    what was asked for was there already: 200 in place of 201 (`may_find`)
    """

    id: UUID | None
    once: Mapping[str, Any] = field(default_factory=dict)
    refusal: errors.SlrtError | None = None
    found: bool = False
    veil: RowScope | None = None


@dataclass(frozen=True)
class Result:
    """What a use case answers that is no resource: JSON members, shown as they are."""

    content: Mapping[str, Any]


@dataclass(frozen=True)
class Lent:
    """One resource that its reader does not reach by itself, and the actor as whom it is read.

    A use case that returns it has decided that the caller may, and recorded that.
    """

    actor: Actor
    shape: Shape
    id: UUID


@dataclass(frozen=True)
class UseCase:
    """A use case as the surfaces see it.

    one_of   scopes of which one is needed besides; which one, the step that is asked for says
    roles    who may ask for it, of those whose scopes allow it; None = all of them
    answers  the shape that renders the resource it returns; None = it returns a `Result`, or nothing (204)
    include  links shown in that answer
    creates  it makes a resource: 201 with Location
    may_find  it may answer one that is there already instead: 200
    sees     rows under which the caller sees what it answers, where they are not the caller's own; raises NotFound
    asked    it is asked on a resource, by id
    may_hide  it may take the resource from its caller's sight: the answer then has no body (204)
    conditional  it needs the version of that resource (`If-Match`); a client-made id needs `If-None-Match: *` instead
    """

    name: str
    scope: str | None
    one_of: frozenset[str]
    roles: frozenset[str] | None
    run: Callable[..., Awaitable[Any]]
    command: type[Command] | None
    answers: Shape | None
    include: tuple[str, ...]
    creates: bool
    asked: bool
    conditional: bool
    may_hide: bool
    summary: str
    description: str
    sees: Sees | None = None
    may_find: bool = False

    @cached_property
    def shown(self) -> Selection | None:
        """What its answer shows of the resource; None where it answers none."""
        return None if self.answers is None else select(self.answers, self.include)

    def permit(self, actor: Actor) -> None:
        """Raise Forbidden unless the actor's token and role allow it."""
        if self.scope is not None:
            actor.require(self.scope)
        if self.one_of and actor.scopes.isdisjoint(self.one_of):
            raise errors.Forbidden("scope_missing")
        if self.roles is not None and actor.role not in self.roles:
            raise errors.Forbidden("role_not_allowed")


#: every use case of the house by name
USE_CASES: dict[str, UseCase] = {}


def use_case(
    name: str,
    *,
    scope: str | None,
    one_of: Collection[str] = (),
    roles: Collection[str] | None = None,
    answers: Shape | None = None,
    include: tuple[str, ...] = (),
    creates: bool = False,
    conditional: bool = True,
    may_hide: bool = False,
    may_find: bool = False,
    sees: Sees | None = None,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Declare a service function as a use case. It stays a plain function for other services to call."""

    def declare(run: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        parameters = list(inspect.signature(run).parameters)
        command = get_type_hints(run).get("command")
        asked = len(parameters) - (command is not None) == 3
        summary, _, description = inspect.cleandoc(run.__doc__ or name).partition("\n")
        USE_CASES[name] = UseCase(
            name,
            scope,
            frozenset(one_of),
            frozenset(str(role) for role in roles) if roles is not None else None,
            run,
            command,
            answers,
            include,
            creates,
            asked,
            conditional,
            may_hide,
            summary.rstrip("."),
            description,
            sees,
            may_find,
        )
        return run

    return declare


def of(run: Callable[..., Awaitable[Any]]) -> UseCase:
    """The use case that a service function was declared as."""
    return next(case for case in USE_CASES.values() if case.run is run)


@dataclass(frozen=True)
class Answer:
    """What an act answers: the bytes of the resource, its version, where it stands.

    status  204 where there is nothing to show, also of a resource that left the caller's sight with the act
    """

    status: int
    body: bytes
    version: int | None = None
    location: str | None = None
    replayed: bool = False
    #: the resource as `show` asked for it; None where it was not asked for
    shown: bytes | None = None
    #: whether the act may be told in counts
    counted: bool = True


@dataclass(frozen=True)
class Platform:
    """What every act of one process shares."""

    database: Database
    reads: Reads
    keyring: Keyring
    accesses: AccessLog
    count: Callable[[str, str], None]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: numbers of the settings by name, for use cases that count
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Act:
    """One request of one actor. One request is one act."""

    platform: Platform
    actor: Actor
    trace_id: str

    async def __call__(
        self,
        run: UseCase | Callable[..., Awaitable[Any]],
        command: Command | None = None,
        *,
        on: UUID | None = None,
        expected_version: int | None = None,
        key: "idempotency.Key | None" = None,
        show: "Shown | None" = None,
    ) -> Answer:
        """Run a use case, once, whole or not at all.

        on                the resource that it is asked on
        expected_version  the version that the caller named in `If-Match`
        key               the idempotency key of the request
        show              what else to show of the resource, read beside the answer in the same transaction
        """
        case = run if isinstance(run, UseCase) else of(run)
        case.permit(self.actor)
        outcome: str | None = "failed"
        try:
            with act_span(case.name), self._readable():
                answer = await self._twice(case, command, on, expected_version, key, show)
            outcome = ("replayed" if answer.replayed else "done") if answer.counted else None
            return answer
        except errors.SlrtError as error:
            outcome = error.code
            raise
        finally:
            # What is sealed is counted nowhere.
            if outcome is not None and self.actor.rows.kind is not ScopeKind.SEALED:
                self.platform.count(case.name, outcome)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Refuse what depends on a value that does not decrypt: nothing is decided or written without it."""
        try:
            yield
        except (DecryptionFailed, KeysRefused):
            self.platform.reads.alarm()
            raise errors.SlrtError("value_unreadable") from None

    async def _twice(self, case: UseCase, *request: Any) -> Answer:
        """Once, and once more after a deadlock."""
        try:
            return await self._once(case, *request)
        except RETRY:
            pass
        try:
            return await self._once(case, *request)
        except RETRY:
            raise errors.Unavailable("contended", retry_after_seconds=1) from None

    async def _once(
        self,
        case: UseCase,
        command: Command | None,
        on: UUID | None,
        expected_version: int | None,
        key: "idempotency.Key | None",
        show: "Shown | None",
    ) -> Answer:
        platform = self.platform
        then = "" if key is None else idempotency.opening(key, self.actor.rows)
        async with platform.database.transaction(self.actor.rows, write=True, then=then) as connection:
            tx = Transaction(
                connection,
                self.actor,
                now=platform.clock(),
                trace_id=self.trace_id,
                keyring=platform.keyring,
                limits=platform.limits,
                expected_version=expected_version,
                conditional=case.asked and case.conditional and not case.creates,
            )
            if key is not None:
                first = await idempotency.claim(tx, key)
                if first is not None:
                    replayed = await self._replay(tx, connection, case, first)
                    return await self._shown(tx, connection, case, replayed, show, first.resource_id)
            arguments = [argument for argument in (on, command) if argument is not None]
            told = await case.run(tx, self.actor, *arguments)
            if isinstance(told, Result):
                # What only reads has no effect to repeat: kept, it would outlive the right to see it, and leave no record.
                return Answer(200, orjson.dumps(dict(told.content), default=str))
            done = told if isinstance(told, Done) else Done(getattr(told, "id", None))
            if done.refusal is None:
                answer = await self._render(tx, connection, case, done)
                if key is not None:
                    kept = idempotency.Kept(answer.status, answer.location, answer.version, answer.body, done.id)
                    idempotency.keep(tx, key, kept, sealed=done.veil is not None)
                return await self._shown(tx, connection, case, answer, show, done.id, done.veil)
        raise done.refusal

    @asynccontextmanager
    async def _reader(
        self, tx: Transaction, case: UseCase, id_: UUID, sealed: RowScope | None = None
    ) -> AsyncIterator[Actor]:
        """The caller, with the rows among which it sees what the use case answers."""
        if case.sees is None and sealed is None:
            await tx.settle()
            yield self.actor
            return
        rows = sealed or (await case.sees(tx, self.actor, id_) if case.sees is not None else self.actor.rows)
        await tx.execute(rows.sql)
        if sealed is None:
            yield replace(self.actor, rows=rows)
        else:
            # Of what is sealed its filer may do nothing, and be shown no more than a reader.
            reading = {case.answers.scope} if case.answers is not None else set()
            yield replace(self.actor, rows=rows, scopes=self.actor.scopes & reading)
        # An exception leaves the transaction to its rollback.
        await tx.execute(self.actor.rows.sql)

    async def _render(self, tx: Transaction, connection: Any, case: UseCase, done: Done) -> Answer:
        counted = done.veil is None
        if case.answers is None or case.shown is None or done.id is None:
            return Answer(204, b"", counted=counted)
        try:
            async with self._reader(tx, case, done.id, done.veil) as reader:
                item = await self.platform.reads.item(connection, reader, case.shown, done.id, listed=not counted)
        except errors.NotFound:
            if not case.may_hide:
                raise
            return Answer(204, b"", counted=counted)
        body = item.body[:-1] + b"," + orjson.dumps(dict(done.once))[1:] if done.once else item.body
        if not case.creates or done.found:
            return Answer(200, body, item.version, counted=counted)
        return Answer(201, body, item.version, f"/v1/{case.answers.plural}/{done.id}", counted=counted)

    async def _shown(
        self,
        tx: Transaction,
        connection: Any,
        case: UseCase,
        answer: Answer,
        show: "Shown | None",
        id_: UUID | None,
        sealed: RowScope | None = None,
    ) -> Answer:
        """The answer with the resource as `show` asks for it."""
        if show is None or id_ is None or answer.status == 204:
            return answer
        root, parameters = show
        async with self._reader(tx, case, id_, sealed) as reader:
            if sealed is not None:
                # Permitted before for the caller's own rows: these lead to fewer resources.
                root = replace(root, listed=True)
                Reads.permit(reader, root.selection, item=False)
            statement = Reads.compile(reader, (root,))
            named = {f"{root.slot}.id": id_, f"{root.slot}.regency": tenant_of(id_)}
            given = {**parameters, **named, **Reads.actor_values(reader)}
            [(body, _)] = await self.platform.reads.answers(
                connection, statement, given, span=f"SELECT {root.shape.plural}"
            )
        if body is None:
            raise errors.NotFound
        return replace(answer, shown=body)

    async def _replay(self, tx: Transaction, connection: Any, case: UseCase, first: "idempotency.Kept") -> Answer:
        """The first answer again, while the caller may still see what it tells."""
        if case.answers is not None and first.resource_id is not None and first.status != 204:
            async with self._reader(tx, case, first.resource_id) as reader:
                await self.platform.reads.item(connection, reader, select(case.answers), first.resource_id)
        # Of what is sealed, the key itself is all that leads to the answer.
        counted = first.resource_id is not None or not case.creates
        return Answer(first.status, first.body, first.version, first.location, replayed=True, counted=counted)

    async def ask(
        self,
        run: Callable[..., Awaitable[Any]],
        *,
        on: UUID | str | None = None,
        command: Command | None = None,
        recorded: bool = False,
    ) -> Any:
        """Read what no selection can say: what `run(tx, actor, ...)` finds in a read-only transaction, as plain values.

        on, command  the resource that it is asked on, or what is asked for
        recorded     `run` writes the record of the access, which is committed before this returns
        """
        case = of(run)
        case.permit(self.actor)
        platform = self.platform
        with act_span(case.name), self._readable():
            async with platform.database.transaction(self.actor.rows, write=recorded, alone=True) as connection:
                tx = Transaction(
                    connection, self.actor, now=platform.clock(), trace_id=self.trace_id, keyring=platform.keyring
                )
                return await case.run(tx, self.actor, *(given for given in (on, command) if given is not None))

    async def lent(
        self, run: Callable[..., Awaitable[Lent]], *, on: UUID, paths: Callable[[Shape], Selection] = select
    ) -> Item:
        """Read one resource that the caller does not reach by itself, where `run(tx, actor, id)` lends it.

        Nothing of a special category is shown. What `run` writes, such as the record of the access, is committed before
        the answer leaves.
        """
        case = of(run)
        case.permit(self.actor)
        platform = self.platform
        with act_span(case.name), self._readable():
            async with platform.database.transaction(self.actor.rows, write=True) as connection:
                tx = Transaction(
                    connection, self.actor, now=platform.clock(), trace_id=self.trace_id, keyring=platform.keyring
                )
                lent: Lent = await case.run(tx, self.actor, on)
                await tx.execute(lent.actor.rows.sql)
                return await platform.reads.item(connection, lent.actor, paths(lent.shape), lent.id, listed=True)

    async def answers(
        self, statement: Statement, given: Mapping[str, Any], *, operation: str
    ) -> list[tuple[bytes | None, int]]:
        """Run a statement of `Reads.compile`. Whoever compiled it notes the accesses."""
        with act_span(operation):
            async with self.platform.database.transaction(self.actor.rows, write=False) as connection:
                return await self.platform.reads.answers(connection, statement, given, span=operation)

    async def item(self, selection: Selection, id_: UUID | str, *, operation: str) -> Item:
        """Read one resource."""
        with act_span(operation):
            async with self.platform.database.transaction(self.actor.rows, write=False) as connection:
                item = await self.platform.reads.item(connection, self.actor, selection, id_)
        if selection.shape.personal and isinstance(id_, UUID):
            self.note(operation, selection.shape.name, tenant_of(id_), id_, 1)
        return item

    async def page(
        self,
        selection: Selection,
        query: Query,
        *,
        operation: str,
        parent: tuple[Shape, Link, UUID] | None = None,
    ) -> Page:
        """Read a page of a list."""
        with act_span(operation):
            async with self.platform.database.transaction(self.actor.rows, write=False) as connection:
                page = await self.platform.reads.page(connection, self.actor, selection, query, parent=parent)
        if selection.shape.personal:
            tenant = tenant_of(parent[2]) if parent else next(iter(self.actor.rows.tenants), 0)
            self.note(operation, selection.shape.name, tenant, parent[2] if parent else None, page.rows)
        return page

    def note(self, operation: str, resource: str, regency: int, id_: UUID | None, rows: int) -> None:
        """Queue the record of an access. Raises Unavailable when the queue is full: no read without its record."""
        self.platform.accesses.note(
            regency=regency,
            at=self.platform.clock(),
            actor=self.actor.subject,
            role=self.actor.role,
            operation=operation,
            resource=resource,
            resource_id=id_,
            rows=rows,
            trace_id=self.trace_id,
            sealed=self.actor.rows.kind is ScopeKind.SEALED,
        )


def system(rows: RowScope, name: str) -> Actor:
    """The actor of work that nobody asked for by a request: the worker, imports, seeding."""
    return Actor(subject=f"system#{name}", role=name, scopes=frozenset(), rows=rows)
