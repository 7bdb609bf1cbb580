"""Write `realm.json`, the Keycloak side of SLRT, from the scopes that the service knows. Run it when one is added.

Needs the package installed: `.venv/bin/python deploy/keycloak/generate_realm.py`. What each setting is for: README.md here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slrt_api.access.scopes import Scope

AUDIENCE = "slrt-api"
GRANTS_ATTRIBUTE = "slrt_grants"
#: Keycloak's own name of the setting that makes it write `typ: at+jwt` (26.2 and later), for each client
ACCESS_TOKEN_TYPE = "access.token.header.type.rfc9068"  # noqa: S105 - a setting

# A JSON document for another program: its shape is Keycloak's, not ours.
Tree = dict[str, Any]


def mapper(name: str, kind: str, *config: Mapping[str, str]) -> Tree:
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "consentRequired": False,
        "config": {key: value for part in config for key, value in part.items()},
    }


def client_scope(name: str, description: str, *mappers: Tree, in_token: bool = False) -> Tree:
    return {
        "name": name,
        "description": description,
        "protocol": "openid-connect",
        "attributes": {
            "include.in.token.scope": str(in_token).lower(),
            "display.on.consent.screen": str(in_token).lower(),
        },
        "protocolMappers": list(mappers),
    }


_ACCESS = {"access.token.claim": "true", "introspection.token.claim": "true"}
_ID = {"id.token.claim": "true"}
_ACCESS_ONLY = {**_ACCESS, "id.token.claim": "false", "userinfo.token.claim": "false"}


def claim(name: str, kind: str = "String") -> Mapping[str, str]:
    return {"claim.name": name, "jsonType.label": kind}


def attribute(name: str, of: str, kind: str = "oidc-usermodel-attribute-mapper", as_: str = "String") -> Tree:
    return mapper(name, kind, {"user.attribute": of}, claim(name, as_), _ACCESS, _ID, {"userinfo.token.claim": "true"})


def roles(name: str, kind: str, at: str) -> Tree:
    return mapper(name, kind, claim(at), {"multivalued": "true"}, _ACCESS)


def standard_scopes() -> list[Tree]:
    """What Keycloak makes by itself for a realm without client scopes; a realm that lists any has to bring these."""
    logged_in = {"user.session.note": "AUTH_TIME"}
    return [
        client_scope(
            "basic",
            "sub and auth_time",
            mapper("sub", "oidc-sub-mapper", _ACCESS),
            mapper(
                "auth_time", "oidc-usersessionmodel-note-mapper", logged_in, claim("auth_time", "long"), _ACCESS, _ID
            ),
        ),
        client_scope(
            "profile",
            "Names of the user, for the account console",
            attribute("preferred_username", "username"),
            attribute("given_name", "firstName"),
            attribute("family_name", "lastName"),
        ),
        client_scope(
            "email",
            "Address of the user, for the account console",
            attribute("email", "email"),
            attribute("email_verified", "emailVerified", "oidc-usermodel-property-mapper", "boolean"),
        ),
        client_scope(
            "roles",
            "Roles of Keycloak itself, for its consoles",
            roles("realm roles", "oidc-usermodel-realm-role-mapper", "realm_access.roles"),
            roles("client roles", "oidc-usermodel-client-role-mapper", "resource_access.${client_id}.roles"),
            mapper("audience resolve", "oidc-audience-resolve-mapper", _ACCESS),
        ),
        client_scope(
            "web-origins",
            "Origins of the client",
            mapper("allowed web origins", "oidc-allowed-origins-mapper", _ACCESS),
        ),
        client_scope("acr", "How the user logged in", mapper("acr", "oidc-acr-mapper", _ACCESS, _ID)),
    ]


def slrt_scope() -> Tree:
    of_user = {"user.attribute": GRANTS_ATTRIBUTE, "multivalued": "true"}
    # Not those of the user's groups as well: whoever manages a group would hand out grants.
    not_of_groups = {"aggregate.attrs": "false"}
    return client_scope(
        "slrt",
        "For whom the token is, and where its user may act",
        mapper("audience", "oidc-audience-mapper", {"included.client.audience": AUDIENCE}, _ACCESS_ONLY),
        mapper(
            "grants", "oidc-usermodel-attribute-mapper", of_user, not_of_groups, claim("grants", "JSON"), _ACCESS_ONLY
        ),
    )


def user_profile() -> Tree:
    def standard(name: str, **validations: Tree) -> Tree:
        edited = {"view": ["admin", "user"], "edit": ["admin", "user"]}
        return {"name": name, "displayName": f"${{{name}}}", "validations": validations, "permissions": edited}

    return {
        # A profile that is given replaces Keycloak's own, so the four built-in attributes stand here as well. Without
        # `unmanagedAttributePolicy` attributes that are not listed are refused.
        "attributes": [
            standard(
                "username",
                **{
                    "length": {"min": 3, "max": 255},
                    "username-prohibited-characters": {},
                    "up-username-not-idn-homograph": {},
                },
            ),
            {**standard("email", email={}, length={"max": 255}), "required": {"roles": ["user"]}},
            standard("firstName", **{"length": {"max": 255}, "person-name-prohibited-characters": {}}),
            standard("lastName", **{"length": {"max": 255}, "person-name-prohibited-characters": {}}),
            {
                "name": GRANTS_ATTRIBUTE,
                "displayName": "SLRT grants, one JSON object a value",
                "multivalued": True,
                "validations": {"length": {"max": 2048}},
                # Never `user`: a user who may edit this makes themselves an administrator of SLRT.
                "permissions": {"view": ["admin"], "edit": ["admin"]},
            },
        ]
    }


def client(client_id: str, description: str, **members: Any) -> Tree:
    """A client that may do nothing but what `members` switch on."""
    attributes = {ACCESS_TOKEN_TYPE: "true", "client.use.lightweight.access.token.enabled": "false"}
    return {
        "clientId": client_id,
        "name": client_id,
        "description": description,
        "protocol": "openid-connect",
        "enabled": True,
        "publicClient": False,
        "bearerOnly": False,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "fullScopeAllowed": False,
        "redirectUris": [],
        "webOrigins": [],
        "defaultClientScopes": ["basic", "slrt"],
        "optionalClientScopes": [scope.value for scope in Scope],
        **members,
        "attributes": {**attributes, **members.get("attributes", {})},
    }


def realm() -> Tree:
    api = client(AUDIENCE, "The API itself, as the audience of tokens; nobody logs in with it", bearerOnly=True)
    api |= {"defaultClientScopes": [], "optionalClientScopes": []}
    return {
        "realm": "slrt",
        "displayName": "SLRT",
        "enabled": True,
        "sslRequired": "external",
        "registrationAllowed": False,
        "editUsernameAllowed": False,
        "duplicateEmailsAllowed": False,
        "bruteForceProtected": True,
        "passwordPolicy": "length(12) and notUsername(undefined)",
        "defaultSignatureAlgorithm": "RS256",
        # The service takes an hour at most; a grant that is withdrawn here ends with the token.
        "accessTokenLifespan": 600,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "ssoSessionIdleTimeout": 1800,
        "ssoSessionMaxLifespan": 36000,
        # Who gave whom which grants.
        "adminEventsEnabled": True,
        "adminEventsDetailsEnabled": True,
        "eventsEnabled": True,
        "clientScopes": [
            *standard_scopes(),
            slrt_scope(),
            *(client_scope(scope.value, f"SLRT: {scope.value}", in_token=True) for scope in Scope),
        ],
        "defaultDefaultClientScopes": ["basic", "profile", "email", "roles", "web-origins", "acr"],
        "defaultOptionalClientScopes": [],
        "clients": [
            api,
            client(
                "slrt-field-app",
                "An application with users: authorization code with PKCE",
                publicClient=True,
                standardFlowEnabled=True,
                redirectUris=["https://app.example.go.id/callback"],
                webOrigins=["https://app.example.go.id"],
                attributes={"pkce.code.challenge.method": "S256"},
            ),
            client(
                "slrt-integrator",
                "A system without users: client credentials",
                serviceAccountsEnabled=True,
                clientAuthenticatorType="client-secret",
            ),
        ],
        "components": {
            "org.keycloak.userprofile.UserProfileProvider": [
                {
                    "providerId": "declarative-user-profile",
                    "subComponents": {},
                    "config": {"kc.user.profile.config": [json.dumps(user_profile())]},
                }
            ]
        },
    }


def document() -> str:
    return json.dumps(realm(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("realm.json").write_text(document(), encoding="utf-8")
