"""The table of permissions: role x operation x condition, and fields, asked of the code that enforces them. Public.

Nothing is declared here: whether a role may ask is found by asking as that role (`access/permissions.Rule`), what a step of
a lifecycle takes by reading its table, who may know a field by the rule of the read engine.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from slrt_api.access.permissions import CONDITIONS, KINDS, Condition, Rule, readers
from slrt_api.access.scopes import PERMISSIONS, Role, Scope
from slrt_api.kernel.criteria import describe
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.rest.operations import Described, Routes
from slrt_api.rest.reference import LIFECYCLES, TAG, published
from slrt_api.runtime.problems import status_of
from slrt_api.runtime.shapes import Field as ShapeField
from slrt_api.runtime.shapes import Shape
from slrt_api.runtime.usecase import UseCase


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConditionDocument(_Document):
    """Which rows a role reaches, in words. The row policies of the database say the same."""

    id: str = Field(description="In Indonesian.", examples=["Laporan milik pemanggil sendiri."])
    en: str = Field(description="In English.", examples=["The caller's own reports."])


class RoleDocument(_Document):
    """A role: what it may do at most, and which rows it reaches."""

    role: str = Field(description="The role.", examples=["puskesos_officer"])
    scopes: list[str] = Field(
        description="The scopes that it permits; the token has to carry them too.", examples=[["programs:read"]]
    )
    rows: str = Field(description="How its rows are cut.", examples=["AREA_RANGE"])
    condition: ConditionDocument = Field(description="The same in words.")


class PermittedDocument(_Document):
    """A role that may ask, and for which rows."""

    role: str = Field(description="The role.", examples=["puskesos_officer"])
    condition: ConditionDocument = Field(description="The rows for which it may.")


class RefusedDocument(_Document):
    """A role that may not ask, with a token that carries all its scopes, and the answer that it gets."""

    role: str = Field(description="The role.", examples=["partner"])
    status: int = Field(description="HTTP status.", examples=[403])
    code: str = Field(description="Code of the problem.", examples=["scope_missing"])


class StepDocument(_Document):
    """A line of the lifecycle: from where, by whom, and what must hold besides."""

    source: str = Field(alias="from", description="State that it leaves.", examples=["RECOMMENDED"])
    target: str = Field(alias="to", description="State that it leads to.", examples=["CONFIRMED"])
    roles: list[str] = Field(description="Roles that may act.", examples=[["social_office"]])
    scope: str = Field(description="The scope that it needs.", examples=["cases:decide"])
    guard: str | None = Field(
        description="What must hold besides; null where nothing must.", examples=["recommended_by <> actor.subject"]
    )


class ActionDocument(_Document):
    """An action of a lifecycle, as it may be named in the body."""

    action: str = Field(description="The action.", examples=["CONFIRM"])
    roles: list[str] = Field(description="Roles that may act from some state.", examples=[["social_office"]])
    steps: list[StepDocument] = Field(description="Every line of it.")


class OperationDocument(_Document):
    """An operation, on both surfaces."""

    operation: str = Field(
        description="`operationId` in REST; of what GraphQL alone offers, the name of the root field.",
        examples=["get_case"],
    )
    method: str | None = Field(description="HTTP method; null for what GraphQL alone offers.", examples=["GET"])
    path: str | None = Field(description="Path; null for what GraphQL alone offers.", examples=["/v1/cases/{id}"])
    graphql: str | None = Field(description="Root field of GraphQL, or null.", examples=["case"])
    credential: Literal["bearer", "optional", "receipt", "none"] = Field(
        description="What REST asks the caller to show: a token; a token or nothing; a receipt's secret; nothing."
        " GraphQL always asks for a token.",
        examples=["bearer"],
    )
    scopes: list[str] = Field(description="Scopes that are needed, all of them.", examples=[["cases:read"]])
    one_of: list[str] = Field(
        description="Scopes of which one is needed besides.", examples=[["cases:decide", "cases:write"]]
    )
    roles: list[PermittedDocument] = Field(description="Roles that may ask. With those refused: all there are.")
    refused: list[RefusedDocument] = Field(description="Roles that may not, and what they are answered.")
    actions: list[ActionDocument] = Field(description="Of a transition: its actions, each with its roles.")


class Hiding(StrEnum):
    """How a field is kept from those who may not read it."""

    ABSENT = "ABSENT"
    NULL_WHERE_SPECIAL = "NULL_WHERE_SPECIAL"
    STRIPPED = "STRIPPED"
    MASKED = "MASKED"


class UnmaskDocument(_Document):
    """Who sees the whole of a masked field."""

    scope: str = Field(description="The scope that it takes.", examples=["complaints:handle"])
    roles: list[str] = Field(description="The roles that permit it.", examples=[["secretariat_manager"]])


class FieldDocument(_Document):
    """A field that not everybody sees who sees the resource."""

    resource: str = Field(description="The resource.", examples=["assessment"])
    field: str = Field(description="The field.", examples=["answers"])
    special: bool = Field(
        description="Whether it is of a special category (UU 27/2022, article 4), and so in no list, for nobody.",
        examples=[True],
    )
    hiding: list[Hiding] = Field(
        description="`ABSENT`: left out, and refused where it is asked for by name, or filtered or sorted by."
        " `NULL_WHERE_SPECIAL`: null, or without the codes that tell, in rows that are special."
        " `STRIPPED`: without the parts that the role may not read. `MASKED`: only part of it is shown.",
        examples=[["ABSENT"]],
    )
    readers: list[str] = Field(description="Roles that read it, in one resource.", examples=[["supervisor"]])
    unmasked_by: UnmaskDocument | None = Field(description="Who sees it unmasked; null where there is no mask.")
    written_by: list[str] = Field(
        description="Operations whose body has it, where it is written from outside.", examples=[["cases_assess"]]
    )


class PermissionsDocument(_Document):
    """Who may do and see what."""

    roles: list[RoleDocument] = Field(description="The roles.")
    operations: list[OperationDocument] = Field(description="Every operation of REST and every root field of GraphQL.")
    fields: list[FieldDocument] = Field(description="The fields that not everybody sees who sees the resource.")


def add(routes: Routes, root_fields: Mapping[str, Rule]) -> None:
    """`GET /v1/meta/permissions`, over all routes that there are when it is first asked for."""

    @cache
    def body() -> bytes:
        return orjson.dumps(table(routes.operations, root_fields).model_dump(mode="json", by_alias=True))

    def answer(_: Request) -> bytes:
        return body()

    routes.add(
        "GET",
        "/v1/meta/permissions",
        published(routes, answer),
        name="get_permissions",
        summary="Get the table of permissions",
        doc="Role x operation x condition, and who reads, writes and sees unmasked which field: made from the code that"
        " enforces it. A right takes three things: the token carries the scope, the role permits it, and the row is one"
        " that the role reaches; a row out of reach is answered as one that does not exist.",
        tag=TAG,
        model=PermissionsDocument,
        anonymous=True,
        cached=True,
    )


def _act(rule: Rule) -> tuple[str, bool]:
    """What tells a rule from others: a use case may have the name of a list (`cases.plan` writes a line of `cases.plan`)."""
    return rule.name, rule.case is not None


def table(operations: Iterable[Described], root_fields: Mapping[str, Rule]) -> PermissionsDocument:
    """The whole table."""
    described = list(operations)
    # Some have two: one that creates under the client's id as well. GraphQL names each once.
    named = {_act(rule): field for field, rule in root_fields.items()}
    shown = {_act(each.rule) for each in described if each.rule is not None}
    found = [_operation(each, named.get(_act(each.rule)) if each.rule else None) for each in described]
    found += [
        _operation(Described(field, "", "", "bearer", rule), field)
        for field, rule in root_fields.items()
        if _act(rule) not in shown
    ]
    rules = [each.rule for each in described if each.rule is not None] + list(root_fields.values())
    writers = {each.rule.case.name: each.operation for each in described if each.rule and each.rule.case}
    cases = {rule.case.name: rule.case for rule in rules if rule.case is not None}
    return PermissionsDocument(
        roles=[_role(role) for role in Role],
        operations=sorted(found, key=lambda each: (each.path or "~", each.method or "", each.operation)),
        fields=[
            _field(shape, field, [(writers.get(name, name), case) for name, case in sorted(cases.items())])
            for shape in _shapes(rules)
            for field in shape.fields.values()
            if field.limited or field.masked is not None or field.stripped is not None
        ],
    )


def _words(condition: Condition) -> ConditionDocument:
    return ConditionDocument(id=condition.id, en=condition.en)


def _role(role: Role) -> RoleDocument:
    kind = KINDS[role]
    scopes = sorted(scope.value for scope in PERMISSIONS[role])
    return RoleDocument(role=role.value, scopes=scopes, rows=kind.name, condition=_words(CONDITIONS[kind]))


def _operation(described: Described, field: str | None) -> OperationDocument:
    rule = described.rule or Rule(described.operation, lambda _: None, frozenset())
    refusals = rule.refusals() if described.credential in {"bearer", "optional"} else dict.fromkeys(Role)
    return OperationDocument(
        operation=described.operation,
        method=described.method or None,
        path=described.path or None,
        graphql=field,
        credential=described.credential,
        scopes=sorted(rule.scopes),
        one_of=sorted(rule.one_of),
        roles=[
            PermittedDocument(role=role.value, condition=_words(rule.rows(role)))
            for role, refusal in refusals.items()
            if refusal is None
        ],
        refused=[
            RefusedDocument(role=role.value, status=status_of(refusal), code=refusal.code)
            for role, refusal in refusals.items()
            if refusal is not None
        ],
        actions=_actions(rule, frozenset(role.value for role, refusal in refusals.items() if refusal is None)),
    )


def _lifecycle(case: UseCase | None) -> Lifecycle | None:
    """The table that a use case moves by: that whose actions its command names."""
    action = case.command.model_fields.get("action") if case is not None and case.command is not None else None
    if action is None or not isinstance(action.annotation, type) or not issubclass(action.annotation, StrEnum):
        return None
    codes = {each.value for each in action.annotation}
    # Of several the one with the most actions: `WITHDRAW` is all that a consent has, and one of three of a review.
    fitting = [each for each in LIFECYCLES.values() if set(each.actions) <= codes]
    return max(fitting, key=lambda each: len(each.actions), default=None)


def _actions(rule: Rule, permitted: frozenset[str]) -> list[ActionDocument]:
    lifecycle = _lifecycle(rule.case)
    if lifecycle is None:
        return []
    found = []
    for action in lifecycle.actions:
        steps = [
            StepDocument.model_validate(
                {
                    "from": line.source,
                    "to": line.target,
                    "roles": sorted(
                        role.value
                        for role in Role
                        if role.value in line.roles & permitted and Scope(line.scope) in PERMISSIONS[role]
                    ),
                    "scope": line.scope,
                    "guard": describe(line.whole) if line.whole is not None else None,
                }
            )
            for line in lifecycle.transitions
            if line.action == action
        ]
        found.append(
            ActionDocument(action=action, roles=sorted({r for step in steps for r in step.roles}), steps=steps)
        )
    return found


def _shapes(rules: Iterable[Rule]) -> list[Shape]:
    """Every shape that an operation reads, or that it leads to, by name."""
    found: dict[str, Shape] = {}
    waiting = [rule.shape for rule in rules if rule.shape is not None]
    while waiting:
        shape = waiting.pop()
        if shape.name not in found:
            found[shape.name] = shape
            waiting += [link.to for link in shape.links.values()]
    return [found[name] for name in sorted(found)]


def _field(shape: Shape, field: ShapeField, cases: Iterable[tuple[str, UseCase]]) -> FieldDocument:
    hiding = [
        way
        for way, holds in (
            (Hiding.ABSENT, field.limited and field.redacted is None),
            (Hiding.NULL_WHERE_SPECIAL, field.limited and field.redacted is not None),
            (Hiding.STRIPPED, field.stripped is not None),
            (Hiding.MASKED, field.masked is not None),
        )
        if holds
    ]
    known = readers(shape, field)
    unmask = None
    if field.unmask is not None:
        able = sorted(role.value for role in known if Scope(field.unmask) in PERMISSIONS[role])
        unmask = UnmaskDocument(scope=field.unmask, roles=able)
    return FieldDocument(
        resource=shape.name,
        field=field.name,
        special=field.special,
        hiding=hiding,
        readers=sorted(role.value for role in known),
        unmasked_by=unmask,
        written_by=sorted(operation for operation, case in cases if _writes(case, shape, field)),
    )


def _writes(case: UseCase, shape: Shape, field: ShapeField) -> bool:
    """Whether the command has a member of that name, and is about the resource or a part of it."""
    if case.command is None or case.answers is None or field.name not in case.command.model_fields:
        return False
    parts = {link.to for link in case.answers.links.values() if link.to.kind is None}
    return case.answers is shape or (shape in parts and field.name not in case.answers.fields)
