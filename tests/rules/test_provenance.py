"""Where values are from: nothing that was known is lost."""

from datetime import UTC, date, datetime

from slrt_api.households.provenance import Source, told

DAY, LATER = date(2026, 11, 1), datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)


def test_what_was_known_before_stays_newest_first_and_others_are_untouched() -> None:
    first = told({}, {"name": "Siti", "birth_date": date(1988, 5, 5)}, source=Source.DECLARED, as_of=DAY)
    second = told(first, {"name": "Siti Aminah"}, source=Source.DOCUMENT, as_of=DAY, verified_by="a", replaced_at=LATER)
    third = told(second, {"name": None}, source=Source.OBSERVED, as_of=DAY, replaced_at=LATER)
    assert first["birth_date"] == second["birth_date"] == third["birth_date"]
    assert first["birth_date"]["value"] == "1988-05-05"
    assert third["name"]["value"] is None
    assert [(each["value"], each["source"], each["verified_by"]) for each in third["name"]["earlier"]] == [
        ("Siti Aminah", "DOCUMENT", "a"),
        ("Siti", "DECLARED", None),
    ]
    assert third["name"]["earlier"][0]["replaced_at"] == "2026-11-22T02:14:07.000000Z"


def test_the_provenance_before_is_not_changed() -> None:
    first = told({}, {"name": "Siti"}, source=Source.DECLARED, as_of=DAY)
    told(first, {"name": "Siti Aminah"}, source=Source.DOCUMENT, as_of=DAY)
    assert (first["name"]["value"], first["name"]["earlier"]) == ("Siti", [])
