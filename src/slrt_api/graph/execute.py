"""The two executors of one request: the compiled path, and graphql-core's for what no statement answers.

The compiled path looks up the document, the plan and the statement, binds values, and puts PostgreSQL's bytes into the answer.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from graphql import FieldNode, GraphQLError, GraphQLObjectType, execute
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.language import OperationType, SourceLocation

from slrt_api.graph.build import Built
from slrt_api.graph.documents import (
    MAX_MUTATIONS,
    By,
    Document,
    Documents,
    Operation,
    Refusal,
    refused,
)
from slrt_api.graph.mutations import Mutation
from slrt_api.graph.names import pointer
from slrt_api.graph.plans import Plan, bound_id, compile_query, locations, selection_of
from slrt_api.graph.resolvers import Context
from slrt_api.kernel import errors
from slrt_api.kernel.ids import kind_of, tenant_of
from slrt_api.runtime import idempotency, strictjson
from slrt_api.runtime.problems import Language, graphql_error, language_of
from slrt_api.runtime.reads import Reads
from slrt_api.runtime.shapes import parse_uuid, select
from slrt_api.runtime.statements import ItemRoot
from slrt_api.runtime.usecase import Act, Answer

PLANS_KEPT: Final = 64
#: what is wrong with the whole service and not with one field: answered by HTTP, so that clients try again
_WHOLE: Final = (errors.Unavailable, errors.TooManyRequests)

_log = structlog.get_logger()


@dataclass(frozen=True)
class Asked:
    """One request. `variables` as they came; `accept_language` as in HTTP, read only where there is an error."""

    text: str
    operation: str | None
    variables: Mapping[str, Any]
    accept_language: str | None = None

    @property
    def language(self) -> Language:
        return language_of(self.accept_language)


@dataclass(frozen=True)
class Executor:
    """Executes requests over one schema."""

    built: Built
    documents: Documents

    @classmethod
    def of(cls, built: Built) -> "Executor":
        return cls(built, Documents(built.core))

    def prepare(self, asked: Asked) -> tuple[Document, Operation, VariableValues]:
        """Document, operation and coerced variables. Raises Refusal."""
        document = self.documents.get(asked.text)
        operation = document.operation(asked.operation)
        return document, operation, self._variables(operation, asked.variables)

    async def __call__(self, act: Act, asked: Asked, prepared: tuple[Document, Operation, VariableValues]) -> bytes:
        """The bytes of the answer. Raises Refusal before anything is executed, Unavailable when nothing can be."""
        document, operation, variables = prepared
        if operation.type is OperationType.MUTATION:
            return await self._mutation(act, asked, operation, variables)
        plan = self._plan(document, operation, variables)
        given = _given(plan, act, variables)
        if plan.compiled:
            return await self._compiled(act, asked, plan, variables, given)
        return await self.standard(act, asked, prepared)

    # Preparation ------------------------------------------------------------------------------------------------

    def _variables(self, operation: Operation, given: Mapping[str, Any]) -> VariableValues:
        definitions = operation.node.variable_definitions
        if not definitions:
            return _NONE
        # The most frequent variables by far are ids and cursors, which need no coercion.
        plain = operation.plain
        if plain is not None and given.keys() == plain and all(type(value) is str for value in given.values()):
            return VariableValues({}, dict(given))
        found = get_variable_values(self.built.core, definitions, dict(given), max_errors=5, hide_suggestions=True)
        if isinstance(found, VariableValues):
            return found
        places = [place for error in found for place in error.locations or ()]
        raise refused("graphql_variables", at=places)

    def _plan(self, document: Document, operation: Operation, variables: VariableValues) -> Plan:
        name = operation.node.name.value if operation.node.name else None
        key = (name, *(_structure(variables.coerced.get(each), by) for each, by in operation.structural))
        found: Plan | None = document.plans.get(key)
        if found is None:
            found = compile_query(self.built.core, self.built.catalog, operation, variables)
            document.plans[key] = found
            if len(document.plans) > PLANS_KEPT:
                document.plans.popitem(last=False)
        return found

    # The compiled path ------------------------------------------------------------------------------------------

    async def _compiled(
        self, act: Act, asked: Asked, plan: Plan, variables: VariableValues, given: dict[str, Any]
    ) -> bytes:
        bound = plan.bind(act.actor)
        answers: dict[int, bytes | None] = {}
        failed: list[dict[str, Any]] = []
        ids: dict[int, Any] = {}
        live = False
        refusals = dict(bound.refused)
        for number, root in enumerate(plan.roots):
            if isinstance(root.root, ItemRoot):
                id_ = None
                try:
                    ids[number] = id_ = bound_id(root, variables)
                except errors.NotFound as error:
                    # Whoever asks: text that is no id names nothing, as in REST.
                    refusals[number] = error
                given[f"{root.slot}.id"] = id_
                given[f"{root.slot}.regency"] = tenant_of(id_) if isinstance(id_, UUID) else None
                live = live or (id_ is not None and number not in bound.refused)
            elif root.root is not None and number not in bound.refused:
                live = True
        if live and bound.statement is not None:
            given |= Reads.actor_values(act.actor)
            try:
                found = await act.answers(bound.statement, given, operation=plan.roots[bound.asked[0]].operation)
            except errors.BadRequest as error:
                raise Refusal(error) from None
            for number, (body, rows) in zip(bound.asked, found, strict=True):
                answers[number] = body
                if body is not None:
                    _note(act, plan, number, ids.get(number), rows)
        parts = []
        for number, root in enumerate(plan.roots):
            body = answers.get(number) if root.root is not None else root.constant
            wrong = refusals.get(number)
            if body is None and number not in refusals and not root.nullable:
                wrong = errors.NotFound()
            if wrong is not None:
                failed.append(graphql_error(_pointed(wrong), asked.language, _places(root.locations), [root.key]))
            parts.append(b'"%b":%b' % (root.key.encode(), body if body is not None else b"null"))
        return _answer(b",".join(parts), failed)

    # Mutations ----------------------------------------------------------------------------------------------------

    async def _mutation(self, act: Act, asked: Asked, operation: Operation, variables: VariableValues) -> bytes:
        compilation = selection_of(self.built.core, self.built.catalog, operation, variables)
        fields = compilation.fields("Mutation", (operation.node.selection_set,))
        if len(fields) > MAX_MUTATIONS:
            raise refused("graphql_limit", fault=("mutations", f"At most {MAX_MUTATIONS} mutations in one request."))
        # Whatever can be refused without an act is refused before the first one.
        payloads = {
            key: _Payload(self, compilation, nodes, variables)
            for key, nodes in fields.items()
            if nodes[0].name.value != "__typename"
        }
        if not compilation.compiled:
            raise refused("graphql_limit", fault=("alias", "Names of the answer have at most 63 characters."))
        parameters: dict[str, Any] = {}
        for slot, page in compilation.pages:
            try:
                parameters |= page(variables).parameters(act.actor, slot)
            except errors.SlrtError as error:
                raise Refusal(error) from None
        parts: list[bytes] = []
        failed: list[dict[str, Any]] = []
        for key, nodes in fields.items():
            payload = payloads.get(key)
            body = b'"Mutation"'
            if payload is not None:
                try:
                    body = await payload.run(act, parameters)
                except errors.SlrtError as error:
                    shown = _pointed(error)
                    failed.append(graphql_error(shown, asked.language, _places(locations(nodes)), [key]))
                    body = b"null"
                except Exception:
                    _log.exception("mutation_failed", field=nodes[0].name.value)
                    failed.append(graphql_error(errors.SlrtError(), asked.language, _places(locations(nodes)), [key]))
                    body = b"null"
            parts.append(b'"%b":%b' % (key.encode(), body))
        return _answer(b",".join(parts), failed)

    async def perform(
        self,
        act: Act,
        mutation: Mutation,
        given: Mapping[str, Any],
        show: "tuple[ItemRoot, Mapping[str, Any]] | None" = None,
    ) -> Answer:
        """Run one mutation with the values of its `input`, as REST would. Raises SlrtError."""
        case = mutation.case
        case.permit(act.actor)
        on = None
        if case.asked:
            try:
                on = parse_uuid(given["id"])
            except ValueError:
                raise errors.NotFound from None
        body = mutation.body(given)
        command = strictjson.parse_body(case.command, body) if case.command is not None else None
        key = None
        if given.get("idempotencyKey") is not None:
            key = idempotency.key_of_request(
                act.platform.keyring, act.actor, case.name, given["idempotencyKey"], on=on, body=body
            )
        version = given.get("expectedVersion") if mutation.conditional else None
        return await act(case, command, on=on, expected_version=version, key=key, show=show)

    # The standard executor -----------------------------------------------------------------------------------------

    async def standard(self, act: Act, asked: Asked, prepared: tuple[Document, Operation, VariableValues]) -> bytes:
        """The same request by graphql-core and the resolvers."""
        document, operation, variables = prepared
        if operation.type is OperationType.QUERY:
            _given(self._plan(document, operation, variables), act, variables)

        async def perform(mutation: Mutation, given: Mapping[str, Any]) -> Mapping[str, Any]:
            answer = await self.perform(act, mutation, given)
            return payload_of(mutation, answer)

        result: Any = execute(
            self.built.core,
            document.node,
            context_value=Context(act, perform),
            variable_values=dict(asked.variables),
            operation_name=asked.operation,
            hide_suggestions=True,
        )
        if inspect.isawaitable(result):
            result = await result
        failed = [self._failure(error, asked.language) for error in result.errors or ()]
        # graphql-core keeps floats of JSON scalars and integers beyond 53 bits; orjson writes both.
        return _whole(orjson.dumps(result.data), failed)

    @staticmethod
    def _failure(error: GraphQLError, language: Language) -> dict[str, Any]:
        original = error.original_error
        if isinstance(original, _WHOLE):
            raise original
        known = original if isinstance(original, errors.SlrtError) else errors.SlrtError()
        if original is not None and not isinstance(original, errors.SlrtError):
            _log.error("resolver_failed", exc_info=original)
        return graphql_error(_pointed(known), language, _places(error.locations or ()), error.path or [])


class _Payload:
    """One mutation of a request: what is shown of its answer, and its run."""

    def __init__(
        self, executor: Executor, compilation: Any, nodes: Sequence[FieldNode], variables: VariableValues
    ) -> None:
        self._executor = executor
        self._mutation = executor.built.mutations[nodes[0].name.value]
        mutation_type = executor.built.core.mutation_type
        if not isinstance(mutation_type, GraphQLObjectType):
            raise TypeError
        definition = mutation_type.fields[nodes[0].name.value]
        self._input = get_argument_values(definition, nodes[0], variables).get("input", {})
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        case = self._mutation.case
        self._members: list[tuple[str, str, ItemRoot | None]] = []
        for key, chosen in compilation.fields(self._mutation.payload, sets).items():
            name = chosen[0].name.value
            root: ItemRoot | None = None
            if case.answers is not None and name == self._mutation.resource:
                resource = executor.built.catalog.by_shape[case.answers]
                root = ItemRoot(f"m{key}", compilation.selection(resource, chosen, 2, 1))
            self._members.append((key, name, root))

    async def run(self, act: Act, parameters: Mapping[str, Any]) -> bytes:
        shown = [root for _, _, root in self._members if root is not None]
        # Whether it may be done at all before what may be shown of it, as in REST.
        self._mutation.case.permit(act.actor)
        for each in shown:
            Reads.permit(act.actor, each.selection, item=True)
        show = (shown[0], parameters) if shown else None
        answer = await self._executor.perform(act, self._mutation, self._input, show)
        parts = []
        for key, name, root in self._members:
            if name == "__typename":
                body = b'"%b"' % self._mutation.payload.encode()
            elif root is not None and root is shown[0]:
                body = answer.shown or b"null"
            elif root is not None:
                body = await self._again(act, root, parameters, answer)
            elif name == "once":
                body = orjson.dumps(payload_of(self._mutation, answer)["once"])
            else:
                body = answer.body or b"null"
            parts.append(b'"%b":%b' % (key.encode(), body))
        return b"{%b}" % b",".join(parts)

    @staticmethod
    async def _again(act: Act, root: ItemRoot, parameters: Mapping[str, Any], answer: Answer) -> bytes:
        """The resource under a second alias, read after the act."""
        if not answer.body:
            return b"null"
        id_ = UUID(orjson.loads(answer.body)["id"])
        given = {**parameters, f"{root.slot}.id": id_, f"{root.slot}.regency": tenant_of(id_)}
        statement = Reads.compile(act.actor, (root,))
        [(body, _)] = await act.answers(statement, {**given, **Reads.actor_values(act.actor)}, operation="graphql")
        return body or b"null"


def payload_of(mutation: Mutation, answer: Answer) -> dict[str, Any]:
    """The plain members of a payload: `id` of the resource and `once`, or the result."""
    case = mutation.case
    if case.answers is None:
        return {"result": orjson.loads(answer.body) if answer.body else None}
    if not answer.body:
        return {"id": None, "once": None}
    body = orjson.loads(answer.body)
    usual = {member.key for member in select(case.answers, case.include).members}
    once = {name: value for name, value in body.items() if name not in usual}
    return {"id": body["id"], "once": once or None}


_NONE: Final = VariableValues({}, {})


def _structure(value: Any, by: By) -> Any:
    if by is By.PRESENCE:
        return value is not None
    if by is By.KIND:
        try:
            return kind_of(parse_uuid(value))
        except ValueError:
            return None
    return getattr(value, "value", value)


def _given(plan: Plan, act: Act, variables: VariableValues) -> dict[str, Any]:
    """The parameters of a plan's pages. Raises Refusal."""
    try:
        return plan.parameters(act.actor, variables)
    except errors.SlrtError as error:
        raise Refusal(error) from None


def _note(act: Act, plan: Plan, number: int, id_: Any, rows: int) -> None:
    """Record that personal data were read. Raises Unavailable when the records cannot be kept."""
    root = plan.roots[number]
    if root.root is None:
        return
    regency = tenant_of(id_) if isinstance(id_, UUID) else next(iter(act.actor.rows.tenants), 0)
    if root.root.shape.personal:
        act.note(root.operation, root.root.shape.name, regency, id_ if isinstance(id_, UUID) else None, rows)
        return
    # What reference data lead to may be personal: each kind of it is one access.
    for shape in {shape.name: shape for shape in plan.shapes(number) if shape.personal}.values():
        act.note(root.operation, shape.name, next(iter(act.actor.rows.tenants), 0), None, rows)


def _places(found: Sequence[SourceLocation]) -> list[dict[str, int]]:
    return [{"line": place.line, "column": place.column} for place in found]


def _pointed(error: errors.SlrtError) -> errors.SlrtError:
    """The error with its pointers in the names of the input."""
    error.faults = tuple(errors.Fault(pointer(each.pointer), each.code, each.detail) for each in error.faults)
    return error


def _answer(members: bytes, failed: Sequence[Mapping[str, Any]]) -> bytes:
    if not failed:
        return b'{"data":{%b}}' % members
    return _whole(b"{%b}" % members, failed)


def _whole(data: bytes, failed: Sequence[Mapping[str, Any]]) -> bytes:
    if not failed:
        return b'{"data":%b}' % data
    return b'{"errors":%b,"data":%b}' % (orjson.dumps(list(failed)), data)


__all__ = ["Asked", "Executor", "payload_of"]
