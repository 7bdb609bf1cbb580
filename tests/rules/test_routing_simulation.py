"""Thousands of referrals among receivers some of which are full or silent: the rules of routing over time, the clock injected."""

from dataclasses import replace

import pytest
from benchmarks import routing
from benchmarks.routing import COMPARED, FULL, PICTURE, REFERRALS, SEED, SILENT, Told, simulate
from tests.sizes import size

from slrt_api.organizations.routing import preset

CLIENTS = size(500, 5_000)


@pytest.fixture(scope="module")
def told() -> Told:
    return simulate(preset(), CLIENTS, SEED)


def test_nobody_is_offered_anything_once_it_is_known_to_be_silent_or_full(told: Told) -> None:
    silent, full = told.receivers[:SILENT], told.receivers[SILENT : SILENT + FULL]
    assert [len(each.offered_at) for each in full] == [0] * FULL
    for each in silent:
        assert each.standing.unanswered >= preset().unanswered_limit
        assert each.known_at is not None
        assert max(each.offered_at) < each.known_at
    assert (told.forbidden, told.overbooked) == (0, 0)


def test_where_silence_is_not_kept_the_silent_go_on_being_offered() -> None:
    forgetful = replace(preset(), cool_down_days=0, unanswered_limit=1_000_000)
    unkept = simulate(forgetful, CLIENTS, SEED)
    before = simulate(preset(), CLIENTS, SEED)
    wasted = [sum(len(each.offered_at) for each in told.receivers[:SILENT]) for told in (unkept, before)]
    assert wasted[0] > wasted[1]
    assert max(each.offered_at[-1] for each in unkept.receivers[:SILENT]) > routing.RESPOND


def test_nobody_who_takes_clients_starves(told: Told) -> None:
    """Between two offers of one that takes clients lie no more offers to others than its least share says, and the line."""
    offers = sorted((at, each.facts.code) for each in told.receivers for at in each.offered_at)
    shares = [len(each.offered_at) for each in told.sound]
    equal = len(offers) / len(shares)
    assert min(shares) >= equal * preset().minimum_share / 100
    alone = simulate(replace(preset(), minimum_share=0, turn_weight=0), CLIENTS, SEED)
    assert min(len(each.offered_at) for each in alone.sound) < equal * preset().minimum_share / 100


def test_every_client_is_accepted_by_somebody(told: Told) -> None:
    assert told.unserved == 0
    assert len(told.waited) == CLIENTS
    assert sum(each.accepted for each in told.receivers) == CLIENTS


def test_the_same_seed_tells_the_same(told: Told) -> None:
    again = simulate(preset(), CLIENTS, SEED)
    assert [each.offered_at for each in again.receivers] == [each.offered_at for each in told.receivers]


@pytest.mark.soak
def test_the_picture_in_the_docs_is_what_the_rules_draw() -> None:
    drawn = routing.drawn({name: simulate(policy, REFERRALS, SEED) for name, policy in COMPARED.items()})
    assert PICTURE.read_text(encoding="utf-8") == drawn
