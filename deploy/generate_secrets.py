"""Make the secrets that deploy/compose.yaml mounts: database passwords and URLs, encryption keys, the index key,
the keys of sealed reports.

Usage: python3 deploy/generate_secrets.py [FOLDER]      (default: deploy/secrets)

Needs only the standard library. An existing file is never touched: a new encryption key in its place would make every
identity in the database unreadable. `python3 deploy/generate_secrets.py --add-key` appends a key for rotation instead, and
`--add-sealed-key` one of sealed reports.
The folder is for its owner only; the files in it are readable, because they are mounted one by one into containers
that run as different users.
"""

import argparse
import base64
import json
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

DATABASE = "slrt"


def new_key() -> str:
    """32 random bytes as base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def key_id(taken: dict[str, str]) -> str:
    """Today's date, with a counter where the day already has a key: ids sort in the order of their making."""
    day = datetime.now(UTC).strftime("%Y%m%d")
    return next(name for name in (f"{day}-{count}" for count in range(1, 1000)) if name not in taken)


def database_url(role: str, password: str, database: str) -> str:
    # Passwords are hexadecimal, so nothing in them needs escaping in a URL.
    return f"postgresql://{role}:{password}@db:5432/{database}"


def generate(folder: Path) -> list[str]:
    """Write what is missing; the names of the files written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = folder / "postgres_password"
    administrator = password.read_text() if password.exists() else secrets.token_hex(32)
    wanted = {
        "postgres_password": administrator,
        # The administrator's own database: the one of the service does not exist before the first step has run.
        "slrt_admin_database_url": database_url("postgres", administrator, "postgres"),
        "slrt_migration_database_url": database_url("slrt_owner", secrets.token_hex(32), DATABASE),
        "slrt_database_url": database_url("slrt_api", secrets.token_hex(32), DATABASE),
        "slrt_encryption_keys": json.dumps({key_id({}): new_key()}),
        "slrt_index_key": new_key(),
        "slrt_sealed_keys": json.dumps({f"sealed-{key_id({})}": new_key()}),
    }
    missing = {name: value for name, value in wanted.items() if not (folder / name).exists()}
    for name, value in missing.items():
        write(folder / name, value)
    return list(missing)


def add_key(folder: Path, *, sealed: bool = False) -> str:
    """Append an encryption key, which new values use from the next start; old values keep theirs. Its id.

    sealed  to the keys of sealed reports
    """
    path = folder / ("slrt_sealed_keys" if sealed else "slrt_encryption_keys")
    keys: dict[str, str] = json.loads(path.read_text())
    prefix = "sealed-" if sealed else ""
    name = prefix + key_id({each.removeprefix(prefix): key for each, key in keys.items()})
    fresh = path.with_suffix(".new")
    write(fresh, json.dumps(keys | {name: new_key()}))
    # In one step: a crash between truncating and writing would lose the keys, and with them every identity.
    fresh.replace(path)
    return name


def write(path: Path, value: str) -> None:
    path.write_text(value)
    path.chmod(0o444)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the secrets that deploy/compose.yaml mounts.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "secrets")
    parser.add_argument("--add-key", action="store_true", help="append an encryption key (rotation)")
    parser.add_argument("--add-sealed-key", action="store_true", help="append a key of sealed reports (rotation)")
    arguments = parser.parse_args()
    if arguments.add_key or arguments.add_sealed_key:
        done = [f"key {add_key(arguments.folder, sealed=arguments.add_sealed_key)}"]
    else:
        done = generate(arguments.folder)
    sys.stdout.write("".join(f"made {name}\n" for name in done) or "nothing to do: every file exists\n")


if __name__ == "__main__":
    main()
