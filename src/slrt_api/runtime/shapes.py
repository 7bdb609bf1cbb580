"""Shapes: what can be read. A resource is declared once, and REST, GraphQL and the documentation come from the declaration.

A shape names a table, its fields (SQL over the alias `{t}`), its links to other shapes, its filters and sorts. SQL templates
are written by us, never by a caller: values reach a statement only as parameters.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from slrt_api.kernel import errors
from slrt_api.kernel.ids import Kind
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.runtime.roles import ScopeKind

Codes = type[StrEnum]


class FieldType(StrEnum):
    """How a value stands in JSON."""

    ID = "id"
    TEXT = "text"
    TEXTS = "texts"
    INTEGER = "integer"
    LONG = "long"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DATE = "date"
    VILLAGE = "village"
    AREA = "area"
    CODE = "code"
    CODES = "codes"
    #: an object with the members `id` (Indonesian) and `en` (English)
    LABEL = "label"
    JSON = "json"


#: SQL that brings a column into its JSON form; others stand as they are
RENDER = {
    FieldType.INSTANT: """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    FieldType.VILLAGE: """to_char({}, 'FM00"."00"."00"."0000')""",
    FieldType.AREA: "area_code({})",
}


@dataclass(frozen=True)
class Vault:
    """Where the value of a field stands in sealed rows: under the keys of sealed reports (`crypto.Keyring.sealed`).

    sql    over the alias `{t}`; null in rows that are not sealed
    name   what the AAD binds besides the row's id; begins with `sealed.`
    kinds  the kinds of scope that are shown it; for all others it is as if there were none
    """

    sql: str
    name: str
    kinds: frozenset[ScopeKind]


@dataclass(frozen=True)
class Field:
    """One member of a resource.

    sql      over the alias `{t}`; the column of the same name when left out
    codes    the enum of a CODE field; the documentation lists it
    masked   SQL for callers who lack the scope `unmask`; None = the field needs no mask
    facts    SQL of what guards of `lifecycle` read of the row, where it is not the column as it stands
    facts_of the row that those are of, where it is another one: table, alias and condition, joined once
    sealed   the column is a ciphertext, of JSON where that is the type, decrypted in the answer; the name that its AAD
             binds (see `Reads`)
    vault    for kinds of scope that reach sealed rows: the ciphertext that stands there in place of the value
    readers  the roles that may read it; None = all who see the row
    special  of a special category (UU 27/2022, article 4): in no list, for nobody
    redacted SQL over `{t}` and the value `{v}` that stands in its place where it may not be read, when only some rows are
             concerned: the member is always there then. Without it the member is absent, and refused when asked for
    stripped what of the value a role may not know, as SQL over `{t}` and `{v}`, by the role
    """

    name: str
    type: FieldType
    description: str
    sql: str | None = None
    nullable: bool = False
    codes: Codes | None = None
    example: Any = None
    unmask: str | None = None
    masked: str | None = None
    sealed: str | None = None
    vault: "Vault | None" = None
    lifecycle: Lifecycle | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    facts_of: str | None = None
    readers: frozenset[str] | None = None
    special: bool = False
    redacted: str | None = None
    stripped: Callable[[str], str] | None = None

    def known_to(self, role: str) -> bool:
        """Whether the role may know its value at all: read it in one resource, filter and sort by it."""
        return self.readers is None or role in self.readers

    def shown_to(self, role: str, *, listed: bool) -> bool:
        """Whether the whole value is shown to the role there. listed: in a list, or in what a row of a list leads to."""
        return self.known_to(role) and not (listed and self.special)

    @property
    def limited(self) -> bool:
        """Whether somebody who sees the resource somewhere does not see all of the field."""
        return self.special or self.readers is not None

    @property
    def null_where_limited(self) -> bool:
        """Whether null may stand for what is not shown."""
        return self.limited and (self.redacted is None or "NULL" in self.redacted)

    @property
    def may_be_null(self) -> bool:
        """Whether null may stand in its place where all of it may be read: a ciphertext may be one that nobody can read."""
        return self.nullable or self.sealed is not None or self.vault is not None

    def withheld_from(self, role: str, *, listed: bool) -> bool:
        """Whether nothing of it may be shown there: it is left out, or refused where it was asked for by name."""
        return self.redacted is None and not self.shown_to(role, listed=listed)


@dataclass(frozen=True)
class Link:
    """A way from one shape to another.

    on        SQL that joins the target `{t}` to the parent `{p}`
    embedded  part of the resource itself: always there, never asked for
    single    to one; otherwise a list, bounded by nature, capped at LIST_CAP
    """

    name: str
    to: "Shape"
    on: str
    description: str
    single: bool = False
    embedded: bool = False
    order: str = "{t}.id"

    @property
    def paged(self) -> bool:
        """Whether what it leads to has a life of its own, so that a list of it has no natural bound."""
        return not self.single and not self.embedded and self.to.kind is not None


@dataclass(frozen=True)
class OfCaller:
    """In place of a filter's value: a fact of whoever asks."""

    fact: str


@dataclass(frozen=True)
class Filter:
    """One query parameter of a list: SQL over `{t}` and the bound value `{v}`, and the parser of its text.

    pattern  of the text, for the documentation, where neither `codes` nor the parser tells it
    reads    the field whose values it tells, where that has another name: who may not know them may not filter by them
    """

    name: str
    sql: str
    parse: Callable[[str], Any]
    description: str
    example: str
    codes: Codes | None = None
    pattern: str | None = None
    reads: str | None = None

    @property
    def schema(self) -> dict[str, str]:
        """What JSON Schema can say of the text."""
        if self.codes is not None:
            return {"pattern": one_of(code.value for code in self.codes)}
        if self.pattern is not None:
            return {"pattern": self.pattern}
        return dict(_SCHEMAS.get(self.parse, {}))


def one_of(codes: Iterable[str]) -> str:
    """Pattern of `A,B`: each one of `codes`."""
    listed = "|".join(sorted(codes))
    return f"^({listed})(,({listed}))*$"


@dataclass(frozen=True)
class Sort:
    """A column to sort by: never personal, never null. `cast` is its SQL type; `reads` as of a filter."""

    name: str
    sql: str
    cast: str
    parse: Callable[[Any], Any]
    reads: str | None = None


@dataclass
class Shape:
    """A resource.

    kinds  the kinds of scope whose database role may read the table at all; to the others every item is absent
    scope  the token scope that reading asks for
    """

    name: str
    plural: str
    source: str
    description: str
    scope: str | None
    kinds: frozenset[ScopeKind]
    kind: Kind | None = None
    tenant: bool = True
    version: str | None = None
    key: str = "{t}.id"
    personal: bool = True
    fields: dict[str, Field] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    filters: dict[str, Filter] = field(default_factory=dict)
    sorts: dict[str, Sort] = field(default_factory=dict)
    default_sort: str = "-id"
    #: filter -> the condition that cuts a list whose caller does not use the filter
    unasked: dict[str, str] = field(default_factory=dict)

    @property
    def nouns(self) -> str:
        """Several of them, in words."""
        return re.sub("[-/]", " ", self.plural)

    def with_fields(self, *fields: Field) -> "Shape":
        self.fields.update({each.name: each for each in fields})
        return self

    def with_filters(self, *filters: Filter) -> "Shape":
        self.filters.update({each.name: each for each in filters})
        return self

    def with_unasked(self, name: str, sql: str) -> "Shape":
        """Cut lists by `sql` over `{t}` where the caller does not say by the filter of that name what is wanted."""
        self.unasked[name] = sql
        return self

    def cut(self, filters: Iterable[str], alias: str) -> list[str]:
        """The conditions of a list for the filters that were not used."""
        used = set(filters)
        return [sql.format(t=alias) for name, sql in self.unasked.items() if name not in used]

    def with_sorts(self, *sorts: Sort) -> "Shape":
        self.sorts.update({each.name: each for each in sorts})
        return self

    def order(self, name: str | None) -> tuple[Sort, bool]:
        """The sort of that name and whether it descends (`-` first), or the default one. Raises BadRequest `sort_unknown`."""
        wanted = self.default_sort if name is None else name
        found = self.sorts.get(wanted.removeprefix("-"))
        if found is None:
            fault = errors.Fault("sort", "sort_unknown", "No such sort here.")
            raise errors.BadRequest("sort_unknown", faults=(fault,))
        return found, wanted.startswith("-")

    def unknown_to(self, role: str, filters: Iterable[str], sort: str | None) -> Iterable[tuple[str, Field]]:
        """Filters, and `sort`, by whose field the role may not filter or sort. Raises BadRequest `sort_unknown`."""
        order, _ = self.order(sort)
        asked = [(name, self.filters[name].reads or name) for name in filters]
        for parameter, name in (*asked, ("sort", order.reads or order.name)):
            found = self.fields.get(name)
            if found is not None and not found.known_to(role):
                yield parameter, found

    def link(self, link: Link) -> None:
        """Add a way from this shape; a higher domain adds those that lead to it."""
        self.links[link.name] = link

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


ALL_STAFF = frozenset({ScopeKind.AREA_RANGE, ScopeKind.AREA_LIST, ScopeKind.AUDITOR})
EVERYBODY = frozenset(ScopeKind)
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")


def parse_uuid(text: str) -> UUID:
    """A UUID in its 36-character form. `UUID` itself takes braces, hyphens anywhere and digits of any script."""
    if not _UUID.fullmatch(text):
        raise ValueError
    # By its integer: the form was checked, and `UUID(text)` would check and strip it again.
    return UUID(int=int(text.replace("-", ""), 16))


def parse_instant(text: str) -> datetime:
    """RFC 3339 with an offset, as an instant in UTC. Raises ValueError or OverflowError."""
    # In a query string a plus that was not encoded reads as a space.
    text = text.replace(" ", "+").upper()
    if not _INSTANT.fullmatch(text):
        raise ValueError
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_date(text: str) -> date:
    """`YYYY-MM-DD`."""
    # `fromisoformat` reads week dates too.
    if not _DATE.fullmatch(text):
        raise ValueError
    return date.fromisoformat(text)


def parse_boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError
    return text == "true"


#: what the documentation says of the text that a parser reads
_SCHEMAS: dict[Callable[[str], Any], dict[str, str]] = {
    parse_uuid: {"format": "uuid"},
    parse_instant: {"format": "date-time"},
    parse_date: {"format": "date"},
    parse_boolean: {"pattern": "^(true|false)$"},
}


def parse_codes(codes: Iterable[str]) -> Callable[[str], list[str]]:
    """Parser of `A,B`: each one of `codes`."""
    known = frozenset(codes)

    def parse(text: str) -> list[str]:
        wanted = text.split(",")
        if not known.issuperset(wanted):
            raise ValueError
        return wanted

    return parse


def code_filter(name: str, codes: Codes, description: str, column: str | None = None) -> Filter:
    """Filter `name=A,B` on a code column."""
    return Filter(
        name,
        f"{{t}}.{column or name} = ANY ({{v}}::text[])",
        parse_codes(codes),
        description,
        ",".join([code.value for code in codes][:2]),
        codes,
    )


def id_filter(name: str, description: str, example: str = "019aaa11-2233-8000-8cfe-04a1b2c3d4e5") -> Filter:
    """Filter `name=ID` on a column of ids."""
    return Filter(name, f"{{t}}.{name} = {{v}}::uuid", parse_uuid, description, example)


def updated_filters() -> tuple[Filter, Filter]:
    """`updated_from` and `updated_to`, half-open."""
    return (
        Filter(
            "updated_from",
            "{t}.updated_at >= {v}::timestamptz",
            parse_instant,
            "Changed at this instant or later (RFC 3339 with offset).",
            "2026-11-01T00:00:00Z",
        ),
        Filter(
            "updated_to",
            "{t}.updated_at < {v}::timestamptz",
            parse_instant,
            "Changed before this instant (RFC 3339 with offset).",
            "2026-12-01T00:00:00Z",
        ),
    )


ID_SORT = Sort("id", "{t}.id", "uuid", parse_uuid)
UPDATED_SORT = Sort("updated_at", "{t}.updated_at", "timestamptz", parse_instant)
CREATED_SORT = Sort("created_at", "{t}.created_at", "timestamptz", parse_instant)


def text_sort(name: str, column: str | None = None) -> Sort:
    return Sort(name, f"{{t}}.{column or name}", "text", str)


def aggregate_fields(noun: str) -> Sequence[Field]:
    """The fields that every aggregate shows."""
    return (
        Field("id", FieldType.ID, f"Id of the {noun} (UUID version 8: tells tenant and kind)."),
        Field("version", FieldType.INTEGER, "Raised by one with every change; the ETag of the item.", example=1),
        Field("created_at", FieldType.INSTANT, "When it was written first."),
        Field("updated_at", FieldType.INSTANT, "When it was changed last."),
    )


@dataclass(frozen=True)
class FieldMember:
    """A field under the name that the answer gives it.

    usual  nobody asked for it by name: where the caller may not read it, it is left out instead of refused
    """

    key: str
    field: Field
    usual: bool = False

    @property
    def cache_key(self) -> tuple[Any, ...]:
        return (self.key, self.field.name, self.usual)


@dataclass(frozen=True)
class ConstantMember:
    """A text that is known before any row: GraphQL's `__typename`."""

    key: str
    text: str

    @property
    def cache_key(self) -> tuple[Any, ...]:
        return (self.key, "=", self.text)


@dataclass(frozen=True)
class LinkMember:
    """What a link leads to: one object or none, or a bounded list."""

    key: str
    link: Link
    selection: "Selection"

    @property
    def cache_key(self) -> tuple[Any, ...]:
        return (self.key, self.link.name, self.selection.key)


@dataclass(frozen=True)
class PagedMember:
    """A page of what a link leads to."""

    key: str
    link: Link
    connection: "Connection"

    @property
    def cache_key(self) -> tuple[Any, ...]:
        return (self.key, self.link.name, self.connection.key)


Member = FieldMember | ConstantMember | LinkMember | PagedMember


def _rights(fields: Iterable[Field]) -> frozenset[str]:
    found: set[str] = set()
    for each in fields:
        if each.unmask is not None:
            found.add(each.unmask)
        if each.lifecycle is not None:
            found |= {transition.scope for transition in each.lifecycle.transitions}
    return frozenset(found)


@dataclass(frozen=True)
class Selection:
    """What of a shape is asked for, in the order of the answer. `select` makes the one that REST shows."""

    shape: Shape
    members: tuple[Member, ...] = ()

    @cached_property
    def key(self) -> str:
        """Equal for equal selections. A text, because Python keeps the hash of a text and not of a tuple."""
        return repr((self.shape.name, [member.cache_key for member in self.members]))

    def shapes(self) -> Iterable[Shape]:
        """Every shape that the selection reads."""
        yield self.shape
        for member in self.members:
            if isinstance(member, LinkMember):
                yield from member.selection.shapes()
            elif isinstance(member, PagedMember):
                yield from member.connection.shapes()

    def fields(self) -> Iterable[Field]:
        """Every field that the selection reads, of all its shapes."""
        for member in self.members:
            if isinstance(member, FieldMember):
                yield member.field
            elif isinstance(member, LinkMember):
                yield from member.selection.fields()
            elif isinstance(member, PagedMember):
                yield from member.connection.fields()

    @cached_property
    def guarded(self) -> bool:
        """Whether anything of it could be refused to some role. What REST shows by itself never is, and is asked most."""
        for member in self.members:
            if isinstance(member, FieldMember):
                if not member.usual and member.field.limited:
                    return True
            elif isinstance(member, PagedMember) or (isinstance(member, LinkMember) and member.selection.guarded):
                return True
        return False

    def refused_to(self, role: str, *, listed: bool) -> Iterable[tuple[Shape, Field]]:
        """What it asks for by name that the role may not read there. listed: the selection is of a row of a list."""
        for member in self.members:
            if isinstance(member, FieldMember):
                if not member.usual and member.field.withheld_from(role, listed=listed):
                    yield self.shape, member.field
            elif isinstance(member, LinkMember):
                yield from member.selection.refused_to(role, listed=listed or member.link.paged)
            elif isinstance(member, PagedMember):
                yield from member.connection.refused_to(role)

    @cached_property
    def personal(self) -> bool:
        """Whether any of it is personal data."""
        return any(shape.personal for shape in self.shapes())

    @cached_property
    def rights(self) -> frozenset[str]:
        """The scopes that the text of a statement of this selection depends on."""
        return _rights(self.fields())


class PageFact(StrEnum):
    """What a connection tells of its page."""

    HAS_NEXT = "hasNextPage"
    HAS_PREVIOUS = "hasPreviousPage"
    START = "startCursor"
    END = "endCursor"


@dataclass(frozen=True)
class Edges:
    """The rows of a page. `members`: (key, None for the cursor, a text for a constant, or what to show of the row)."""

    key: str
    members: tuple[tuple[str, "Selection | str | None"], ...]


@dataclass(frozen=True)
class PageInfo:
    """Facts of a page: (key, fact, or a text for a constant)."""

    key: str
    members: tuple[tuple[str, PageFact | str], ...]


@dataclass(frozen=True)
class Total:
    """How many rows there are without paging, counted to a cap; `exact`: whether that is all of them."""

    key: str
    exact: bool = False


@dataclass(frozen=True)
class Connection:
    """A page of a shape as Relay shows it, forward or backward from a cursor.

    slot  names the parameters: `{slot}.limit`, `{slot}.digest`, `{slot}.after` and `{slot}.after.id`, the same of
          `before`, and `{slot}.filter.{name}`
    """

    shape: Shape
    slot: str
    members: tuple[Edges | PageInfo | Total | ConstantMember, ...]
    filters: tuple[str, ...] = ()
    sort: str | None = None
    after: bool = False
    before: bool = False
    backward: bool = False

    @cached_property
    def key(self) -> str:
        """Equal for equal connections."""
        shown: list[Any] = []
        for member in self.members:
            if isinstance(member, Edges):
                shown.append((member.key, [(k, v.key if isinstance(v, Selection) else v) for k, v in member.members]))
            else:
                shown.append(repr(member))
        page = (self.filters, self.sort, self.after, self.before, self.backward)
        return repr((self.shape.name, self.slot, page, shown))

    def nodes(self) -> Iterable[Selection]:
        """What is shown of the rows."""
        for member in self.members:
            if isinstance(member, Edges):
                yield from (shown for _, shown in member.members if isinstance(shown, Selection))

    def shapes(self) -> Iterable[Shape]:
        """Every shape that the connection reads."""
        yield self.shape
        for node in self.nodes():
            yield from node.shapes()

    def refused_to(self, role: str) -> Iterable[tuple[Shape, Field]]:
        """What it shows, filters or sorts by that the role may not read in a list."""
        for _, unknown in self.shape.unknown_to(role, self.filters, self.sort):
            yield self.shape, unknown
        for node in self.nodes():
            yield from node.refused_to(role, listed=True)

    def fields(self) -> Iterable[Field]:
        """Every field that the connection reads."""
        for node in self.nodes():
            yield from node.fields()

    @cached_property
    def rights(self) -> frozenset[str]:
        """The scopes that the text of a statement of this connection depends on."""
        return _rights(self.fields())


MAX_INCLUDE_DEPTH = 3


def select(shape: Shape, paths: Iterable[str] = ()) -> Selection:
    """The selection of `shape` that REST shows: all its fields, its embedded links, and `paths` such as `cases.referrals`.

    Of the fields those that the caller may read: nobody has asked for them by name.

    Raises BadRequest `include_unknown` for a path that does not exist or is deeper than MAX_INCLUDE_DEPTH.
    """
    wanted: dict[str, list[str]] = {name: [] for name, link in shape.links.items() if link.embedded}
    for path in paths:
        head, _, rest = path.partition(".")
        if head not in shape.links or path.count(".") >= MAX_INCLUDE_DEPTH:
            raise errors.BadRequest(
                "include_unknown", faults=(errors.Fault("include", "include_unknown", "No such link here."),)
            )
        wanted.setdefault(head, []).extend([rest] if rest else [])
    fields = tuple(FieldMember(field.name, field, usual=True) for field in shape.fields.values())
    links = tuple(
        LinkMember(name, shape.links[name], select(shape.links[name].to, rests))
        for name, rests in sorted(wanted.items())
    )
    return Selection(shape, fields + links)
