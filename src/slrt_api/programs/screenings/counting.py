"""The statements of a screening: judge a batch of households as a set, list and count what came out, add up at the end. Pure.

Parameters of a step: $1 regency, $2 ids of households, $3 the screening, $4 rows of its list so far, $5 its area.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from slrt_api.programs import relations, sql
from slrt_api.programs.codes import Outcome
from slrt_api.programs.criteria import Rule
from slrt_api.programs.evaluation import Situation
from slrt_api.programs.screenings.codes import Dimension

#: column of `screening_counts` -> outcome on the merits
MERITS: Final[Mapping[str, Outcome]] = {
    "eligible": Outcome.ELIGIBLE,
    "ineligible": Outcome.INELIGIBLE,
    "indeterminate": Outcome.INDETERMINATE,
    "waitlist": Outcome.ELIGIBLE_WAITLIST,
    "conflict": Outcome.CONFLICT,
    "excluded": Outcome.EXCLUDED_PENDING_VERIFICATION,
}
#: column -> code of the outcome
NUMBERS: Final[Mapping[str, int]] = {name: sql.CODES[outcome] for name, outcome in MERITS.items()} | {
    f"receiving_{name}": sql.CODES[outcome] + sql.RECEIVING for name, outcome in MERITS.items()
}
_INELIGIBLE: Final = sql.CODES[Outcome.INELIGIBLE]
#: who is entitled on the merits, whether there is a place or not
_ENTITLED: Final = (
    f"({{code}} % {sql.RECEIVING} IN ({sql.CODES[Outcome.ELIGIBLE]}, {sql.CODES[Outcome.ELIGIBLE_WAITLIST]}))"
)
_BANDS: Final = ((5, "0-4"), (18, "5-17"), (60, "18-59"))
_UNKNOWN: Final = "UNKNOWN"

_LISTED: Final = ", ".join(NUMBERS)
_COUNTED: Final = ", ".join(f"count(*) FILTER (WHERE x.code = {code})" for code in NUMBERS.values())
_ADDED: Final = ", ".join(f"{name} = c.{name} + excluded.{name}" for name in NUMBERS)

#: $1 regency, $2 the screening, $3 and $4 its area
FILL: Final = """
INSERT INTO screening_households (regency, screening_id, area, household_id)
SELECT $1, $2, h.area, h.id FROM households h WHERE h.regency = $1 AND h.area BETWEEN $3 AND $4 AND h.ended_at IS NULL
"""
#: $1 regency, $2 the screening, $3 how many. Up to a key and not joined with the keys themselves: PostgreSQL has no statistics
#: of a screening that has just begun, expects one row, and would read them all again for each.
TAKE: Final = """
DELETE FROM screening_households WHERE regency = $1 AND screening_id = $2 AND (area, household_id) <= (
    SELECT area, household_id FROM (
        SELECT area, household_id FROM screening_households WHERE regency = $1 AND screening_id = $2
        ORDER BY area, household_id LIMIT $3
    ) n ORDER BY area DESC, household_id DESC LIMIT 1
) RETURNING household_id AS id
"""
#: sums of villages as the rows of a wider area. $1 regency, $2 the screening, $3 how many numbers such an area has
ADD_UP: Final = f"""
INSERT INTO screening_counts (regency, screening_id, draft, program_code, area, {_LISTED})
SELECT regency, screening_id, draft, program_code, area - area % $3::bigint, {", ".join(f"sum({name})" for name in NUMBERS)}
FROM screening_counts WHERE regency = $1 AND screening_id = $2 AND area % 10000 <> 0
GROUP BY regency, screening_id, draft, program_code, area - area % $3::bigint
"""
#: $1 regency, $2 the screening
COUNTS: Final = f"""
SELECT program_code, area, {_LISTED} FROM screening_counts
WHERE regency = $1 AND screening_id = $2 AND NOT draft AND area % 10000 <> 0
"""
CHANGES: Final = """
SELECT dimension, value, stays, gains, losses FROM screening_changes WHERE regency = $1 AND screening_id = $2
"""
#: $3 programs, $4 areas
TELL_COUNTS: Final = """
UPDATE screening_counts c SET told = true FROM unnest($3::text[], $4::bigint[]) AS t (program_code, area)
WHERE c.regency = $1 AND c.screening_id = $2 AND NOT c.draft AND c.program_code = t.program_code AND c.area = t.area
"""
#: $3 dimensions, $4 values
TELL_CHANGES: Final = """
UPDATE screening_changes c SET told = true FROM unnest($3::text[], $4::text[]) AS t (dimension, value)
WHERE c.regency = $1 AND c.screening_id = $2 AND c.dimension = t.dimension AND c.value = t.value
"""


def step(rules: Sequence[Rule], draft: Rule | None, situation: Situation, lists: Collection[str]) -> str:
    """The statement that judges households: lists and counts them, and gives (judged, listed), two numbers.

    rules  of different programs, their variants chosen
    draft  of one of these programs, or None
    lists  programs of which every recipient is known
    """
    facts = sql.Relations("f_households", "f_persons", "f_enrollments", lists)
    compiled = sql.compile_rules([*rules, *([draft] if draft is not None else [])], situation, facts)
    parts = [
        f"f_households AS MATERIALIZED ({relations.households()})",
        f"f_persons AS MATERIALIZED ({relations.persons()})",
        f"f_enrollments AS MATERIALIZED ({relations.enrollments()})",
        compiled.ctes,
        f"judged AS MATERIALIZED ({_judged(compiled, draft)})",
        f"listed AS ({_list(compared=draft is not None)} RETURNING 1)",
        f"counted AS ({_COUNT_UP})",
    ]
    if draft is not None:
        parts.append(f"changed AS ({_change(situation)})")
    return (
        f"WITH {', '.join(parts)} SELECT (SELECT count(*) FROM f_households) AS judged,"
        " (SELECT count(*) FROM listed) AS listed"
    )


def _judged(compiled: sql.Compiled, draft: Rule | None) -> str:
    """(household_id, person_id, area, program, code, draft_code), a row for each unit and program."""
    sides = []
    for rules, columns, table in (
        (compiled.households, "j.id AS household_id, NULL::uuid AS person_id", "judged_households"),
        (compiled.persons, "j.household_id, j.id AS person_id", "judged_persons"),
    ):
        current = [(place, rule) for place, rule in enumerate(rules, 1) if rule is not draft]
        beside = next((place for place, rule in enumerate(rules, 1) if rule is draft), None)
        places = ", ".join(
            f"({place}, {_text(rule.program)},"
            f" {beside if beside is not None and draft is not None and rule.program == draft.program else 'NULL'}::integer)"
            for place, rule in current
        )
        if places:
            sides.append(
                f"SELECT {columns}, j.area, r.program, j.outcomes[r.place] AS code, j.outcomes[r.beside] AS draft_code"
                f" FROM {table} j CROSS JOIN (VALUES {places}) r (place, program, beside)"
            )
    return " UNION ALL ".join(sides)


def _list(*, compared: bool) -> str:
    worth = f"code <> {_INELIGIBLE}"
    if compared:
        worth = f"({worth} OR draft_code <> {_INELIGIBLE})"
    return (
        "INSERT INTO screening_entries (regency, screening_id, n, area, program_code, household_id, person_id, code,"
        " draft_code) SELECT $1, $3, $4::bigint + row_number() OVER (ORDER BY area, household_id, person_id NULLS FIRST,"
        f" program), area, program, household_id, person_id, code, draft_code FROM judged WHERE {worth}"
    )


# In the order of the key, so that two screenings never wait for each other's rows.
_COUNT_UP: Final = f"""
INSERT INTO screening_counts AS c (regency, screening_id, draft, program_code, area, {_LISTED})
SELECT $1, $3, x.draft, x.program, x.area, {_COUNTED} FROM (
    SELECT false AS draft, program, area, code FROM judged
    UNION ALL SELECT true, program, area, draft_code FROM judged WHERE draft_code IS NOT NULL
) x GROUP BY x.draft, x.program, x.area ORDER BY x.draft, x.program, x.area
ON CONFLICT (regency, screening_id, draft, program_code, area) DO UPDATE SET {_ADDED}
"""


def _change(situation: Situation) -> str:
    before, after = _ENTITLED.format(code="u.code"), _ENTITLED.format(code="u.draft_code")
    age = f"date_part('year', age(DATE '{situation.on.isoformat()}', w.birth_date))"
    bands = " ".join(f"WHEN {age} < {limit} THEN '{band}'" for limit, band in _BANDS)
    values = {
        Dimension.TOTAL: "'ALL'",
        Dimension.DESIL: f"coalesce(h.desil::text, '{_UNKNOWN}')",
        Dimension.DISTRICT: "area_code(u.area - u.area % 10000)",
        Dimension.SEX: f"coalesce(w.sex, '{_UNKNOWN}')",
        Dimension.AGE_BAND: f"CASE WHEN w.birth_date IS NULL THEN '{_UNKNOWN}' {bands} ELSE '60+' END",
    }
    listed = ", ".join(f"('{dimension.value}', {value})" for dimension, value in values.items())
    return f"""
INSERT INTO screening_changes AS c (regency, screening_id, dimension, value, area, stays, gains, losses)
SELECT $1, $3, d.dimension, d.value, $5::bigint,
    count(*) FILTER (WHERE {before} AND {after}),
    count(*) FILTER (WHERE NOT {before} AND {after}),
    count(*) FILTER (WHERE {before} AND NOT {after})
FROM judged u
JOIN f_households h ON h.id = u.household_id
LEFT JOIN LATERAL (
    SELECT p.sex, p.birth_date FROM f_persons p WHERE p.household_id = u.household_id
    AND CASE WHEN u.person_id IS NULL THEN p.relation = 'HEAD' ELSE p.id = u.person_id END LIMIT 1
) w ON true
CROSS JOIN LATERAL (VALUES {listed}) d (dimension, value)
WHERE u.draft_code IS NOT NULL GROUP BY d.dimension, d.value ORDER BY d.dimension, d.value
ON CONFLICT (regency, screening_id, dimension, value)
DO UPDATE SET stays = c.stays + excluded.stays, gains = c.gains + excluded.gains, losses = c.losses + excluded.losses
"""


def _text(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
