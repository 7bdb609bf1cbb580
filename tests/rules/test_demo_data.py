"""The demo regency: the same people every time, none of them real, in places and services that exist."""

from collections import Counter
from datetime import date

import pytest

from slrt_api.areas.codelists import load_code_lists, load_services
from slrt_api.areas.codes import contains
from slrt_api.areas.dataset import AreaRow, load_areas
from slrt_api.demo import organizations, people
from slrt_api.demo.people import DEMO_FAMILIES, DEMO_REGISTRY, DemoPerson

MEMBERS = [member for family in DEMO_FAMILIES for member in family.members]
NIKS = [member.nik for member in MEMBERS if member.nik is not None]


@pytest.fixture(scope="module")
def areas() -> dict[str, AreaRow]:
    return {row.code: row for row in load_areas()}


def agrees(person: DemoPerson) -> bool:
    day = person.birth_date.day + (40 if person.sex == "F" else 0)
    return person.nik is not None and person.nik[6:12] == f"{day:02}{person.birth_date:%m%y}"


class TestNumbers:
    def test_every_number_has_the_impossible_prefix(self, areas: dict[str, AreaRow]) -> None:
        assert "99.01.01" not in areas
        numbers = [*NIKS, *(family.kk for family in DEMO_FAMILIES if family.kk)]
        numbers += [number for row in DEMO_REGISTRY for number in (row.nik, row.kk)]
        assert all(number.startswith("990101") for number in numbers)
        assert all(len(number) == 16 and number.isascii() and number.isdigit() for number in numbers)
        assert not any(number.endswith("0000") for number in numbers)

    def test_they_are_unique(self) -> None:
        cards = [family.kk for family in DEMO_FAMILIES if family.kk is not None]
        assert len(set(NIKS)) == len(NIKS)
        assert len(set(cards)) == len(cards)
        assert not set(NIKS) & set(cards)

    def test_most_agree_with_birth_date_and_sex_and_some_do_not(self) -> None:
        odd = [member for member in MEMBERS if member.nik is not None and not agrees(member)]
        assert 10 <= len(odd) <= len(NIKS) // 20
        assert any(member.nik[8:10] == "00" for member in odd if member.nik)
        assert any(member.nik[8:12] == f"{member.birth_date:%m%y}" for member in odd if member.nik)

    def test_some_people_have_none(self) -> None:
        without = [member for member in MEMBERS if member.nik is None]
        assert 5 <= len(without) <= 40
        assert any((people.TODAY - member.birth_date).days < 180 for member in without)
        assert sum(1 for family in DEMO_FAMILIES if family.kk is None) == 3


class TestFamilies:
    def test_there_are_300_of_one_to_seven(self) -> None:
        sizes = Counter(len(family.members) for family in DEMO_FAMILIES)
        assert sum(sizes.values()) == 300
        assert set(sizes) == set(range(1, 8))

    def test_they_are_the_same_every_time(self) -> None:
        families = tuple(people.generate_families())
        assert families == DEMO_FAMILIES
        assert people.generate_registry(families) == DEMO_REGISTRY

    def test_they_live_in_every_village_of_the_three_districts(self, areas: dict[str, AreaRow]) -> None:
        districts = {"33.26.01", "33.26.02", "33.26.03"}
        villages = {row.code for row in areas.values() if row.current and row.parent_code in districts}
        homes = Counter(family.area_code for family in DEMO_FAMILIES)
        assert set(homes) == villages == set(people.VILLAGES)
        assert all(homes[village] >= 12 for village in people.PUSKESOS_VILLAGES)

    def test_each_has_one_head_who_comes_first_and_at_most_one_spouse(self) -> None:
        relations = load_code_lists()["family-relations"].codes
        for family in DEMO_FAMILIES:
            found = [member.relation for member in family.members]
            assert found[0] == "HEAD"
            assert found.count("HEAD") == 1
            assert found.count("SPOUSE") <= 1
            assert set(found) <= relations

    def test_some_hold_three_generations(self) -> None:
        found = {member.relation for member in MEMBERS}
        assert {"HEAD", "SPOUSE", "CHILD", "CHILD_IN_LAW", "GRANDCHILD", "PARENT"} <= found
        for family in DEMO_FAMILIES:
            relations = [member.relation for member in family.members]
            assert relations.count("GRANDCHILD") == relations.count("CHILD_IN_LAW")

    def test_generations_are_apart(self) -> None:
        for family in DEMO_FAMILIES:
            head = family.members[0]
            for member in family.members:
                assert date(1930, 1, 1) < member.birth_date < people.TODAY
                assert member.sex in {"F", "M"}
                years = (member.birth_date - head.birth_date).days / 365.25
                if member.relation == "CHILD":
                    assert years >= 17
                elif member.relation == "GRANDCHILD":
                    assert years >= 35
                elif member.relation == "PARENT":
                    assert years <= -17
                elif member.relation == "HEAD":
                    assert (people.TODAY - member.birth_date).days > 24 * 365


class TestStory:
    def test_the_family_that_is_not_in_the_registry(self) -> None:
        family = DEMO_FAMILIES[0]
        head = family.members[0]
        assert family is not DEMO_FAMILIES[1]
        assert (family.area_code, family.kk, len(family.members)) == ("33.26.01.2001", "9901010101120007", 4)
        assert (head.name, head.nik, head.birth_date, head.sex) == (
            "Siti Aminah",
            "9901014505880003",
            date(1988, 5, 5),
            "F",
        )
        assert all(agrees(member) for member in family.members)
        listed = {row.nik for row in DEMO_REGISTRY} | {row.kk for row in DEMO_REGISTRY}
        assert not listed & {family.kk, *(member.nik for member in family.members)}

    def test_the_family_that_is(self) -> None:
        family = DEMO_FAMILIES[1]
        rows = [row for row in DEMO_REGISTRY if row.kk == family.kk]
        assert family.area_code == "33.26.01.2001"
        assert all(agrees(member) for member in family.members)
        assert [row.nik for row in rows] == [member.nik for member in family.members]
        assert {row.desil for row in rows} == {2}


class TestRegistry:
    def test_about_four_in_five_families_are_in_it(self) -> None:
        cards = {row.kk for row in DEMO_REGISTRY}
        assert 220 <= len(cards) <= 260
        assert cards <= {family.kk for family in DEMO_FAMILIES}

    def test_a_rank_is_one_to_ten_or_not_determined(self) -> None:
        ranks = {row.desil for row in DEMO_REGISTRY}
        assert ranks == {None, *range(1, 11)}

    def test_one_nik_stands_in_it_twice(self) -> None:
        counts = Counter(row.nik for row in DEMO_REGISTRY)
        assert [nik for nik, count in counts.items() if count > 1] == [people.AMBIGUOUS_NIK]
        assert counts[people.AMBIGUOUS_NIK] == 2
        assert len({row.kk for row in DEMO_REGISTRY if row.nik == people.AMBIGUOUS_NIK}) == 2


class TestOrganizations:
    def test_there_is_one_of_each_kind_that_the_story_needs(self) -> None:
        kinds = Counter(organization.kind for organization in organizations.DEMO_ORGANIZATIONS)
        assert kinds == {"SECRETARIAT": 1, "PUSKESOS": 2, "OPD": 4, "LKS": 3}
        assert set(kinds) <= load_code_lists()["organization-kinds"].codes
        codes = [organization.code for organization in organizations.DEMO_ORGANIZATIONS]
        assert len(set(codes)) == len(codes)

    def test_services_and_areas_exist_and_capacity_is_of_offered_services(self, areas: dict[str, AreaRow]) -> None:
        services = {service.code for service in load_services()}
        for organization in organizations.DEMO_ORGANIZATIONS:
            assert set(organization.services) <= services
            assert {line.service for line in organization.capacity} <= set(organization.services)
            assert all(line.per_month > 0 for line in organization.capacity)
            assert all(areas[code].current for code in (organization.area_code, *organization.areas_served))
            assert organization.officers
            assert organization.sk_date <= min(officer.valid_from for officer in organization.officers)

    def test_puskesos_stand_in_their_villages(self) -> None:
        found = {o.area_code: o.areas_served for o in organizations.DEMO_ORGANIZATIONS if o.kind == "PUSKESOS"}
        assert found == {village: (village,) for village in people.PUSKESOS_VILLAGES}

    def test_exactly_one_welfare_organization_serves_the_storys_need_there(self) -> None:
        receivers = [
            organization.code
            for organization in organizations.DEMO_ORGANIZATIONS
            if "SCHOOL_RETENTION" in organization.services
            and any(contains(area, people.STORY_FAMILY.area_code) for area in organization.areas_served)
        ]
        assert receivers == [organizations.LKS_SCHOOL.code]
