"""What a receiver may know of the client: chosen by what the service needs, never the whole record. Pure.

Everybody who serves a person needs name, sex, date of birth, the way to the door and what the need is about. The district
of the NIK goes only where the receiver must find the person in a register of its own: entitlements, insurance, papers.
"""

from typing import Final

#: personal values that are stored encrypted; the AAD of each binds the referral and its own name
SEALED: Final = ("name", "birth_date", "address", "need_note", "review_answer")
_ALWAYS: Final = frozenset({"name", "birth_date", "sex", "address", "need_note", "review_answer"})
_BY_REGISTER: Final = frozenset(
    {
        "BASIC_FOOD_AID",
        "CASH_TRANSFER",
        "CIVIL_DOCUMENTS",
        "DATA_UPDATE",
        "DISASTER_RELIEF",
        "HOUSING_REPAIR",
        "HEALTH_INSURANCE",
        "HEALTH_INSURANCE_REACTIVATION",
        "MEDICAL_TREATMENT",
        "SCHOOL_ASSISTANCE",
        "UNIVERSITY_SCHOLARSHIP",
        "BUSINESS_CAPITAL",
        "MICRO_CREDIT",
        "FARM_INPUTS",
    }
)


def fields_for(service: str) -> frozenset[str]:
    """Names of the columns of the package that the receiver of `service` gets."""
    return _ALWAYS | {"nik_prefix"} if service in _BY_REGISTER else _ALWAYS


def purpose(column: str) -> str:
    """What the AAD of a sealed column binds besides the referral's id."""
    return f"referral_package.{column}"
