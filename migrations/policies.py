"""Grants and row policies of a table, as SQL. Used by migrations only.

Policies hold no sub-select and no OR (an OR costs the index), and read plain settings that the API sets as integers and
UUIDs; an unset setting is an error, so they fail closed.
"""

from dataclasses import dataclass, field

from alembic import op
from sqlalchemy import text

AREA = "area BETWEEN current_setting('app.lo')::bigint AND current_setting('app.hi')::bigint"
#: the regency that begins at `area` and the range of the scope have a part in common
OVERLAP = "area + 999999 >= current_setting('app.lo')::bigint AND area <= current_setting('app.hi')::bigint"
#: one program or several, with commas between them
PROGRAMS = "program_id = ANY (string_to_array(current_setting('app.program'), ',')::uuid[])"
PREDICATES = {
    "slrt_area_range": AREA,
    "slrt_area_list": "area = ANY (current_setting('app.areas')::bigint[])",
    "slrt_organization": "organization_id = current_setting('app.organization')::uuid",
    "slrt_program": f"{AREA} AND {PROGRAMS}",
    "slrt_subject": "reporter_id = current_setting('app.subject')::uuid",
    "slrt_public": (
        "regency = current_setting('app.regency')::integer AND receipt = current_setting('app.receipt')::bigint"
    ),
    "slrt_auditor": AREA,
    "slrt_worker": "true",
    "slrt_importer": "regency = current_setting('app.regency')::integer",
    # Said twice, because an index of the escalated rows alone is only taken where its constant stands in the question.
    "slrt_escalated": f"escalation > 0 AND escalation >= current_setting('app.level')::smallint AND {AREA}",
    "slrt_sealed": f"{AREA} AND sealed",
    "slrt_statistics": AREA,
    "slrt_effect": "regency = current_setting('app.regency')::integer",
    "slrt_owner": "true",
    "slrt_backup": "true",
}
#: never true, and like every policy an error where the setting is missing
BLIND = {"slrt_subject": "current_setting('app.subject')::uuid IS NULL"}
#: roles for which a sealed row does not exist
BLIND_TO_SEALED = {"slrt_area_range", "slrt_area_list", "slrt_organization", "slrt_program", "slrt_auditor"}


@dataclass(frozen=True)
class Access:
    """What each role may do with a tenant table: role -> privileges. The owner and the backup are added.

    regencies  rows are of a whole regency: whoever works in a part of it reads them
    blind      roles that may name the table in a statement and see no row of it
    predicates what cuts the rows of a role here, in place of its usual predicate
    """

    table: str
    grants: dict[str, str] = field(default_factory=dict)
    sealed: bool = False
    regencies: bool = False
    blind: tuple[str, ...] = ()
    predicates: dict[str, str] = field(default_factory=dict)


def tenant_table(access: Access) -> list[str]:
    """Statements that close `access.table` and open it to the roles named, each cut by its predicate."""
    table = access.table
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    ]
    for role, privileges in {**access.grants, "slrt_owner": "ALL", "slrt_backup": "SELECT"}.items():
        predicate = OVERLAP if access.regencies and PREDICATES[role] == AREA else PREDICATES[role]
        predicate = access.predicates.get(role, predicate)
        if access.sealed and role in BLIND_TO_SEALED:
            predicate = f"{predicate} AND NOT sealed"
        if role != "slrt_owner":
            statements.append(f"GRANT {privileges} ON {table} TO {role}")
        check = "" if privileges == "SELECT" else f" WITH CHECK ({predicate})"
        statements.append(f"CREATE POLICY {role} ON {table} TO {role} USING ({predicate}){check}")
    for role in access.blind:
        statements.append(f"GRANT SELECT ON {table} TO {role}")
        statements.append(f"CREATE POLICY {role} ON {table} TO {role} USING ({BLIND[role]})")
    return statements


def national_table(table: str, *, effect: str = "") -> list[str]:
    """Statements that let every role read `table` and, where named, the effect role write it."""
    readers = sorted(set(PREDICATES) - {"slrt_owner"})
    statements = [f"GRANT SELECT ON {table} TO {', '.join(readers)}"]
    if effect:
        statements.append(f"GRANT {effect} ON {table} TO slrt_effect")
    return statements


def narrow(table: str, role: str, condition: str, *, sealed: bool = False) -> list[str]:
    """Statements that cut what `role` sees of `table` by `condition` too.

    What it may write stays as it was: but PostgreSQL refuses an update after which its own role no longer sees the row, so
    such an update is made by the effect role.
    """
    return [f"ALTER POLICY {role} ON {table} USING ({_usual(role, sealed=sealed)} AND {condition})"]


def widen(table: str, role: str, *, sealed: bool = False) -> list[str]:
    """Statements that undo `narrow`."""
    return [f"ALTER POLICY {role} ON {table} USING ({_usual(role, sealed=sealed)})"]


def _usual(role: str, *, sealed: bool) -> str:
    """The predicate that `tenant_table` gives the role."""
    return f"{PREDICATES[role]} AND NOT sealed" if sealed and role in BLIND_TO_SEALED else PREDICATES[role]


def rewrite(role: str, before: str, after: str) -> list[str]:
    """Statements that put `after` in the place of `before` in the policies of a role, whatever else these ask.

    before, after  as `pg_policies` shows them
    """
    found = op.get_bind().execute(
        text(
            "SELECT tablename, policyname, qual, with_check FROM pg_policies WHERE :role = ANY (roles) ORDER BY tablename"
        ),
        {"role": role},
    )
    statements = []
    for table, policy, using, check in found:
        if before in (using or ""):
            checked = f" WITH CHECK ({check.replace(before, after)})" if check else ""
            statements.append(f"ALTER POLICY {policy} ON {table} USING ({using.replace(before, after)}){checked}")
    return statements
