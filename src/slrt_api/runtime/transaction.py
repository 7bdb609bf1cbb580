"""The transaction that a use case works in: rows of tables, their events and revisions, and the second row.

A use case asks for its row (`ask`: locked, under the actor's own database role, which is the authorization), changes it
(`change`: update, event and revision together) and writes what the rule demands elsewhere inside `effect`.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import orjson
from sqlmodel import SQLModel

from slrt_api.kernel import errors
from slrt_api.kernel.ids import NATIONAL, Kind, kind_of, new_id, tenant_of
from slrt_api.runtime import accesslog, events, records
from slrt_api.runtime.actor import Actor, entering
from slrt_api.runtime.crypto import Keyring, aad
from slrt_api.runtime.records import Row
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.tables import Aggregate, NationalAggregate
from slrt_api.runtime.traces import statement_span

Root = TypeVar("Root", bound=Aggregate | NationalAggregate)

Texts = Mapping[str, str | None] | None

#: columns of an aggregate that its event carries too, because others than area staff read it by them
_SCOPE_COLUMNS = ("organization_id", "program_id", "reporter_id", "receipt", "sealed", "open")
#: what the AAD of sealed texts binds besides the id of their event
SEALED_TEXTS: Final = "sealed.texts"
#: the trace of what leads to no trace
NO_TRACE: Final = "0" * 32


@dataclass
class Look:
    """What is read as an effect in the round trip that records a change (`Transaction.change`), right after it.

    sql     a SELECT without WITH
    found   what it found, once the change is recorded
    """

    sql: str
    values: tuple[Any, ...]
    found: list[asyncpg.Record] = field(default_factory=list)


class Transaction:
    """One transaction of one actor.

    now       aware UTC instant of the act, the same for everything it writes
    trace_id  W3C trace id of the request, kept in events and access records
    limits    numbers of the settings by name, for use cases that count
    expected_version, conditional  the version that the caller named, and whether one has to be named
    """

    def __init__(
        self,
        connection: Any,
        actor: Actor,
        *,
        now: datetime,
        trace_id: str,
        keyring: Keyring,
        limits: Mapping[str, int] | None = None,
        expected_version: int | None = None,
        conditional: bool = False,
    ) -> None:
        self._connection = connection
        self.actor = actor
        self.now = now
        self.trace_id = trace_id
        self.keyring = keyring
        self.limits = limits or {}
        self._expected_version = expected_version
        self._conditional = conditional
        #: tenant number of the effect under way, None under the actor's own role
        self._within: int | None = None
        #: the text of the role that the connection has, and that of the scope whose settings it has; all sides of a
        #: transaction share them
        self._held = [actor.rows.sql, actor.rows.sql]
        #: whether this is the veiled side of a transaction
        self._veiled = False
        self._hushed = False

    def hush(self) -> None:
        """Make no more spans of statements: for acts whose traces must not tell a sealed report from another."""
        self._hushed = True

    def veiled(self, actor: Actor | None = None) -> "Transaction":
        """This transaction as what is sealed is written in it.

        Its `now` is the beginning of the day (UTC), the same day that ids tell, and no trace and no span lead to what it
        writes. actor: who is named as its author, in place of the caller.
        """
        if self._veiled and actor is None:
            return self
        other = Transaction(
            self._connection,
            actor or self.actor,
            now=self.now.replace(hour=0, minute=0, second=0, microsecond=0),
            trace_id=NO_TRACE,
            keyring=self.keyring,
            limits=self.limits,
            expected_version=self._expected_version,
            conditional=self._conditional,
        )
        other._within, other._veiled, other._hushed = self._within, True, True
        other._held = self._held
        return other

    def _span(self, sql: str) -> AbstractContextManager[Any]:
        return nullcontext() if self._hushed else statement_span(_name(sql))

    # Statements -------------------------------------------------------------------------------------------------

    @property
    def found(self) -> str:
        """What the last statement of the text that opened the transaction told."""
        told: str = self._connection.found
        return told

    def end_with(self, regency: int, text: str) -> None:
        """Run a statement as an effect in the round trip of the COMMIT. It has no values of the caller."""
        self._connection.last = f"{entering(regency)}; {text}"

    async def settle(self) -> None:
        """Take the role that the next statement is to run under: what was entered and left again without one costs nothing.

        For whoever runs statements on the connection itself; all of this transaction do it by themselves.
        """
        if self._within is not None:
            wanted = entering(self._within)
            if self._held[0] != wanted:
                await self._connection.execute(wanted)
                self._held[0] = wanted
            return
        rows = self.actor.rows
        if self._held[0] != rows.sql:
            await self._connection.execute(rows.again if self._held[1] == rows.sql else rows.sql)
            self._held[:] = rows.sql, rows.sql

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        await self.settle()
        with self._span(sql):
            return list(await self._connection.fetch(sql, *values))

    async def first(self, sql: str, *values: Any) -> asyncpg.Record | None:
        await self.settle()
        with self._span(sql):
            row: asyncpg.Record | None = await self._connection.fetchrow(sql, *values)
            return row

    async def value(self, sql: str, *values: Any) -> Any:
        await self.settle()
        with self._span(sql):
            return await self._connection.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> str:
        await self.settle()
        with self._span(sql):
            status: str = await self._connection.execute(sql, *values)
            return status

    def effect(self, regency: int) -> "_Effect":
        """Write second rows of `regency` under `slrt_effect`, then return to the role before.

        Only for `service` files, after the check on the row that the act was asked on. Effects nest: an event is itself
        written by one.
        """
        return _Effect(self, regency)

    def _writer(self, model: type[SQLModel]) -> AbstractAsyncContextManager[None]:
        """The role that writes rows of `model`: national aggregates are written by the effect role alone."""
        return self.effect(NATIONAL) if issubclass(model, NationalAggregate) else nullcontext()

    # Rows -------------------------------------------------------------------------------------------------------

    async def ask(self, model: type[Root], id_: UUID) -> Root:
        """Lock the row that the act is asked on, under the actor's role, and check the version that the caller named.

        Raises NotFound when it is absent, of another kind or outside the scope; PreconditionRequired when the request had
        to name a version and did not; PreconditionFailed when the row has moved on.
        """
        row = await self.lock(model, id_)
        if self._conditional and self._expected_version is None:
            raise errors.PreconditionRequired
        if self._expected_version is not None and row.version != self._expected_version:
            raise errors.PreconditionFailed(current_version=row.version)
        return row

    async def lock(self, model: type[Row], id_: UUID) -> Row:
        """Lock a row for writing under the present role. Raises NotFound."""
        if issubclass(model, NationalAggregate):
            # Everybody reads national rows, so what is absent is refused before the role changes.
            await self.get(model, id_)
        async with self._writer(model):
            return await self._row(model, id_, " FOR NO KEY UPDATE")

    async def get(self, model: type[Row], id_: UUID) -> Row:
        """Read a row under the present role. Raises NotFound."""
        return await self._row(model, id_, "")

    async def find(self, model: type[Row], id_: UUID) -> Row | None:
        """Read a row under the present role, or None: for references, which answer 422."""
        with contextlib.suppress(errors.NotFound):
            return await self.get(model, id_)
        return None

    async def _row(self, model: type[Row], id_: UUID, suffix: str) -> Row:
        kind: Kind | None = getattr(model, "KIND", None)
        if kind is not None and kind_of(id_) is not kind:
            raise errors.NotFound
        sql, tenanted = records.select_one(model, suffix)
        try:
            record = await self.first(sql, *([tenant_of(id_)] if tenanted else []), id_)
        except asyncpg.InsufficientPrivilegeError:
            # A role that may not read or lock the table at all learns nothing of its rows either.
            record = None
        if record is None:
            raise errors.NotFound
        return records.loaded(model, record)

    async def rows(self, model: type[Row], where: str, *values: Any) -> list[Row]:
        """Rows of `model` that satisfy `where` (SQL with `$n`; may end in ORDER BY, LIMIT or FOR UPDATE)."""
        return [
            records.loaded(model, record)
            for record in await self.fetch(f"{records.select(model)} WHERE {where}", *values)
        ]

    async def insert(self, *rows: SQLModel) -> None:
        """Insert rows under the present role, without an event: parts of an aggregate, whose change is recorded with it."""
        for row in rows:
            await self._insert(row)

    async def _insert(self, row: SQLModel, *, entered: int | None = None) -> None:
        """Insert a row under the present role, and leave with it for the effect in `entered`."""
        given = [getattr(row, column) for column in records.columns(type(row))]
        left = [] if entered is None else [str(entered)]
        try:
            await self.execute(records.insert(type(row), leaving=entered is not None), *given, *left)
        except asyncpg.UniqueViolationError:
            raise errors.Conflict("already_exists") from None
        except asyncpg.InsufficientPrivilegeError:
            raise errors.OutOfScope from None
        if entered is not None:
            self._held[0] = entering(entered)

    async def update(self, row: Row, **values: Any) -> Row:
        """Update a part under the present role, without an event. Returns the row as it is now."""
        return await self._update(row, values) if values else row

    async def _update(self, row: Row, values: Mapping[str, Any], *, entered: int | None = None) -> Row:
        """Update a row under the present role, and leave with it for the effect in `entered`: one round trip less."""
        names = sorted(values)
        keys = records.keys_of(type(row))
        sql = records.update(type(row), tuple(names), leaving=entered is not None)
        given = [*(values[name] for name in names), *(getattr(row, key) for key in keys)]
        status = await self.execute(sql, *given, *([str(entered)] if entered is not None else []))
        if status != "UPDATE 1":
            raise errors.NotFound
        if entered is not None:
            self._held[0] = entering(entered)
        return records.altered(row, **values)

    # Aggregates -------------------------------------------------------------------------------------------------

    async def create(
        self,
        row: Root,
        type_: str,
        *,
        parts: Mapping[str, Sequence[SQLModel]] | None = None,
        texts: Texts = None,
        notes: Mapping[str, Any] | None = None,
    ) -> Root:
        """Insert an aggregate with its parts, and record its first event.

        type_  what happened, in the past tense (`registered`): the event is named `household.registered`
        notes  further members of the revision, for what undoes it
        """
        if isinstance(row, Aggregate) and row.veiled and not self._veiled:
            return await self.veiled().create(row, type_, parts=parts, texts=texts, notes=notes)
        *written, last = row, *(part for rows in (parts or {}).values() for part in rows)
        async with self._writer(type(row)):
            await self.insert(*written)
            await self._insert(last, entered=row.regency if self._within is None else None)
        values = {
            "changes": {name: {"before": None, "after": value} for name, value in records.changes_of(row).items()}
        }
        await self._record(
            row, type_, list(values["changes"]), {**values, **_parts(parts), **(notes or {})}, _texts(texts)
        )
        return row

    async def change(
        self,
        row: Root,
        type_: str,
        *,
        parts: Mapping[str, Sequence[SQLModel]] | None = None,
        texts: Texts = None,
        notes: Mapping[str, Any] | None = None,
        look: Look | None = None,
        **values: Any,
    ) -> Root:
        """Update an aggregate, raise its version, and record the event: one change, one event.

        parts   rows of the aggregate that this change wrote, for the revision (they are not written here)
        texts   free texts that are not columns, such as the reason
        notes   further members of the revision
        look    what else is read then
        """
        if isinstance(row, Aggregate) and row.veiled and not self._veiled:
            return await self.veiled().change(row, type_, parts=parts, texts=texts, notes=notes, look=look, **values)
        before = {name: getattr(row, name) for name in values}
        changed = {name: value for name, value in values.items() if before[name] != value}
        written = {**changed, "version": row.version + 1, "updated_at": self.now}
        async with self._writer(type(row)):
            # Under the effect role already, the event needs no other.
            after = await self._update(row, written, entered=row.regency if self._within is None else None)
        changes = {name: {"before": before[name], "after": value} for name, value in changed.items()}
        await self._record(
            after,
            type_,
            list(changes),
            {"changes": records.without_bytes(changes), **_parts(parts), **(notes or {})},
            _texts(texts),
            look,
        )
        return after

    async def access(
        self,
        operation: str,
        resource: str,
        *,
        regency: int,
        resource_id: UUID | None,
        purpose: str,
        rows: int,
        case_id: UUID | None = None,
        override_id: UUID | None = None,
    ) -> None:
        """Record an access in this transaction: it is committed before the answer leaves. For reveals and searches.

        override_id  the access override by which it was allowed
        """
        sealed = self.actor.rows.kind is ScopeKind.SEALED
        async with self.effect(regency):
            await self.execute(
                accesslog.AT_ONCE[sealed],
                regency,
                new_id(Kind.ACCESS, regency, self.now),
                regency * 1_000_000,
                self.now,
                self.actor.subject,
                self.actor.role,
                operation,
                resource,
                resource_id,
                purpose,
                rows,
                self.trace_id,
                sealed,
                case_id,
                override_id,
            )

    async def _record(
        self,
        row: Aggregate | NationalAggregate,
        type_: str,
        fields: list[str],
        values: Mapping[str, Any],
        texts: Mapping[str, str],
        look: Look | None = None,
    ) -> None:
        named = _scope_columns(type(row)) if row.ADDRESSED else frozenset()
        scope = {name: getattr(row, name) if name in named else None for name in _SCOPE_COLUMNS}
        sealed = bool(scope["sealed"])
        async with self.effect(row.regency):
            event_id = new_id(Kind.EVENT, row.regency, self.now, coarse=isinstance(row, Aggregate) and row.coarse)
            if texts and self._veiled:
                content = orjson.dumps(texts, option=orjson.OPT_SORT_KEYS)
                # In the commitment, so that a text that was exchanged is found out.
                values = {**values, "sealed_texts": self.keyring.digest(SEALED_TEXTS, content).hex()}
                await self.execute(
                    "INSERT INTO sealed_texts (regency, id, area, sealed, texts) VALUES ($1, $2, $3, true, $4)",
                    row.regency,
                    event_id,
                    row.area,
                    self.keyring.sealed.encrypt(content, aad(SEALED_TEXTS, event_id)),
                )
            elif texts:
                values = {**values, "texts": texts}
            recorded = events.record(
                event_id=event_id,
                regency=row.regency,
                aggregate=row.id,
                kind=row.KIND,
                sequence=row.version,
                type_=f"{row.NAME}.{type_}",
                at=self.now,
                actor=self.actor.subject,
                role=self.actor.role,
                on_behalf_of=self.actor.on_behalf_of,
                fields=fields,
                values=values,
                trace_id=self.trace_id,
            )
            written = (
                row.regency,
                row.id,
                row.version,
                event_id,
                row.area,
                int(row.KIND),
                f"{row.NAME}.{type_}",
                self.now,
                self.actor.subject,
                self.actor.role,
                self.actor.on_behalf_of,
                scope["organization_id"],
                scope["program_id"],
                scope["reporter_id"],
                scope["receipt"],
                sealed,
                self.trace_id,
                recorded.head,
                recorded.tail,
                recorded.values,
                recorded.salt,
                scope["open"] is not False,
                row.escalation if "escalation" in records.columns(type(row)) else 0,  # type: ignore[union-attr]
                events.GENESIS,
            )
            if look is None:
                await self.execute(events.RECORD, *written)
            else:
                look.found = await self.fetch(events.recording(look.sql), *written, *look.values)


class _Effect(AbstractAsyncContextManager[None]):
    """The effect role for as long as the block runs; a class, since an act enters several and a generator costs more."""

    __slots__ = ("_before", "_regency", "_tx")

    def __init__(self, tx: Transaction, regency: int) -> None:
        self._tx = tx
        self._regency = regency
        self._before: int | None = None

    async def __aenter__(self) -> None:
        self._before, self._tx._within = self._tx._within, self._regency

    async def __aexit__(self, *_: object) -> None:
        self._tx._within = self._before


_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+([a-z_]+)")


@lru_cache(maxsize=1_000)
def _name(sql: str) -> str:
    """The name of a statement's span: its verb and first table, never a value."""
    table = _TABLE.search(sql)
    return f"{sql.split(None, 1)[0]} {table.group(1)}" if table else sql.split(None, 1)[0]


@lru_cache(maxsize=256)
def _scope_columns(model: type[SQLModel]) -> frozenset[str]:
    """Which of `_SCOPE_COLUMNS` rows of `model` have. Asking a row for what it does not have is slow."""
    return frozenset(name for name in _SCOPE_COLUMNS if name in records.columns(model) or hasattr(model, name))


def _parts(parts: Mapping[str, Sequence[SQLModel]] | None) -> dict[str, Any]:
    return {"parts": {name: [records.changes_of(row) for row in rows] for name, rows in parts.items()}} if parts else {}


def _texts(texts: Texts) -> dict[str, str]:
    return {name: text for name, text in (texts or {}).items() if text is not None}
