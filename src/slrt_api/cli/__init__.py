"""The command line: `slrt-api dev | serve | worker | db ... | seed demo | audit ... | keys ... | names ... | grants ... |
openapi ... | programs ... | lifecycles ... | token ROLE`.

Commands only; what they do stands in the modules of this package, which are imported when a command needs them: a token
is asked for many times an hour and must not wait for the whole service to load.
"""
# ruff: noqa: PLC0415

import gc
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from slrt_api.cli.refusal import Refusal

DATA_DIR = Path(".data")

app = typer.Typer(
    name="slrt-api",
    help="Headless platform of Indonesia's integrated social service and referral system (SLRT).",
    no_args_is_help=True,
    add_completion=False,
    # A pretty traceback shows the values of local variables.
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database: roles, migrations, the check for drift.", no_args_is_help=True)
openapi = typer.Typer(help="The contracts of REST and GraphQL.", no_args_is_help=True)
seed = typer.Typer(help="Data to try the platform with.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)
keys = typer.Typer(
    help="The keys of numbers and other personal values: what stands under which, rotation.", no_args_is_help=True
)
names = typer.Typer(help="What people are found by.", no_args_is_help=True)
lifecycles = typer.Typer(help="The state machines of the house.", no_args_is_help=True)
programs = typer.Typer(help="The shipped programs and their rules.", no_args_is_help=True)
grants = typer.Typer(help="Who may act where: the first administrator.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(seed, name="seed")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")
app.add_typer(names, name="names")
app.add_typer(openapi, name="openapi")
app.add_typer(grants, name="grants")
app.add_typer(lifecycles, name="lifecycles")
app.add_typer(programs, name="programs")

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="SLRT_DATA_DIR", help="Folder of the database, the keys and the address."),
]


def main() -> None:
    """Entry point. A refusal is told in one line, without a traceback."""
    # What is loaded at the start stays: to look for garbage in it over and over costs a quarter of the time.
    gc.set_threshold(20_000, 20, 20)
    try:
        app()
    except Refusal as refusal:
        print(f"slrt-api: {refusal}", file=sys.stderr)
        sys.exit(1)


@app.command("dev")
def run_development(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 8000,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Run everything on this machine: PostgreSQL, migrations, the demo regency, API, issuer of tokens."""
    from slrt_api.cli import dev

    dev.run(port, data_dir)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
) -> None:
    """Run the API on the database of SLRT_DATABASE_URL."""
    from slrt_api.cli import server

    server.serve(host, port)


@app.command()
def worker() -> None:
    """Run the jobs on the database of SLRT_DATABASE_URL: deadlines that passed, what may be forgotten."""
    from slrt_api.cli import server

    server.work()


@app.command("civil-registry-simulator")
def civil_registry_simulator(
    port: Annotated[int, typer.Option(help="Port of 127.0.0.1; 0 for any that is free.", min=0, max=65535)] = 8100,
) -> None:
    """Run a civil registry that knows the invented people of the demo regency. For development only."""
    from slrt_api.cli import civil

    civil.run(port)


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database of SLRT_MIGRATION_DATABASE_URL to the newest revision, with the reference data."""
    from slrt_api.cli import databases

    databases.upgrade_command()


@db.command("roles")
def db_roles() -> None:
    """Make roles and database, by SLRT_ADMIN_DATABASE_URL; the logins get the passwords of the other two URLs."""
    from slrt_api.cli import databases

    databases.roles_command()


@db.command("check")
def db_check() -> None:
    """Check that there is one head, and that it makes the tables of the code. Without a URL on a throwaway server."""
    from slrt_api.cli import databases

    databases.check_command()


@seed.command("demo")
def seed_demo() -> None:
    """Make the demo regency 33.26 in the database of SLRT_DATABASE_URL; does nothing where it is."""
    from slrt_api.cli import seeding

    seeding.demo_command()


@audit.command("verify")
def audit_verify(
    regency: Annotated[int | None, typer.Option(help="Tenant number, such as 3326; all when left out.")] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Check every event against its hash, its chain and its resource; fail when one does not fit."""
    from slrt_api.cli import trail

    trail.verify_command(regency, data_dir)


@names.command("rebuild")
def names_rebuild(
    regency: Annotated[int | None, typer.Option(help="Tenant number, such as 3326; all when left out.")] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Also people who can be found already: after the rules of names changed.")
    ] = False,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Let people be found by name who were there before names could be searched. May be broken off and run again."""
    from slrt_api.cli import naming

    naming.rebuild_command(regency, everybody=everybody, data_dir=data_dir)


@keys.command("rotate")
def keys_rotate(
    batch: Annotated[int, typer.Option(help="Rows in one transaction.", min=1, max=10_000)] = 200,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Bring every encrypted value and blind index to the current keys. Runs beside the API; start it again at will."""
    from slrt_api.cli import vault

    vault.rotate_command(batch, data_dir)


@keys.command("status")
def keys_status(data_dir: DataDir = DATA_DIR) -> None:
    """Count what stands under which key, and say which keys are needed by nothing any more."""
    from slrt_api.cli import vault

    vault.status_command(data_dir)


@grants.command("add")
def grants_add(
    role: Annotated[str, typer.Argument(help="Role, such as administrator.")],
    issuer: Annotated[str, typer.Option(help="`iss` of the subject's tokens, to the letter.")],
    subject: Annotated[str, typer.Option(help="`sub` of the subject's tokens, to the letter.")],
    area: Annotated[list[str] | None, typer.Option(help="Kemendagri code; once for each area.")] = None,
    organization: Annotated[str | None, typer.Option(help="Code of the organization.")] = None,
    program: Annotated[list[str] | None, typer.Option(help="Code of a program; once for each.")] = None,
    valid_until: Annotated[datetime | None, typer.Option(help="In force before then, in this machine's time.")] = None,
    decree: Annotated[str | None, typer.Option(help="Number of the decree (SK).")] = None,
) -> None:
    """Give a grant, also where nobody holds one yet. Prints its id. On the database of SLRT_DATABASE_URL."""
    from slrt_api.cli import granting

    granting.add_command(
        role,
        issuer,
        subject,
        areas=area or (),
        organization=organization,
        programs=program or (),
        valid_until=valid_until,
        decree=decree,
    )


@grants.command("revoke")
def grants_revoke(
    grant: Annotated[UUID, typer.Argument(help="Id of the grant.")],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Take a grant back. Prints when. On the database of SLRT_DATABASE_URL."""
    from slrt_api.cli import granting

    granting.revoke_command(grant, reason)


@openapi.command("export")
def openapi_export(
    check: Annotated[bool, typer.Option("--check", help="Only compare; fail when the file is old.")] = False,
    folder: Annotated[Path, typer.Option(help="Where openapi.json and schema.graphql lie.")] = Path("openapi"),
) -> None:
    """Write openapi.json and schema.graphql from the code. Needs no database."""
    from slrt_api.cli import contracts

    if check:
        contracts.check(folder)
    else:
        contracts.export(folder)


@programs.command("page")
def programs_page(
    check: Annotated[bool, typer.Option("--check", help="Only compare; fail when the page is old.")] = False,
    root: Annotated[Path, typer.Option(help="Folder in which docs/programs.md lies.")] = Path(),
) -> None:
    """Write docs/programs.md from the shipped programs. Needs no database."""
    from slrt_api.cli import catalog_page

    if check:
        catalog_page.check(root)
    else:
        catalog_page.write(root)


@lifecycles.command("page")
def lifecycles_page(
    check: Annotated[bool, typer.Option("--check", help="Only compare; fail when the page is old.")] = False,
    root: Annotated[Path, typer.Option(help="Folder in which docs/lifecycles.md lies.")] = Path(),
) -> None:
    """Write docs/lifecycles.md from the tables of the state machines. Needs no database."""
    from slrt_api.cli import lifecycle_page

    if check:
        lifecycle_page.check(root)
    else:
        lifecycle_page.write(root)


@app.command()
def token(
    role: Annotated[str, typer.Argument(help="Role of the demo regency, such as puskesos_officer.")],
    organization: Annotated[str | None, typer.Option(help="Code of the partner's organization.")] = None,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Print one access token and nothing else, for the server of SLRT_BASE_URL or of the data folder."""
    from slrt_api.cli import tokens

    sys.stdout.write(tokens.fetch(role, organization, data_dir) + "\n")
