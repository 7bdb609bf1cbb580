"""`slrt-api token`: an access token from the development issuer of a running server."""

import os
from pathlib import Path

import httpx

from slrt_api.cli.refusal import Refusal
from slrt_api.demo.credentials import SECRET, client_id

ADDRESS = "address"


def fetch(role: str, organization: str | None, data_dir: Path) -> str:
    """A token for `role`, of `organization` where it is a partner's."""
    base_url = _base_url(data_dir)
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id(role, organization),
        "client_secret": SECRET,
    }
    try:
        # Not through a proxy of the environment: the development issuer is on this machine, or on the next one.
        answer = httpx.post(f"{base_url}/oauth/token", data=form, trust_env=False, timeout=10)
    except httpx.HTTPError as error:
        raise Refusal(f"no answer from {base_url} ({type(error).__name__})") from None
    if answer.status_code == 401:
        hint = "" if organization else "; a partner's organization is named with --organization CODE"
        raise Refusal(f"{base_url} knows no such client: check role and organization{hint}")
    if answer.status_code != 200:
        raise Refusal(f"{base_url} has no development issuer (HTTP {answer.status_code})")
    return str(answer.json()["access_token"])


def _base_url(data_dir: Path) -> str:
    if given := os.environ.get("SLRT_BASE_URL"):
        return given.rstrip("/")
    try:
        return (data_dir / ADDRESS).read_text(encoding="utf-8").strip()
    except OSError:
        raise Refusal(f"no server runs on {data_dir}: start `slrt-api dev` or set SLRT_BASE_URL") from None
