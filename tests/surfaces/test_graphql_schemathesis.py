"""The whole GraphQL schema against the running application: every root field, with arguments of any kind.

What schemathesis makes up is often refused, for it knows neither limits nor that a page needs a size. It must never meet an
error of the service, an answer without form, or a code that is not explained.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes
from tests.api import Api
from tests.conftest import MigratedDatabase
from tests.graph_queries import RESPONSE_JSON
from tests.sizes import size
from tests.surfaces.test_schemathesis import LIMITLESS, Running

from slrt_api import graph
from slrt_api.app import create_app
from slrt_api.runtime.problem_texts import PROBLEMS
from slrt_api.settings import Settings

running = Running()
schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda at: nodes.String(at.isoformat() + "Z")))
schemathesis.graphql.scalar("Date", st.dates().map(lambda day: nodes.String(day.isoformat())))
schemathesis.graphql.scalar("JSON", st.just({}).map(lambda _: nodes.String("{}")))
schemathesis.graphql.scalar("Long", st.integers(-(2**63), 2**63).map(nodes.Int))
schema = schemathesis.graphql.from_file(graph.schema().text())
schema.app = running
schema.config.update(base_url="http://api.test/graphql")


@pytest.fixture(scope="module")
def headers(database: MigratedDatabase, api: Api) -> dict[str, str]:
    """Runs the application for schemathesis; the headers of a manager of the secretariat."""
    running.app = create_app(
        Settings(
            database_url=database.api_url,
            data_dir=api.app.state.service.settings.data_dir,
            base_url="http://api.test",
            rate_limit_per_minute=LIMITLESS,
        )
    )
    return {"Authorization": f"Bearer {api.token('secretariat_manager')}", "Accept": RESPONSE_JSON}


@pytest.mark.fuzz
@schema.parametrize()
@settings(
    max_examples=size(2, 300),
    deadline=None,
    derandomize=size(1, 0) == 1,
    suppress_health_check=list(HealthCheck),
)
def test_every_root_field_answers_in_form(case: Any, headers: dict[str, str]) -> None:
    answer = case.call(headers=headers)
    assert answer.status_code in {200, 400}, answer.text
    assert answer.headers["content-type"][0].startswith(RESPONSE_JSON)
    body = answer.json()
    assert ("data" in body) is (answer.status_code == 200)
    for error in body.get("errors", []):
        code = error["extensions"]["code"]
        assert code in PROBLEMS
        assert code != "internal_error"
        assert ("path" in error) is ("data" in body)
