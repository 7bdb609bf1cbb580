"""Links between complaints."""

from slrt_api.complaints.codes import (
    ComplaintLinkType,
)
from slrt_api.complaints.shapes.parts import ACCUSED_READERS
from slrt_api.runtime.shapes import (
    ALL_STAFF,
    ID_SORT,
    Field,
    FieldType,
    Shape,
    code_filter,
)

COMPLAINT_LINK = (
    Shape(
        "complaint_link",
        "links",
        "complaint_links {t}",
        "A link to another complaint, told from this one. One that was undone stays, with its end.",
        scope=None,
        kinds=ALL_STAFF,
    )
    .with_fields(
        Field("id", FieldType.ID, "Id of the link, as told from this complaint."),
        Field("other_id", FieldType.ID, "The other complaint."),
        Field("type", FieldType.CODE, "How they are linked.", codes=ComplaintLinkType),
        Field(
            "direct",
            FieldType.BOOLEAN,
            "Whether it was said of this complaint. Of a `FOLLOW_UP`: this one follows the other, or (false) is followed by it.",
        ),
        Field("reason", FieldType.TEXT, "Why.", readers=ACCUSED_READERS, example="The same card, two weeks later."),
        Field("linked_at", FieldType.INSTANT, "When."),
        Field("ended_at", FieldType.INSTANT, "When it was undone.", nullable=True),
        Field(
            "end_reason",
            FieldType.TEXT,
            "Why it was undone.",
            nullable=True,
            readers=ACCUSED_READERS,
            example="Another family of that name.",
        ),
    )
    .with_filters(code_filter("type", ComplaintLinkType, "Linked in one of these ways."))
    .with_sorts(ID_SORT)
)
COMPLAINT_LINK.default_sort = "id"
