"""The generators of clients accept the schema and documents with connections: Relay's compiler, graphql-codegen."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests import node

SCHEMA = Path(__file__).parents[2] / "openapi" / "schema.graphql"

QUERY = """
query HouseholdsQuery($first: Int!, $after: String) {
  households(first: $first, after: $after, sort: UPDATED_AT_DESC) {
    edges { cursor node { id areaCode updatedAt members { name nik } cases(first: 5) { edges { node { id status } } } } }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}
mutation OpenCaseMutation($input: CasesOpenInput!) { casesOpen(input: $input) { case { id number allowedActions } } }
"""

RELAY = {
    "Page.js": """
const { graphql } = require('relay-runtime');
graphql`
  fragment Page_cases on Household
  @refetchable(queryName: "PagePaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
    id
    cases(first: $count, after: $cursor) @connection(key: "Page_cases") {
      edges { node { id number status household { id } } }
    }
  }
`;
graphql`query PageQuery($id: ID!) { node(id: $id) { __typename id ...Page_cases } }`;
graphql`
  mutation PageMutation($input: CasesTransitionInput!) { casesTransition(input: $input) { case { id version status } } }
`;
"""
}


@pytest.mark.slow
def test_relay_compiler_takes_connections_and_refetchable_fragments(tmp_path: Path) -> None:
    folder = node.packages("relay-compiler@20", "relay-runtime@20")
    if not list((folder / "node_modules" / "relay-compiler").rglob("relay")):
        pytest.skip("relay-compiler has no binary for this machine")
    # Relay passes over whatever lies below a node_modules.
    source = tmp_path / "src"
    source.mkdir()
    for name, text in RELAY.items():
        (source / name).write_text(text)
    shutil.copy(SCHEMA, tmp_path)
    config = {"src": "./src", "schema": "./schema.graphql", "language": "javascript", "eagerEsModules": False}
    (tmp_path / "relay.config.json").write_text(json.dumps(config))
    printed = subprocess.run(
        [folder / "node_modules/.bin/relay-compiler", "relay.config.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert printed.returncode == 0, printed.stdout + printed.stderr
    made = {file.name for file in (source / "__generated__").iterdir()}
    assert {"PageQuery.graphql.js", "PagePaginationQuery.graphql.js", "PageMutation.graphql.js"} <= made


@pytest.mark.slow
def test_graphql_codegen_makes_types(tmp_path: Path) -> None:
    folder = node.packages(
        "graphql@16",
        "@graphql-codegen/cli@5",
        "@graphql-codegen/typescript@4",
        "@graphql-codegen/typescript-operations@4",
    )
    (folder / "query.graphql").write_text(QUERY)
    scalars = {"DateTime": "string", "Date": "string", "Long": "number", "JSON": "unknown"}
    plugins = ["typescript", "typescript-operations"]
    config = {
        "schema": str(SCHEMA),
        "documents": "query.graphql",
        "generates": {"made.ts": {"plugins": plugins, "config": {"scalars": scalars, "strictScalars": True}}},
    }
    (folder / "codegen.json").write_text(json.dumps(config))
    node.run(folder, ["node_modules/.bin/graphql-codegen", "--config", "codegen.json"])
    made = (folder / "made.ts").read_text()
    assert "export type HouseholdsQueryQuery = " in made
    assert "export type OpenCaseMutationMutationVariables = " in made
