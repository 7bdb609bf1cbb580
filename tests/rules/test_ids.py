"""Ids by the published recipe."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sizes import size

from slrt_api.kernel import ids
from slrt_api.kernel.ids import Kind, kind_of, minted_at, new_id, tenant_of

NOON = datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)


class TestRefusals:
    @pytest.mark.parametrize("tenant", [-1, 10000, 16384])
    def test_tenants_have_four_digits(self, tenant: int) -> None:
        with pytest.raises(ValueError, match="four digits"):
            new_id(Kind.CASE, tenant)

    def test_naive_instants_are_refused(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            new_id(Kind.CASE, 3326, NOON.replace(tzinfo=None))

    def test_ids_begin_in_1970(self) -> None:
        with pytest.raises(ValueError, match="1970"):
            new_id(Kind.CASE, 3326, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))

    def test_other_versions_have_no_kind(self) -> None:
        assert kind_of(uuid4()) is None
        assert kind_of(UUID(int=0)) is None

    def test_other_variants_have_no_kind(self) -> None:
        minted = new_id(Kind.CASE, 3326)
        assert [kind_of(UUID(int=minted.int ^ flip << 62)) for flip in (1, 2, 3)] == [None, None, None]

    @pytest.mark.parametrize("kind", [0, max(Kind) + 1, 63])
    def test_kinds_that_do_not_exist_are_none(self, kind: int) -> None:
        minted = new_id(Kind.CASE, 3326)
        assert kind_of(UUID(int=minted.int & ~(0x3F << 42) | kind << 42)) is None

    def test_a_time_after_the_year_9999_is_refused(self) -> None:
        with pytest.raises(ValueError, match="9999"):
            minted_at(UUID(int=new_id(Kind.CASE, 3326).int | 0xFFFFFFFFFFFF << 80))


class TestRecipe:
    def test_every_field_stands_at_its_bits(self) -> None:
        minted = new_id(Kind.COMPLAINT, 3326, NOON)
        bits = f"{minted.int:0128b}"
        assert int(bits[:48], 2) == 1795348800123
        assert int(bits[48:52], 2) == 8
        assert int(bits[52:64], 2) < 2048
        assert int(bits[64:66], 2) == 0b10
        assert int(bits[66:80], 2) == 3326
        assert int(bits[80:86], 2) == 7

    def test_kinds_are_those_of_the_frozen_list(self) -> None:
        frozen = (
            "HOUSEHOLD PERSON CASE NEED ASSESSMENT REFERRAL COMPLAINT ORGANIZATION PROGRAM EVENT ENROLLMENT "
            "ELIGIBILITY_CHECK SCREENING IMPORT EXPORT PROPOSAL GRANT ATTACHMENT DUPLICATE WEBHOOK_ENDPOINT DELIVERY "
            "MESSAGE CLOCK CONSENT REGISTRY_ENTRY SNAPSHOT DEVICE DATA_SUBJECT_REQUEST"
        )
        assert [kind.name for kind in Kind][:28] == frozen.split()

    def test_kinds_are_appended_and_fit_six_bits(self) -> None:
        numbers = [kind.value for kind in Kind]
        assert numbers[:34] == list(range(1, 35))
        assert numbers == sorted(set(numbers))
        assert numbers[-1] < 64

    @settings(max_examples=size(200, 20_000))
    @given(
        kind=st.sampled_from(Kind),
        tenant=st.integers(0, 9999),
        at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    )
    def test_parts_come_back(self, kind: Kind, tenant: int, at: datetime) -> None:
        minted = new_id(kind, tenant, at)
        assert (kind_of(minted), tenant_of(minted)) == (kind, tenant)
        assert minted_at(minted) == at.replace(microsecond=at.microsecond // 1000 * 1000)
        assert minted.version == 8

    def test_offsets_do_not_matter(self) -> None:
        assert minted_at(new_id(Kind.CASE, 0, NOON.astimezone(timezone(timedelta(hours=9))))) == NOON


class TestOrder:
    def test_ids_ascend_when_the_counter_overflows(self) -> None:
        minted = [new_id(Kind.EVENT, 3326, NOON) for _ in range(5000)]
        assert minted == sorted(minted)
        assert minted_at(minted[-1]) == NOON + timedelta(milliseconds=1)

    def test_a_clock_that_goes_back_does_not_take_the_ids_with_it(self) -> None:
        minter = ids._Minter()
        positions = [minter.live(milliseconds, 7) for milliseconds in (1000, 1000, 999, 1, 1001)]
        assert positions == sorted(set(positions))

    def test_threads_share_one_order(self) -> None:
        def mint(_: int) -> list[UUID]:
            return [new_id(Kind.EVENT, 3326) for _ in range(500)]

        with ThreadPoolExecutor(4) as pool:
            runs = list(pool.map(mint, range(4)))
        assert all(run == sorted(run) for run in runs)
        heads = {one.int >> 64 for run in runs for one in run}
        assert len(heads) == 2000


class TestCoarse:
    def test_only_the_day_is_told(self) -> None:
        minted = [new_id(Kind.COMPLAINT, 3326, NOON, coarse=True) for _ in range(64)]
        assert {minted_at(one) for one in minted} == {datetime(2026, 11, 22, tzinfo=UTC)}

    def test_the_order_is_not_told(self) -> None:
        minted = [new_id(Kind.COMPLAINT, 3326, NOON, coarse=True) for _ in range(64)]
        assert minted != sorted(minted)
        counters = [one.int >> 64 & 0xFFF for one in minted]
        assert counters != sorted(counters)
        assert max(counters) >= 2048

    def test_the_last_millisecond_belongs_to_its_day(self) -> None:
        late = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
        assert minted_at(new_id(Kind.COMPLAINT, 3326, late, coarse=True)) == datetime(2024, 2, 29, tzinfo=UTC)
