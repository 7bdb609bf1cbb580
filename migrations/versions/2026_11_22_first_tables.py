"""first tables."""

import sqlalchemy as sa
from alembic import op
from policies import PREDICATES, Access, national_table, tenant_table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[str]):
    def get_col_spec(self, **_: object) -> str:
        return "xid8"


AREA_STAFF = ("slrt_area_range", "slrt_area_list")
WORK = dict.fromkeys(AREA_STAFF, "SELECT, INSERT, UPDATE")
AUDIT = {"slrt_auditor": "SELECT"}
EFFECT = {"slrt_effect": "SELECT, INSERT, UPDATE"}
#: the worker announces breached clocks on what they belong to
WATCH = {"slrt_worker": "SELECT, UPDATE"}
#: a receiver of referrals reads and answers them, and sees the package, but no household, person or case
RECEIVERS = ("slrt_organization", "slrt_program")

TENANT_TABLES = (
    Access("households", WORK | AUDIT | EFFECT),
    Access("persons", WORK | AUDIT | EFFECT),
    Access("memberships", WORK | AUDIT | EFFECT),
    Access("identities", WORK | AUDIT | EFFECT),
    Access("cases", WORK | AUDIT | EFFECT | WATCH),
    Access("needs", WORK | AUDIT | EFFECT),
    Access("assessments", WORK | AUDIT | EFFECT),
    Access("direct_services", WORK | AUDIT | EFFECT),
    Access("referrals", WORK | AUDIT | EFFECT | WATCH | dict.fromkeys(RECEIVERS, "SELECT, UPDATE")),
    Access("referral_packages", WORK | AUDIT | EFFECT | dict.fromkeys(RECEIVERS, "SELECT")),
    Access(
        "complaints",
        WORK | AUDIT | EFFECT | WATCH | {"slrt_subject": "SELECT, INSERT, UPDATE", "slrt_public": "SELECT, INSERT"},
        sealed=True,
    ),
    Access("receipt_secrets", EFFECT),
    Access("tracking_failures", EFFECT | {"slrt_worker": "SELECT, DELETE"}),
    Access(
        "clocks",
        WORK | AUDIT | EFFECT | WATCH | {"slrt_subject": "SELECT", "slrt_public": "SELECT"},
        sealed=True,
    ),
    Access(
        "registry_snapshots",
        {"slrt_area_range": "SELECT"} | AUDIT | EFFECT | {"slrt_importer": "SELECT, INSERT"},
        regencies=True,
    ),
    Access("registry_entries", {"slrt_effect": "SELECT", "slrt_importer": "SELECT, INSERT"}),
    Access("service_capacity", dict.fromkeys(AREA_STAFF, "SELECT") | AUDIT | EFFECT | {"slrt_organization": "SELECT"}),
    Access(
        "events",
        dict.fromkeys((*AREA_STAFF, *RECEIVERS, "slrt_subject", "slrt_public", "slrt_auditor"), "SELECT")
        | {"slrt_effect": "SELECT, INSERT"},
        sealed=True,
    ),
    Access(
        "revisions",
        dict.fromkeys((*AREA_STAFF, *RECEIVERS, "slrt_auditor"), "SELECT") | {"slrt_effect": "SELECT, INSERT"},
        sealed=True,
        # One statement reads the history of a resource for everybody; a citizen gets the events of it only.
        blind=("slrt_subject",),
    ),
    Access("accesses", AUDIT | {"slrt_effect": "SELECT, INSERT", "slrt_worker": "INSERT"}),
    Access("idempotent_answers", {"slrt_effect": "SELECT, INSERT, UPDATE, DELETE", "slrt_worker": "SELECT, DELETE"}),
)
#: national tables, and what the effect role may write
NATIONAL_TABLES = {
    "areas": "",
    "tenants": "",
    "code_list_items": "",
    "services": "",
    "organizations": "INSERT, UPDATE",
    "organization_officers": "INSERT, UPDATE, DELETE",
    "organization_services": "INSERT, DELETE",
    "organization_areas": "INSERT, DELETE",
    "programs": "INSERT, UPDATE",
}

TABLES = (
    "accesses",
    "areas",
    "clocks",
    "code_list_items",
    "complaints",
    "events",
    "households",
    "idempotent_answers",
    "identities",
    "organizations",
    "persons",
    "registry_snapshots",
    "revisions",
    "service_capacity",
    "services",
    "tenants",
    "tracking_failures",
    "cases",
    "memberships",
    "organization_areas",
    "organization_officers",
    "organization_services",
    "programs",
    "receipt_secrets",
    "registry_entries",
    "assessments",
    "needs",
    "direct_services",
    "referrals",
    "referral_packages",
)
SCOPES = sorted(set(PREDICATES) - {"slrt_owner", "slrt_backup", "slrt_effect"})

#: dotted code of a ten-digit area, without the zeros that stand for all below it
AREA_CODE = """
CREATE FUNCTION area_code(area bigint) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN area % 10000 <> 0 THEN to_char(area, 'FM00"."00"."00"."0000')
        WHEN area % 1000000 <> 0 THEN to_char(area / 10000, 'FM00"."00"."00')
        WHEN area % 100000000 <> 0 THEN to_char(area / 1000000, 'FM00"."00')
        ELSE to_char(area / 100000000, 'FM00')
    END
$$
"""

revision = "2026_11_22_first_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "accesses",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("trace_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("accesses_actor", "accesses", ["regency", "actor", "at"], unique=False)
    op.create_index("accesses_resource", "accesses", ["regency", "resource_id", "at"], unique=False)
    op.create_table(
        "areas",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("parent_code", sa.String(), nullable=True),
        sa.Column("first_edition", sa.SmallInteger(), nullable=False),
        sa.Column("last_edition", sa.SmallInteger(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("successor_codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("areas_name_key", "areas", ["name_key", "code"], unique=False)
    op.create_index("areas_number", "areas", ["number"], unique=False)
    op.create_index("areas_parent", "areas", ["parent_code", "code"], unique=False)
    op.create_table(
        "clocks",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("calendar_version", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("receipt", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("clocks_aggregate", "clocks", ["regency", "aggregate_id", "name"], unique=False)
    op.create_index(
        "clocks_running", "clocks", ["regency", "due_at"], unique=False, postgresql_where=sa.text("state = 'RUNNING'")
    )
    op.create_table(
        "code_list_items",
        sa.Column("list_name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label_id", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("selection", sa.String(), nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("instrument_code", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("list_name", "code"),
    )
    op.create_table(
        "complaints",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("receipt", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("nature", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("subtype", sa.String(), nullable=True),
        sa.Column("severity_flags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("program_code", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("confidentiality", sa.String(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("subject_person_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("reporter_name", sa.LargeBinary(), nullable=True),
        sa.Column("reporter_phone", sa.LargeBinary(), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.String(), nullable=False),
        sa.Column("forwarded_to", sa.Uuid(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.Column("service_realized", sa.Boolean(), nullable=True),
        sa.CheckConstraint("confidentiality <> 'SEALED' OR sealed", name="complaints_sealed"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("complaints_area", "complaints", ["regency", "area", "id"], unique=False)
    op.create_index("complaints_receipt", "complaints", ["regency", "receipt"], unique=True)
    op.create_index("complaints_reporter", "complaints", ["regency", "reporter_id", "id"], unique=False)
    op.create_index("complaints_status", "complaints", ["regency", "status", "id"], unique=False)
    op.create_table(
        "events",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("on_behalf_of", sa.String(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("reporter_id", sa.Uuid(), nullable=True),
        sa.Column("receipt", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("trace_id", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("xact", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name="events_hash_length"),
        sa.CheckConstraint("sequence > 0", name="events_sequence_positive"),
        sa.PrimaryKeyConstraint("regency", "aggregate_id", "sequence"),
    )
    op.create_index("events_id", "events", ["regency", "id"], unique=False)
    op.create_index("events_organization", "events", ["regency", "organization_id", "aggregate_id"], unique=False)
    op.create_index("events_xact", "events", ["regency", "xact"], unique=False)
    op.create_table(
        "households",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("households_area", "households", ["regency", "area", "id"], unique=False)
    op.create_index("households_updated_at", "households", ["regency", "updated_at", "id"], unique=False)
    op.create_table(
        "idempotent_answers",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("regency", "key_digest"),
    )
    op.create_index("idempotent_answers_created_at", "idempotent_answers", ["regency", "created_at"], unique=False)
    op.create_table(
        "identities",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("blind_index", sa.LargeBinary(), nullable=False),
        sa.Column("findings", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("type IN ('NIK', 'KK')", name="identities_type"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("identities_blind_index", "identities", ["regency", "blind_index"], unique=False)
    op.create_index("identities_owner", "identities", ["regency", "owner_id", "type"], unique=False)
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sk_number", sa.String(), nullable=False),
        sa.Column("sk_date", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("organizations_area", "organizations", ["area", "id"], unique=False)
    op.create_index("organizations_code", "organizations", ["code"], unique=True)
    op.create_table(
        "persons",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sex", sa.String(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("sex IN ('F', 'M')", name="persons_sex"),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("persons_area", "persons", ["regency", "area", "id"], unique=False)
    op.create_table(
        "registry_snapshots",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("release", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("registry_snapshots_release", "registry_snapshots", ["regency", "source", "release"], unique=True)
    op.create_table(
        "revisions",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "aggregate_id", "sequence"),
    )
    op.create_table(
        "service_capacity",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0 AND used <= capacity", name="service_capacity_used"),
        sa.PrimaryKeyConstraint("regency", "organization_id", "service", "period"),
    )
    op.create_table(
        "services",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("label_id", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "tenants",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "tracking_failures",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "receipt", "hour"),
    )
    op.create_table(
        "cases",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("complaint_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("registry_outcome", sa.String(), nullable=True),
        sa.Column("registry_snapshot_id", sa.Uuid(), nullable=True),
        sa.Column("registry_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proposal_wanted", sa.Boolean(), nullable=False),
        sa.Column("assessed", sa.Boolean(), nullable=False),
        sa.Column("need_count", sa.Integer(), nullable=False),
        sa.Column("open_needs", sa.Integer(), nullable=False),
        sa.Column("referred_needs", sa.Integer(), nullable=False),
        sa.Column("recommended_by", sa.String(), nullable=True),
        sa.Column("recommended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_text", sa.String(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("transferred_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("open_needs >= 0 AND open_needs <= need_count", name="cases_open_needs"),
        sa.CheckConstraint("referred_needs >= 0 AND referred_needs <= open_needs", name="cases_referred_needs"),
        sa.ForeignKeyConstraint(
            ["regency", "household_id"],
            ["households.regency", "households.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("cases_area", "cases", ["regency", "area", "id"], unique=False)
    op.create_index("cases_household", "cases", ["regency", "household_id", "id"], unique=False)
    op.create_index("cases_number", "cases", ["regency", "number"], unique=True)
    op.create_index("cases_status", "cases", ["regency", "status", "id"], unique=False)
    op.create_index("cases_updated_at", "cases", ["regency", "updated_at", "id"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["regency", "household_id"],
            ["households.regency", "households.id"],
        ),
        sa.ForeignKeyConstraint(
            ["regency", "id"],
            ["persons.regency", "persons.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id", "valid_from"),
    )
    op.create_index("memberships_household", "memberships", ["regency", "household_id", "position"], unique=False)
    op.create_index(
        "memberships_one_active",
        "memberships",
        ["regency", "id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "organization_areas",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lo", sa.BigInteger(), nullable=False),
        sa.Column("hi", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("lo <= hi", name="organization_areas_range"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("organization_id", "lo"),
    )
    op.create_table(
        "organization_officers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("organization_id", "position"),
    )
    op.create_table(
        "organization_services",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["service"],
            ["services.code"],
        ),
        sa.PrimaryKeyConstraint("organization_id", "service"),
    )
    op.create_index(
        "organization_services_service", "organization_services", ["service", "organization_id"], unique=False
    )
    op.create_table(
        "programs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_id", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("cluster", sa.Integer(), nullable=False),
        sa.Column("owner_organization_id", sa.Uuid(), nullable=True),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("open_from", sa.Date(), nullable=False),
        sa.Column("open_to", sa.Date(), nullable=True),
        sa.Column("complaint_channel", sa.String(), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("programs_code", "programs", ["code"], unique=True)
    op.create_table(
        "receipt_secrets",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["regency", "id"],
            ["complaints.regency", "complaints.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("receipt_secrets_receipt", "receipt_secrets", ["regency", "receipt"], unique=True)
    op.create_table(
        "registry_entries",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("nik_index", sa.LargeBinary(), nullable=False),
        sa.Column("kk_index", sa.LargeBinary(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("desil", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("desil BETWEEN 1 AND 10", name="registry_entries_desil"),
        sa.ForeignKeyConstraint(
            ["regency", "snapshot_id"],
            ["registry_snapshots.regency", "registry_snapshots.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("registry_entries_kk", "registry_entries", ["regency", "snapshot_id", "kk_index"], unique=False)
    op.create_index("registry_entries_nik", "registry_entries", ["regency", "snapshot_id", "nik_index"], unique=False)
    op.create_table(
        "assessments",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("assessed_by", sa.String(), nullable=False),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["regency", "case_id"],
            ["cases.regency", "cases.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("assessments_case", "assessments", ["regency", "case_id", "id"], unique=False)
    op.create_table(
        "needs",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("need", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["regency", "case_id"],
            ["cases.regency", "cases.id"],
        ),
        sa.ForeignKeyConstraint(
            ["regency", "person_id"],
            ["persons.regency", "persons.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("needs_case", "needs", ["regency", "case_id", "id"], unique=False)
    op.create_table(
        "direct_services",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("provided_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["regency", "case_id"],
            ["cases.regency", "cases.id"],
        ),
        sa.ForeignKeyConstraint(
            ["regency", "need_id"],
            ["needs.regency", "needs.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("direct_services_case", "direct_services", ["regency", "case_id", "id"], unique=False)
    op.create_table(
        "referrals",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("program_code", sa.String(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("proposed_organization_id", sa.Uuid(), nullable=True),
        sa.Column("capacity_period", sa.Date(), nullable=True),
        sa.Column("drafted_by", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("respond_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("realized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["regency", "case_id"],
            ["cases.regency", "cases.id"],
        ),
        sa.ForeignKeyConstraint(
            ["regency", "need_id"],
            ["needs.regency", "needs.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("referrals_area", "referrals", ["regency", "area", "id"], unique=False)
    op.create_index("referrals_case", "referrals", ["regency", "case_id", "id"], unique=False)
    op.create_index("referrals_number", "referrals", ["regency", "number"], unique=True)
    op.create_index("referrals_organization", "referrals", ["regency", "organization_id", "id"], unique=False)
    op.create_index("referrals_program", "referrals", ["regency", "program_id", "id"], unique=False)
    op.create_index("referrals_updated_at", "referrals", ["regency", "updated_at", "id"], unique=False)
    op.create_table(
        "referral_packages",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("birth_date", sa.LargeBinary(), nullable=True),
        sa.Column("sex", sa.String(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("nik_prefix", sa.String(), nullable=True),
        sa.Column("need_note", sa.LargeBinary(), nullable=True),
        sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["regency", "id"],
            ["referrals.regency", "referrals.id"],
        ),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.execute(AREA_CODE)
    op.execute("GRANT USAGE ON SCHEMA public TO slrt_api, slrt_backup, slrt_effect, " + ", ".join(SCOPES))
    for access in TENANT_TABLES:
        for statement in tenant_table(access):
            op.execute(statement)
    for table, effect in NATIONAL_TABLES.items():
        for statement in national_table(table, effect=effect):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.execute("DROP FUNCTION area_code(bigint)")
    for table in reversed(TABLES):
        op.drop_table(table)
