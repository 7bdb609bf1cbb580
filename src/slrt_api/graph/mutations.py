"""Mutations: use cases with one `input`, made from the command.

The input's members are those of the command in camel case, with the id of the resource, `expectedVersion` and
`idempotencyKey` where REST has path, `If-Match` and `Idempotency-Key`. What reaches the use case is the JSON that REST would
have been sent, read by the same strict reader: the same refusals, and one idempotency key counts for both.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Protocol, Union, get_args, get_origin
from uuid import UUID

import orjson
import strawberry
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from slrt_api.graph.names import camel, pascal
from slrt_api.graph.scalars import JSON, Date, DateTime
from slrt_api.runtime.usecase import USE_CASES, UseCase

#: use cases that are asked for elsewhere: without a token, by the worker, by GET. What an access override opens is read by
#: REST alone: each reading is an act that writes its record, under rows of its own, and no field of a query is
NOT_OFFERED: Final = frozenset(
    {
        "access_overrides.own",
        "access_overrides.resource",
        "attachments.append",
        "attachments.cleaned",
        "attachments.create_publicly",
        "attachments.withdraw_publicly",
        "attachments.expire",
        "attachments.litter",
        "attachments.material",
        "attachments.open",
        "attachments.progress",
        "attachments.record",
        "calendars.show",
        "cases.lapse",
        "cases.remind_plan_line",
        "cases.tell_reassessment",
        "civil_checks.question",
        "civil_checks.record",
        "clocks.announce_breach",
        "clocks.explain",
        "clocks.recompute",
        "clocks.stop_ended",
        "clocks.announce_warning",
        "clocks.end_window",
        "complaints.counts",
        "complaints.file_publicly",
        "complaints.similar",
        "complaints.ask_reopening_by_receipt",
        "complaints.confirm_by_receipt",
        "complaints.step_by_receipt",
        "complaints.track",
        "complaints.write_by_receipt",
        "duplicate_runs.step",
        "duplicates.look",
        "eligibility_checks.replay",
        "referrals.candidates",
        "referrals.expire",
        "referrals.expire_package",
        "referrals.reroute",
        "registry.load_release",
        "screenings.forget",
        "screenings.step",
    }
)


class Types(Protocol):
    """What makes the types of inputs."""

    def enum(self, codes: type[StrEnum]) -> Any: ...

    def input_of(self, name: str, members: Mapping[str, tuple[Any, Any]], description: str) -> Any: ...


@dataclass(frozen=True)
class InputMember:
    """One member of an input: the name in Python and JSON, and the annotation of the command."""

    name: str
    annotation: Any
    description: str
    required: bool

    @cached_property
    def graphql(self) -> str:
        return camel(self.name)

    @property
    def nullable(self) -> bool:
        """Whether null is among its values."""
        return _bare(self.annotation)[1]

    def type_for(self, types_: Types) -> Any:
        """Its type in GraphQL, without the null of what may be left out."""
        return _type(self.annotation, types_)


@dataclass(frozen=True)
class Mutation:
    """A use case as a mutation."""

    case: UseCase

    @cached_property
    def field(self) -> str:
        return camel(self.case.name)

    @cached_property
    def input(self) -> str:
        return f"{pascal(self.case.name)}Input"

    @cached_property
    def payload(self) -> str:
        return f"{pascal(self.case.name)}Payload"

    @cached_property
    def resource(self) -> str | None:
        """Member of the payload that holds the resource."""
        return camel(self.case.answers.name) if self.case.answers is not None else None

    @cached_property
    def members(self) -> tuple[InputMember, ...]:
        """Members of the input: the command's, and what stands around a request in REST."""
        found: list[InputMember] = []
        if self.case.asked:
            found.append(InputMember("id", UUID, "Id of the resource that it is asked on.", required=True))
        if self.conditional:
            described = "The version that you have seen; without it the answer is `if_match_required`."
            found.append(InputMember("expected_version", int, described, required=False))
        described = "A retry with the same key and content gets the first answer. Kept 30 days."
        found.append(InputMember("idempotency_key", str, described, required=False))
        return (*found, *_members(self.case.command))

    @property
    def conditional(self) -> bool:
        return self.case.asked and self.case.conditional and not self.case.creates

    @cached_property
    def asked(self) -> tuple[InputMember, ...]:
        """What a read is asked for: the command's members alone."""
        return tuple(_members(self.case.command))

    def body(self, given: Mapping[str, Any]) -> bytes:
        """The JSON that REST would be sent for these input values."""
        if self.case.command is None:
            return b""
        return orjson.dumps(_body(self.case.command, given))


def house() -> dict[str, UseCase]:
    """The use cases of the house by name; tests declare some of their own."""
    return {name: case for name, case in USE_CASES.items() if case.run.__module__.startswith("slrt_api.")}


def mutations() -> dict[str, Mutation]:
    """Every use case that is offered, by its field."""
    offered = [Mutation(case) for name, case in sorted(house().items()) if name not in NOT_OFFERED]
    return {mutation.field: mutation for mutation in offered}


def _members(model: type[BaseModel] | None) -> Sequence[InputMember]:
    if model is None:
        return ()
    return [
        InputMember(name, info.annotation, info.description or _title(info, name), info.is_required())
        for name, info in model.model_fields.items()
    ]


def _title(info: FieldInfo, name: str) -> str:
    return (info.title or name.replace("_", " ")).capitalize() + "."


def _bare(annotation: Any) -> tuple[Any, bool]:
    """An annotation without metadata and without None; and whether None was in it."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        rest = [each for each in get_args(annotation) if each is not type(None)]
        if len(rest) == 1:
            return _bare(rest[0])[0], True
        return Any, len(rest) < len(get_args(annotation))
    return annotation, False


_PLAIN: Final[Mapping[Any, Any]] = {
    str: str,
    int: int,
    bool: bool,
    float: float,
    UUID: strawberry.ID,
    date: Date,
    datetime: DateTime,
    AwareDatetime: DateTime,
}


def _type(annotation: Any, types_: Types) -> Any:
    bare, _ = _bare(annotation)
    if bare in _PLAIN:
        return _PLAIN[bare]
    if get_origin(bare) in {tuple, list, frozenset, set, Sequence}:
        item: Any = _type(get_args(bare)[0], types_)
        return types.GenericAlias(list, (item,))
    if get_origin(bare) is Literal and all(isinstance(each, str) for each in get_args(bare)):
        return str
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return types_.enum(bare)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        members: dict[str, tuple[Any, Any]] = {}
        for member in _members(bare):
            type_: Any = member.type_for(types_)
            if member.required and not member.nullable:
                members[member.name] = (type_, strawberry.field(description=member.description))
            else:
                optional = strawberry.field(description=member.description, default=strawberry.UNSET)
                members[member.name] = (type_ | None, optional)
        doc = (bare.__doc__ or bare.__name__).strip().splitlines()[0]
        return types_.input_of(f"{bare.__name__}Input", members, doc)
    return JSON


def _body(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by GraphQL's names as JSON members of `model`; what was not given stays away."""
    return {
        name: _value(info.annotation, given[camel(name)])
        for name, info in model.model_fields.items()
        if camel(name) in given
    }


def _value(annotation: Any, value: Any) -> Any:
    bare, _ = _bare(annotation)
    if value is None:
        return None
    if isinstance(value, list) and get_origin(bare) in {tuple, list, frozenset, set, Sequence}:
        return [_value(get_args(bare)[0], each) for each in value]
    if isinstance(bare, type) and issubclass(bare, BaseModel) and isinstance(value, Mapping):
        return _body(bare, value)
    return getattr(value, "value", value)
