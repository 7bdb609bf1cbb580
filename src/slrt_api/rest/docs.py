"""What tells a client about the service: the documentation page, the OpenAPI document, the protected resource's metadata.

The page is Swagger UI from a package that is installed with the service: it works where there is no internet, and its
content policy lets it ask this service only.
"""

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slrt_api.access.scopes import Scope
from slrt_api.kernel import errors
from slrt_api.rest.caching import reference
from slrt_api.runtime.problems import resource_metadata
from slrt_api.settings import Issuer, Settings

METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
_START: Final = "start.js"
_ASSETS: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_PAGE: Final = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>slrt-api</title>
<link rel="icon" type="image/png" href="/docs/static/favicon-32x32.png">
<link rel="stylesheet" href="/docs/static/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The document that it shows is <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/static/swagger-ui-bundle.js"></script>
<script src="/docs/static/start.js"></script>
</body>
</html>
"""
# Not inline, so that the content policy needs no exception. validatorUrl: by default the page asks a host of its makers.
_SCRIPT: Final = b"""window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(settings: Settings, issuers: Sequence[Issuer]) -> list[Route]:
    """The routes of this module.

    issuers  whose tokens the service accepts
    """
    metadata = orjson.dumps(_metadata(settings, issuers))
    # Where the service's own address has a path, its metadata are looked for under it (RFC 9728, 3.1).
    paths = {METADATA_PATH, urlsplit(resource_metadata(settings.base_url)).path}

    async def protected_resource(request: Request) -> Response:
        return reference(request, metadata)

    return [
        Route("/docs", _page, methods=["GET"]),
        Route("/docs/static/{name}", _asset, methods=["GET"]),
        Route("/openapi.json", _openapi(), methods=["GET"]),
        *(Route(path, protected_resource, methods=["GET"]) for path in sorted(paths)),
    ]


def _metadata(settings: Settings, issuers: Sequence[Issuer]) -> dict[str, Any]:
    """Metadata of the protected resource (RFC 9728).

    Nothing of keys: answers and these metadata are not signed. Nothing of DPoP or mTLS: bound tokens are refused.
    """
    base_url = settings.base_url.rstrip("/")
    return {
        "resource": base_url,
        "resource_name": "slrt-api",
        "authorization_servers": [issuer.issuer for issuer in issuers],
        "scopes_supported": sorted(scope.value for scope in Scope),
        "bearer_methods_supported": ["header"],
        "resource_documentation": f"{base_url}/docs",
    }


def _openapi() -> Any:
    made: list[bytes] = []

    async def openapi(request: Request) -> Response:
        if not made:
            # At the first request: a worker that nobody asks for it need not make it.
            made.append(orjson.dumps(request.app.openapi()))
        return reference(request, made[0])

    return openapi


async def _page(request: Request) -> Response:
    return reference(
        request, _PAGE, "text/html", {"content-security-policy": _POLICY, "referrer-policy": "no-referrer"}
    )


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name == _START:
        return reference(request, _SCRIPT, "text/javascript")
    if name not in _ASSETS:
        raise errors.NotFound
    return reference(request, _content(name), _ASSETS[name])


@cache
def _content(name: str) -> bytes:
    # Found, not imported: the package's own code is for other frameworks and brings a template engine.
    package = importlib.util.find_spec("swagger_ui")
    if package is None or package.origin is None:
        raise errors.NotFound
    return (Path(package.origin).parent / "static" / name).read_bytes()
