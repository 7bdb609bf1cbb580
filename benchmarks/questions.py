"""What is asked in GraphQL, of slrt-api and of PostGraphile, and whether both answer the same."""

import json
import urllib.request
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from benchmarks.seed import TENANT

#: every member that `GET /v1/households/{id}?include=members` answers
_HOUSEHOLD_MEMBERS = """
query ($id: ID!) {
  household(id: $id) {
    id version createdAt updatedAt kk areaCode address capturedAt receivedAt findings
    members { personId householdId name nik birthDate sex relation validFrom }
  }
}
"""
_THREE_LEVELS = """
query ($id: ID!) {
  household(id: $id) {
    id areaCode address
    members { personId name relation }
    cases(first: 10) {
      edges {
        node {
          id number status
          referrals(first: 10) {
            edges { node { id number service status respondBy } }
            pageInfo { hasNextPage endCursor }
          }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_LIST = """
{
  households(first: 50) {
    edges { cursor node { id areaCode address capturedAt updatedAt } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
#: what both can answer: PostGraphile from columns, relations and the computed columns of `peers`
_OURS = """
query ($id: ID!) {
  household(id: $id) {
    id version areaCode address capturedAt kk
    members { personId name sex birthDate nik relation validFrom }
  }
}
"""
_POSTGRAPHILE = f"""
query ($id: UUID!) {{
  household: householdByRegencyAndRowId(regency: {TENANT}, rowId: $id) {{
    rowId version area address capturedAt kk
    members: membershipsByRegencyAndHouseholdIdList(condition: {{validTo: null}}, orderBy: POSITION_ASC) {{
      rowId relation validFrom
      person: personByRegencyAndRowId {{ name sex birthDate nik }}
    }}
  }}
}}
"""


def _body(query: str, **variables: str) -> str:
    """A request's body; the text `{id}` in it is the place of the id."""
    return json.dumps({"query": " ".join(query.split()), "variables": variables})


HOUSEHOLD_MEMBERS = _body(_HOUSEHOLD_MEMBERS, id="{id}")
THREE_LEVELS = _body(_THREE_LEVELS, id="{id}")
LIST = _body(_LIST)
OURS = _body(_OURS, id="{id}")
POSTGRAPHILE = _body(_POSTGRAPHILE, id="{id}")


def compare(ours: int, postgraphile: int, bearer: str, ids: Iterable[str]) -> None:
    """Ask both servers, named by their ports, for the same households. Raises SystemExit where a value differs."""
    for id_ in ids:
        told = _household(ours, OURS, bearer, id_)
        told["capturedAt"] = datetime.fromisoformat(told["capturedAt"])
        expected = _as_ours(_household(postgraphile, POSTGRAPHILE, bearer, id_))
        if told != expected:
            raise SystemExit(f"the answers differ for {id_}:\n{told}\n{expected}")


def _household(port: int, body: str, bearer: str, id_: str) -> dict[str, Any]:
    name, _, value = bearer.partition(": ")
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=body.replace("{id}", id_).encode(),
        headers={"Content-Type": "application/json", name: value},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (the address is ours)
        told = json.load(answer)
    if told.get("errors") or not told["data"]["household"]:
        raise SystemExit(f"no answer for {id_}: {told}")
    household: dict[str, Any] = told["data"]["household"]
    return household


def _as_ours(told: dict[str, Any]) -> dict[str, Any]:
    """PostGraphile's answer under the names, and in the forms, of ours."""
    area = told["area"]
    return {
        "id": told["rowId"],
        "version": told["version"],
        "areaCode": f"{area[:2]}.{area[2:4]}.{area[4:6]}.{area[6:]}",
        "address": told["address"],
        "capturedAt": datetime.fromisoformat(told["capturedAt"]),
        "kk": told["kk"],
        "members": [
            {
                "personId": member["rowId"],
                **member["person"],
                "relation": member["relation"],
                "validFrom": member["validFrom"],
            }
            for member in told["members"]
        ],
    }
