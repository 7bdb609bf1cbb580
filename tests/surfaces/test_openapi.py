"""The OpenAPI document: valid, complete in every place a reader looks at, and the one that is committed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from slrt_api.attachments.codes import MEDIA_TYPES
from slrt_api.cli import contracts
from slrt_api.cli.refusal import Refusal

ROOT = Path(__file__).parents[2]
DOCUMENT = contracts.document()
#: forms in which a list leaves beside JSON
FILES = {"text/csv", "application/x-ndjson"}
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, as `GET /v1/areas` and its object."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every member of every schema, as `Area.code` and its schema."""
    for name, schema in SCHEMAS.items():
        for member, property_ in schema.get("properties", {}).items():
            yield f"{name}.{member}", property_


def exemplified(schema: dict[str, Any]) -> bool:
    """Whether a reader sees a value: an example, a constant, the codes, or a schema of its own that shows some."""
    if {"examples", "example", "const", "enum"} & set(schema):
        return True
    if "$ref" in schema:
        target = SCHEMAS[schema["$ref"].rpartition("/")[2]]
        return "properties" in target or exemplified(target)
    if "items" in schema:
        return exemplified(schema["items"])
    return any(exemplified(choice) for word in ("anyOf", "allOf", "oneOf") for choice in schema.get(word, ()))


def described(schema: dict[str, Any]) -> bool:
    """Whether a reader sees a text: the field's, or that of its own schema, which is not repeated where it is equal."""
    if "$ref" in schema and "description" not in schema:
        return described(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    return bool(schema.get("description"))


def bodies_of_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """The body of every operation that takes one."""
    for place, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield place, content


def named_in(schema: Any, found: set[str]) -> set[str]:
    """The schemas that a schema refers to, directly or by another."""
    if isinstance(schema, dict):
        if "$ref" in schema and (name := schema["$ref"].rpartition("/")[2]) not in found:
            found.add(name)
            named_in(SCHEMAS[name], found)
        for value in schema.values():
            named_in(value, found)
    if isinstance(schema, list):
        for value in schema:
            named_in(value, found)
    return found


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What keeps `value` from being one of `schema`."""
    validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [error.message for error in validator.iter_errors(value)]


def test_it_is_valid_openapi() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(error.message) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_committed_file_is_what_the_code_makes() -> None:
    contracts.check(ROOT / "openapi")


def test_an_old_file_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="make contracts"):
        contracts.check(tmp_path)
    contracts.export(tmp_path)
    contracts.check(tmp_path)
    path = tmp_path / "openapi.json"
    path.write_text(path.read_text().replace("slrt-api", "slrt", 1))
    with pytest.raises(Refusal, match="make contracts"):
        contracts.check(tmp_path)


def test_every_operation_is_described_and_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(names) == len(set(names))
    lacking = [
        place
        for place, operation in operations()
        if not all(operation.get(word) for word in ("summary", "description", "responses"))
        or len(operation["tags"]) != 1
        or "security" not in operation
    ]
    assert lacking == []


def test_every_tag_is_described() -> None:
    described = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    assert {operation["tags"][0] for _, operation in operations()} == described


def test_every_parameter_is_described_with_an_example() -> None:
    lacking = [
        f"{place} {parameter['name']}"
        for place, operation in operations()
        for parameter in operation.get("parameters", ())
        if not parameter.get("description") or not (exemplified(parameter) or exemplified(parameter["schema"]))
    ]
    assert lacking == []


def test_every_field_is_described_with_an_example() -> None:
    lacking = [
        f"{place}: {word}"
        for place, schema in properties()
        for word, there in (("description", described(schema)), ("example", exemplified(schema)))
        if not there
    ]
    assert lacking == []


def test_every_schema_is_described() -> None:
    assert [name for name, schema in SCHEMAS.items() if not schema.get("description")] == []


def test_every_body_is_closed_to_unknown_members() -> None:
    bodies = [content["schema"] for _, content in bodies_of_requests()]
    for schema in bodies:
        for name in named_in(schema, set()):
            if "properties" in SCHEMAS[name]:
                assert SCHEMAS[name].get("additionalProperties") is False, name


def test_every_body_has_an_example_with_all_that_is_required() -> None:
    assert len(list(bodies_of_requests())) > 5
    for place, content in bodies_of_requests():
        if "contentMediaType" in content["schema"]:
            continue
        schema = SCHEMAS[content["schema"]["$ref"].rpartition("/")[2]]
        example = content["example"]
        assert set(schema.get("required", ())) <= set(example) <= set(schema["properties"]), place
        assert example, place
        assert faults(content["schema"], example) == [], place


def test_every_example_of_a_field_fits_the_field() -> None:
    wrong = {
        place: found
        for place, schema in properties()
        for example in schema.get("examples", ())
        if (found := faults(schema, example))
    }
    assert wrong == {}


def test_every_example_of_a_parameter_fits_the_parameter() -> None:
    wrong = {
        f"{place} {parameter['name']}": found
        for place, operation in operations()
        for parameter in operation.get("parameters", ())
        for example in parameter["schema"].get("examples", ())
        if (found := faults(parameter["schema"], example))
    }
    assert wrong == {}


def test_every_answer_has_content_or_says_that_it_has_none() -> None:
    for place, operation in operations():
        for status, answer in operation["responses"].items():
            assert answer["description"], place
            if status in {"204", "304"}:
                assert "content" not in answer, place
                continue
            expected = "application/json" if status < "300" else "application/problem+json"
            if status < "300" and answer["content"].keys() == set(MEDIA_TYPES):
                continue
            # A list may leave as a file too.
            assert answer["content"].keys() - FILES == {expected}, (place, status)
            assert all(media["schema"] for media in answer["content"].values()), (place, status)
