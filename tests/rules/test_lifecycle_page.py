"""The page of the state machines is what the tables make of it."""

import re
from pathlib import Path

import pytest

from slrt_api.cli import lifecycle_page
from slrt_api.cli.refusal import Refusal
from slrt_api.rest.reference import LIFECYCLES

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_that_of_the_tables() -> None:
    lifecycle_page.check(ROOT)


def test_an_old_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(Refusal):
        lifecycle_page.check(tmp_path)
    lifecycle_page.write(tmp_path)
    lifecycle_page.check(tmp_path)
    (tmp_path / "docs" / "lifecycles.md").write_text(lifecycle_page.text() + "x", encoding="utf-8")
    with pytest.raises(Refusal):
        lifecycle_page.check(tmp_path)


@pytest.mark.parametrize("name", sorted(LIFECYCLES))
def test_every_line_of_a_table_stands_in_its_section(name: str) -> None:
    [section] = [each for each in lifecycle_page.text().split("\n## ") if each.startswith(f"{name}\n")]
    told: set[tuple[str, str, str]] = set()
    for sources, action, target in re.findall(r"^\| ([A-Z_, ]+) \| `([A-Z_]+)` \| ([A-Z_]+) \|", section, re.MULTILINE):
        told |= {(source, action, target) for source in sources.split(", ")}
    assert told == {(line.source, line.action, line.target) for line in LIFECYCLES[name].transitions}
