"""How long single acts took, one after the other: what `duplicates.check` and `search.names` tell."""

import statistics
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Times:
    """Milliseconds of acts of one kind."""

    HEAD: ClassVar[str] = f"{'':<28}{'acts':>7}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"

    name: str
    milliseconds: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        self.milliseconds.append(seconds * 1_000)

    def at(self, share: float) -> float:
        """The time within which so many of the acts were done."""
        return statistics.quantiles(self.milliseconds, n=1_000, method="inclusive")[round(share * 1_000) - 1]

    @property
    def p95(self) -> float:
        return self.at(0.95)

    def __str__(self) -> str:
        numbers = "".join(f"{self.at(share):9.1f}" for share in (0.5, 0.95, 0.99))
        return f"{self.name:<28}{len(self.milliseconds):>7}{numbers}"
