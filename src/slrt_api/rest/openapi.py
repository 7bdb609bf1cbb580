"""The OpenAPI document: what FastAPI gathers from the routes, with what it does not know."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.routing import BaseRoute

DESCRIPTION = """Headless platform of Indonesia's integrated social service and referral system (SLRT).

Households are registered, checked against the national registry (DTSEN), assessed, referred to programs and partner
organizations, and followed until they stand on their own; complaints run beside, with clocks in working time.

Ids are UUIDs of version 8. Instants are RFC 3339 in UTC. Errors are `application/problem+json` with a stable `code`.
A token says who and which scopes; its grants say in which role and where.
"""

#: what the groups of operations are about, in the order of the page
TAGS = {
    "Households": "Families at an address, and the people in them.",
    "Persons": "Search by NIK and the full NIK of one person; each leaves a record of the access.",
    "Lineage": "Births, deaths, splits, merges, moves and new numbers of families, undoing them, and hand-overs.",
    "Duplicates": "Persons who may be entered twice: the queue, decisions, and runs over a whole regency.",
    "Organizations": "Secretariats, Puskesos, offices (OPD), welfare organizations (LKS): services, areas, capacity.",
    "Programs": "The catalog of social programs, the versions of their rules, and who receives them.",
    "Eligibility": "Checks of a household against rules, always with reasons, and their review by a human.",
    "Screenings": "Rules judged for everybody of an area: who is entitled and does not receive, and what a draft would change.",
    "Registry": "The national registry (DTSEN) as released to the regency: checks, releases.",
    "Cases": "A family's way from registration to self-reliance: needs, assessments, direct services, transitions.",
    "Referrals": "A need handed over to an organization or program, with the package that it may see.",
    "Complaints": "Complaints, questions and aspirations, with clocks in working time.",
    "Attachments": "Files of households, persons, cases, referrals and complaints: resumable uploads, short-lived links.",
    "Sealed reports": "Requests to learn who filed a sealed report: one person asks, another one grants.",
    "Calendars": "What deadlines are counted by: free days and office hours by decree, and service levels.",
    "Consents": "Why a person's data may be processed, for each purpose: public task, vital interest, consent.",
    "Access overrides": "Rules that were passed by, by whom and why: break-glass, sharing without consent.",
    "Public": "Filing and following a complaint without a token.",
    "Access": "Who may act where and how long: grants, and revocations of subjects and tokens.",
    "Audit": "Who did what, when, in which role and why.",
    "Reference": "Areas, services, code lists and state machines. Public.",
}


def describe(app: FastAPI, routes: Callable[[], Sequence[BaseRoute]], problem: type[BaseModel]) -> None:
    """Let `app.openapi()` give the whole document, made once of what `routes` describes."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title="slrt-api",
                version=app.version,
                summary="Households, cases, referrals, programs and complaints of SLRT",
                description=DESCRIPTION,
                routes=routes(),
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
        "receipt": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Receipt <secret>`: the secret that was shown when the complaint was filed.",
        },
    }
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    used = set()
    for path in document["paths"].values():
        for operation in path.values():
            used.update(operation["tags"])
            found = operation["responses"].get("422")
            if found and "application/json" in found.get("content", {}):
                del operation["responses"]["422"]
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                _show_body(media, content, schemas)
    document["tags"] = [{"name": name, "description": TAGS[name]} for name in TAGS if name in used]


def _show_body(media: str, content: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give a body the example that its fields make together."""
    if "$ref" not in content["schema"]:
        # Bytes: the form of a file is no business of this document.
        return
    schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    if media == "application/merge-patch+json":
        for member in schema["properties"].values():
            # What is left out of a patch stays as it is, whatever the default of the class.
            member.pop("default", None)
    example = _example(schema, schemas)
    if "action" in example:
        # What else a transition takes depends on the action: all of it together would be refused.
        kept = {"reason", *schema.get("required", ())}
        example = {name: value for name, value in example.items() if name in kept}
    content["example"] = example


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The first example of a schema, or one made of the examples of its parts."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], schemas)
    if "properties" in schema:
        return {name: _example(member, schemas) for name, member in schema["properties"].items()}
    if "items" in schema:
        return [_example(schema["items"], schemas)]
    return schema.get("default")
