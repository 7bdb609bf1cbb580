"""The Keycloak recipe as far as it can be judged without Keycloak: the realm knows our scopes, and fits our settings.

A token is put together from the mappers of the realm, in the way that Keycloak does it, and given to the verifier with
the settings that the recipe's README shows.
"""

import importlib.util
import json
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import RSAKey

from slrt_api.access.actors import caller_of
from slrt_api.access.scopes import Role, Scope
from slrt_api.kernel.errors import Unauthenticated
from slrt_api.runtime.tokens import MAX_LIFETIME_SECONDS, IssuerKeys, Verifier
from slrt_api.settings import Discovery, Issuer, Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
README = (DEPLOY / "keycloak/README.md").read_text(encoding="utf-8")
# A JSON document of another program.
Tree = dict[str, Any]
REALM: Tree = json.loads((DEPLOY / "keycloak/realm.json").read_text(encoding="utf-8"))
SCOPES: dict[str, Tree] = {scope["name"]: scope for scope in REALM["clientScopes"]}
CLIENTS: dict[str, Tree] = {client["clientId"]: client for client in REALM["clients"]}
APPLICATIONS = ["slrt-field-app", "slrt-integrator"]
PERSON = "0f9a7c1e-5b0e-4e55-9a6a-1f6f0f3b8f11"


def documented_issuer(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """The entry that the README shows, read as the environment is."""
    [block] = re.findall(r"^```sh\n(SLRT_ISSUERS=.*?)^```$", README, re.DOTALL | re.MULTILINE)
    [assignment] = shlex.split(block)
    monkeypatch.setenv("SLRT_ISSUERS", assignment.removeprefix("SLRT_ISSUERS="))
    [entry] = Settings().issuers
    return entry


def documented_grants() -> list[Tree]:
    """The examples of grants that the README shows."""
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]


def claims_of(client: Tree, wanted: list[str], grants: list[str]) -> Tree:
    """What Keycloak writes for these attributes of the user, by the mappers of the scopes that the client has."""
    said: Tree = {"typ": "Bearer", "azp": client["clientId"], "sid": "s", "jti": "t"}
    assert set(wanted) <= set(client["optionalClientScopes"])
    scopes = [SCOPES[name] for name in (*client["defaultClientScopes"], *wanted)]
    said["scope"] = " ".join(s["name"] for s in scopes if s["attributes"]["include.in.token.scope"] == "true")
    for mapper in (mapper for scope in scopes for mapper in scope["protocolMappers"]):
        config = mapper["config"]
        assert config["access.token.claim"] == "true"
        match mapper["protocolMapper"]:
            case "oidc-sub-mapper":
                said["sub"] = PERSON
            case "oidc-audience-mapper":
                said["aud"] = config["included.client.audience"]
            case "oidc-usermodel-attribute-mapper":
                assert (config["user.attribute"], config["jsonType.label"]) == ("slrt_grants", "JSON")
                assert config["multivalued"] == "true"
                said[config["claim.name"]] = [json.loads(value) for value in grants]
            case "oidc-usersessionmodel-note-mapper":
                said["auth_time"] = int(time.time())
            case other:
                pytest.fail(f"this test does not know what {other} writes")
    return said


def test_the_realm_is_what_its_script_makes_of_the_scopes() -> None:
    spec = importlib.util.spec_from_file_location("generate_realm", DEPLOY / "keycloak/generate_realm.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.document()
    assert made == (DEPLOY / "keycloak/realm.json").read_text(encoding="utf-8"), (
        "run .venv/bin/python deploy/keycloak/generate_realm.py"
    )


def test_every_scope_of_the_service_can_be_asked_for_and_stands_in_the_token() -> None:
    for scope in Scope:
        assert SCOPES[scope.value]["attributes"]["include.in.token.scope"] == "true"
    for name in APPLICATIONS:
        assert set(CLIENTS[name]["optionalClientScopes"]) == {scope.value for scope in Scope}


def test_every_name_that_is_used_is_there() -> None:
    used = [*REALM["defaultDefaultClientScopes"], *REALM["defaultOptionalClientScopes"]]
    for client in REALM["clients"]:
        used += [*client["defaultClientScopes"], *client["optionalClientScopes"]]
    assert set(used) == set(SCOPES)
    assert len(SCOPES) == len(REALM["clientScopes"])
    audiences = [
        mapper["config"]["included.client.audience"]
        for scope in SCOPES.values()
        for mapper in scope["protocolMappers"]
        if mapper["protocolMapper"] == "oidc-audience-mapper"
    ]
    assert audiences == ["slrt-api"]
    assert "slrt-api" in CLIENTS


def test_nobody_and_no_secret_is_imported() -> None:
    assert "users" not in REALM
    text = json.dumps(REALM)
    for word in ('"secret"', '"credentials"', "privateKey", '"certificate"'):
        assert word not in text


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_client_can_do_what_it_is_for_and_nothing_else(name: str) -> None:
    client = CLIENTS[name]
    assert client["attributes"]["access.token.header.type.rfc9068"] == "true"
    flows = {
        flow for flow, on in client.items() if flow.endswith(("FlowEnabled", "GrantsEnabled", "AccountsEnabled")) and on
    }
    expected = {"slrt-field-app": {"standardFlowEnabled"}, "slrt-integrator": {"serviceAccountsEnabled"}}
    assert flows == expected[name]
    assert client["publicClient"] is (name == "slrt-field-app")
    assert client["fullScopeAllowed"] is False
    assert all(url.startswith("https://") and "*" not in url for url in client["redirectUris"])
    if client["publicClient"]:
        assert client["attributes"]["pkce.code.challenge.method"] == "S256"


def test_users_can_neither_edit_nor_invent_their_grants() -> None:
    [provider] = REALM["components"]["org.keycloak.userprofile.UserProfileProvider"]
    profile = json.loads(provider["config"]["kc.user.profile.config"][0])
    attributes = {attribute["name"]: attribute for attribute in profile["attributes"]}
    assert attributes["slrt_grants"]["permissions"] == {"view": ["admin"], "edit": ["admin"]}
    assert attributes["slrt_grants"]["multivalued"] is True
    # Absent is off: anything else would let in attributes that are not listed.
    assert "unmanagedAttributePolicy" not in profile
    assert {"username", "email", "firstName", "lastName"} <= set(attributes)
    [grants] = [mapper for mapper in SCOPES["slrt"]["protocolMappers"] if mapper["name"] == "grants"]
    assert grants["config"]["aggregate.attrs"] == "false"


def test_its_tokens_live_shorter_than_the_service_takes() -> None:
    assert 0 < REALM["accessTokenLifespan"] <= MAX_LIFETIME_SECONDS


def test_the_documented_settings_fit_the_realm(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = documented_issuer(monkeypatch)
    assert entry.issuer.endswith("/realms/" + REALM["realm"])
    assert entry.audience in CLIENTS
    assert REALM["defaultSignatureAlgorithm"] in entry.algorithms
    assert (entry.discovery, entry.trust_grants, entry.allow_typ_jwt) == (Discovery.OPENID, True, False)
    assert entry.fetched_from == f"{entry.issuer}/.well-known/openid-configuration"


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_token_as_the_realm_makes_it_is_believed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    key, now = RSAKey.generate_key(2048, {"kid": "rs"}), int(time.time())
    published = json.dumps({"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "RS256"}]})
    # Its keys are at hand here; everything else is as documented.
    entry = documented_issuer(monkeypatch).model_copy(update={"discovery": None, "jwks": published})
    claims = claims_of(
        CLIENTS[name], ["households:read", "cases:read"], [json.dumps(grant) for grant in documented_grants()[:1]]
    )
    claims |= {"iss": entry.issuer, "iat": now, "exp": now + REALM["accessTokenLifespan"]}
    verifier = Verifier([IssuerKeys(entry)])
    found = verifier.verify(jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": "rs"}, claims, key))
    assert (found.subject, found.client_id) == (PERSON, name)
    assert found.scopes == {"households:read", "cases:read"}
    [grant] = caller_of(found).grants
    assert (grant.role, grant.areas) == (Role.PUSKESOS_OFFICER, ("33.26.01.2001",))
    # The ID token of the same login is not taken.
    with pytest.raises(Unauthenticated):
        verifier.verify(jwt.encode({"alg": "RS256", "typ": "JWT", "kid": "rs"}, {**claims, "typ": "ID"}, key))


def test_only_the_api_gets_a_way_out() -> None:
    added = yaml.safe_load((DEPLOY / "compose.discovery.yaml").read_text(encoding="utf-8"))
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert set(added) == {"services", "networks"}
    assert set(added["services"]) == {"api"}
    assert set(added["services"]["api"]) == {"networks"}
    [way_out] = set(added["services"]["api"]["networks"]) - set(composed["services"]["api"]["networks"])
    assert set(composed["services"]["api"]["networks"]) <= set(added["services"]["api"]["networks"])
    assert added["networks"] == {way_out: {}}
    assert way_out not in composed["networks"]
