"""Codes of consents, as stored."""

from enum import StrEnum


class ProcessingPurpose(StrEnum):
    """What personal data is processed for; the list `processing-purposes`."""

    CASE_WORK = "CASE_WORK"
    REGISTRY_CHECK = "REGISTRY_CHECK"
    REFERRAL_GOVERNMENT = "REFERRAL_GOVERNMENT"
    PARTNER_SHARING = "PARTNER_SHARING"
    PHOTOS = "PHOTOS"
    RESEARCH = "RESEARCH"


class LawfulBasis(StrEnum):
    """Why that is lawful: three of the bases of UU 27/2022, article 20; the list `lawful-bases`."""

    PUBLIC_TASK = "PUBLIC_TASK"
    VITAL_INTEREST = "VITAL_INTEREST"
    CONSENT = "CONSENT"


class ConsentStatus(StrEnum):
    GIVEN = "GIVEN"
    WITHDRAWN = "WITHDRAWN"


class ConsentAction(StrEnum):
    """What changes a consent; who may, tells `GET /v1/meta/lifecycles/consent`."""

    WITHDRAW = "WITHDRAW"


class ConsentEvidence(StrEnum):
    """How a consent was given; the list `consent-evidence`."""

    SIGNED_FORM = "SIGNED_FORM"
    THUMBPRINT = "THUMBPRINT"
    SPOKEN_WITNESSED = "SPOKEN_WITNESSED"
    GUARDIAN_SIGNED = "GUARDIAN_SIGNED"
    ELECTRONIC = "ELECTRONIC"


class SharingBasis(StrEnum):
    """Why a receiver of a referral got its package: a lawful basis, or an override in place of one."""

    PUBLIC_TASK = "PUBLIC_TASK"
    VITAL_INTEREST = "VITAL_INTEREST"
    CONSENT = "CONSENT"
    OVERRIDE = "OVERRIDE"
