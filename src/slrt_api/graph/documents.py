"""Documents: parsed and validated once, kept by their text; refused where they pass a limit, before any SQL.

Refusals name a code and a place in the document, never a word of it: literals may hold what no log may.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    StringValueNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.language import DirectiveNode, OperationType, SourceLocation, VariableNode
from graphql.validation import ASTValidationRule
from graphql.validation.specified_rules import recommended_rules

from slrt_api.kernel import errors

MAX_TOKENS: Final = 2_000
MAX_DEPTH: Final = 10
MAX_ALIASES: Final = 15
MAX_DIRECTIVES: Final = 50
MAX_COST: Final = 5_000
MAX_MUTATIONS: Final = 5
MAX_ERRORS: Final = 10
#: pairs of fields with one name are compared each with each, so their number is bounded beside the tokens
MAX_SAME_FIELDS: Final = 100
KEPT: Final = 500
KEPT_LENGTH: Final = 20_000

_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_NAME = re.compile("(?<=[a-z])(?=[A-Z])")

#: what a rule of validation wants, by its name without `Rule`
_DETAILS: Final[Mapping[str, str]] = {
    "FieldsOnCorrectType": "This field does not exist on its type.",
    "ScalarLeafs": "Select members of an object, and none of a plain value.",
    "KnownArgumentNames": "This argument is not known here.",
    "ProvidedRequiredArguments": "A required argument is missing.",
    "ValuesOfCorrectType": "Give a value of the documented type.",
    "VariablesInAllowedPosition": "The variable's type does not fit the place where it stands.",
    "NoUndefinedVariables": "This variable is not defined by the operation.",
    "NoUnusedVariables": "This variable is not used.",
    "NoUnusedFragments": "This fragment is not used.",
    "KnownFragmentNames": "This fragment is not defined.",
    "KnownTypeNames": "This type does not exist.",
    "KnownDirectives": "This directive does not exist, or not here.",
    "OverlappingFieldsCanBeMerged": "Two different things have one name in the answer: give one an alias.",
    "NoFragmentCycles": "A fragment leads back to itself.",
    "PossibleFragmentSpreads": "This fragment can never apply here.",
    "LoneAnonymousOperation": "Name the operations where there are several.",
    "MaxIntrospectionDepth": "The introspection is nested too deeply.",
}


@dataclass(frozen=True)
class Refusal(Exception):
    """A request that ends before execution: what is wrong and where in the document."""

    error: errors.SlrtError
    locations: tuple[SourceLocation, ...] = ()


def refused(code: str, *, at: Sequence[SourceLocation] = (), fault: tuple[str, str] | None = None) -> Refusal:
    """A refusal by its code; `fault` is (code, what to do) of the place."""
    faults = (errors.Fault("query", *fault),) if fault else ()
    return Refusal(errors.BadRequest(code, faults=faults), tuple(at))


@dataclass(frozen=True)
class Operation:
    """One operation of a document, with the variables whose value or presence decides the text of its statement."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]

    @property
    def type(self) -> OperationType:
        return self.node.operation

    @cached_property
    def structural(self) -> tuple[tuple[str, "By"], ...]:
        """Which variables decide, and how: which parts of the document apply, and which arguments are given."""
        finder = _Structural()
        visit(self.node, finder)
        for fragment in self.fragments.values():
            visit(fragment, finder)
        return tuple(sorted(finder.found.items()))

    @cached_property
    def plain(self) -> frozenset[str] | None:
        """The variables, where all are required texts and stand alone as arguments: there is nothing to coerce."""
        for definition in self.node.variable_definitions or ():
            wanted = definition.type.type if isinstance(definition.type, NonNullTypeNode) else None
            if not isinstance(wanted, NamedTypeNode) or wanted.name.value not in {"ID", "String"}:
                return None
        names = (definition.variable.name.value for definition in self.node.variable_definitions or ())
        return None if self.nested else frozenset(names)

    @cached_property
    def nested(self) -> bool:
        """Whether a variable stands inside of a list or an object."""
        finder = _Nested()
        visit(self.node, finder)
        for fragment in self.fragments.values():
            visit(fragment, finder)
        return finder.found

    @cached_property
    def standard(self) -> bool:
        """Whether it asks for the schema itself, which no statement answers."""
        finder = _Introspection()
        visit(self.node, finder)
        for fragment in self.fragments.values():
            visit(fragment, finder)
        return finder.found


@dataclass(frozen=True)
class Document:
    """A valid document. `plans` are kept by whoever compiles its operations."""

    text: str
    node: DocumentNode
    operations: Mapping[str | None, Operation]
    plans: OrderedDict[Any, Any] = field(default_factory=OrderedDict)

    def operation(self, name: str | None) -> Operation:
        """The operation of that name, or the only one. Raises Refusal `graphql_operation_unknown`."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = self.operations.get(name)
        if found is None:
            raise refused("graphql_operation_unknown")
        return found


class Documents:
    """The valid documents that were asked for last."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str) -> Document:
        """The document of that text. Raises Refusal."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        document = self._checked(text)
        if len(text) <= KEPT_LENGTH:
            self._kept[text] = document
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return document

    def _checked(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=MAX_TOKENS)
        except GraphQLError as error:
            if "tokens" in error.message:
                raise refused("graphql_limit", fault=("tokens", f"At most {MAX_TOKENS} tokens.")) from None
            raise refused("graphql_syntax", at=error.locations or ()) from None
        _check_limits(node)
        found = validate(self._schema, node, RULES, max_errors=MAX_ERRORS, hide_suggestions=True)
        if found:
            raise _invalid(found)
        fragments = {each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)}
        operations = {
            each.name.value if each.name else None: Operation(each, fragments)
            for each in node.definitions
            if isinstance(each, OperationDefinitionNode)
        }
        if not operations:
            raise refused("graphql_operation_unknown")
        return Document(text, node, operations)


def _invalid(found: Sequence[GraphQLError]) -> Refusal:
    """One refusal of all that is invalid: a fault a place."""
    faults, places = [], []
    for error in found:
        rule = getattr(error, "rule", "")
        detail = _DETAILS.get(rule, "Not valid for this schema.")
        code = _NAME.sub("_", rule).lower() or "invalid"
        for location in (error.locations or ())[:1]:
            places.append(location)
            detail = f"Line {location.line}, column {location.column}: {detail}"
        faults.append(errors.Fault("query", code, detail))
    return Refusal(errors.BadRequest("graphql_invalid", faults=tuple(faults)), tuple(places))


def _named(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """The rule, leaving its name on the errors that it reports."""
    name = rule.__name__.removesuffix("Rule")

    def report_error(self: ASTValidationRule, error: GraphQLError) -> None:
        error.rule = name  # type: ignore[attr-defined]
        rule.report_error(self, error)

    return type(rule.__name__, (rule,), {"report_error": report_error})


RULES: Final = tuple(_named(rule) for rule in (*specified_rules, *recommended_rules))


class _Counter(Visitor):
    """Counts what is limited in a document as it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.aliases = 0
        self.directives = 0
        self.unsafe = False
        self.same: dict[str, int] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.aliases += node.alias is not None
        name = (node.alias or node.name).value
        self.same[name] = self.same.get(name, 0) + 1

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.directives += 1

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        self.unsafe = self.unsafe or bool(_UNSAFE.search(node.value))


class By(StrEnum):
    """What of a variable decides the text of a statement."""

    VALUE = "value"
    PRESENCE = "presence"
    KIND = "kind"


class _Structural(Visitor):
    """Finds the variables that decide the text of a statement."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, By] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        for argument in node.arguments or ():
            name = argument.name.value
            if name == "id":
                if node.name.value == "node":
                    self._note(argument.value, By.KIND)
            elif name not in {"input", "code", "name"}:
                self._note(argument.value, By.VALUE if name in {"first", "last", "sort"} else By.PRESENCE)

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        for argument in node.arguments or ():
            self._note(argument.value, By.VALUE)

    def _note(self, value: Any, by: By) -> None:
        if isinstance(value, VariableNode):
            name = value.name.value
            # Used in two ways, it counts by value.
            self.found[name] = by if self.found.get(name, by) is by else By.VALUE


class _Nested(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_list_value(self, *_: Any) -> None:
        self.found = True

    def enter_object_value(self, *_: Any) -> None:
        self.found = True


class _Introspection(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.found = self.found or node.name.value in {"__schema", "__type"}


def _check_limits(node: DocumentNode) -> None:
    counter = _Counter()
    visit(node, counter)
    if counter.unsafe:
        raise refused("graphql_syntax", fault=("nul", "Remove U+0000 and halves of surrogate pairs."))
    if counter.aliases > MAX_ALIASES:
        raise refused("graphql_limit", fault=("aliases", f"At most {MAX_ALIASES} aliases."))
    if counter.directives > MAX_DIRECTIVES:
        raise refused("graphql_limit", fault=("directives", f"At most {MAX_DIRECTIVES} directives."))
    if max(counter.same.values(), default=0) > MAX_SAME_FIELDS:
        raise refused("graphql_limit", fault=("fields", f"Name one field at most {MAX_SAME_FIELDS} times."))
