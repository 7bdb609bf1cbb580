"""The OpenAPI document: what FastAPI gathers from the routes, with what it does not know."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

DESCRIPTION = """Headless platform of Indonesia's integrated social service and referral system (SLRT).

Households are registered, checked against the national registry (DTSEN), assessed, referred to programs and partner
organizations, and followed until they stand on their own; complaints run beside, with clocks in working time.

Ids are UUIDs of version 8. Instants are RFC 3339 in UTC. Errors are `application/problem+json` with a stable `code`.
A token says who and which scopes; its grants say in which role and where.
"""


def describe(app: FastAPI, problem: type[BaseModel]) -> None:
    """Let `app.openapi()` give the whole document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title="slrt-api",
                version=app.version,
                summary="Households, cases, referrals, programs and complaints of SLRT",
                description=DESCRIPTION,
                routes=app.routes,
                license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
                servers=[{"url": "/"}],
            )
            _complete(document, problem)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any], problem: type[BaseModel]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schema = problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[problem.__name__] = schema
    document["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Access token (RFC 9068) of a trusted issuer.",
        },
    }
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in document["paths"].values():
        for operation in path.values():
            found = operation["responses"].get("422")
            if found and "application/json" in found.get("content", {}):
                del operation["responses"]["422"]
