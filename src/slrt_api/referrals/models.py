"""Tables of referrals: the referral, the package of personal data that its receiver needs, and why it was offered there."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Uuid, false, text, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from slrt_api.kernel.ids import Kind
from slrt_api.referrals.codes import ENDED, WAITING
from slrt_api.runtime.tables import INSTANT, Aggregate, Tenant

#: what has not ended; the row policy of partners says the same, and this index holds no other row
_OPEN = f"status <> ALL (ARRAY[{', '.join(repr(status.value) for status in sorted(ENDED))}]::text[])"
#: what waits for an answer, and ends when none comes in time
_WAITING = f"status = ANY (ARRAY[{', '.join(repr(status.value) for status in WAITING)}]::text[])"


class Referral(Aggregate, table=True):
    """One need of a case, referred to an organization or a program.

    `organization_id` and `program_id` are set when it is sent, because receivers see rows by them; a draft keeps what it
    is meant for in `proposed_organization_id` and `program_code`. `capacity_period` is the month whose place it holds.

    One that was routed and that nobody answered is followed by another (`successor_id`, whose `predecessor_id` it is):
    `reroute` says that the worker has to find its receiver, `no_receiver_at` that there was none. `attempt` counts.
    `package_expires_at` is when the package goes at the latest; null where there is none to read.
    """

    KIND: ClassVar[Kind] = Kind.REFERRAL
    NAME: ClassVar[str] = "referral"

    __tablename__ = "referrals"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "case_id"], ["cases.regency", "cases.id"]),
        ForeignKeyConstraint(["regency", "need_id"], ["needs.regency", "needs.id"]),
        Index("referrals_number", "regency", "number", unique=True),
        Index("referrals_case", "regency", "case_id", "id"),
        Index("referrals_area", "regency", "area", "id"),
        Index("referrals_organization", "regency", "organization_id", "id"),
        Index("referrals_open", "regency", "organization_id", "id", postgresql_where=text(_OPEN)),
        Index("referrals_program", "regency", "program_id", "id"),
        Index("referrals_updated_at", "regency", "updated_at", "id"),
        Index("referrals_respond_by", "regency", "respond_by", "id", postgresql_where=text(_WAITING)),
        Index("referrals_reroute", "regency", "id", postgresql_where=text("reroute")),
        Index(
            "referrals_package_expires_at",
            "regency",
            "package_expires_at",
            "id",
            postgresql_where=text("package_expires_at IS NOT NULL"),
        ),
    )

    number: str
    case_id: UUID
    need_id: UUID
    service: str
    status: str
    program_id: UUID | None = None
    program_code: str | None = None
    organization_id: UUID | None = None
    proposed_organization_id: UUID | None = None
    capacity_period: date | None = None
    drafted_by: str
    sent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    respond_by: datetime | None = Field(default=None, sa_type=INSTANT)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    realized_at: datetime | None = Field(default=None, sa_type=INSTANT)
    receipt_confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    evidence: str | None = None
    evidence_attachment_ids: list[UUID] = Field(
        default_factory=list,
        sa_column=Column("evidence_attachment_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    )
    routed_by: str | None = None
    attempt: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    reroute: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    predecessor_id: UUID | None = None
    successor_id: UUID | None = None
    no_receiver_at: datetime | None = Field(default=None, sa_type=INSTANT)
    realize_by: datetime | None = Field(default=None, sa_type=INSTANT)
    review_asked: str | None = None
    review_answered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    waitlist_position: int | None = None
    waitlist_period: date | None = None
    redirected_to: UUID | None = None
    package_expires_at: datetime | None = Field(default=None, sa_type=INSTANT)

    @property
    def open(self) -> bool:
        return self.status not in ENDED


class ReferralPackage(Tenant, table=True):
    """What the receiver may know of the client, copied when the referral is sent and emptied when it ends.

    Same key as the referral; `open` as long as its organization may read it. Personal values are encrypted like
    identities; `nik_prefix` is the masked form's district.
    """

    __tablename__ = "referral_packages"
    __table_args__ = (ForeignKeyConstraint(["regency", "id"], ["referrals.regency", "referrals.id"]),)

    organization_id: UUID | None = None
    program_id: UUID | None = None
    name: bytes | None = None
    birth_date: bytes | None = None
    sex: str | None = None
    address: bytes | None = None
    nik_prefix: str | None = None
    need_note: bytes | None = None
    #: what the sending side answered to what a review asked
    review_answer: bytes | None = None
    #: why the receiver may know it; null where it was sent before bases were recorded
    basis: str | None = None
    open: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    emptied_at: datetime | None = Field(default=None, sa_type=INSTANT)


class RoutingOffer(Tenant, table=True):
    """That a referral was offered to an organization, by which rules, and what became of the offer.

    place      its place among the candidates, 1 the best; None where it was named and no candidate
    route      the rules with their outcomes, as they were then
    policy_id  the policy of the regency; None = the preset
    """

    KIND: ClassVar[Kind] = Kind.ROUTING_OFFER

    __tablename__ = "routing_offers"
    __table_args__ = (
        ForeignKeyConstraint(["regency", "referral_id"], ["referrals.regency", "referrals.id"]),
        Index("routing_offers_referral", "regency", "referral_id", unique=True),
        Index("routing_offers_need", "regency", "need_id", "id"),
        CheckConstraint("outcome IN ('OPEN', 'ANSWERED', 'SILENT', 'WITHDRAWN')", name="routing_offers_outcome"),
        CheckConstraint("(outcome = 'OPEN') = (closed_at IS NULL)", name="routing_offers_closed"),
    )

    referral_id: UUID
    need_id: UUID
    organization_id: UUID
    service: str
    attempt: int
    routed_by: str
    place: int | None = None
    route: list[dict[str, Any]] = Field(sa_column=Column("route", JSONB, nullable=False))
    policy_id: UUID | None = None
    offered_at: datetime = Field(sa_type=INSTANT)
    outcome: str
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    response_minutes: int | None = None
