"""Organizations of the demo regency 33.26: secretariat, two Puskesos, three offices, the inspectorate,
three welfare organizations.

The offices bear the names that such offices have; people, decrees and the welfare organizations are invented, and the
decree numbers say so (CONTOH is Indonesian for example).
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DemoOfficer:
    name: str
    office: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class DemoCapacity:
    """How many clients are taken for a service in a calendar month."""

    service: str
    per_month: int


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """An organization with its founding decree (SK), officers, services, the areas that it serves, and capacity.

    area_code     where it stands
    areas_served  codes of any level; everything below them is served too
    capacity      services with limited places; a service without a line takes everybody
    """

    code: str
    name: str
    kind: str
    area_code: str
    sk_number: str
    sk_date: date
    officers: tuple[DemoOfficer, ...]
    services: tuple[str, ...]
    areas_served: tuple[str, ...]
    capacity: tuple[DemoCapacity, ...] = ()


SECRETARIAT = DemoOrganization(
    code="SEKRETARIAT-3326",
    name="Sekretariat SLRT Kabupaten Pekalongan",
    kind="SECRETARIAT",
    area_code="33.26",
    sk_number="460/101/CONTOH/2024",
    sk_date=date(2024, 2, 12),
    officers=(
        DemoOfficer("Wahyu Nugroho", "Manajer", date(2024, 2, 12)),
        DemoOfficer("Ratna Handayani", "Petugas front office", date(2024, 2, 12)),
        DemoOfficer("Teguh Raharjo", "Petugas back office", date(2025, 1, 6)),
    ),
    services=("DATA_UPDATE", "CIVIL_DOCUMENTS", "BASIC_FOOD_AID", "HEALTH_INSURANCE", "LEGAL_AID"),
    areas_served=("33.26",),
)
PUSKESOS_KLESEM = DemoOrganization(
    code="PUSKESOS-3326012001",
    name="Puskesos Desa Klesem",
    kind="PUSKESOS",
    area_code="33.26.01.2001",
    sk_number="141/07/CONTOH/2024",
    sk_date=date(2024, 3, 4),
    officers=(
        DemoOfficer("Priyo Utomo", "Koordinator", date(2024, 3, 4)),
        DemoOfficer("Endah Lestari", "Petugas back office", date(2024, 3, 4)),
    ),
    services=("DATA_UPDATE", "CIVIL_DOCUMENTS", "HEALTH_INSURANCE", "BASIC_FOOD_AID"),
    areas_served=("33.26.01.2001",),
)
PUSKESOS_WERDI = DemoOrganization(
    code="PUSKESOS-3326022001",
    name="Puskesos Desa Werdi",
    kind="PUSKESOS",
    area_code="33.26.02.2001",
    sk_number="141/03/CONTOH/2025",
    sk_date=date(2025, 1, 20),
    officers=(
        DemoOfficer("Sugeng Wicaksono", "Koordinator", date(2025, 1, 20)),
        DemoOfficer("Nurul Hidayati", "Petugas front office", date(2025, 1, 20)),
    ),
    services=("DATA_UPDATE", "CIVIL_DOCUMENTS", "BASIC_FOOD_AID"),
    areas_served=("33.26.02.2001",),
)
HEALTH_OFFICE = DemoOrganization(
    code="OPD-DINKES-3326",
    name="Dinas Kesehatan Kabupaten Pekalongan",
    kind="OPD",
    area_code="33.26",
    sk_number="061/11/CONTOH/2021",
    sk_date=date(2021, 1, 4),
    officers=(DemoOfficer("Dian Kusuma", "Kepala bidang pelayanan kesehatan", date(2023, 7, 3)),),
    services=(
        "HEALTH_INSURANCE",
        "HEALTH_INSURANCE_REACTIVATION",
        "MEDICAL_TREATMENT",
        "MATERNAL_CHILD_HEALTH",
        "NUTRITION_SUPPORT",
        "MENTAL_HEALTH_CARE",
        "CHRONIC_DISEASE_CARE",
    ),
    areas_served=("33.26",),
    capacity=(DemoCapacity("NUTRITION_SUPPORT", 40), DemoCapacity("MENTAL_HEALTH_CARE", 15)),
)
EDUCATION_OFFICE = DemoOrganization(
    code="OPD-DIKBUD-3326",
    name="Dinas Pendidikan dan Kebudayaan Kabupaten Pekalongan",
    kind="OPD",
    area_code="33.26",
    sk_number="061/12/CONTOH/2021",
    sk_date=date(2021, 1, 4),
    officers=(DemoOfficer("Heru Purnomo", "Kepala bidang pendidikan dasar", date(2022, 9, 1)),),
    services=("SCHOOL_ASSISTANCE", "RETURN_TO_SCHOOL", "INCLUSIVE_EDUCATION", "EARLY_CHILDHOOD_EDUCATION"),
    areas_served=("33.26",),
    capacity=(DemoCapacity("SCHOOL_ASSISTANCE", 60),),
)
SOCIAL_OFFICE = DemoOrganization(
    code="OPD-DINSOS-3326",
    name="Dinas Sosial Kabupaten Pekalongan",
    kind="OPD",
    area_code="33.26",
    sk_number="061/13/CONTOH/2021",
    sk_date=date(2021, 1, 4),
    officers=(
        DemoOfficer("Fitri Setyowati", "Kepala dinas", date(2024, 1, 15)),
        DemoOfficer("Rudi Hidayat", "Kepala bidang rehabilitasi sosial", date(2023, 3, 1)),
    ),
    services=(
        "CASH_TRANSFER",
        "BASIC_FOOD_AID",
        "SOCIAL_REHABILITATION",
        "DISASTER_RELIEF",
        "TEMPORARY_SHELTER",
        "DATA_UPDATE",
    ),
    areas_served=("33.26",),
    capacity=(DemoCapacity("TEMPORARY_SHELTER", 12), DemoCapacity("SOCIAL_REHABILITATION", 20)),
)
#: the welfare organization of the story: keeps children in school in two of the three districts
INSPECTORATE = DemoOrganization(
    code="OPD-INSPEKTORAT-3326",
    name="Inspektorat Kabupaten Pekalongan",
    kind="OPD",
    area_code="33.26",
    sk_number="061/14/CONTOH/2021",
    sk_date=date(2021, 1, 4),
    officers=(
        DemoOfficer("Agus Prasetyo", "Inspektur", date(2023, 5, 2)),
        DemoOfficer("Rina Widyastuti", "Petugas aduan tersegel", date(2024, 2, 12)),
        DemoOfficer("Joko Susilo", "Petugas aduan tersegel", date(2024, 2, 12)),
    ),
    # It serves nobody: it handles sealed reports.
    services=(),
    areas_served=("33.26",),
)
LKS_SCHOOL = DemoOrganization(
    code="LKS-TUNAS-HARAPAN",
    name="LKS Tunas Harapan (contoh)",
    kind="LKS",
    area_code="33.26.01.2009",
    sk_number="AHU-0001/CONTOH/2019",
    sk_date=date(2019, 5, 20),
    officers=(
        DemoOfficer("Umi Kurniasih", "Ketua", date(2019, 5, 20)),
        DemoOfficer("Fajar Maulana", "Pekerja sosial", date(2022, 2, 1)),
    ),
    services=("SCHOOL_RETENTION", "SCHOOL_SUPPLIES", "EQUIVALENCY_EDUCATION", "CHILD_PROTECTION"),
    areas_served=("33.26.01", "33.26.02"),
    capacity=(
        DemoCapacity("SCHOOL_RETENTION", 10),
        DemoCapacity("SCHOOL_SUPPLIES", 25),
        DemoCapacity("EQUIVALENCY_EDUCATION", 8),
        DemoCapacity("CHILD_PROTECTION", 5),
    ),
)
LKS_CARE = DemoOrganization(
    code="LKS-BUDI-ASIH",
    name="LKS Budi Asih (contoh)",
    kind="LKS",
    area_code="33.26.02.2010",
    sk_number="AHU-0002/CONTOH/2016",
    sk_date=date(2016, 10, 3),
    officers=(DemoOfficer("Sulastri Astuti", "Ketua", date(2021, 10, 3)),),
    services=(
        "OLDER_PERSON_CARE",
        "DISABILITY_SUPPORT",
        "ASSISTIVE_DEVICE",
        "SOCIAL_REHABILITATION",
        "PSYCHOSOCIAL_SUPPORT",
    ),
    areas_served=("33.26",),
    capacity=(
        DemoCapacity("OLDER_PERSON_CARE", 20),
        DemoCapacity("DISABILITY_SUPPORT", 12),
        DemoCapacity("ASSISTIVE_DEVICE", 4),
        DemoCapacity("SOCIAL_REHABILITATION", 6),
        DemoCapacity("PSYCHOSOCIAL_SUPPORT", 15),
    ),
)
LKS_LIVELIHOOD = DemoOrganization(
    code="LKS-KARYA-MANDIRI",
    name="LKS Karya Mandiri (contoh)",
    kind="LKS",
    area_code="33.26.03.2008",
    sk_number="AHU-0003/CONTOH/2020",
    sk_date=date(2020, 8, 24),
    officers=(
        DemoOfficer("Bambang Wibowo", "Ketua", date(2020, 8, 24)),
        DemoOfficer("Indah Pratiwi", "Pendamping usaha", date(2023, 4, 3)),
    ),
    services=("VOCATIONAL_TRAINING", "BUSINESS_MENTORING", "BUSINESS_GROUP", "SCHOOL_RETENTION"),
    areas_served=("33.26.02", "33.26.03"),
    capacity=(
        DemoCapacity("VOCATIONAL_TRAINING", 16),
        DemoCapacity("BUSINESS_MENTORING", 10),
        DemoCapacity("BUSINESS_GROUP", 3),
        DemoCapacity("SCHOOL_RETENTION", 1),
    ),
)

DEMO_ORGANIZATIONS: tuple[DemoOrganization, ...] = (
    SECRETARIAT,
    PUSKESOS_KLESEM,
    PUSKESOS_WERDI,
    HEALTH_OFFICE,
    EDUCATION_OFFICE,
    SOCIAL_OFFICE,
    INSPECTORATE,
    LKS_SCHOOL,
    LKS_CARE,
    LKS_LIVELIHOOD,
)
