"""The page of the shipped programs is what the data makes, and hides neither disagreement nor doubt."""

from pathlib import Path

import pytest

from slrt_api.cli import catalog_page
from slrt_api.cli.refusal import Refusal
from slrt_api.programs.catalog import load_programs, load_rules
from slrt_api.programs.criteria import Any, Compare, Count, Range

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_that_of_the_data() -> None:
    catalog_page.check(ROOT)


def test_an_old_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal):
        catalog_page.check(tmp_path)
    (tmp_path / "docs").mkdir()
    catalog_page.write(tmp_path)
    catalog_page.check(tmp_path)
    (tmp_path / "docs" / "programs.md").write_text(catalog_page.text() + "x", encoding="utf-8")
    with pytest.raises(Refusal):
        catalog_page.check(tmp_path)


def test_every_program_variant_and_unverified_criterion_is_named() -> None:
    text = catalog_page.text()
    for program in load_programs():
        assert f"\n### {program.code}\n" in text
    for rule in load_rules():
        for variant in rule.variants:
            assert f"| {rule.program} | `{variant.code}`" in text
        for each in (*rule.requirements, *rule.waitlist):
            mark = "**unverified**" if each.confidence == "unverified" else "sourced"
            assert any(
                line.startswith(f"| `{each.code}`") and line.endswith(f"{mark} |") for line in text.splitlines()
            ), (rule.program, each.code)


def test_conditions_are_told_in_words() -> None:
    range_ = Range.model_validate({"fact": "desil", "from": 1, "to": 4})
    works = Compare(fact="working", op="=", value=False)
    assert catalog_page.words(Any(of=(range_, works))) == "`desil` from 1 to 4 or not `working`"
    assert catalog_page.words(Count(at_most=1)) == "at most 1 of the family"
    dear = Compare(fact="income_monthly", op="<=", value=4_000_000)
    assert catalog_page.words(dear) == "`income_monthly` <= 4,000,000"
