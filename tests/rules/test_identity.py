"""The checks of NIK and KK numbers, row by row, against the districts of every edition."""

from datetime import date

import pytest

from slrt_api.areas import dataset, places
from slrt_api.areas.codes import Level
from slrt_api.households import identity
from slrt_api.households.codes import Finding, Sex

#: a district of the current edition
HERE = "332601"
ANOMALOUS, MISMATCH, UNKNOWN = Finding.NIK_ANOMALOUS, Finding.NIK_MISMATCH_LOCAL, Finding.NIK_PREFIX_UNKNOWN


def findings(nik: str, sex: Sex = Sex.F, birth_date: date | None = None) -> tuple[Finding, ...]:
    return identity.nik_findings(nik, sex=sex, birth_date=birth_date, known_prefixes=places.district_prefixes())


def nik(middle: str, serial: str = "0001", prefix: str = HERE) -> str:
    return prefix + middle + serial


class TestErrors:
    """What is refused: nothing but the form."""

    @pytest.mark.parametrize(
        "number",
        [
            "",
            "332601450588000",
            "33260145058800031",
            "3326 01450588003",
            "33260145O5880003",
            " 332601450588000",
            "332601450588000\n",
            # digits, but of another script
            "٣٣٢٦٠١٤٥٠٥٨٨٠٠٠٣",
            "0000000000000000",
            "3326014505880000",
        ],
    )
    def test_a_number_is_malformed(self, number: str) -> None:
        assert not identity.well_formed(number)

    @pytest.mark.parametrize(
        "number",
        [
            nik("450588"),
            nik("450588", "9999"),
            # legacy: fifteen digits padded with a zero, impossible dates, a district that never was
            nik("450588", "0010"),
            nik("999999"),
            nik("450588", prefix="999999"),
            nik("000000", prefix="000000"),
        ],
    )
    def test_whatever_else_was_issued_is_let_in(self, number: str) -> None:
        assert identity.well_formed(number)


class TestDate:
    @pytest.mark.parametrize(
        ("middle", "sex"),
        [
            ("010188", Sex.M),
            ("310188", Sex.M),
            ("410188", Sex.F),
            ("710188", Sex.F),
            ("011288", Sex.M),
            # 29 February: 1900 had none, 2000 had
            ("290200", Sex.M),
            ("690200", Sex.F),
            ("290288", Sex.M),
            # of a year that is yet to come in this century, and was in the last
            ("010199", Sex.M),
        ],
    )
    def test_a_day_that_was_or_could_be_is_no_finding(self, middle: str, sex: Sex) -> None:
        assert findings(nik(middle), sex) == ()

    @pytest.mark.parametrize(
        ("middle", "sex"),
        [
            ("000188", Sex.M),
            ("320188", Sex.M),
            ("400188", Sex.M),
            ("720188", Sex.F),
            ("990188", Sex.F),
            ("010088", Sex.M),
            ("011388", Sex.M),
            ("310488", Sex.M),
            ("710488", Sex.F),
            ("300288", Sex.M),
            # in both centuries a year without a leap day
            ("290287", Sex.M),
            ("690287", Sex.F),
        ],
    )
    def test_a_day_that_never_was_is_anomalous_and_nothing_worse(self, middle: str, sex: Sex) -> None:
        assert identity.well_formed(nik(middle))
        assert findings(nik(middle), sex) == (ANOMALOUS,)


class TestDeclared:
    @pytest.mark.parametrize(
        ("middle", "sex", "birth_date", "found"),
        [
            ("450588", Sex.F, date(1988, 5, 5), ()),
            ("450588", Sex.F, None, ()),
            ("050588", Sex.M, date(1988, 5, 5), ()),
            # two digits of the year mean two years
            ("450510", Sex.F, date(2010, 5, 5), ()),
            ("450510", Sex.F, date(1910, 5, 5), ()),
            ("450588", Sex.M, date(1988, 5, 5), (MISMATCH,)),
            ("050588", Sex.F, date(1988, 5, 5), (MISMATCH,)),
            ("450588", Sex.M, None, (MISMATCH,)),
            ("450588", Sex.F, date(1988, 5, 6), (MISMATCH,)),
            ("450588", Sex.F, date(1989, 5, 5), (MISMATCH,)),
            ("450588", Sex.F, date(1988, 6, 5), (MISMATCH,)),
            # no date to compare with, but the day tells the sex
            ("451388", Sex.M, date(1988, 5, 5), (ANOMALOUS, MISMATCH)),
            ("451388", Sex.F, date(1988, 5, 5), (ANOMALOUS,)),
            # neither a date nor a sex
            ("351388", Sex.F, date(1988, 5, 5), (ANOMALOUS,)),
        ],
    )
    def test_what_differs_is_a_warning(
        self, middle: str, sex: Sex, birth_date: date | None, found: tuple[Finding, ...]
    ) -> None:
        assert findings(nik(middle), sex, birth_date) == found


def districts(*, current: bool) -> list[str]:
    return [
        row.code.replace(".", "")
        for row in dataset.load_areas()
        if row.level is Level.DISTRICT and row.current is current
    ]


class TestPrefix:
    def test_of_every_district_of_today_it_is_known(self) -> None:
        today = districts(current=True)
        assert len(today) == 7_285
        assert [prefix for prefix in today if findings(nik("450588", prefix=prefix))] == []

    def test_of_every_district_that_vanished_it_is_known(self) -> None:
        gone = districts(current=False)
        assert len(gone) == 594
        assert not set(gone) & set(districts(current=True))
        assert [prefix for prefix in gone if findings(nik("450588", prefix=prefix))] == []

    def test_of_the_regencies_that_vanished_every_district_is_known(self) -> None:
        areas = list(dataset.load_areas())
        gone = {row.code for row in areas if row.level is Level.REGENCY and not row.current}
        assert len(gone) == 26
        assert {code[:2] for code in gone} == {"91", "92"}
        for regency in gone:
            issued = [row.code for row in areas if row.level is Level.DISTRICT and row.parent_code == regency]
            assert issued, regency
            for code in issued:
                assert findings(nik("450588", prefix=code.replace(".", ""))) == ()

    @pytest.mark.parametrize("prefix", ["999999", "990101", "332699", "000000", "332600"])
    def test_of_a_district_that_never_was_it_is_a_warning(self, prefix: str) -> None:
        assert findings(nik("450588", prefix=prefix)) == (UNKNOWN,)

    def test_today_alone_would_warn_of_all_that_vanished(self) -> None:
        """The control: what the check is worth, it has from the older editions."""
        today = frozenset(districts(current=True))
        for prefix in districts(current=False):
            warned = identity.nik_findings(
                nik("450588", prefix=prefix), sex=Sex.F, birth_date=None, known_prefixes=today
            )
            assert warned == (UNKNOWN,)

    def test_warnings_add_up(self) -> None:
        assert findings(nik("451388", prefix="990101"), Sex.M) == (ANOMALOUS, MISMATCH, UNKNOWN)


class TestKk:
    @pytest.mark.parametrize(
        ("number", "found"),
        [
            ("3326010101120007", ()),
            ("3326013112990007", ()),
            ("3326012902000007", ()),
            ("9101010101120007", ()),
            # no 40 is added: a card is nobody's sex
            ("3326014101120007", (Finding.KK_ANOMALOUS,)),
            ("3326010001120007", (Finding.KK_ANOMALOUS,)),
            ("3326010113120007", (Finding.KK_ANOMALOUS,)),
            ("3326012902870007", (Finding.KK_ANOMALOUS,)),
            ("9901010101120007", (Finding.KK_PREFIX_UNKNOWN,)),
            ("9901014101120007", (Finding.KK_ANOMALOUS, Finding.KK_PREFIX_UNKNOWN)),
        ],
    )
    def test_region_and_day_of_recording(self, number: str, found: tuple[Finding, ...]) -> None:
        assert identity.well_formed(number)
        assert identity.kk_findings(number, known_prefixes=places.district_prefixes()) == found
