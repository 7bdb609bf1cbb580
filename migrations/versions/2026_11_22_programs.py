"""who receives programs, and the facts by which a regency is screened."""

import sqlalchemy as sa
from alembic import op
from policies import Access, tenant_table

revision = "2026_11_22_programs"
down_revision = "2026_11_22_catalog"
branch_labels = None
depends_on = None

_READ = ("slrt_area_range", "slrt_area_list", "slrt_auditor")
_WRITE = "SELECT, INSERT, UPDATE, DELETE"
#: whoever reads families reads what they receive; a program's manager reads whole regencies by screenings, not here
ENROLLMENTS = Access("enrollments", {**dict.fromkeys(_READ, "SELECT"), "slrt_effect": _WRITE})
ENROLLMENT_LISTS = Access("enrollment_lists", {**dict.fromkeys(_READ, "SELECT"), "slrt_effect": _WRITE}, regencies=True)
#: all facts of everybody: for no role that answers anybody
FACTS = tuple(
    Access(table, {"slrt_effect": _WRITE}) for table in ("facts_households", "facts_persons", "facts_enrollments")
)
HOUSEHOLD_FACTS = (
    ("desil", sa.Integer()),
    ("registry_status", sa.Text()),
    ("owns_house", sa.Boolean()),
    ("owns_land", sa.Boolean()),
    ("owns_other_house", sa.Boolean()),
    ("house_unfit", sa.Boolean()),
    ("floor_material", sa.Text()),
    ("wall_material", sa.Text()),
    ("roof_material", sa.Text()),
    ("floor_area", sa.Integer()),
    ("drinking_water", sa.Text()),
    ("lighting", sa.Text()),
    ("meter_count", sa.Integer()),
    ("meter_va", sa.Integer()),
    ("cooking_fuel", sa.Text()),
    ("toilet", sa.Text()),
    ("income_monthly", sa.BigInteger()),
    ("income_per_capita", sa.BigInteger()),
    ("income_at_most_minimum", sa.Boolean()),
    ("self_help_group", sa.Boolean()),
    ("group_size", sa.Integer()),
    ("kks_holder", sa.Boolean()),
    ("disaster_affected", sa.Boolean()),
    ("lost_livelihood", sa.Boolean()),
    ("village_has_desil_1", sa.Boolean()),
    ("village_has_desil_2_to_4", sa.Boolean()),
    ("village_meeting_chose", sa.Boolean()),
    ("remote_area", sa.Boolean()),
    ("recent_death", sa.Boolean()),
    ("property_taxpayer", sa.Boolean()),
    ("lpg_registered", sa.Boolean()),
)
PERSON_FACTS = (
    ("birth_date", sa.Date()),
    ("sex", sa.Text()),
    ("relation", sa.Text()),
    ("person_desil", sa.Integer()),
    ("person_registry_status", sa.Text()),
    ("nik_status", sa.Text()),
    ("citizen", sa.Boolean()),
    ("local_resident", sa.Boolean()),
    ("marital_status", sa.Text()),
    ("pregnant", sa.Boolean()),
    ("postpartum", sa.Boolean()),
    ("pregnancy_order", sa.Integer()),
    ("in_school", sa.Boolean()),
    ("school_level", sa.Text()),
    ("school_grade", sa.Integer()),
    ("school_year_edge", sa.Boolean()),
    ("school_registered", sa.Boolean()),
    ("twelve_years_finished", sa.Boolean()),
    ("returning_to_school", sa.Boolean()),
    ("kip_holder", sa.Boolean()),
    ("graduated_on", sa.Date()),
    ("admitted_to_university", sa.Boolean()),
    ("parents_income_monthly", sa.BigInteger()),
    ("orphan", sa.Boolean()),
    ("in_institution", sa.Boolean()),
    ("disability", sa.Boolean()),
    ("severe_disability", sa.Boolean()),
    ("chronic_illness", sa.Boolean()),
    ("catastrophic_illness", sa.Boolean()),
    ("medical_emergency", sa.Boolean()),
    ("facility_letter", sa.Boolean()),
    ("insurance_segment", sa.Text()),
    ("insurance_unpaid", sa.Boolean()),
    ("pbi_deactivated_on", sa.Date()),
    ("born_of_pbi_mother", sa.Boolean()),
    ("working", sa.Boolean()),
    ("employment_status", sa.Text()),
    ("wage_monthly", sa.BigInteger()),
    ("wage_at_least_minimum", sa.Boolean()),
    ("fixed_income", sa.Boolean()),
    ("dismissed", sa.Boolean()),
    ("business_owner", sa.Boolean()),
    ("business_months", sa.Integer()),
    ("tobacco_worker", sa.Boolean()),
    ("farmland_square_meters", sa.Integer()),
    ("farmer_registered", sa.Boolean()),
    ("buyer_registered", sa.Boolean()),
    ("civil_servant", sa.Boolean()),
    ("military_or_police", sa.Boolean()),
    ("state_pensioner", sa.Boolean()),
    ("state_official", sa.Boolean()),
    ("state_enterprise_staff", sa.Boolean()),
    ("village_official", sa.Boolean()),
    ("certified_professional", sa.Boolean()),
    ("program_facilitator", sa.Boolean()),
    ("company_owner", sa.Boolean()),
    ("gambling_flag", sa.Boolean()),
    ("high_balance_flag", sa.Boolean()),
    ("rights_violation_victim", sa.Boolean()),
    ("ppks_category", sa.Text()),
    ("neglected", sa.Boolean()),
    ("assessed_in_need", sa.Boolean()),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    op.create_table(
        "enrollments",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.CheckConstraint("ended_on >= started_on", name="enrollments_days"),
        sa.ForeignKeyConstraint(["regency", "household_id"], ["households.regency", "households.id"]),
        sa.ForeignKeyConstraint(["regency", "person_id"], ["persons.regency", "persons.id"]),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("enrollments_household", "enrollments", ["regency", "household_id", "program_id"])
    op.create_index("enrollments_person", "enrollments", ["regency", "person_id", "program_id"])
    op.create_index("enrollments_program", "enrollments", ["regency", "program_id", "id"])
    op.create_index("enrollments_area", "enrollments", ["regency", "area", "id"])
    op.create_index("enrollments_updated_at", "enrollments", ["regency", "updated_at", "id"])
    op.create_table(
        "enrollment_lists",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("regency", "id"),
    )
    op.create_index("enrollment_lists_program", "enrollment_lists", ["regency", "program_id"], unique=True)
    op.create_table(
        "facts_households",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        *(sa.Column(name, kind, nullable=True) for name, kind in HOUSEHOLD_FACTS),
        sa.PrimaryKeyConstraint("regency", "id"),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "facts_persons",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.BigInteger(), nullable=False),
        *(sa.Column(name, kind, nullable=True) for name, kind in PERSON_FACTS),
        sa.PrimaryKeyConstraint("regency", "household_id", "id"),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "facts_enrollments",
        sa.Column("regency", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("regency", "household_id", "id"),
        prefixes=["UNLOGGED"],
    )
    for access in (ENROLLMENTS, ENROLLMENT_LISTS, *FACTS):
        for statement in tenant_table(access):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '1s'")
    for table in ("facts_enrollments", "facts_persons", "facts_households", "enrollment_lists", "enrollments"):
        op.drop_table(table)
