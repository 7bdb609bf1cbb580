"""Area codes, and the facts of the shipped tables."""

import re
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slrt_api.areas import codes, dataset
from slrt_api.areas.codes import Level, VillageKind
from slrt_api.areas.dataset import AreaRow, Basis


@pytest.fixture(scope="module")
def areas() -> dict[str, AreaRow]:
    return {row.code: row for row in dataset.load_areas()}


def segment(low: int, high: int, width: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda value: f"{value:0{width}}")


CODES = st.integers(1, 4).flatmap(
    lambda depth: st.tuples(
        *(segment(10, 99, 2), segment(1, 99, 2), segment(1, 99, 2), segment(1000, 3999, 4))[:depth]
    ).map(".".join)
)


class TestForm:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "3326",
            "3326012001",
            "33.7",
            "33.26.",
            ".33",
            "33.26.01.201",
            "33.26.01.20011",
            "33.26.01.4001",
            "33.26.01.0001",
            "33.00",
            "33.26.00",
            "03.26",
            " 33.26",
            "33.26\n",
            "33,26",
            "٣٣.٢٦",
            "33.26.01.2001.01",
        ],
    )
    def test_other_texts_are_refused(self, text: str) -> None:
        with pytest.raises(codes.AreaCodeError):
            codes.parse_area_code(text)

    def test_the_refusal_does_not_repeat_the_text(self) -> None:
        with pytest.raises(codes.AreaCodeError) as refusal:
            codes.parse_area_code("9901014505880003")
        assert "9901014505880003" not in str(refusal.value)

    @pytest.mark.parametrize(
        ("text", "level", "number", "area_range"),
        [
            ("33", Level.PROVINCE, 3300000000, (3300000000, 3399999999)),
            ("33.26", Level.REGENCY, 3326000000, (3326000000, 3326999999)),
            ("33.26.01", Level.DISTRICT, 3326010000, (3326010000, 3326019999)),
            ("33.26.10", Level.DISTRICT, 3326100000, (3326100000, 3326109999)),
            ("33.26.01.2001", Level.VILLAGE, 3326012001, (3326012001, 3326012001)),
        ],
    )
    def test_numbers_and_ranges(self, text: str, level: Level, number: int, area_range: tuple[int, int]) -> None:
        assert codes.parse_area_code(text).level is level
        assert codes.area_number(text) == number
        assert codes.area_code(number) == text
        assert codes.area_range(text) == area_range

    @pytest.mark.parametrize(
        "number", [0, -3326000000, 3326, 332601200, 33260120010, 3300010000, 3326002001, 3326014001]
    )
    def test_numbers_that_are_no_code_are_refused(self, number: int) -> None:
        with pytest.raises(codes.AreaCodeError):
            codes.area_code(number)

    @given(CODES)
    def test_a_code_survives_the_round_trip(self, text: str) -> None:
        assert codes.area_code(codes.area_number(text)) == text
        assert str(codes.parse_area_code(text)) == text

    @given(st.integers(0, 99_999_999_999))
    def test_a_number_is_refused_or_survives_the_round_trip(self, number: int) -> None:
        try:
            text = codes.area_code(number)
        except codes.AreaCodeError:
            return
        assert codes.area_number(text) == number

    def test_village_kinds(self) -> None:
        assert codes.village_kind("31.71.01.1001") is VillageKind.KELURAHAN
        assert codes.village_kind("33.26.01.2001") is VillageKind.DESA
        assert codes.village_kind("91.03.01.3001") is VillageKind.DESA_ADAT
        assert codes.village_kind("33.26.01") is None


class TestContainment:
    def test_it_is_cut_at_segments(self) -> None:
        assert codes.contains("33", "33.26.01.2001")
        assert codes.contains("33.26", "33.26")
        assert not codes.contains("33.07", "33.71")
        assert not codes.contains("33.26.01", "33.26.10")
        assert not codes.contains("33.26.01.2001", "33.26.01")

    @given(CODES, CODES)
    def test_it_agrees_with_the_segments(self, outer: str, inner: str) -> None:
        segments = outer.split(".")
        assert codes.contains(outer, inner) == (inner.split(".")[: len(segments)] == segments)

    @given(CODES)
    def test_every_code_lies_in_its_parent_and_regency(self, text: str) -> None:
        parent, regency = codes.parent_of(text), codes.regency_of(text)
        assert (parent is None) == (regency is None) == (len(text) == 2)
        if parent is not None and regency is not None:
            assert codes.contains(parent, text)
            assert codes.contains(regency, text)
            assert regency.level is Level.REGENCY


class TestTimeZones:
    @pytest.mark.parametrize(
        ("code", "zone"),
        [
            ("11.01", "Asia/Jakarta"),
            ("33.26.01.2001", "Asia/Jakarta"),
            ("61.71", "Asia/Pontianak"),
            ("53.71", "Asia/Makassar"),
            ("64", "Asia/Makassar"),
            ("91.71.03.1014", "Asia/Jayapura"),
            ("96.71", "Asia/Jayapura"),
        ],
    )
    def test_by_province(self, code: str, zone: str) -> None:
        assert codes.time_zone(code) == zone

    def test_a_province_that_does_not_exist_has_none(self) -> None:
        with pytest.raises(LookupError):
            codes.time_zone("99.01")


class TestTables:
    def test_counts_of_the_current_edition(self, areas: dict[str, AreaRow]) -> None:
        current = Counter(row.level for row in areas.values() if row.current)
        assert current == {Level.PROVINCE: 38, Level.REGENCY: 514, Level.DISTRICT: 7_285, Level.VILLAGE: 83_762}
        kinds = Counter(row.kind for row in areas.values() if row.current)
        assert kinds["KABUPATEN"] == 416
        assert kinds["KOTA"] == 98
        assert kinds["KELURAHAN"] == 8_496
        assert kinds["DESA"] == 75_252
        assert kinds["DESA_ADAT"] == 14

    @pytest.mark.parametrize(
        ("edition", "counts"),
        [
            (2016, (34, 514, 7_160, 83_184)),
            (2018, (34, 514, 7_201, 83_438)),
            (2020, (34, 514, 7_230, 83_451)),
            (2022, (34, 514, 7_266, 83_469)),
            (2023, (37, 514, 7_277, 83_764)),
            (2025, (38, 514, 7_285, 83_762)),
        ],
    )
    def test_counts_of_every_edition(
        self, areas: dict[str, AreaRow], edition: int, counts: tuple[int, int, int, int]
    ) -> None:
        found = Counter(row.level for row in areas.values() if row.first_edition <= edition <= row.last_edition)
        assert tuple(found[level] for level in Level) == counts

    def test_every_code_is_well_formed_and_its_columns_follow_from_it(self, areas: dict[str, AreaRow]) -> None:
        assert len(areas) == 99_133
        for row in areas.values():
            code = codes.parse_area_code(row.code)
            parent = codes.parent_of(code)
            kind = codes.village_kind(code)
            assert row.number == codes.area_number(code)
            assert row.level is code.level
            assert row.parent_code == (None if parent is None else parent.text)
            assert kind is None or row.kind == kind
            assert row.time_zone == codes.time_zone(code)
            assert row.name.strip() == row.name != ""

    def test_no_code_lacks_its_parent(self, areas: dict[str, AreaRow]) -> None:
        seen: set[str | None] = {None}
        for row in areas.values():
            assert row.parent_code in seen, "parents come first"
            seen.add(row.code)
            if row.current and row.parent_code is not None:
                assert areas[row.parent_code].current

    def test_all_areas_load_in_time(self) -> None:
        started = time.process_time()
        assert sum(1 for _ in dataset.load_areas()) == 99_133
        assert time.process_time() - started < 1.5

    def test_editions(self) -> None:
        editions = dataset.load_editions()
        assert [edition.edition for edition in editions] == [2016, 2018, 2020, 2022, 2023, 2025]
        assert editions[-1].decree == "Kepmendagri 300.2.2-2138/2025"
        assert [edition.issued_on for edition in editions] == sorted(edition.issued_on for edition in editions)

    def test_population_adds_up(self, areas: dict[str, AreaRow]) -> None:
        population = {row.code: row for row in dataset.load_population()}
        assert set(population) == {row.code for row in areas.values() if row.current and len(row.code) <= 5}
        assert sum(row.total for row in population.values() if len(row.code) == 2) == 284_973_643
        assert all(row.male + row.female == row.total for row in population.values())


class TestSuccessors:
    def test_the_26_regencies_of_the_papua_division_all_have_one(self, areas: dict[str, AreaRow]) -> None:
        withdrawn = [row for row in areas.values() if row.level is Level.REGENCY and not row.current]
        assert len(withdrawn) == 26
        assert all(len(row.successor_codes) == 1 for row in withdrawn)
        assert len({row.successor_codes for row in withdrawn}) == 26
        assert areas["91.01"].successor_codes == ("93.01",)
        assert areas["92.71"].successor_codes == ("96.71",)
        assert areas["92.01"].successor_codes == ("96.01",)

    def test_each_law_made_its_own_province(self) -> None:
        decrees = {(row.decree, row.successor[:2]) for row in dataset.load_successors() if row.basis is Basis.DECREE}
        assert decrees == {("UU 14/2022", "93"), ("UU 15/2022", "94"), ("UU 16/2022", "95"), ("UU 29/2022", "96")}

    def test_they_lead_from_withdrawn_codes_to_later_codes_of_the_same_level_and_name(
        self, areas: dict[str, AreaRow]
    ) -> None:
        regencies = {row.code: row.successor for row in dataset.load_successors() if len(row.code) == 5}
        targets = Counter(row.successor for row in dataset.load_successors())
        assert max(targets.values()) == 1
        for row in dataset.load_successors():
            old, new = areas[row.code], areas[row.successor]
            assert not old.current
            assert new.current
            assert old.level is new.level
            assert old.last_edition < new.first_edition
            assert new.code[:5] == regencies.get(old.code[:5], old.code[:5])
            if row.basis is Basis.NAME_MATCH:
                assert plain(old.name) == plain(new.name)

    def test_most_withdrawn_codes_have_one(self, areas: dict[str, AreaRow]) -> None:
        withdrawn = [row for row in areas.values() if not row.current]
        assert len(withdrawn) == 7_534
        assert sum(1 for row in withdrawn if row.successor_codes) == 7_110
        assert not any(row.successor_codes for row in areas.values() if row.current)


class TestTenants:
    def test_every_current_regency_is_one(self, areas: dict[str, AreaRow]) -> None:
        regencies = [row for row in areas.values() if row.level is Level.REGENCY and row.current]
        assert [(t.code, t.name, t.time_zone) for t in dataset.TENANTS] == [
            (row.code, row.name, row.time_zone) for row in regencies
        ]

    def test_numbers_are_unique_and_fit_the_14_bits_of_an_id(self) -> None:
        numbers = {tenant.number for tenant in dataset.TENANTS}
        assert len(numbers) == 514
        assert all(0 < number < 2**14 for number in numbers)

    def test_the_demo_regency(self) -> None:
        tenant = dataset.tenants_by_code()["33.26"]
        assert (tenant.number, tenant.name, tenant.time_zone) == (3326, "Kabupaten Pekalongan", "Asia/Jakarta")


def plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.casefold())
