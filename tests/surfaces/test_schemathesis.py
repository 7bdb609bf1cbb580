"""The whole OpenAPI document against the running application: every operation, every check of schemathesis.

`make fuzz` tries 500 examples an operation beside the systematic ones. `make test` tries 3, of every write and of a fixed
quarter of the reads: nearly all of them are declared by shapes and read by the same functions. The other reads it asks once.
The application is one of its own, because schemathesis runs it in an event loop of its own; the database is the session's.
"""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.api import Api
from tests.conftest import MigratedDatabase
from tests.sizes import size

from slrt_api.app import create_app
from slrt_api.cli import contracts
from slrt_api.settings import Settings

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"
LIMITLESS = 1_000_000_000


class Running:
    """Stands for the application until a fixture has made it, because operations are bound to one at collection."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


running = Running()
# The bytes of a file, and what an upload sends them as.
schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")
schema = schemathesis.openapi.from_dict(contracts.document(), config=schemathesis.Config.from_path(CONFIG))
schema.app = running
#: of the reads by id or of a whole list those that are asked once, by their operation ids
_READS = sorted(
    operation["operationId"]
    for path, item in contracts.document()["paths"].items()
    for method, operation in item.items()
    if method == "get" and re.fullmatch(r"[^{]+(\{id\}[^{]*)?", path)
)
ONCE = [name for number, name in enumerate(_READS) if number % size(4, 1)]
tried = schema.exclude(operation_id=ONCE) if ONCE else schema


def _put_right(case: Any) -> None:
    """Put right what no schema can tell, where the rest of the request is to be accepted: a cursor belongs to one list
    of one role, a number ends in a check character, a level is of a count by area, a century has too many months to count
    by, and the key that replaces a token has to be random. Their refusals are in `test_intake` and in the domains."""
    if case.meta is not None and case.meta.generation.mode.is_positive:
        if case.query:
            case.query.pop("cursor", None)
            case.query.pop("number", None)
            case.query.pop("receipt", None)
            if case.path == "/v1/complaints/counts":
                left_out = {"AREA": (), "MONTH": ("level", "month_to")}.get(case.query.get("by"), ("level",))
                for name in left_out:
                    case.query.pop(name, None)
        if case.headers and case.path == "/v1/public/complaints":
            case.headers["Idempotency-Key"] = str(uuid4())


@pytest.fixture(scope="module")
def application(database: MigratedDatabase, api: Api) -> None:
    """Makes the application that schemathesis starts."""
    running.app = create_app(
        Settings(
            database_url=database.api_url,
            data_dir=api.app.state.service.settings.data_dir,
            base_url="http://api.test",
            rate_limit_per_minute=LIMITLESS,
            public_rate_limit_per_minute=LIMITLESS,
            # 503 on a busy machine is no breach of the document.
            pool_acquire_timeout_seconds=10,
        )
    )


@pytest.fixture
def authorization(application: None, api: Api) -> dict[str, str]:
    """The headers of a manager of the secretariat. A token for each operation: an expired one would be refused
    everywhere, and every check content with that."""
    return {"Authorization": f"Bearer {api.token('secretariat_manager')}"}


@pytest.mark.fuzz
@tried.parametrize()
@settings(
    max_examples=size(3, 500),
    deadline=None,
    derandomize=size(1, 0) == 1,
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_the_document(case: Any, authorization: dict[str, str]) -> None:
    _put_right(case)
    case.call_and_validate(headers=authorization)


@pytest.mark.parametrize("operation_id", ONCE)
def test_every_other_read_keeps_the_document(operation_id: str, authorization: dict[str, str]) -> None:
    operation = schema.find_operation_by_id(operation_id)
    known = {each.name: str(uuid4()) for each in operation.path_parameters}
    operation.Case(path_parameters=known).call_and_validate(headers=authorization)
