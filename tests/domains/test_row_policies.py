"""The second wall: what the database itself refuses, whatever the code above it does (architecture, section 5)."""

import ast
import importlib
import pkgutil
import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.api import Api, household_body
from tests.conftest import MigratedDatabase
from tests.domains.test_referrals import JOB, act, organization, partner, sent

import slrt_api
from slrt_api.referrals.codes import ENDED
from slrt_api.runtime import roles
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import Shape

SOURCES = Path(slrt_api.__file__).parent
#: roles whose rows are cut by a setting; the worker's, the backup's and the owner's predicate is `true`
CUT = [*(kind.value for kind in ScopeKind if kind is not ScopeKind.WORKER), roles.EFFECT]

#: a row with every column that a policy reads; not null, or the planner would fold the policy away
ROW = """SELECT 3326 AS regency, 3326012001 AS area, false AS sealed, 1::bigint AS receipt,
    gen_random_uuid() AS organization_id, gen_random_uuid() AS program_id, gen_random_uuid() AS reporter_id,
    gen_random_uuid() AS subject_id, gen_random_uuid() AS key,
    gen_random_uuid() AS accused_person_id, gen_random_uuid() AS accused_organization_id,
    'SENT' AS status, true AS open, true AS shared, 2::smallint AS escalation, 'INTERNAL' AS visibility OFFSET 0"""
#: national tables that are not for everybody
CLOSED = {"grants", "revocations"}
_TENANT_TABLES = """
SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, a.attnum
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'regency' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname
"""


@pytest_asyncio.fixture
async def login(database: MigratedDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the API's login role, as a pool opens it."""
    connection = await asyncpg.connect(database.api_url)
    yield connection
    await connection.close()


async def tenant_tables(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    found = await owner.fetch(_TENANT_TABLES)
    assert {"households", "persons", "identities", "events", "revisions"} <= {table["relname"] for table in found}
    return list(found)


async def closed_tables(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    """The tables that nobody reads without a scope: of tenants, and the closed national ones."""
    national = await owner.fetch(
        "SELECT oid, relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relname = ANY ($1::text[]) AND relkind = 'r' ORDER BY relname",
        sorted(CLOSED),
    )
    assert {table["relname"] for table in national} == CLOSED
    return [*await tenant_tables(owner), *national]


async def read_as(login: asyncpg.Connection, role: str, statement: str) -> None:
    """Run a statement in the role, with no setting made."""
    async with login.transaction():
        await login.execute(f"SET LOCAL ROLE {role}")
        await login.fetch(statement)


class TestTables:
    async def test_row_security_is_forced_and_the_owner_has_a_policy(self, owner: asyncpg.Connection) -> None:
        for table in await closed_tables(owner):
            assert (table["relrowsecurity"], table["relforcerowsecurity"]) == (True, True), table["relname"]
            policies = await owner.fetch(
                "SELECT qual, with_check, cmd FROM pg_policies WHERE tablename = $1 AND roles = '{slrt_owner}'",
                table["relname"],
            )
            assert [tuple(policy) for policy in policies] == [("true", "true", "ALL")], table["relname"]

    async def test_a_national_table_has_no_row_policy_unless_it_is_closed(self, owner: asyncpg.Connection) -> None:
        closed = {table["relname"] for table in await closed_tables(owner)}
        policed = {row["tablename"] for row in await owner.fetch("SELECT tablename FROM pg_policies")}
        assert policed == closed

    async def test_policies_hold_no_or_and_no_subselect(self, owner: asyncpg.Connection) -> None:
        for row in await owner.fetch("SELECT tablename, policyname, qual, with_check FROM pg_policies"):
            for predicate in (row["qual"], row["with_check"]):
                assert not re.search(r"\b(OR|SELECT|EXISTS)\b", predicate or ""), tuple(row)

    async def test_the_regency_comes_first_in_every_key_and_index(self, owner: asyncpg.Connection) -> None:
        for table in await tenant_tables(owner):
            indexes = await owner.fetch(
                "SELECT indexrelid::regclass::text AS name, indkey[0] AS first, indisprimary FROM pg_index"
                " WHERE indrelid = $1",
                table["oid"],
            )
            assert any(index["indisprimary"] for index in indexes), table["relname"]
            assert [index["name"] for index in indexes if index["first"] != table["attnum"]] == []
            keys = await owner.fetch(
                "SELECT conname, conkey[1] AS first FROM pg_constraint WHERE conrelid = $1 AND contype IN ('p', 'u', 'f')",
                table["oid"],
            )
            assert [key["conname"] for key in keys if key["first"] != table["attnum"]] == []


class TestLogin:
    async def test_without_a_role_it_is_refused_on_every_closed_table(
        self, owner: asyncpg.Connection, login: asyncpg.Connection
    ) -> None:
        for table in await closed_tables(owner):
            name = table["relname"]
            column = "area" if name in CLOSED else "regency"
            for statement in (
                f"SELECT 1 FROM {name}",
                f"SELECT count(*) FROM {name}",
                f"INSERT INTO {name} DEFAULT VALUES",
                f"UPDATE {name} SET {column} = 1",
                f"DELETE FROM {name}",
                f"TRUNCATE {name}",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await login.execute(statement)

    async def test_it_is_no_superuser_and_bypasses_nothing(self, owner: asyncpg.Connection) -> None:
        rows = await owner.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'slrt%' AND (rolsuper OR rolbypassrls OR rolcreaterole)"
        )
        assert [row["rolname"] for row in rows] == []

    @pytest.mark.parametrize("role", [roles.OWNER, roles.BACKUP, "postgres"])
    async def test_it_cannot_become_who_sees_everything(self, login: asyncpg.Connection, role: str) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await login.execute(f"SET ROLE {role}")


class TestSettings:
    @pytest.mark.parametrize("role", CUT)
    async def test_a_role_without_its_settings_reads_nothing(
        self, owner: asyncpg.Connection, login: asyncpg.Connection, role: str
    ) -> None:
        """Every policy of the role is asked about a row: an error, not an answer, and so it is when a former
        transaction on the same connection has left its settings empty."""
        policies = await owner.fetch("SELECT tablename, qual FROM pg_policies WHERE roles = ARRAY[$1]::name[]", role)
        assert policies
        names = {
            name for policy in policies for name in re.findall(r"current_setting\('(app\.[a-z]+)'", policy["qual"])
        }
        assert names
        for used in (False, True):
            if used:
                async with login.transaction():
                    for name in names:
                        await login.execute(f"SET LOCAL {name} = '1'")
            for policy in policies:
                with pytest.raises((asyncpg.UndefinedObjectError, asyncpg.DataError)):
                    await read_as(login, role, f"SELECT {policy['qual']} FROM ({ROW}) AS one")

    async def test_a_real_row_stays_hidden_too(self, api: Api, login: asyncpg.Connection) -> None:
        made = await api.as_("facilitator").post("/v1/households", json=household_body())
        assert made.status_code == 201
        with pytest.raises(asyncpg.UndefinedObjectError):
            await read_as(login, "slrt_area_range", "SELECT id FROM households")


def shapes() -> list[Shape]:
    """Every shape of the house."""
    found = []
    for module in pkgutil.walk_packages([str(SOURCES)], "slrt_api."):
        if module.name.endswith(".shapes") and module.name != "slrt_api.runtime.shapes":
            found += [each for each in vars(importlib.import_module(module.name)).values() if isinstance(each, Shape)]
    return sorted(set(found), key=lambda shape: shape.name)


_PARTNER = """
SELECT (SELECT count(*) FROM referrals WHERE id = '{id}') + (SELECT count(*) FROM referral_packages WHERE id = '{id}')
     + (SELECT count(*) FROM events WHERE aggregate_id = '{id}') + (SELECT count(*) FROM revisions WHERE aggregate_id = '{id}')
"""


class TestEndedReferrals:
    """What a partner's role finds of an ended referral, asked of the database itself."""

    async def test_nothing_is_left_in_any_table_and_without_a_policy_it_would_be(
        self, api: Api, owner: asyncpg.Connection, login: asyncpg.Connection
    ) -> None:
        lks = await organization(api, JOB[1])
        referral = await sent(api, lks, JOB)

        async def rows() -> int:
            async with login.transaction():
                await login.execute(f"SET LOCAL ROLE slrt_organization; SET LOCAL app.organization = '{lks['id']}'")
                found: int = await login.fetchval(_PARTNER.format(id=referral["id"]))
                return found

        # The referral, its package, and the event and revision of its sending; of a draft nobody is the receiver.
        assert await rows() == 4
        answer = await act(partner(api, lks), referral, "DECLINE", reason="Penuh")
        assert answer.status_code == 204
        assert await rows() == 0
        for table, left in (("referrals", 1), ("referral_packages", 1), ("events", 2), ("revisions", 2)):
            usual = await owner.fetchval(
                "SELECT qual FROM pg_policies WHERE tablename = $1 AND policyname = 'slrt_organization'", table
            )
            await owner.execute(f"ALTER POLICY slrt_organization ON {table} USING (organization_id = '{lks['id']}')")
            try:
                assert await rows() == left, table
            finally:
                await owner.execute(f"ALTER POLICY slrt_organization ON {table} USING ({usual})")
        assert await rows() == 0

    async def test_the_policy_and_the_code_name_the_same_ends(self, owner: asyncpg.Connection) -> None:
        qual = await owner.fetchval(
            "SELECT qual FROM pg_policies WHERE tablename = 'referrals' AND policyname = 'slrt_organization'"
        )
        assert set(re.findall("'([A-Z_]+)'", qual)) == set(ENDED)

    async def test_of_the_trail_only_who_sees_it_may_be_written(self, owner: asyncpg.Connection) -> None:
        for table in ("events", "revisions"):
            written = await owner.fetch(
                "SELECT grantee, column_name FROM information_schema.column_privileges WHERE table_name = $1"
                " AND privilege_type = 'UPDATE' AND grantee <> 'slrt_owner'",
                table,
            )
            assert sorted(tuple(row) for row in written) == [("slrt_effect", "escalation"), ("slrt_effect", "open")]


class TestGrants:
    async def test_a_shape_is_shown_to_those_that_may_read_its_tables_and_to_all_of_them(
        self, owner: asyncpg.Connection
    ) -> None:
        found = shapes()
        assert {"household", "member", "organization", "case"} <= {shape.name for shape in found}
        shown: dict[tuple[str, ...], set[ScopeKind]] = {}
        readers: dict[tuple[str, ...], set[ScopeKind]] = {}
        for shape in found:
            tables = tuple(re.findall(r"(?:^|FROM |JOIN )([a-z_]+)\b", shape.source))
            assert tables, shape.name
            may = [
                kind
                for kind in ScopeKind
                for name in [*tables]
                if await owner.fetchval("SELECT has_table_privilege($1, $2, 'SELECT')", kind, name)
            ]
            readers[tables] = {kind for kind in may if may.count(kind) == len(tables)}
            # A table may have a shape of its own for the public, who must not see the staff's.
            shown.setdefault(tables, set()).update(shape.kinds)
        # The worker and the importer read for their work, not through the API.
        machines = {ScopeKind.WORKER, ScopeKind.IMPORTER}

        def unseen(tables: tuple[str, ...]) -> set[ScopeKind]:
            # Every caller's own grants are read under this scope before the caller has another.
            return machines | {ScopeKind.SUBJECT} if CLOSED.issuperset(tables) else machines

        wrong = {
            tables: (sorted(kinds - readers[tables]), sorted(readers[tables] - kinds - unseen(tables)))
            for tables, kinds in shown.items()
            if kinds - readers[tables] or readers[tables] - kinds - unseen(tables)
        }
        assert wrong == {}, "shown without a grant, granted without being shown"

    async def test_nobody_but_the_owner_may_delete_or_rewrite_history(self, owner: asyncpg.Connection) -> None:
        for table in ("events", "revisions", "accesses"):
            for role in (*ScopeKind, roles.EFFECT, roles.API, roles.BACKUP):
                for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
                    assert not await owner.fetchval(
                        "SELECT has_table_privilege($1, $2, $3)", str(role), table, privilege
                    ), (table, role, privilege)


#: where code enters the effect role. A new place is read with care, then listed here.
MACHINERY = {
    "runtime/idempotency.py:claim",
    "runtime/idempotency.py:keep",
    "runtime/idempotency.py:opening",
    "runtime/transaction.py:_insert",
    "runtime/transaction.py:_record",
    "runtime/transaction.py:_update",
    "runtime/transaction.py:_writer",
    "runtime/transaction.py:access",
    "runtime/transaction.py:end_with",
    "runtime/transaction.py:settle",
}
EFFECTS = {
    "attachments/service/examining.py:cleaned",
    "attachments/service/examining.py:expire",
    "attachments/service/examining.py:litter",
    "attachments/service/examining.py:material",
    "attachments/service/examining.py:record",
    "attachments/service/links.py:_recorded",
    "attachments/service/links.py:opened",
    "attachments/service/upload.py:_complete",
    "attachments/service/upload.py:append",
    "attachments/service/upload.py:over",
    "attachments/service/upload.py:progress",
    "attachments/service/upload.py:to_do",
    "flows/attaching.py:_attach",
    "cases/service/transition.py:lapse",
    "flows/case_merge.py:_merge",
    "flows/case_merge.py:_referrals_follow",
    "flows/case_merge.py:_undoable",
    "flows/case_merge.py:undo",
    "flows/confirming.py:confirm",
    "flows/reopening.py:ask",
    "flows/consents.py:_file_completed",
    "flows/rotation.py:_within",
    "cases/service/identities.py:reveal",
    "cases/service/identities.py:search",
    "clocks/service/running.py:begin",
    "clocks/service/running.py:follow",
    "clocks/service/running.py:reclassify",
    "complaints/service/file.py:_file",
    "complaints/service/file.py:_file_sealed",
    "complaints/service/sealed_access.py:reveal",
    "complaints/service/file.py:_holder",
    "complaints/service/links.py:link",
    "complaints/service/links.py:similar",
    "complaints/service/links.py:unlink",
    "complaints/service/merging.py:lock_other",
    "complaints/service/merging.py:unmerge",
    "cases/service/escalate.py:escalate",
    "complaints/service/escalate.py:_move",
    "complaints/service/ladders.py:accused",
    "complaints/service/ladders.py:declare",
    "complaints/service/ladders.py:known",
    "complaints/service/track.py:_case",
    "complaints/service/track.py:held",
    "complaints/service/track.py:_process",
    "complaints/service/track.py:_referrals",
    "complaints/service/track.py:_reopening",
    "complaints/service/track.py:shown",
    "complaints/service/track.py:act",
    "complaints/service/track.py:write",
    "flows/asking.py:question",
    "flows/asking.py:record",
    "flows/duplicates.py:_merge",
    "flows/finding.py:look",
    "flows/finding.py:step",
    "flows/grants.py:_check_reach",
    "flows/carrying.py:carry",
    "flows/carrying.py:release",
    "flows/handovers.py:_counterpart",
    "flows/handovers.py:offer",
    "flows/handovers.py:transition",
    "flows/tickets.py:_counterpart",
    "flows/tickets.py:_told_of",
    "flows/tickets.py:transition",
    "flows/screening.py:forget",
    "flows/screening.py:start",
    "flows/screening.py:step",
    "flows/screening.py:transition",
    "flows/lineage/families.py:merge",
    "flows/lineage/families.py:move",
    "flows/lineage/families.py:split",
    "flows/lineage/numbers.py:correct_nik",
    "flows/lineage/numbers.py:family_card",
    "flows/lineage/undo.py:undo",
    "flows/lineage/vital.py:birth",
    "flows/lineage/vital.py:death",
    "households/service/civil_checks.py:request",
    "households/service/members.py:_known",
    "households/service/name_keys.py:keep",
    "households/service/tickets.py:_both",
    "households/service/tickets.py:_bring",
    "households/service/tickets.py:_claims",
    "households/service/tickets.py:_running",
    "households/service/tickets.py:_tell",
    "households/service/registry_numbers.py:search",
    "flows/overrides.py:_own",
    "flows/overrides.py:ask",
    "organizations/service/capacity.py:set_capacity",
    "organizations/service/policies.py:decide_policy",
    "organizations/service/policies.py:policy_in_force",
    "organizations/service/routes.py:routes",
    "referrals/service/answer.py:answer",
    "referrals/service/notes.py:note",
    "referrals/service/offers.py:close",
    "referrals/service/receivers.py:judged",
    "referrals/service/reroute.py:_close",
    "referrals/service/reroute.py:_give_up",
    "referrals/service/reroute.py:reroute",
    "referrals/service/send.py:_written",
    "referrals/service/send.py:hand_over",
    "referrals/service/send.py:undone",
    "referrals/service/sharing.py:expire_package",
    "referrals/service/transition.py:_say_yes",
    "referrals/service/transition.py:_waitlist",
    "programs/service/facts.py:surroundings",
    "programs/service/regional.py:choose",
    "programs/service/regional.py:declare",
    "programs/service/regional.py:renew",
    "programs/service/rules.py:in_force",
    "programs/service/versions.py:_make_room",
    "referrals/service/sharing.py:basis",
    "referrals/service/sharing.py:empty_packages",
    "referrals/service/sharing.py:override",
    "referrals/service/transition.py:_end",
    "referrals/service/transition.py:_lock_case",
    "referrals/service/transition.py:_step",
    "registry/service/facts.py:match",
    "registry/service/facts.py:match_release",
    "registry/service/releases.py:check",
}


def effects() -> set[str]:
    """Every function of the house that enters the effect role."""
    found = set()
    for path in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                (isinstance(node, ast.Attribute) and node.attr in {"effect", "end_with"})
                or (isinstance(node, ast.Name) and node.id == "entering")
                for node in ast.walk(function)
            ):
                found.add(f"{path.relative_to(SOURCES).as_posix()}:{function.name}")
    return found


def test_every_use_of_the_effect_role_is_known() -> None:
    assert effects() == MACHINERY | EFFECTS


def test_outside_the_machinery_only_services_enter_it() -> None:
    for place in effects() - MACHINERY:
        path = Path(place.partition(":")[0])
        assert path.name == "service.py" or path.parent.name == "service" or path.parts[0] == "flows", place
