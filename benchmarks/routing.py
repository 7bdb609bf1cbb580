"""Routing, simulated: who is offered what, how long clients wait, and what becomes of receivers that are full or silent.

The rules are those of the product (`organizations/routing.py`); only receivers, clients and the clock are made up here. Run
`python -m benchmarks.routing` to draw `docs/routing.svg` anew and to print the figures that `docs/routing.md` quotes.
"""

import heapq
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import count
from pathlib import Path
from statistics import mean, median
from typing import Final
from uuid import UUID

from slrt_api.organizations.codes import OrganizationKind
from slrt_api.organizations.routing import Facts, Policy, Standing, preset, rank

RECEIVERS: Final = 30
#: of the receivers, the first ones
SILENT, FULL = 3, 2
REFERRALS: Final = 5_000
SEED: Final = 8
#: office minutes of a day, working days of a week and of a month
DAY, WEEK, MONTH = 450, 5, 20
#: office minutes within which a receiver has to answer
RESPOND: Final = 5 * DAY
#: how many referrals come in a day
A_DAY: Final = 50
_MONDAY: Final = datetime(2026, 11, 30, 1, tzinfo=UTC)
PICTURE: Final = Path(__file__).resolve().parents[1] / "docs" / "routing.svg"


def instant(minute: int) -> datetime:
    """The instant of an office minute: offices open five days a week."""
    days, within = divmod(minute, DAY)
    weeks, day = divmod(days, WEEK)
    return _MONDAY + timedelta(weeks=weeks, days=day, minutes=within)


@dataclass
class Receiver:
    """One organization.

    places    clients that it takes in a month
    minutes   office minutes that it usually takes to answer; None = it never does
    accepts   share of offers that it accepts
    """

    facts: Facts
    places: int
    minutes: int | None
    accepts: float
    standing: Standing = field(default_factory=Standing)
    taken: Counter[int] = field(default_factory=Counter)
    offered_at: list[int] = field(default_factory=list)
    accepted: int = 0
    #: office minute at which it was known that it does not answer
    known_at: int | None = None


@dataclass
class Client:
    """One need, from its first offer until somebody accepts."""

    began: int
    asked: set[UUID] = field(default_factory=set)
    silences: int = 0
    waited: int | None = None


@dataclass(frozen=True)
class Told:
    """What came of it."""

    receivers: tuple[Receiver, ...]
    clients: tuple[Client, ...]
    overbooked: int
    #: offers to receivers that were full or in their time after a silence at that instant
    forbidden: int

    @property
    def waited(self) -> list[float]:
        """Working days that each client waited, ascending."""
        return sorted(client.waited / DAY for client in self.clients if client.waited is not None)

    @property
    def unserved(self) -> int:
        return sum(client.waited is None for client in self.clients)

    @property
    def sound(self) -> tuple[Receiver, ...]:
        """The receivers that are neither silent nor full."""
        return self.receivers[SILENT + FULL :]


def receivers(chance: random.Random) -> Iterator[Receiver]:
    """The silent, the full, and the others: quick and slow, with many places and few."""
    for number in range(RECEIVERS):
        silent, full = number < SILENT, SILENT <= number < SILENT + FULL
        facts = Facts(
            UUID(int=number + 1),
            f"LKS-{number + 1:02}",
            f"LKS {number + 1}",
            OrganizationKind.LKS,
            serves_area=True,
            offers_service=True,
            available=None,
        )
        yield Receiver(
            facts,
            places=0 if full else chance.randrange(40, 121),
            minutes=None if silent else min(2 * DAY, int(chance.lognormvariate(6.2, 0.8))),
            accepts=chance.uniform(0.75, 1.0),
        )


def simulate(policy: Policy, clients: int, seed: int) -> Told:
    """Route `clients` needs, one after the other as they come, and let the clock run until the last one is decided."""
    chance = random.Random(seed)
    everybody = {each.facts.organization_id: each for each in receivers(chance)}
    told = [Client(int(number * DAY / A_DAY)) for number in range(clients)]
    tie, total, overbooked, forbidden = count(), 0, 0, 0
    #: (office minute, tie, client, receiver that answers or not, accepted, minutes taken; None = silent)
    queue: list[tuple[int, int, Client, Receiver | None, bool, int | None, int]] = [
        (client.began, next(tie), client, None, False, None, 0) for client in told
    ]
    heapq.heapify(queue)

    def offer(client: Client, now: int) -> None:
        nonlocal total, overbooked, forbidden
        month, at = now // (DAY * MONTH), instant(now)
        facts = [
            replace(
                each.facts,
                available=each.places - each.taken[month],
                capacity=each.places,
                asked_before=each.facts.organization_id in client.asked,
                standing=each.standing,
            )
            for each in everybody.values()
        ]
        best = rank(facts, at, policy, total)[0]
        if not best.takes:
            return
        chosen = everybody[best.facts.organization_id]
        chosen.taken[month] += 1
        overbooked += chosen.taken[month] > chosen.places
        forbidden += not chosen.standing.answers_at(at, policy) or chosen.known_at is not None
        chosen.offered_at.append(now)
        chosen.standing = chosen.standing.offered(at, total)
        total += 1
        client.asked.add(chosen.facts.organization_id)
        took = None if chosen.minutes is None else max(1, int(chance.lognormvariate(0, 0.3) * chosen.minutes))
        if took is None or took >= RESPOND:
            heapq.heappush(queue, (now + RESPOND, next(tie), client, chosen, False, None, month))
        else:
            accepted = chance.random() < chosen.accepts
            heapq.heappush(queue, (now + took, next(tie), client, chosen, accepted, took, month))

    while queue:
        now, _, client, receiver, accepted, took, month = heapq.heappop(queue)
        if receiver is None:
            offer(client, now)
            continue
        if took is None:
            receiver.standing = receiver.standing.silent(instant(now))
            if receiver.standing.unanswered >= policy.unanswered_limit and receiver.known_at is None:
                receiver.known_at = now
            client.silences += 1
        else:
            receiver.standing = receiver.standing.answered(took, accepted=accepted)
            receiver.known_at = None
        if accepted:
            receiver.accepted += 1
            client.waited = now - client.began
            continue
        receiver.taken[month] -= 1
        if client.silences < policy.attempts_limit:
            offer(client, now)
    return Told(tuple(everybody.values()), tuple(told), overbooked, forbidden)


#: what the picture compares: the preset; without the least share; and by places alone, as routing was before
COMPARED: Final[dict[str, Policy]] = {
    "preset": preset(),
    "without least share": replace(preset(), minimum_share=0, turn_weight=0),
    "places alone, silence not kept": replace(
        preset(),
        response_weight=0,
        acceptance_weight=0,
        turn_weight=0,
        minimum_share=0,
        cool_down_days=0,
        unanswered_limit=1_000_000,
        open_offers_limit=1_000_000,
    ),
}
_COLORS: Final = ("#0b6e4f", "#4059ad", "#b3541e")
_WIDTH, _HEIGHT, _TOP, _BOTTOM = 1_120, 560, 70, 430


def figures(name: str, told: Told) -> str:
    """One line of what came of it."""
    waited, shares = told.waited, [len(each.offered_at) for each in told.sound]
    total = sum(len(each.offered_at) for each in told.receivers)
    return (
        f"{name}: waited median {median(waited):.2f}, mean {mean(waited):.2f}, p95 {_share(waited, 0.95):.2f} working days;"
        f" unserved {told.unserved}; offers to the sound {min(shares)} to {max(shares)} of {total};"
        f" to the silent {[len(each.offered_at) for each in told.receivers[:SILENT]]}, to the full"
        f" {[len(each.offered_at) for each in told.receivers[SILENT : SILENT + FULL]]}"
    )


def _share(ascending: Sequence[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))]


def drawn(told: dict[str, Told]) -> str:
    """The picture: share of the offers of each receiver, and how many clients had waited no longer than so long."""
    first = next(iter(told.values()))
    title = f"{len(first.clients):,} referrals among {RECEIVERS} receivers, {SILENT} of them silent and {FULL} full"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="60" y="30" font-size="16">{escape(title)}</text>',
        *_bars(first),
        *_curves(told),
    ]
    for index, (name, color) in enumerate(zip(told, _COLORS, strict=False)):
        y = 500 + 20 * index
        parts += [
            f'<rect x="60" y="{y - 8}" width="22" height="6" fill="{color}"/>',
            f'<text x="90" y="{y}">{escape(figures(name, told[name]))}</text>',
        ]
    return "\n".join((*parts, "</svg>")) + "\n"


def _bars(told: Told) -> list[str]:
    left, width = 60, 460
    total = sum(len(each.offered_at) for each in told.receivers)
    shares = [100 * len(each.offered_at) / total for each in told.receivers]
    highest = max(*shares, 1)
    step = width / len(shares)
    parts = [
        f'<text x="{left}" y="{_TOP - 12}">share of all offers, percent, by receiver: silent (red), full (gray), others</text>'
    ]
    for number, share in enumerate(shares):
        height = (_BOTTOM - _TOP) * share / highest
        color = "#b22222" if number < SILENT else "#888" if number < SILENT + FULL else _COLORS[0]
        parts.append(
            f'<rect x="{left + number * step + 1:.1f}" y="{_BOTTOM - height:.1f}" width="{step - 2:.1f}"'
            f' height="{height:.1f}" fill="{color}"/>'
        )
    equal = 100 / (RECEIVERS - SILENT - FULL)
    for level, label in ((equal, "equal share"), (equal * COMPARED["preset"].minimum_share / 100, "least share")):
        y = _BOTTOM - (_BOTTOM - _TOP) * level / highest
        parts += [
            f'<line x1="{left}" y1="{y:.1f}" x2="{left + width}" y2="{y:.1f}" stroke="#333" stroke-dasharray="5 4"/>',
            f'<text x="{left + width}" y="{y - 4:.1f}" text-anchor="end">{label} {level:.1f}</text>',
        ]
    parts.append(f'<line x1="{left}" y1="{_BOTTOM}" x2="{left + width}" y2="{_BOTTOM}" stroke="#333"/>')
    return parts


def _curves(told: dict[str, Told]) -> list[str]:
    left, width, days = 620, 460, 20
    parts = [
        f'<text x="{left}" y="{_TOP - 12}">clients accepted by somebody within so many working days, percent</text>'
    ]
    for tick in range(0, days + 1, 5):
        x = left + width * tick / days
        parts.append(f'<text x="{x:.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{tick}</text>')
    for percent in range(0, 101, 25):
        y = _BOTTOM - (_BOTTOM - _TOP) * percent / 100
        parts += [
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>',
            f'<line x1="{left}" y1="{y:.1f}" x2="{left + width}" y2="{y:.1f}" stroke="#ddd"/>',
        ]
    for each, color in zip(told.values(), _COLORS, strict=False):
        waited, everybody = each.waited, len(each.clients)
        points = []
        for place in range(201):
            day = days * place / 200
            within = sum(one <= day for one in waited)
            points.append(f"{left + width * place / 200:.1f},{_BOTTOM - (_BOTTOM - _TOP) * within / everybody:.1f}")
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="2"/>')
    return parts


def main() -> None:
    """Draw the picture, and print its figures."""
    told = {name: simulate(policy, REFERRALS, SEED) for name, policy in COMPARED.items()}
    PICTURE.write_text(drawn(told), encoding="utf-8")
    for name, each in told.items():
        print(figures(name, each), f"overbooked {each.overbooked}, forbidden {each.forbidden}")


if __name__ == "__main__":
    main()
