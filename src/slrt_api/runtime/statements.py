"""From selections to SQL: the compiler of the read engine.

What a caller may see, masks, paging and limits are in the text that comes out here; nothing is cached or run here (`reads`).
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from slrt_api.kernel import errors
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.shapes import (
    RENDER,
    Connection,
    Edges,
    Field,
    FieldMember,
    FieldType,
    Link,
    LinkMember,
    Member,
    OfCaller,
    PagedMember,
    PageFact,
    PageInfo,
    Selection,
    Shape,
    Sort,
    Total,
    Vault,
)

LIST_CAP = 200
TOTAL_CAP = 10_000

#: stands before each ciphertext in the bytes that PostgreSQL sends; drawn anew by each process, so no text can forge it
MARK = "sealed-" + secrets.token_hex(16)


@dataclass(frozen=True)
class Statement:
    """SQL text, and the names of its parameters in order."""

    sql: str
    names: tuple[str, ...]
    sealed: bool

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        values = [given[name] for name in self.names]
        return [given[f"actor.{each.fact}"] if isinstance(each, OfCaller) else each for each in values]


@dataclass(frozen=True)
class ItemRoot:
    """One resource, by the parameter `{slot}.id`, with `{slot}.regency` where its table is a tenant's.

    listed  it is read again as a row of a list, so that it shows no more than that
    """

    slot: str
    selection: Selection
    listed: bool = False

    @property
    def shape(self) -> Shape:
        return self.selection.shape


@dataclass(frozen=True)
class PageRoot:
    """A page of a resource, of all the rows that the caller may see."""

    connection: Connection

    @property
    def shape(self) -> Shape:
        return self.connection.shape


Root = ItemRoot | PageRoot


class Compiler:
    """One compilation: aliases and parameters as they come up."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.names: list[str] = []
        self.sealed = False
        self._aliases = 0

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def bind(self, name: str) -> str:
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"

    def row(self, selection: Selection, alias: str, *, listed: bool) -> str:
        """SQL of the JSON object of one row. listed: it is a row of a list, or belongs to one."""
        shape, role = selection.shape, self.actor.role
        members = [
            f'{self._member(shape, member, alias, listed=listed)} AS "{member.key}"'
            for member in selection.members
            if not (
                isinstance(member, FieldMember) and member.usual and member.field.withheld_from(role, listed=listed)
            )
        ]
        return f"(SELECT row_to_json(o) FROM (SELECT {', '.join(members)}) o)"

    def _member(self, shape: Shape, member: Member, alias: str, *, listed: bool) -> str:
        if isinstance(member, FieldMember):
            return self._field(member.field, alias, listed=listed)
        if isinstance(member, LinkMember):
            return self._link(shape, member.link, member.selection, alias, listed=listed or member.link.paged)
        if isinstance(member, PagedMember):
            target = self.alias()
            joined = partial(self._joined, shape, member.link, target, alias)
            return f"({self.connection(member.connection, target, joined)})"
        return f"{_literal(member.text)}::text"

    def _field(self, field: Field, alias: str, *, listed: bool) -> str:
        if field.withheld_from(self.actor.role, listed=listed):
            # Refused by `permit` before; here so that no way leads around it.
            raise errors.Forbidden("field_not_readable")
        if field.lifecycle is not None:
            return self._allowed_actions(field, field.lifecycle, alias)
        if field.masked is not None and field.unmask not in self.actor.scopes:
            return self._cut(field, field.masked.format(t=alias), alias)
        sql = self._cut(field, (field.sql or f"{{t}}.{field.name}").format(t=alias), alias)
        vault = field.vault if field.vault is not None and self.actor.rows.kind in field.vault.kinds else None
        if vault is not None and field.sealed is None:
            sql = self._vault(field, vault, sql, alias)
        if field.redacted is not None and not field.shown_to(self.actor.role, listed=listed):
            sql = field.redacted.format(t=alias, v=sql)
        if field.sealed is not None:
            sealed = self._ciphertext(field, field.sealed, sql, alias)
            return sealed if vault is None else self._vault(field, vault, sealed, alias)
        return RENDER.get(field.type, "{}").replace("{}", sql)

    def _allowed_actions(self, field: Field, lifecycle: Lifecycle, alias: str) -> str:
        asked = set()

        def column(name: str) -> str:
            asked.add(name)
            return field.facts.get(name, f"{{t}}.{name}").format(t=alias)

        sql = lifecycle.allowed_actions_sql(
            role=self.actor.role,
            scopes=self.actor.scopes,
            state_column=f"{alias}.status",
            column=column,
            actor=lambda name: f"{self.bind('actor.' + name)}::text",
            constant=_literal,
        )
        if field.facts_of is None or asked.isdisjoint(field.facts):
            return sql
        return f"(SELECT {sql} FROM (SELECT) AS once LEFT JOIN {field.facts_of.format(t=alias)})"

    def _ciphertext(self, field: Field, name: str, sql: str, alias: str) -> str:
        """A ciphertext, marked so that `Reads` puts its plaintext there; null where there is none."""
        self.sealed = True
        # JSON stands in the answer as it was sealed, a text as a text.
        raw = "=" if field.type is FieldType.JSON else ""
        return f"('{MARK}:{name}{raw}:' || {alias}.id || ':' || translate(encode({sql}, 'base64'), E'\\n', ''))"

    def _vault(self, field: Field, vault: Vault, sql: str, alias: str) -> str:
        """What stands in the vault, and the value of rows that are not sealed."""
        kept = self._ciphertext(field, vault.name, vault.sql.format(t=alias), alias)
        if field.type is FieldType.JSON:
            return f"coalesce(to_json({kept}), ({sql})::json)"
        return f"coalesce({kept}, {sql})"

    def _cut(self, field: Field, sql: str, alias: str) -> str:
        """`sql` without what the role may not know of the value."""
        return field.stripped(self.actor.role).format(t=alias, v=sql) if field.stripped is not None else sql

    def _joined(self, shape: Shape, link: Link, alias: str, parent: str) -> list[str]:
        """The conditions that join a link's target to a row of `shape`."""
        conditions = [link.on.format(t=alias, p=parent)]
        if not shape.tenant and "{t}.regency" not in link.on:
            # A national row leads into the tenants of the caller: without their numbers no index could be used. Its own
            # events are national too, which the link says itself.
            conditions += _tenants(self, link.to, alias, len(self.actor.rows.tenants))
        return conditions

    def _link(self, shape: Shape, link: Link, selection: Selection, parent: str, *, listed: bool) -> str:
        alias = self.alias()
        source = link.to.source.format(t=alias)
        where = " AND ".join(self._joined(shape, link, alias, parent))
        row = self.row(selection, alias, listed=listed)
        if link.single:
            return f"(SELECT {row} FROM {source} WHERE {where} LIMIT 1)"
        ordered = (
            f"SELECT {row} AS j FROM {source} WHERE {where} ORDER BY {link.order.format(t=alias)} LIMIT {LIST_CAP}"
        )
        return f"(SELECT coalesce(json_agg(l.j), '[]'::json) FROM ({ordered}) l)"

    def rows_of(
        self, shape: Shape, source: str, conditions: list[str], alias: str, *, ordering: str, asked: str, gather: bool
    ) -> str:
        """FROM to LIMIT of a list: the first `asked` rows in that order, or of all of them where `ordering` is empty.

        gather  of a scope that reaches into several tenants, take the first rows of each tenant and then the first of these: an
                index begins with the tenant, and what no index orders would be read from end to end
        """
        gathered = gather and shape.tenant and bool(self.actor.rows.spread)
        if gathered and not ordering:
            # So that they are counted along an index too: of many rows, a part is found soonest by reading the table.
            ordering = shape.key.format(t=alias)
        order = f" ORDER BY {ordering}" if ordering else ""
        if not gathered:
            where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
            return f"FROM {source}{where}{order} LIMIT {asked}"
        each = f"{self.alias()}n"
        where = " AND ".join([f"{alias}.regency = {each}.regency", *conditions])
        inner = f"SELECT {alias}.* FROM {source} WHERE {where}{order} LIMIT {asked}"
        numbers = f"unnest({self.bind('spread')}::integer[]) AS {each} (regency)"
        return f"FROM {numbers} CROSS JOIN LATERAL ({inner}) {alias}{order} LIMIT {asked}"

    def connection(
        self,
        connection: Connection,
        alias: str,
        conditions: Callable[[], list[str]],
        *,
        rows: bool = False,
        gather: bool = False,
    ) -> str:
        """SELECT of the JSON of a page; with `rows`, of the number of its rows too.

        conditions  makes those of its rows: asked for only where rows are read, because it binds parameters

        One row more than the page is read only where somebody asks whether there is one.
        """
        shape, slot = connection.shape, connection.slot
        sort, descending = shape.order(connection.sort)
        key, by = shape.key.format(t=alias), sort.sql.format(t=alias)
        tied = sort.sql != shape.key
        source = shape.source.format(t=alias)
        facts = {
            fact
            for member in connection.members
            if isinstance(member, PageInfo)
            for _, fact in member.members
            if isinstance(fact, PageFact)
        }
        more = (PageFact.HAS_PREVIOUS if connection.backward else PageFact.HAS_NEXT) in facts
        ends = facts & {PageFact.START, PageFact.END}
        wanted = rows or more or bool(ends) or any(isinstance(member, Edges) for member in connection.members)
        # PostgreSQL refuses a parameter that its text does not use.
        limit = self.bind(f"{slot}.limit") if wanted else ""
        counted_too = any(isinstance(member, Total) for member in connection.members)
        asked_filters = connection.filters if wanted or counted_too else ()
        matching = (conditions() if wanted or counted_too else []) + [
            shape.filters[name].sql.format(t=alias, v=self.bind(f"{slot}.filter.{name}")) for name in asked_filters
        ]
        matching += shape.cut(connection.filters, alias)
        inner: list[str] = []
        middle: list[str] = ["count(*) AS n"] if more or rows else []
        outer: list[str] = []
        kept = f" FILTER (WHERE e.rn <= {limit})" if more else ""
        way = " ORDER BY e.rn DESC" if connection.backward else ""
        for number, member in enumerate(connection.members):
            if isinstance(member, Edges):
                inner.append(f"{self._edge(connection, member, alias)} AS j{number}")
                middle.append(f"coalesce(json_agg(e.j{number}{way}){kept}, '[]'::json) AS j{number}")
                outer.append(f'a.j{number} AS "{member.key}"')
            elif isinstance(member, PageInfo):
                shown = [f'{self._fact(connection, fact, limit)} AS "{name}"' for name, fact in member.members]
                outer.append(f'(SELECT row_to_json(i) FROM (SELECT {", ".join(shown)}) i) AS "{member.key}"')
            elif isinstance(member, Total):
                found = self.rows_of(
                    shape, source, matching, alias, ordering="", asked=str(TOTAL_CAP + 1), gather=gather
                )
                counted = f"SELECT count(*) FROM (SELECT {found}) c"
                told = f"({counted}) <= {TOTAL_CAP}" if member.exact else f"least(({counted}), {TOTAL_CAP})"
                outer.append(f'{told} AS "{member.key}"')
            else:
                outer.append(f'{_literal(member.text)}::text AS "{member.key}"')
        if ends:
            inner.append(f"{self._cursor(connection, alias)} AS k")
            last = f"least(e.c, {limit})" if more else "e.c"
            first_row, last_row = (last, "1") if connection.backward else ("1", last)
            middle.append(f"max(e.k) FILTER (WHERE e.rn = {first_row}) AS ks")
            middle.append(f"max(e.k) FILTER (WHERE e.rn = {last_row}) AS ke")
        if not wanted:
            return f"SELECT (SELECT row_to_json(o) FROM (SELECT {', '.join(outer)}) o) AS j"
        paged = list(matching)
        for place, given, beyond in (
            ("after", connection.after, "<" if descending else ">"),
            ("before", connection.before, ">" if descending else "<"),
        ):
            if not given:
                continue
            at = f"{self.bind(f'{slot}.{place}')}::{sort.cast}"
            paged.append(
                f"({by}, {key}) {beyond} ({at}, {self.bind(f'{slot}.{place}.id')})" if tied else f"{key} {beyond} {at}"
            )
        direction = "DESC" if descending != connection.backward else "ASC"
        ordering = f"{by} {direction}, {key} {direction}" if tied else f"{key} {direction}"
        asked = f"{limit}::integer + 1" if more else f"{limit}::integer"
        found = self.rows_of(shape, source, paged, alias, ordering=ordering, asked=asked, gather=gather)
        page = f"SELECT {', '.join(inner)} {found}"
        if more or ends or connection.backward:
            count = ", count(*) OVER () AS c" if ends else ""
            page = f"SELECT p.*, row_number() OVER () AS rn{count} FROM ({page}) p"
        counted_rows = f", least(a.n, {limit})::integer AS n" if rows else ""
        shown_row = f"(SELECT row_to_json(o) FROM (SELECT {', '.join(outer)}) o)"
        return f"SELECT {shown_row} AS j{counted_rows} FROM (SELECT {', '.join(middle)} FROM ({page}) e) a"

    def _edge(self, connection: Connection, edges: Edges, alias: str) -> str:
        members = []
        for name, shown in edges.members:
            if isinstance(shown, Selection):
                members.append(f'{self.row(shown, alias, listed=True)} AS "{name}"')
            elif shown is None:
                members.append(f'{self._cursor(connection, alias)} AS "{name}"')
            else:
                members.append(f'{_literal(shown)}::text AS "{name}"')
        return f"(SELECT row_to_json(o) FROM (SELECT {', '.join(members)}) o)"

    def _cursor(self, connection: Connection, alias: str) -> str:
        """SQL of the text that `kernel/paging.encode_cursor` makes of this row: base64url of compact JSON, no padding."""
        shape = connection.shape
        sort, _ = shape.order(connection.sort)
        digest = self.bind(f"{connection.slot}.digest")
        at = _json_text(sort.sql.format(t=alias), sort.cast)
        key = _json_text(shape.key.format(t=alias), shape.sorts["id"].cast if "id" in shape.sorts else "text")
        values = f"'[\"' || {digest}::text || '\",' || {at} || ',' || {key} || ']'"
        return f"translate(encode(convert_to({values}, 'UTF8'), 'base64'), E'+/=\n', '-_')"

    def _fact(self, connection: Connection, fact: PageFact | str, limit: str) -> str:
        if fact == PageFact.HAS_NEXT:
            return _literal(connection.before) if connection.backward else f"(a.n > {limit})"
        if fact == PageFact.HAS_PREVIOUS:
            return f"(a.n > {limit})" if connection.backward else _literal(connection.after)
        if fact == PageFact.START:
            return "a.ks"
        if fact == PageFact.END:
            return "a.ke"
        return f"{_literal(fact)}::text"

    def statement(self, sql: str) -> Statement:
        return Statement(f"/* {self.actor.rows.kind.value} */ {sql}", tuple(self.names), self.sealed)


def _json_text(sql: str, cast: str) -> str:
    """SQL of a value as JSON text. `to_json` looks up the type of its argument in every row, so it is left to texts."""
    if cast == "timestamptz":
        return f"""'"' || {RENDER[FieldType.INSTANT].replace("{}", sql)} || '"'"""
    if cast == "uuid":
        return f"""'"' || {sql} || '"'"""
    return f"({sql})::text" if cast in {"bigint", "integer"} else f"to_json({sql})::text"


def _literal(value: Any) -> str:
    """A constant of one of our own guards as SQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def item(compiler: Compiler, selection: Selection, *, listed: bool = False) -> str:
    shape = selection.shape
    alias = compiler.alias()
    row = compiler.row(selection, alias, listed=listed)
    version = (shape.version or "NULL::integer").format(t=alias)
    where = f"{shape.key.format(t=alias)} = {compiler.bind('id')}"
    if shape.kind is not None and shape.tenant:
        where = f"{alias}.regency = {compiler.bind('regency')} AND {where}"
    return f"SELECT convert_to({row}::text, 'UTF8'), {version} FROM {shape.source.format(t=alias)} WHERE {where}"


def root(compiler: Compiler, root: Root) -> str:
    """SELECT of the JSON `j` and the number of rows `n` of one root."""
    shape, alias = root.shape, compiler.alias()
    if isinstance(root, PageRoot):
        cut = partial(_tenants, compiler, shape, alias, len(compiler.actor.rows.tenants))
        return compiler.connection(root.connection, alias, cut, rows=True, gather=True)
    row = compiler.row(root.selection, alias, listed=root.listed)
    where = f"{shape.key.format(t=alias)} = {compiler.bind(f'{root.slot}.id')}"
    if shape.kind is not None and shape.tenant:
        where = f"{alias}.regency = {compiler.bind(f'{root.slot}.regency')} AND {where}"
    return f"SELECT {row} AS j, 1 AS n FROM {shape.source.format(t=alias)} WHERE {where}"


def _tenants(compiler: Compiler, shape: Shape, alias: str, tenants: int) -> list[str]:
    """The condition that leads a statement to the tenants of its caller; the row policy cuts by itself."""
    if shape.tenant and tenants == 1:
        return [f"{alias}.regency = {compiler.bind('tenant')}"]
    if shape.tenant and tenants > 1:
        return [f"{alias}.regency = ANY ({compiler.bind('tenants')}::integer[])"]
    return []


def _named(compiler: Compiler, shape: Shape, alias: str) -> list[str]:
    """The conditions that find the parent of a list; national rows have no regency."""
    tenant = [f"{alias}.regency = {compiler.bind('parent.regency')}"] if shape.tenant else []
    return [*tenant, f"{alias}.id = {compiler.bind('parent.id')}"]


def _where(
    compiler: Compiler,
    shape: Shape,
    alias: str,
    filters: tuple[str, ...],
    tenants: int,
    parent: tuple[Shape, Link, UUID] | None,
) -> tuple[str, list[str]]:
    """FROM and the conditions of a list."""
    source = shape.source.format(t=alias)
    conditions: list[str] = []
    if parent is not None:
        owner = compiler.alias()
        source = f"{parent[0].source.format(t=owner)} JOIN {source} ON {parent[1].on.format(t=alias, p=owner)}"
        conditions += _named(compiler, parent[0], owner)
    else:
        conditions += _tenants(compiler, shape, alias, tenants)
    for name in filters:
        conditions.append(shape.filters[name].sql.format(t=alias, v=compiler.bind(f"filter.{name}")))
    conditions += shape.cut(filters, alias)
    return source, conditions


def page(
    compiler: Compiler,
    selection: Selection,
    filters: tuple[str, ...],
    sort: Sort,
    descending: bool,
    after: bool,
    tenants: int,
    parent: tuple[Shape, Link, UUID] | None,
) -> str:
    shape = selection.shape
    alias = compiler.alias()
    source, conditions = _where(compiler, shape, alias, filters, tenants, parent)
    key, by = shape.key.format(t=alias), sort.sql.format(t=alias)
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    tied = sort.sql != shape.key
    if after and tied:
        conditions.append(
            f"({by}, {key}) {beyond} ({compiler.bind('after')}::{sort.cast}, {compiler.bind('after.id')})"
        )
    elif after:
        conditions.append(f"{key} {beyond} {compiler.bind('after')}::{sort.cast}")
    ordering = f"{by} {direction}, {key} {direction}" if tied else f"{key} {direction}"
    shown = RENDER[FieldType.INSTANT].replace("{}", by) if sort.cast == "timestamptz" else by
    limit = compiler.bind("limit")
    exists = "true"
    if parent is not None:
        owner = compiler.alias()
        named = " AND ".join(_named(compiler, parent[0], owner))
        exists = f"EXISTS (SELECT FROM {parent[0].source.format(t=owner)} WHERE {named})"
    row = compiler.row(selection, alias, listed=True)
    asked = f"{limit}::integer + 1"
    found = compiler.rows_of(shape, source, conditions, alias, ordering=ordering, asked=asked, gather=parent is None)
    return (
        f"SELECT convert_to('[' || coalesce(string_agg(n.j::text, ',') FILTER (WHERE n.rn <= {limit}), '') || ']', 'UTF8'), "
        f"CASE WHEN count(*) > {limit} THEN max(n.k::text) FILTER (WHERE n.rn = {limit}) END, "
        f"least(count(*), {limit}), {exists} "
        f"FROM (SELECT p.j, p.k, row_number() OVER () AS rn FROM ("
        f"SELECT {row} AS j, json_build_array({shown}, {key}) AS k {found}) p) n"
    )


def total(
    compiler: Compiler,
    shape: Shape,
    filters: tuple[str, ...],
    tenants: int,
    parent: tuple[Shape, Link, UUID] | None,
) -> str:
    alias = compiler.alias()
    source, conditions = _where(compiler, shape, alias, filters, tenants, parent)
    found = compiler.rows_of(
        shape, source, conditions, alias, ordering="", asked=str(TOTAL_CAP + 1), gather=parent is None
    )
    return f"SELECT count(*) FROM (SELECT {found}) c"
