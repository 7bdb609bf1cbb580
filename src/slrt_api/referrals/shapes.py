"""What can be read of referrals: the sending side by area, the receiver its own, with the package meant for it."""

from typing import Any

from slrt_api.access.consents.codes import SharingBasis
from slrt_api.access.permissions import CASE_WORKERS, RECEIVERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codelists
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.cases.shapes import CASE, NEED
from slrt_api.clocks.shapes import clocks_of
from slrt_api.kernel.ids import Kind
from slrt_api.organizations.shapes import ORGANIZATION
from slrt_api.referrals import package
from slrt_api.referrals.codes import ReferralStatus
from slrt_api.referrals.lifecycle import LIFECYCLE
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    CREATED_SORT,
    ID_SORT,
    UPDATED_SORT,
    Field,
    FieldType,
    Filter,
    Link,
    Shape,
    aggregate_fields,
    code_filter,
    id_filter,
    one_of,
    parse_codes,
    updated_filters,
)

_READERS = ALL_STAFF | {ScopeKind.ORGANIZATION, ScopeKind.PROGRAM}
#: which service is asked for, where it tells of health, disability, violence: for both sides, and auditors
_OF_SERVICE: Any = {
    "special": True,
    "readers": CASE_WORKERS | RECEIVERS | {Role.AUDITOR},
    "redacted": codelists.redacted_of_special("service"),
}


PACKAGE = Shape(
    "referral_package",
    "referral-packages",
    "referral_packages {t}",
    "What the receiver may know of the client, copied when the referral was sent. Emptied when the referral ends, or when"
    " the person withdraws consent: then every personal value is null.",
    scope=Scope.REFERRALS_READ,
    kinds=_READERS,
).with_fields(
    Field("name", FieldType.TEXT, "Name.", nullable=True, example="Siti Aminah", sealed=package.purpose("name")),
    Field("birth_date", FieldType.DATE, "Date of birth.", nullable=True, sealed=package.purpose("birth_date")),
    Field("sex", FieldType.TEXT, "Sex, `F` or `M`.", nullable=True, example="F"),
    Field(
        "address",
        FieldType.TEXT,
        "Address.",
        nullable=True,
        example="Dusun III RT 02",
        sealed=package.purpose("address"),
    ),
    Field(
        "nik",
        FieldType.TEXT,
        "NIK, masked: the district in clear. Null where the service does not need it.",
        "{t}.nik_prefix || '**********'",
        nullable=True,
        example="990101**********",
    ),
    Field(
        "need_note",
        FieldType.TEXT,
        "What is particular about the need.",
        nullable=True,
        example="Rawat jalan",
        sealed=package.purpose("need_note"),
        special=True,
        # The receiver's work needs it.
        readers=CASE_WORKERS | RECEIVERS,
    ),
    Field(
        "basis",
        FieldType.CODE,
        "Why the receiver may know it: the government's task, the person's consent, an emergency, or an override.",
        nullable=True,
        codes=SharingBasis,
    ),
    Field("emptied_at", FieldType.INSTANT, "When it was emptied.", nullable=True),
)

REFERRAL = (
    Shape(
        "referral",
        "referrals",
        "referrals {t}",
        "One need of a case, referred to an organization or a program.",
        scope=Scope.REFERRALS_READ,
        kinds=_READERS,
        kind=Kind.REFERRAL,
        version="{t}.version",
    )
    .with_fields(
        *aggregate_fields("referral"),
        Field("number", FieldType.TEXT, "Number to say aloud; it stays for ever.", example="RJK-3326-7ZQ4-0MXR-K"),
        Field("case_id", FieldType.ID, "The case. Receivers cannot open it."),
        Field("need_id", FieldType.ID, "The need of that case."),
        Field("area_code", FieldType.VILLAGE, "Village of the client.", "{t}.area", example="33.26.01.2001"),
        Field(
            "service",
            FieldType.TEXT,
            "The service asked for: a code of `/v1/services`.",
            example="SCHOOL_RETENTION",
            **_OF_SERVICE,
        ),
        Field("status", FieldType.CODE, "Where it stands.", codes=ReferralStatus),
        Field("allowed_actions", FieldType.CODES, "What this caller may do with it now.", lifecycle=LIFECYCLE),
        Field("organization_id", FieldType.ID, "The receiving organization, once sent.", nullable=True),
        Field("proposed_organization_id", FieldType.ID, "The organization that the draft is meant for.", nullable=True),
        Field("program_code", FieldType.TEXT, "The program, where it goes to one.", nullable=True, example="ATENSI"),
        Field("sent_at", FieldType.INSTANT, "When it was sent.", nullable=True),
        Field("respond_by", FieldType.INSTANT, "By when the receiver must answer.", nullable=True),
        Field("decided_at", FieldType.INSTANT, "When the receiver decided.", nullable=True),
        Field("realized_at", FieldType.INSTANT, "When the service was reported as given.", nullable=True),
        Field(
            "evidence",
            FieldType.TEXT,
            "What shows that it was given.",
            nullable=True,
            example="Kembali bersekolah sejak 2 November, surat kepala sekolah terlampir",
            **_OF_SERVICE,
        ),
        Field(
            "receipt_confirmed_at",
            FieldType.INSTANT,
            "When the sending side, having asked the client, confirmed that it was received.",
            nullable=True,
        ),
    )
    .with_filters(
        code_filter("status", ReferralStatus, "In one of these states."),
        AREA_FILTER,
        *updated_filters(),
        id_filter("case_id", "Of this case."),
        id_filter("need_id", "Of this need."),
        id_filter("organization_id", "Sent to this organization."),
        Filter(
            "service",
            "{t}.service = ANY ({v}::text[])",
            parse_codes(service.code for service in codelists.load_services()),
            "For one of these services.",
            "SCHOOL_RETENTION",
            pattern=one_of(service.code for service in codelists.load_services()),
        ),
    )
    .with_sorts(ID_SORT, UPDATED_SORT, CREATED_SORT, AREA_SORT)
)
REFERRAL.link(
    Link(
        "package",
        PACKAGE,
        "{t}.regency = {p}.regency AND {t}.id = {p}.id",
        "What the receiver may know of the client; null before it is sent.",
        single=True,
        embedded=True,
    )
)
ORGANIZATION.link(
    Link(
        "referrals",
        REFERRAL,
        "{t}.organization_id = {p}.id",
        "Referrals to the organization, of those in the caller's scope.",
    )
)
REFERRAL.link(
    Link("organization", ORGANIZATION, "{t}.id = {p}.organization_id", "The receiving organization.", single=True)
)
REFERRAL.link(
    Link(
        "case",
        CASE,
        "{t}.regency = {p}.regency AND {t}.id = {p}.case_id",
        "The case whose need it serves; the receiver does not see it.",
        single=True,
    )
)
CASE.link(
    Link("referrals", REFERRAL, "{t}.regency = {p}.regency AND {t}.case_id = {p}.id", "Referrals of the case's needs.")
)
NEED.link(
    Link(
        "referral",
        REFERRAL,
        "{t}.regency = {p}.regency AND {t}.id = {p}.referral_id",
        "The referral that serves it.",
        single=True,
    )
)
REFERRAL.link(clocks_of("referral"))
