"""Errors become problems: status, texts, headers; and no code is raised that the catalog does not explain."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

import slrt_api
from slrt_api.kernel import errors
from slrt_api.kernel.errors import Fault, SlrtError
from slrt_api.runtime import problems
from slrt_api.runtime.problem_texts import PROBLEMS

SOURCE = Path(slrt_api.__file__).parent
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def answer(error: SlrtError, language: problems.Language = "id") -> tuple[int, dict[str, Any], dict[str, str]]:
    response = problems.problem_response(error, trace_id=TRACE, language=language, base_url="https://api.example")
    return response.status_code, orjson.loads(bytes(response.body)), dict(response.headers)


class TestProblemResponse:
    def test_says_what_happened_in_indonesian(self) -> None:
        status, content, headers = answer(errors.NotFound())
        assert status == 404
        assert content == {
            "type": "/problems/not_found",
            "title": "Tidak ditemukan",
            "status": 404,
            "detail": "Tidak ada, atau di luar kewenangan Anda.",
            "code": "not_found",
            "trace_id": TRACE,
            "errors": [],
        }
        assert headers["content-type"] == "application/problem+json"
        assert headers["content-language"] == "id"
        assert headers["cache-control"] == "no-store"

    def test_says_it_in_english(self) -> None:
        _, content, headers = answer(errors.NotFound(), "en")
        assert (content["title"], headers["content-language"]) == ("Not found", "en")

    def test_faults_speak_the_language_of_the_answer(self) -> None:
        error = errors.Invalid(faults=(Fault("/a", "required", "This member is required."),))
        assert answer(error)[1]["errors"] == [{"pointer": "/a", "code": "required", "detail": "Anggota ini wajib."}]
        assert answer(error, "en")[1]["errors"][0]["detail"] == "This member is required."

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (errors.BadRequest("json_depth"), 400),
            (errors.Unauthenticated(), 401),
            (errors.Forbidden(), 403),
            (errors.OutOfScope(), 403),
            (errors.NotFound(), 404),
            (errors.MethodNotAllowed(), 405),
            (errors.NotAcceptable(), 406),
            (errors.Conflict("already_exists"), 409),
            (errors.PreconditionFailed(), 412),
            (errors.PayloadTooLarge(), 413),
            (errors.UnsupportedMediaType(), 415),
            (errors.Invalid(), 422),
            (errors.PreconditionRequired(), 428),
            (errors.TooManyRequests(), 429),
            (SlrtError(), 500),
            (errors.Unavailable(), 503),
        ],
    )
    def test_status_of_each_class(self, error: SlrtError, status: int) -> None:
        told, content, _ = answer(error)
        assert (told, content["status"], PROBLEMS[error.code].status) == (status, status, status)

    def test_401_without_a_token_names_no_error(self) -> None:
        metadata = (
            'Bearer realm="slrt-api", resource_metadata="https://api.example/.well-known/oauth-protected-resource"'
        )
        assert answer(errors.Unauthenticated("token_missing"))[2]["www-authenticate"] == metadata
        assert answer(errors.Unauthenticated())[2]["www-authenticate"] == metadata + ', error="invalid_token"'
        assert answer(errors.Unauthenticated("token_expired"))[2]["www-authenticate"] == (
            metadata + ', error="invalid_token"'
        )

    def test_403_names_the_scope_that_is_missing_and_only_that(self) -> None:
        told = answer(errors.Forbidden("scope_missing", scope="cases:write"))[2]["www-authenticate"]
        assert told == (
            'Bearer realm="slrt-api", resource_metadata="https://api.example/.well-known/oauth-protected-resource", '
            'error="insufficient_scope", scope="cases:write"'
        )
        assert "www-authenticate" not in answer(errors.Forbidden("role_not_allowed"))[2]
        assert "www-authenticate" not in answer(errors.OutOfScope())[2]

    @pytest.mark.parametrize(
        ("base_url", "address"),
        [
            ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://go.id:8443/slrt/", "https://go.id:8443/.well-known/oauth-protected-resource/slrt"),
        ],
    )
    def test_the_metadata_stand_between_host_and_path(self, base_url: str, address: str) -> None:
        assert problems.resource_metadata(base_url) == address

    def test_412_tells_the_current_version_where_known(self) -> None:
        assert answer(errors.PreconditionFailed(current_version=7))[2]["etag"] == '"7"'
        assert "etag" not in answer(errors.PreconditionFailed())[2]

    def test_405_lists_the_methods(self) -> None:
        assert answer(errors.MethodNotAllowed(allowed=("GET", "HEAD")))[2]["allow"] == "GET, HEAD"

    def test_what_can_be_repeated_says_when(self) -> None:
        assert answer(errors.Unavailable())[2]["retry-after"] == "5"
        assert answer(errors.Conflict("request_in_flight", retry_after_seconds=1))[2]["retry-after"] == "1"
        assert "retry-after" not in answer(errors.Conflict())[2]

    def test_an_unlisted_code_speaks_as_its_class(self) -> None:
        status, content, _ = answer(errors.Conflict("not_in_the_catalog"))
        assert (status, content["type"], content["code"]) == (409, "/problems/conflict", "not_in_the_catalog")

    def test_graphql_carries_the_same_code(self) -> None:
        assert problems.graphql_extensions(errors.NotFound()) == {"code": "not_found"}
        assert problems.graphql_extensions(errors.Invalid.at("/a", "range", "Less.")) == {
            "code": "content_invalid",
            "errors": [{"pointer": "/a", "code": "range", "detail": "Less."}],
        }


class TestLanguage:
    @pytest.mark.parametrize(
        ("header", "language"),
        [
            (None, "id"),
            ("", "id"),
            ("en", "en"),
            ("EN-us", "en"),
            ("id-ID,en;q=0.9", "id"),
            ("en;q=0.4, id;q=0.5", "id"),
            ("en;q=0.5, id;q=0.4", "en"),
            ("fr, en;q=0.1", "en"),
            ("fr", "id"),
            ("in", "id"),
            ("*", "id"),
            ("en;q=0", "id"),
            ("en;q=x", "id"),
            ("en;q=1e9, id;q=0.1", "id"),
            ("en;q=-1", "id"),
            ("en;q=٩", "id"),
            ("en;level=1", "id"),
            (";;;,,,=", "id"),
            ("english", "id"),
        ],
    )
    def test_follows_the_weights(self, header: str | None, language: str) -> None:
        assert problems.language_of(header) == language


def calls() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(SOURCE.rglob("*.py")):
        file = str(path.relative_to(SOURCE))
        for node in ast.walk(ast.parse(path.read_text())):
            yield file, node


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def constants(node: ast.expr | None) -> list[str]:
    if isinstance(node, ast.IfExp):
        return constants(node.body) + constants(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def argument(call: ast.Call, position: int) -> ast.expr | None:
    named = next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)
    return named if named is not None else call.args[position] if len(call.args) > position else None


@cache
def raised() -> frozenset[tuple[str, str, int | None]]:
    """(file, code, status or None for the code of a fault) of every code that stands in the source."""
    statuses = {
        name: problems.status_of(kind)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, SlrtError)
    }
    nodes = list(calls())
    for _, node in nodes:
        if isinstance(node, ast.ClassDef):
            for base in map(name_of, node.bases):
                if base in statuses:
                    statuses.setdefault(node.name, statuses[base])
    found: set[tuple[str, str, int | None]] = set()
    for path, node in nodes:
        if isinstance(node, ast.ClassDef) and node.name in statuses:
            for line in node.body:
                if isinstance(line, ast.Assign) and [name_of(target) for target in line.targets] == ["code"]:
                    found |= {(path, code, statuses[node.name]) for code in constants(line.value)}
        if isinstance(node, ast.AnnAssign) and name_of(node.target) == "refusal":
            found |= {(path, code, 409) for code in constants(node.value)}
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node.func)
        if name in statuses:
            found |= {(path, code, statuses[name]) for code in constants(argument(node, 0))}
        elif name in {"Fault", "_fault"} or (name == "at" and isinstance(node.func, ast.Attribute)):
            found |= {(path, code, None) for code in constants(argument(node, 1))}
        elif name == "PydanticCustomError":
            found |= {(path, code, None) for code in constants(argument(node, 0))}
        # What a guard of a lifecycle says when it does not hold.
        for keyword in node.keywords:
            if keyword.arg == "refusal":
                found |= {(path, code, 409) for code in constants(keyword.value)}
    return frozenset(found)


class TestCatalog:
    def test_the_search_finds_codes_of_each_kind(self) -> None:
        found = raised()
        assert ("kernel/errors.py", "area_out_of_scope", 403) in found
        assert ("kernel/errors.py", "reference_not_found", None) in found
        assert ("runtime/strictjson.py", "json_nul", 400) in found
        assert ("runtime/strictjson.py", "format", None) in found

    def test_every_code_that_is_raised_is_explained(self) -> None:
        assert {(path, code) for path, code, _ in raised() if code not in PROBLEMS} == set()

    def test_the_catalog_tells_the_status_that_is_sent(self) -> None:
        assert {
            (path, code, status)
            for path, code, status in raised()
            if status is not None and code in PROBLEMS and PROBLEMS[code].status != status
        } == set()

    def test_every_entry_speaks_both_languages_and_holds_no_placeholder(self) -> None:
        for problem in PROBLEMS.values():
            for text in (problem.title, problem.detail):
                assert text.id
                assert text.en
                assert text.id != text.en
                assert not {"{", "%"} & set(text.id + text.en)

    def test_no_code_is_listed_twice(self) -> None:
        from slrt_api.runtime import problem_texts

        assert len(problem_texts._ALL) == len(PROBLEMS)
