"""What the published table of permissions says of one operation and one role. For tests that compare it with the service."""

from collections.abc import Mapping
from typing import Any

Table = Mapping[str, Any]


def operation(table: Table, name: str) -> Mapping[str, Any]:
    """The operation of that name: the `operationId` of REST, or the root field of GraphQL."""
    [found] = [each for each in table["operations"] if name in {each["operation"], each["graphql"]}]
    line: Mapping[str, Any] = found
    return line


def refusal(table: Table, name: str, role: str) -> tuple[int, str] | None:
    """Status and code that the role is refused with, whatever it asks for; None where it may ask."""
    line = operation(table, name)
    for each in line["refused"]:
        if each["role"] == role:
            return each["status"], each["code"]
    assert role in {each["role"] for each in line["roles"]}, f"{name} says nothing of {role}"
    return None


def allowed(table: Table, name: str, role: str, action: str | None = None) -> bool:
    """Whether the role may ask for the operation; with `action`, for that step of a lifecycle from some state."""
    if refusal(table, name, role) is not None:
        return False
    actions = {each["action"]: each["roles"] for each in operation(table, name)["actions"]}
    return action is None or role in actions[action]


def may_read(table: Table, resource: str, field: str, role: str) -> bool:
    """Whether the role may know the field at all, where the table has a rule for it."""
    [line] = [each for each in table["fields"] if (each["resource"], each["field"]) == (resource, field)]
    return role in line["readers"]
