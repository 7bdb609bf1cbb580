"""The read engine: a selection of a shape becomes one SQL statement whose JSON PostgreSQL assembles.

Rights, masks, paging and limits live in the compiler (`statements`), so that no surface can differ from another. What it
makes is kept in a bounded cache by everything that their text depends on; values are parameters.
"""

import base64
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog

from slrt_api.kernel import errors, paging
from slrt_api.kernel.ids import kind_of, tenant_of
from slrt_api.runtime import statements
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import DecryptionFailed, Keyring, aad, key_id_of
from slrt_api.runtime.packing import unpacked
from slrt_api.runtime.shapes import Connection, Link, Selection, Shape, Sort
from slrt_api.runtime.statements import ItemRoot, Root, Statement
from slrt_api.runtime.traces import statement_span

_log = structlog.get_logger(__name__)

CACHE_SIZE = 2_000
_NOT_READABLE = "field_not_readable"
_LEAVE_OUT = "Your role may not read it here: leave it out."

_SEALED = re.compile(rb'"' + statements.MARK.encode() + rb':([a-z_.]+)(=?):([0-9a-f-]{36}):([A-Za-z0-9+/=]*)"')


@dataclass(frozen=True)
class Item:
    """One resource as the bytes of its JSON. `version` where the resource has one."""

    body: bytes
    version: int | None


@dataclass(frozen=True)
class Page:
    """A page of a list. `cursor` leads to the next; `total` only where it was asked for, exact up to TOTAL_CAP."""

    items: bytes
    cursor: str | None
    rows: int
    total: int | None = None


@dataclass(frozen=True)
class Query:
    """What a list is asked for: filter values as parsed, the sort with its direction, the page."""

    filters: tuple[tuple[str, Any], ...] = ()
    sort: str | None = None
    limit: int = 50
    cursor: str | None = None
    total: bool = False
    #: the text of filters and sort, for the hash that ties a cursor to them
    signature: str = ""


class Reads:
    """Compiles and runs reads. One a process.

    missed  called for each value that does not decrypt: altered, moved, or under a key that this process does not hold
    """

    def __init__(self, keyring: Keyring, missed: Callable[[], None] = lambda: None) -> None:
        self._keyring = keyring
        self._missed = missed
        self._alarms: set[tuple[str, str | None]] = set()
        self._cache: OrderedDict[tuple[Any, ...], Statement] = OrderedDict()

    # Questions --------------------------------------------------------------------------------------------------

    async def item(
        self, connection: Any, actor: Actor, selection: Selection, id_: UUID | str, *, listed: bool = False
    ) -> Item:
        """One resource. Raises NotFound when it is absent, of another kind or outside the scope.

        listed  it shows no more than a row of a list would: nothing of a special category
        """
        shape = selection.shape
        self.permit(actor, selection, item=True)
        given: dict[str, Any] = {"id": id_, **self.actor_values(actor)}
        if shape.kind is not None:
            if not isinstance(id_, UUID) or kind_of(id_) is not shape.kind:
                raise errors.NotFound
            given["regency"] = tenant_of(id_)
        key = ("item", selection.key, min(len(actor.rows.tenants), 2), listed)
        statement = self._statement(key, actor, selection, lambda c: statements.item(c, selection, listed=listed))
        with statement_span(f"SELECT {shape.plural}"):
            record = await connection.fetchrow(statement.sql, *statement.values(given))
        if record is None:
            raise errors.NotFound
        return Item(self._open(statement, record[0]), record[1])

    async def page(
        self,
        connection: Any,
        actor: Actor,
        selection: Selection,
        query: Query,
        *,
        parent: tuple[Shape, Link, UUID] | None = None,
    ) -> Page:
        """A page of a list, or of a link of `parent`. Raises NotFound when the parent is not visible."""
        shape = selection.shape
        self.permit(actor, selection, item=False)
        if parent is not None:
            self.permit(actor, Selection(parent[0]), item=True)
        unknown = shape.unknown_to(actor.role, [name for name, _ in query.filters], query.sort)
        refuse_fields(parameter for parameter, _ in unknown)
        sort, descending = shape.order(query.sort)
        many = len(actor.rows.tenants)
        digest = paging.digest(shape.plural, actor.role, query.signature, str(parent[2]) if parent else "")
        given: dict[str, Any] = {
            "limit": query.limit,
            **{f"filter.{name}": value for name, value in query.filters},
            **self.actor_values(actor),
        }
        if query.cursor is not None:
            given |= position(query.cursor, digest, shape, sort)
        if parent is not None:
            if kind_of(parent[2]) is not parent[0].kind:
                raise errors.NotFound
            given |= {"parent.id": parent[2], "parent.regency": tenant_of(parent[2])}
        filters = tuple(name for name, _ in query.filters)
        link = (parent[0].name, parent[1].name) if parent else None
        key = (selection.key, filters, sort.name, descending, query.cursor is not None, min(many, 2), link)

        def compiled(compiler: statements.Compiler) -> str:
            return statements.page(
                compiler, selection, filters, sort, descending, query.cursor is not None, many, parent
            )

        statement = self._statement(("page", *key), actor, selection, compiled)
        try:
            with statement_span(f"SELECT {shape.plural}"):
                record = await connection.fetchrow(statement.sql, *statement.values(given))
        except asyncpg.DataError:
            # Only a cursor holds values that no parser of ours has typed for its column.
            if query.cursor is None:
                raise
            raise _cursor_invalid() from None
        if parent is not None and not record[3]:
            raise errors.NotFound
        total = None
        if query.total:
            # All of the key but what is shown of the rows: the count of another resource would have the same.
            counter = self._statement(
                ("total", shape.name, *key[1:]),
                actor,
                selection,
                lambda c: statements.total(c, shape, filters, many, parent),
            )
            total = await connection.fetchval(counter.sql, *counter.values(given))
        cursor = paging.encode_cursor(orjson.loads(record[1]), digest) if record[1] else None
        return Page(self._open(statement, record[0]), cursor, record[2], total)

    @staticmethod
    def permit(actor: Actor, selection: Selection | Connection, *, item: bool) -> None:
        """Refuse a selection that the caller may not read: an item of an unreadable kind is absent, a list is forbidden.

        item  of one resource, otherwise of the rows of a list
        Raises NotFound, Forbidden `role_not_allowed`, `scope_missing`, or `field_not_readable` for fields that were asked
        for by name, or by whose values a connection is filtered or sorted.
        """
        if actor.rows.kind not in selection.shape.kinds:
            raise errors.NotFound if item else errors.Forbidden("role_not_allowed")
        # Kinds before scopes, so that the answer does not depend on the order in which the caller names things.
        if any(actor.rows.kind not in shape.kinds for shape in selection.shapes()):
            raise errors.Forbidden("role_not_allowed")
        for shape in selection.shapes():
            if shape.scope is not None:
                actor.require(shape.scope)
        if isinstance(selection, Connection):
            refused = selection.refused_to(actor.role)
        elif selection.guarded:
            refused = selection.refused_to(actor.role, listed=not item)
        else:
            return
        refuse_fields(f"/{shape.name}/{field.name}" for shape, field in refused)

    # Several at once --------------------------------------------------------------------------------------------

    @staticmethod
    def compile(actor: Actor, roots: Sequence[Root]) -> Statement:
        """One statement that answers all `roots`: of each, the bytes of its JSON and the number of its rows.

        Its text depends on kind of scope, role, how many tenants the scope has (none, one, several), and those of the
        caller's scopes that `rights` names: a cache has to be keyed by them. Permission is asked before, by `permit`.
        """
        compiler = statements.Compiler(actor)
        parts = [statements.root(compiler, root) for root in roots]
        if len(parts) == 1:
            return compiler.statement(f"SELECT convert_to(r.j::text, 'UTF8'), r.n FROM ({parts[0]}) r")
        shown = ", ".join(f"convert_to(r{number}.j::text, 'UTF8'), r{number}.n" for number in range(len(parts)))
        joined = " ".join(f"LEFT JOIN ({part}) r{number} ON true" for number, part in enumerate(parts))
        return compiler.statement(f"SELECT {shown} FROM (SELECT) o {joined}")

    @staticmethod
    def rights(roots: Iterable[Root]) -> frozenset[str]:
        """The scopes that the text of a statement of these depends on."""
        return frozenset().union(
            *((root.selection if isinstance(root, ItemRoot) else root.connection).rights for root in roots)
        )

    @staticmethod
    def actor_values(actor: Actor) -> dict[str, Any]:
        """The parameters that a statement may ask of its caller."""
        tenants = actor.rows.tenants
        return {
            "tenant": tenants[0] if len(tenants) == 1 else None,
            "tenants": list(tenants),
            "spread": list(actor.rows.spread),
            **_actor_values(actor),
        }

    async def answers(
        self, connection: Any, statement: Statement, given: Mapping[str, Any], *, span: str
    ) -> list[tuple[bytes | None, int]]:
        """What a statement of `compile` answers: for each root its bytes (None: no such row) and its rows.

        Raises BadRequest `cursor_invalid` for a cursor whose values PostgreSQL cannot take.
        """
        try:
            with statement_span(span):
                record = await connection.fetchrow(statement.sql, *statement.values(given))
        except asyncpg.DataError:
            # Only a cursor holds values that no parser of ours has typed for its column.
            if not any(name.endswith((".after", ".before")) for name in statement.names):
                raise
            raise _cursor_invalid() from None
        if record is None:
            return [(None, 0)]
        return [
            (None if record[at] is None else self._open(statement, record[at]), record[at + 1] or 0)
            for at in range(0, len(record), 2)
        ]

    # Statements -------------------------------------------------------------------------------------------------

    def _statement(
        self,
        key: tuple[Any, ...],
        actor: Actor,
        selection: Selection,
        compiled: Callable[[statements.Compiler], str],
    ) -> Statement:
        full = (*key, actor.rows.kind, bool(actor.rows.spread), actor.role, selection.rights & actor.scopes)
        found = self._cache.get(full)
        if found is not None:
            self._cache.move_to_end(full)
            return found
        compiler = statements.Compiler(actor)
        statement = compiler.statement(compiled(compiler))
        self._cache[full] = statement
        if len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return statement

    def _open(self, statement: Statement, body: bytes) -> bytes:
        if not statement.sealed:
            return body

        def clear(match: re.Match[bytes]) -> bytes:
            purpose, raw, id_, text = (part.decode() for part in match.groups())
            blob, sealed = base64.b64decode(text), purpose.startswith("sealed.")
            try:
                plain = self._keyring.opened(blob, aad(purpose, UUID(id_)), sealed=sealed)
            except DecryptionFailed:
                # One value is no reason to show nothing of the rest.
                self.alarm(key_id_of(blob), known=key_id_of(blob) in self._keyring.ids(sealed=sealed))
                return b"null"
            return unpacked(plain) if raw else orjson.dumps(plain.decode())

        return _SEALED.sub(clear, body)

    def alarm(self, key_id: str | None = None, *, known: bool = False) -> None:
        """Tell the operator of a value that does not decrypt: each is counted, and a key is named once in the log.

        known  this process holds a key of that id: the bytes were altered, or moved from another row
        The line belongs to no request: none may tell that a sealed report was read.
        """
        self._missed()
        cause = "altered" if known else "key_missing" if key_id is not None else "unknown"
        if (cause, key_id) not in self._alarms:
            self._alarms.add((cause, key_id))
            Context().run(_log.error, "value_unreadable", cause=cause, key_id=key_id)


def _actor_values(actor: Actor) -> dict[str, Any]:
    return {f"actor.{name}": value for name, value in actor.guard_facts.items()}


def refuse_fields(pointers: Iterable[str]) -> None:
    """Raise Forbidden `field_not_readable` where there are any: fields as `/resource/field`, parameters by their names."""
    # Sorted, so that the answer does not depend on the order in which the caller names things.
    faults = tuple(errors.Fault(each, _NOT_READABLE, _LEAVE_OUT) for each in sorted(set(pointers)))
    if faults:
        raise errors.Forbidden(_NOT_READABLE, faults=faults)


def _cursor_invalid() -> errors.BadRequest:
    fault = errors.Fault("cursor", "cursor_invalid", "Start again without a cursor.")
    return errors.BadRequest("cursor_invalid", faults=(fault,))


def position(
    cursor: str, digest: bytes, shape: Shape, sort: Sort, names: tuple[str, str] = ("after", "after.id")
) -> dict[str, Any]:
    """The parameters of the place that a cursor names. Raises BadRequest `cursor_invalid` or `cursor_mismatch`."""
    values = paging.decode_cursor(cursor, digest)
    try:
        at, key = values
        # The key is a UUID where rows have an id, else the code of reference data.
        parse_key = shape.sorts["id"].parse if "id" in shape.sorts else str
        known = parse_key(key) if sort.sql != shape.key else sort.parse(key)
        return {names[0]: sort.parse(at), names[1]: known}
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise _cursor_invalid() from None
