"""Two worlds that differ only in what one onlooker may not see: how the second is made of the first, and put back.

What an onlooker sees is said here by the words of the contract, as SQL over each table, and never by the row policies: those
are what is being tested. A table that an onlooker's list does not name shows it nothing.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

#: counters of what a caller has done: what they stop is told to that caller
UNTOUCHED = {"tracking_failures", "quota_uses"}
#: shown in part only: the six digits that stand in clear are, what is encrypted beside them never is
SECRET_COLUMNS = {("identities", "ciphertext"), ("receipt_secrets", "secret_hash")}

_EXPRESSIONS = {
    "text": "left(md5(coalesce({c}, '') || '{salt}'), {length})",
    "bytea": "sha256(coalesce({c}, '') || '{salt}')",
    "int": "coalesce({c}, 1) + {step}",
    "bool": "NOT coalesce({c}, false)",
    "timestamp": "coalesce({c}, now()) + interval '{step} days'",
    "date": "coalesce({c}, current_date) + {step}",
    "jsonb": "jsonb_build_object('changed', '{salt}')",
    "array": "array_append({c}, left('{salt}', 20))",
}
_COLUMNS = """
WITH bound AS (SELECT conrelid, contype, unnest(conkey) AS attnum FROM pg_constraint),
listed AS (
    SELECT conrelid, conkey[1] AS attnum,
           ARRAY(SELECT m[1] FROM regexp_matches(pg_get_constraintdef(oid), '''([A-Z0-9_]+)''::', 'g') AS m) AS values
    FROM pg_constraint WHERE contype = 'c' AND cardinality(conkey) = 1
)
SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, NULL) AS type,
       CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 32 END AS length,
       EXISTS (SELECT FROM bound WHERE conrelid = c.oid AND contype = 'p' AND attnum = a.attnum) AS key,
       EXISTS (SELECT FROM bound WHERE conrelid = c.oid AND contype = 'f' AND attnum = a.attnum) AS "foreign",
       (SELECT max(values) FROM listed WHERE conrelid = c.oid AND attnum = a.attnum AND cardinality(values) > 1) AS values
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relrowsecurity
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, a.attnum
"""

_VEILS = """
SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint
WHERE contype = 'c' AND (conname LIKE '%\\_veiled' OR conname = 'complaints_confidentiality')
"""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    length: int
    key: bool
    foreign: bool
    #: all that a check lets it be, where that is a list
    values: tuple[str, ...] = ()

    @property
    def family(self) -> str | None:
        """How its values are changed; None for those that say where a row belongs."""
        if self.type.endswith("[]"):
            return "array" if self.type in {"text[]", "character varying[]"} else None
        for prefix, family in (
            ("character", "text"),
            ("text", "text"),
            ("bytea", "bytea"),
            ("boolean", "bool"),
            ("timestamp", "timestamp"),
            ("date", "date"),
            ("jsonb", "jsonb"),
            ("smallint", "int"),
            ("integer", "int"),
            ("bigint", "int"),
        ):
            if self.type.startswith(prefix):
                return family
        return None

    def other(self, salt: str, step: int) -> str:
        """SQL of another value than the column has: of a list the next one, and null where it is null."""
        if self.values:
            following = zip(self.values, (*self.values[1:], self.values[0]), strict=True)
            return f'CASE "{self.name}" {" ".join(f"WHEN {a!r} THEN {b!r}" for a, b in following)} END'
        return _EXPRESSIONS[self.family or ""].format(c=f'"{self.name}"', salt=salt, step=step, length=self.length)


@dataclass
class Changes:
    """What was done to the rows out of sight."""

    rows: dict[str, int] = field(default_factory=dict)
    columns: set[tuple[str, str]] = field(default_factory=set)
    refused: set[tuple[str, str]] = field(default_factory=set)
    inserted: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)


class Worlds:
    """The tenant tables of one database, as they were when `save` was called and as `change` makes them.

    admin  a superuser's connection: neither policies nor triggers nor foreign keys stand in the way
    """

    def __init__(self, admin: asyncpg.Connection) -> None:
        self._admin = admin
        self.tables: dict[str, list[Column]] = {}
        #: what every table held when it was saved, by the name of the save
        self._held: dict[str, dict[str, Any]] = {}

    async def save(self, name: str = "saved") -> None:
        """Remember every row under a name; it can be read as the schema of that name."""
        if not self.tables:
            # What a sealed row may say is checked row by row: it would keep the columns of all others as they are.
            for row in await self._admin.fetch(_VEILS):
                await self._admin.execute(f"ALTER TABLE {row['table']} DROP CONSTRAINT {row['name']}")
        for row in await self._admin.fetch(_COLUMNS) if not self.tables else ():
            values = tuple(row["values"] or ())
            column = Column(row["column"], row["type"], row["length"], row["key"], row["foreign"], values)
            self.tables.setdefault(row["table"], []).append(column)
        await self._admin.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")
        for table in self.tables:
            await self._admin.execute(f"CREATE TABLE {name}.{table} AS TABLE public.{table}")
        self._held[name] = await self._holds()

    async def restore(self, name: str = "saved") -> None:
        """Put every row back as it was. Tables that are as they were stay untouched: most, after one act."""
        held, holds = self._held[name], await self._holds()
        async with self._admin.transaction():
            await self._admin.execute("SET LOCAL session_replication_role = replica")
            for table in self.tables:
                if holds[table] != held[table]:
                    # Only the rows that differ: hundreds of restores would leave more dead rows than anybody can read past.
                    await self._admin.execute(
                        f"DELETE FROM {table} now_ WHERE NOT EXISTS"
                        f" (SELECT FROM {name}.{table} then_ WHERE then_::text = now_::text);"
                        f" INSERT INTO {table} SELECT then_.* FROM {name}.{table} then_ WHERE NOT EXISTS"
                        f" (SELECT FROM {table} now_ WHERE now_::text = then_::text)"
                    )

    async def _holds(self) -> dict[str, Any]:
        """How many rows each table has, and the sum of their hashes."""
        sums = (
            f"SELECT '{table}' AS name, (count(*), sum(hashtextextended(t::text, 0)))::text AS held FROM public.{table} t"
            for table in self.tables
        )
        return {row["name"]: row["held"] for row in await self._admin.fetch(" UNION ALL ".join(sums))}

    def hidden(self, sees: Mapping[str, str]) -> dict[str, str]:
        """Condition of the rows out of sight, by table."""
        return {
            table: f"NOT coalesce(({sees[table]}), false)" if table in sees else "true"
            for table in self.tables
            if table not in UNTOUCHED
        }

    async def decisive(self, role: str) -> set[tuple[str, str]]:
        """Columns that decide what the database role sees: another value would bring a row into sight."""
        policies = await self._admin.fetch("SELECT tablename, qual FROM pg_policies WHERE $1::name = ANY (roles)", role)
        return {
            (policy["tablename"], column.name)
            for policy in policies
            for column in self.tables[policy["tablename"]]
            if column.name in policy["qual"]
        }

    async def change(
        self, where: Mapping[str, str], *, rng: random.Random, share: float, keep: set[tuple[str, str]]
    ) -> Changes:
        """Give the rows of `where` other values, each column with the probability `share`."""
        done = Changes()
        salt = f"{rng.getrandbits(64):016x}"
        async with self._admin.transaction():
            await self._admin.execute("SET LOCAL session_replication_role = replica")
            for table, condition in where.items():
                # The condition may read columns that are changed: the rows are chosen once.
                key = ", ".join(f'"{column.name}"' for column in self.tables[table] if column.key)
                await self._admin.execute(f"CREATE TEMP TABLE chosen AS SELECT {key} FROM {table} WHERE {condition}")
                done.rows[table] = await self._admin.fetchval("SELECT count(*) FROM chosen")
                chosen = [
                    column
                    for column in self.tables[table]
                    if column.family
                    and not column.key
                    and not column.foreign
                    and (table, column.name) not in keep
                    # Where a row belongs decides whether it is in sight.
                    and column.name not in {"area", "sealed", "receipt"}
                    and rng.random() < share
                ]
                await self._change(table, chosen, salt, rng.randint(1, 30), done)
                await self._admin.execute("DROP TABLE chosen")
        return done

    async def _change(self, table: str, columns: list[Column], salt: str, step: int, done: Changes) -> None:
        """Change all columns at once; where a constraint refuses that, one by one, as far as each lets itself."""
        key = ", ".join(f'"{column.name}"' for column in self.tables[table] if column.key)

        async def updated(group: list[Column]) -> bool:
            assignments = ", ".join(f'"{column.name}" = {column.other(salt, step)}' for column in group)
            try:
                async with self._admin.transaction():
                    await self._admin.execute(f"UPDATE {table} SET {assignments} WHERE ({key}) IN (TABLE chosen)")
            except asyncpg.IntegrityConstraintViolationError:
                return False
            done.columns.update((table, column.name) for column in group)
            return True

        if not columns or await updated(columns):
            return
        # One column may be bounded by another, which has to be changed before it.
        later = [column for column in columns if not await updated([column])]
        done.refused.update([(table, column.name) for column in later if not await updated([column])])

    async def insert(self, where: Mapping[str, str], rng: random.Random) -> Changes:
        """Add a copy of every row of `where` under a key of its own."""
        done = Changes()
        salt = f"{rng.getrandbits(64):016x}"
        async with self._admin.transaction():
            await self._admin.execute("SET LOCAL session_replication_role = replica")
            for table, condition in where.items():
                shown, new = [], False
                for column in self.tables[table]:
                    value = f'"{column.name}"'
                    if column.key and column.name != "regency" and not column.foreign:
                        new = True
                        if column.type == "uuid":
                            # The last 40 bits are random; what tells tenant, kind and time stays.
                            value = f"(left({value}::text, 26) || left(md5({value}::text || '{salt}'), 10))::uuid"
                        else:
                            value = _EXPRESSIONS[column.family or ""].format(c=value, salt=salt, step=1000, length=32)
                    shown.append(value)
                if not new:
                    continue
                sql = f"INSERT INTO {table} SELECT {', '.join(shown)} FROM {table} WHERE {condition}"
                try:
                    async with self._admin.transaction():
                        status: str = await self._admin.execute(sql)
                        done.inserted[table] = int(status.rpartition(" ")[2])
                except asyncpg.PostgresError:
                    done.refused.add((table, "*"))
        return done

    async def delete(self, where: Mapping[str, str]) -> Changes:
        """Remove the rows of `where`."""
        done = Changes()
        async with self._admin.transaction():
            await self._admin.execute("SET LOCAL session_replication_role = replica")
            for table, condition in where.items():
                status: str = await self._admin.execute(f"DELETE FROM {table} WHERE {condition}")
                done.deleted[table] = int(status.rpartition(" ")[2])
        return done

    async def execute(self, sql: str, *values: Any) -> None:
        await self._admin.execute(sql, *values)

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        return list(await self._admin.fetch(sql, *values))
