"""What can be read of complaints: by staff and the complainant's own account, and without a token by receipt."""

from slrt_api.attachments import shapes as attachments
from slrt_api.cases.shapes import CASE
from slrt_api.clocks.shapes import clocks_of
from slrt_api.complaints.shapes.complaint import COMPLAINT
from slrt_api.complaints.shapes.ladder import ESCALATION_LADDER
from slrt_api.complaints.shapes.links import COMPLAINT_LINK
from slrt_api.complaints.shapes.messages import MESSAGE
from slrt_api.complaints.shapes.parts import MESSAGE_TEXT, PROGRAM_CODES, SEALED_MESSAGE_TEXT
from slrt_api.complaints.shapes.tracked import TRACKED_COMPLAINT, TRACKED_MESSAGE
from slrt_api.households.shapes import HOUSEHOLD
from slrt_api.runtime.shapes import Link

__all__ = [
    "COMPLAINT",
    "COMPLAINT_LINK",
    "ESCALATION_LADDER",
    "MESSAGE",
    "MESSAGE_TEXT",
    "PROGRAM_CODES",
    "SEALED_MESSAGE_TEXT",
    "TRACKED_COMPLAINT",
    "TRACKED_MESSAGE",
]

COMPLAINT.link(
    Link(
        "messages",
        MESSAGE,
        "{t}.regency = {p}.regency AND {t}.complaint_id = {p}.id",
        "Messages and notes, in their order.",
        order="{t}.sequence, {t}.id",
    )
)
COMPLAINT.link(
    Link(
        "links",
        COMPLAINT_LINK,
        "{t}.regency = {p}.regency AND {t}.complaint_id = {p}.id",
        "Links to other complaints, also those that were undone.",
    )
)
COMPLAINT.link(clocks_of("complaint", embedded=True))
HOUSEHOLD.link(
    Link(
        "complaints",
        COMPLAINT,
        "{t}.regency = {p}.regency AND {t}.household_id = {p}.id",
        "Complaints about the household.",
    )
)
COMPLAINT.link(
    Link(
        "case",
        CASE,
        "{t}.regency = {p}.regency AND {t}.id = {p}.case_id",
        "The case that was opened from the complaint, or that it joined.",
        single=True,
    )
)
CASE.link(
    Link(
        "complaints",
        COMPLAINT,
        "{t}.regency = {p}.regency AND {t}.case_id = {p}.id",
        "Complaints that belong to the case: the one that it was opened from, and those that joined it.",
    )
)
COMPLAINT.link(
    Link(
        "household",
        HOUSEHOLD,
        "{t}.regency = {p}.regency AND {t}.id = {p}.household_id",
        "The household that it is about, where one is named.",
        single=True,
    )
)
CASE.link(
    Link(
        "complaint",
        COMPLAINT,
        "{t}.regency = {p}.regency AND {t}.id = {p}.complaint_id",
        "The complaint that the case was opened from.",
        single=True,
    )
)
attachments.of(COMPLAINT)
