"""The forms of assessments: that they are what they claim, that a checker of another make agrees, and what a score is."""

import copy
import json
import random
from typing import Any

import jsonschema_rs
import pytest

from slrt_api.areas.codelists import load_code_lists, load_questions, load_services
from slrt_api.cases import answers
from slrt_api.cases.reference import load_forms

FORMS = load_forms()
CONDITION = FORMS["REGSOSEK-CONDITION", 1]
#: A version that was shipped never changes: what has to change gets the next number, and a line here.
DIGESTS = {
    ("PBDT2015", 1): "dd9d5477b8f5ec1d3617a9eda2b8b3c4116e8820a81eda38d696c9a3e5022315",
    ("REGSOSEK-CONDITION", 1): "988d50c5fbb8be8d4d51e7d34f158a3648b21f74f4f468f81ca18a5eca28bf60",
    ("REGSOSEK2022K", 1): "d3b63daba145d294e0a53618071a0728e8074116a30d44e93f4724225c62565a",
    ("SLRT-NEEDS", 1): "b8de8b91ef2dd26c36ea76e7ced2f35a06afd144d2ee69c4d7d5c9d46773790a",
}


def some(question: dict[str, Any], rng: random.Random) -> Any:
    """A value that may fit the question, and often does not."""
    if "oneOf" in question:
        return rng.choice([*(option["const"] for option in question["oneOf"]), "no code", 7, None, True, ["1"]])
    match question["type"]:
        case "integer":
            bounds = [question.get("minimum", 0), question.get("maximum", 9)]
            return rng.choice([*bounds, bounds[0] - 1, bounds[1] + 1, "3", True, 1.5, []])
        case "boolean":
            return rng.choice([True, False, 0, "true"])
        case "array":
            return rng.choice([[], "x", 3, *([some(question["items"], rng) for _ in range(n)] for n in (1, 2, 3, 30))])
        case _:
            return rng.choice(["", "2026-02-28", "2026-02-30", "2026-W01-1", "x" * 2000, "x" * 2001, 4])


def fitting_one(question: dict[str, Any], checker: jsonschema_rs.Draft202012Validator, rng: random.Random) -> Any:
    while not checker.is_valid(value := some(question, rng)):
        pass
    return value


@pytest.mark.parametrize("key", sorted(FORMS))
def test_a_checker_of_another_make_agrees_on_every_answer(key: tuple[str, int]) -> None:
    form: Any = FORMS[key].form
    other = jsonschema_rs.Draft202012Validator(form, validate_formats=True)
    rng = random.Random(20261130)
    fitting = 0
    parts = {
        name: jsonschema_rs.Draft202012Validator(asked, validate_formats=True)
        for name, asked in form["properties"].items()
    }
    for _ in range(600):
        names = {*form["required"], *rng.sample(sorted(parts), min(3, len(parts)))}
        given = {name: some(form["properties"][name], rng) for name in sorted(names)}
        if rng.random() < 0.5:
            # Of a form with many required questions none would ever fit by chance.
            given = {name: fitting_one(form["properties"][name], parts[name], rng) for name in given}
        if rng.random() < 0.3:
            given.pop(rng.choice(sorted(given)))
        if rng.random() < 0.03:
            given["nobody_asked"] = 1
        ours, theirs = answers.unfit(form, given) == [], other.is_valid(given)
        assert ours == theirs, given
        fitting += ours
    assert fitting > 20


@pytest.mark.parametrize("key", sorted(FORMS))
def test_a_version_that_was_shipped_never_changes(key: tuple[str, int]) -> None:
    assert FORMS[key].digest.hex() == DIGESTS[key]


def test_questions_and_codes_are_those_of_their_instrument() -> None:
    lists, questions = load_code_lists(), load_questions()
    for code in ("REGSOSEK2022K", "PBDT2015", "REGSOSEK-CONDITION"):
        form: Any = FORMS[code, 1].form
        for name, asked in form["properties"].items():
            question = questions["REGSOSEK2022K" if code == "REGSOSEK-CONDITION" else code, name]
            options = asked.get("oneOf") or asked.get("items", {}).get("oneOf")
            if question.list_name is not None:
                known = {item.code: (item.label_id, item.label_en) for item in lists[question.list_name].items}
                told = {each["const"]: (each["x-label"]["id"], each["x-label"]["en"]) for each in options}
                assert told == known, (code, name)


def test_the_four_domains_ask_for_the_services_of_each() -> None:
    form: Any = FORMS["SLRT-NEEDS", 1].form
    for domain in ("SOCIAL_WELFARE", "HEALTH", "EDUCATION", "ECONOMIC_EMPOWERMENT"):
        asked = [option["const"] for option in form["properties"][domain.lower()]["items"]["oneOf"]]
        assert asked == [service.code for service in load_services() if service.domain == domain]


class TestScore:
    def best(self) -> dict[str, str]:
        weights = (CONDITION.score or {})["weights"]
        return {name: min(of, key=of.__getitem__) for name, of in weights.items()}

    def test_it_is_the_sum_of_its_parts_and_bounded(self) -> None:
        assert CONDITION.score is not None
        weights = CONDITION.score["weights"]
        worst = {name: max(of, key=of.__getitem__) for name, of in weights.items()}
        least, most = answers.scored(CONDITION.score, self.best()), answers.scored(CONDITION.score, worst)
        assert (least.points, least.most) == (0, most.most)
        assert most.points == most.most == sum(max(of.values()) for of in weights.values())
        one = {**self.best(), "303": "8"}
        found = answers.scored(CONDITION.score, one)
        assert found.points == weights["303"]["8"]
        assert [part.points for part in found.parts if part.points] == [found.points]

    def test_it_says_where_its_weights_come_from_and_that_nobody_tried_them(self) -> None:
        assert CONDITION.score is not None
        assert CONDITION.score["confidence"] == "design"
        assert "no weight has been set by an authority" in CONDITION.score["citation"]


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda form: form.update(additionalProperties=True), "closed"),
            (lambda form: form["required"].append("999"), "asked"),
            (lambda form: form["properties"]["303"].pop("x-label"), "label"),
            (lambda form: form["properties"]["303"]["oneOf"].append(form["properties"]["303"]["oneOf"][0]), "twice"),
            (lambda form: form["properties"]["302"].update(multipleOf=2), "not read"),
            (lambda form: form["properties"]["302"].update(type="number"), "type"),
        ],
    )
    def test_a_form_that_would_not_be_checked_whole(self, change: Any, words: str) -> None:
        form = json.loads(json.dumps(CONDITION.form))
        answers.check_form(form)
        change(form)
        with pytest.raises(ValueError, match=words):
            answers.check_form(form)

    @pytest.mark.parametrize(
        "change",
        [
            lambda score: score["weights"]["303"].pop("1"),
            lambda score: score["weights"].update({"302": {}}),
            lambda score: score.update(citation=""),
        ],
    )
    def test_a_score_with_a_gap(self, change: Any) -> None:
        score = copy.deepcopy(dict(CONDITION.score or {}))
        answers.check_score(CONDITION.form, score)
        change(score)
        with pytest.raises((ValueError, KeyError)):
            answers.check_score(CONDITION.form, score)


def test_every_shipped_version_has_its_line() -> None:
    assert set(DIGESTS) == set(FORMS)
