"""What can be read of referrals: the sending side by area, the receiver its own, with the package meant for it."""

from typing import Any

from slrt_api.access.consents.codes import SharingBasis
from slrt_api.access.permissions import CASE_WORKERS, RECEIVERS
from slrt_api.access.scopes import Role, Scope
from slrt_api.areas import codelists
from slrt_api.areas.filters import AREA_FILTER, AREA_SORT
from slrt_api.attachments import shapes as attachments
from slrt_api.cases.codes import CaseUnit
from slrt_api.cases.shapes import CASE, NEED, SEALED_NOTE
from slrt_api.clocks.shapes import clocks_of
from slrt_api.kernel.ids import Kind
from slrt_api.organizations.shapes import ORGANIZATION
from slrt_api.referrals import package
from slrt_api.referrals.codes import OfferOutcome, ReferralStatus, RoutedBy
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
    Sort,
    aggregate_fields,
    code_filter,
    id_filter,
    one_of,
    parse_boolean,
    parse_codes,
    parse_instant,
    updated_filters,
)

_READERS = ALL_STAFF | {ScopeKind.ORGANIZATION, ScopeKind.PROGRAM}
#: which service is asked for, where it tells of health, disability, violence: for both sides, and auditors
_OF_SERVICE: Any = {
    "special": True,
    "readers": CASE_WORKERS | RECEIVERS | {Role.AUDITOR},
    "redacted": codelists.redacted_of_special("service"),
}
#: how it came to its receiver, which is no business of receivers
_OF_SENDERS: Any = {"readers": frozenset(Role) - RECEIVERS}


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
        "review_answer",
        FieldType.TEXT,
        "What the sending side answered to what the review asked.",
        nullable=True,
        example="Terdaftar di kelas 7",
        sealed=package.purpose("review_answer"),
        special=True,
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
            "evidence_attachment_ids",
            FieldType.TEXTS,
            "Files of the referral that show it: ids of attachments, in the order in which they were named.",
            example=["019aaa11-2233-8000-8cfe-1ea1b2c3d4e5"],
        ),
        Field(
            "receipt_confirmed_at",
            FieldType.INSTANT,
            "When it was confirmed that it was received: by the sending side, having asked the client, or by the receipt of"
            " the complaint from which the case was opened.",
            nullable=True,
        ),
        Field(
            "realize_by", FieldType.INSTANT, "By when the service must be given; null until approved.", nullable=True
        ),
        Field(
            "review_asked",
            FieldType.TEXT,
            "What the receiver asks for before it decides.",
            nullable=True,
            example="Mohon surat keterangan dari sekolah",
            **_OF_SERVICE,
        ),
        Field("review_answered_at", FieldType.INSTANT, "When that was answered, in the package.", nullable=True),
        Field("waitlist_position", FieldType.INTEGER, "Its place in the line when it was put there.", nullable=True),
        Field(
            "waitlist_period",
            FieldType.TEXT,
            "Month in which a place is expected.",
            "to_char({t}.waitlist_period, 'YYYY-MM')",
            nullable=True,
            example="2027-01",
        ),
        Field("redirected_to", FieldType.ID, "The organization that should serve it instead.", nullable=True),
        Field(
            "package_expires_at",
            FieldType.INSTANT,
            "When the package goes at the latest; null before it is sent and once it is gone.",
            nullable=True,
        ),
        Field("routed_by", FieldType.CODE, "How its receiver was found.", nullable=True, codes=RoutedBy, **_OF_SENDERS),
        Field(
            "attempt",
            FieldType.INTEGER,
            "The how manieth receiver of the need this is, while nobody answers.",
            example=1,
            **_OF_SENDERS,
        ),
        Field(
            "predecessor_id",
            FieldType.ID,
            "The referral that nobody answered and that it follows.",
            nullable=True,
            **_OF_SENDERS,
        ),
        Field(
            "successor_id",
            FieldType.ID,
            "The referral that followed when nobody answered.",
            nullable=True,
            **_OF_SENDERS,
        ),
        Field(
            "no_receiver_at",
            FieldType.INSTANT,
            "When it was given up, because nobody answered and nobody else takes it: the sender has to find somebody.",
            nullable=True,
            **_OF_SENDERS,
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
            "respond_from",
            "{t}.respond_by >= {v}::timestamptz",
            parse_instant,
            "To be answered at this instant or later (RFC 3339 with offset).",
            "2026-11-01T00:00:00Z",
            reads="respond_by",
        ),
        Filter(
            "respond_to",
            "{t}.respond_by < {v}::timestamptz",
            parse_instant,
            "To be answered before this instant (RFC 3339 with offset).",
            "2026-12-01T00:00:00Z",
            reads="respond_by",
        ),
        Filter(
            "no_receiver",
            "({t}.no_receiver_at IS NOT NULL) = {v}::boolean",
            parse_boolean,
            "Given up for want of a receiver, or not.",
            "true",
            reads="no_receiver_at",
        ),
        Filter(
            "service",
            "{t}.service = ANY ({v}::text[])",
            parse_codes(service.code for service in codelists.load_services()),
            "For one of these services.",
            "SCHOOL_RETENTION",
            pattern=one_of(service.code for service in codelists.load_services()),
        ),
    )
    .with_sorts(
        ID_SORT,
        UPDATED_SORT,
        CREATED_SORT,
        AREA_SORT,
        # A draft has nobody who must answer: last.
        Sort(
            "respond_by", "coalesce({t}.respond_by, timestamptz '9999-12-31T00:00:00Z')", "timestamptz", parse_instant
        ),
    )
)
OFFER = Shape(
    "routing_offer",
    "routing-offers",
    "routing_offers {t}",
    "That a referral was offered to an organization, by which rules, and what became of the offer. For the sending side.",
    scope=Scope.REFERRALS_READ,
    kinds=ALL_STAFF,
).with_fields(
    Field("id", FieldType.ID, "Id of the offer."),
    Field("organization_id", FieldType.ID, "The organization."),
    Field("attempt", FieldType.INTEGER, "The how manieth receiver of the need it was.", example=1),
    Field("routed_by", FieldType.CODE, "How it was found.", codes=RoutedBy),
    Field("place", FieldType.INTEGER, "Its place among the candidates, 1 the best; null: it was none.", nullable=True),
    Field(
        "route",
        FieldType.JSON,
        "The rules with their outcomes, and what was weighed, as they were then.",
        example=[{"rule": "serves_area", "outcome": True}],
    ),
    Field(
        "policy_id", FieldType.ID, "The routing policy of the regency; null: the preset of the platform.", nullable=True
    ),
    Field("offered_at", FieldType.INSTANT, "When it was made."),
    Field("outcome", FieldType.CODE, "What became of it.", codes=OfferOutcome),
    Field("closed_at", FieldType.INSTANT, "When that was.", nullable=True),
    Field("response_minutes", FieldType.INTEGER, "Working minutes until the answer.", nullable=True, example=540),
)
REFERRAL.link(
    Link(
        "offer",
        OFFER,
        "{t}.regency = {p}.regency AND {t}.referral_id = {p}.id",
        "Why it went to its organization; null where it went to none. Not for receivers.",
        single=True,
    )
)
NOTE = (
    Shape(
        "referral_note",
        "referral-notes",
        "case_notes {t}",
        "What those who work on the case want the receiver of a referral to know. The receiver reads it while the package is"
        " there.",
        scope=Scope.REFERRALS_READ,
        kinds=_READERS,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the note."),
        Field("unit", FieldType.CODE, "Office of its author.", codes=CaseUnit),
        Field(
            "text",
            FieldType.TEXT,
            "The note; null once it was erased.",
            nullable=True,
            sealed=SEALED_NOTE,
            example="Ibu lebih mudah ditemui sore hari",
            special=True,
            readers=CASE_WORKERS | RECEIVERS,
        ),
        Field("created_at", FieldType.INSTANT, "When it was written."),
    )
    .with_sorts(ID_SORT)
)
REFERRAL.link(Link("notes", NOTE, "{t}.regency = {p}.regency AND {t}.referral_id = {p}.id", "Notes for its receiver."))
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
attachments.of(REFERRAL)
REFERRAL.link(clocks_of("referral"))
