"""Ten programs judged by a peer, in a Python of its own: `python eligibility_peers.py openfisca|zen URL HOUSEHOLDS`.

Each gets the way that suits it. OpenFisca gets columns of integers by binary COPY, which numpy reads without a loop, and judges
all at once; zen gets a household with its members at a time, and one graph with an expression a program, compiled before. Both
know yes and no only: -1 stands for what is not known, and is a no. Prints seconds with loading, and who was eligible.
"""

import asyncio
import json
import sys
from time import perf_counter
from typing import Any

import asyncpg
import numpy as np

TENANT = 3326
DAY = 20261122
FINDINGS = (
    *("civil_servant", "military_or_police", "state_pensioner", "state_official", "state_enterprise_staff"),
    *("village_official", "certified_professional", "program_facilitator", "company_owner", "wage_at_least_minimum"),
    *("gambling_flag", "high_balance_flag"),
)
#: yes, no or not known: 1, 0, -1
FLAGS = (
    *FINDINGS,
    *("pregnant", "postpartum", "in_school", "severe_disability", "rights_violation_victim", "local_resident"),
    *("insurance_unpaid", "disability", "business_owner", "farmer_registered"),
)
#: name -> SQL of an integer
PERSON = {
    "household": "(('x' || right(replace(household_id::text, '-', ''), 8))::bit(32))::int",
    **{name: f"coalesce({name}::int, -1)" for name in FLAGS},
    "employment": "coalesce(employment_status::int, -1)",
    "nik": "CASE nik_status WHEN 'MATCHED' THEN 0 WHEN 'PARTIAL' THEN 0 WHEN 'NOT_MATCHED_YET' THEN 0 WHEN 'MOVED' THEN 0"
    " WHEN 'NIK_ANOMALOUS' THEN 0 ELSE CASE WHEN nik_status IS NULL THEN -1 ELSE 1 END END",
    "born": "coalesce(to_char(birth_date, 'YYYYMMDD')::int, -1)",
    "school": "coalesce(array_position(ARRAY['KINDERGARTEN', 'PRIMARY', 'JUNIOR_SECONDARY', 'SENIOR_SECONDARY',"
    " 'VOCATIONAL_SECONDARY', 'HIGHER'], school_level), -1)",
    "insurance": "coalesce(array_position(ARRAY['NONE', 'PBI', 'PBPU_REGION', 'PBPU', 'PPU', 'OTHER'], insurance_segment), -1)",
    "business_months": "coalesce(business_months, -1)",
    "farmland": "coalesce(farmland_square_meters, -1)",
}
HOUSEHOLD = {
    "household": "(('x' || right(replace(id::text, '-', ''), 8))::bit(32))::int",
    "desil": "coalesce(desil, -1)",
    "owns_house": "coalesce(owns_house::int, -1)",
    "house_unfit": "coalesce(house_unfit::int, -1)",
    "meter_va": "coalesce(meter_va, -1)",
    "meter_count": "coalesce(meter_count, -1)",
    "listed": "CASE WHEN registry_status = 'IN_REGISTRY' THEN 1 ELSE 0 END",
    "assisted": "CASE WHEN EXISTS (SELECT FROM facts_enrollments e WHERE e.regency = 3326"
    " AND e.household_id = h.id AND e.person_id IS NULL AND e.program IN ('PKH', 'SEMBAKO') AND e.started_on <= '2026-11-22'"
    " AND (e.ended_on IS NULL OR e.ended_on >= '2026-11-22')) THEN 1 ELSE 0 END",
}
HOUSEHOLDS = f"SELECT {', '.join(HOUSEHOLD.values())} FROM facts_households h WHERE regency = {TENANT} ORDER BY id"
PERSONS = (
    f"SELECT {', '.join(PERSON.values())} FROM facts_persons WHERE regency = {TENANT} AND household_id IN"
    f" (SELECT id FROM facts_households WHERE regency = {TENANT} ORDER BY id LIMIT {{limit}}) ORDER BY household_id, id"
)
FAMILIES = ("PKH", "SEMBAKO", "LISTRIK-SUBSIDI", "RUTILAHU")
PEOPLE = ("PBPU-PEMDA", "SEKOLAH-RAKYAT", "PERMAKANAN", "PENA", "KUR", "PUPUK")


async def columns(connection: asyncpg.Connection, query: str, names: dict[str, str]) -> dict[str, Any]:
    """Integers of a query by column, from binary COPY: a row is its number of fields, then length and value of each."""
    parts: list[bytes] = []

    async def keep(data: bytes) -> None:
        parts.append(data)

    await connection.copy_from_query(query, output=keep, format="binary")
    row = np.dtype([("fields", ">i2"), *((f"{name}_{part}", ">i4") for name in names for part in ("length", "value"))])
    table = np.frombuffer(b"".join(parts)[19:-2], dtype=row)
    return {name: table[f"{name}_value"].astype(np.int32) for name in names}


async def openfisca(url: str, limit: int) -> dict[str, Any]:
    from openfisca_core.entities import build_entity  # noqa: PLC0415
    from openfisca_core.periods import DateUnit  # noqa: PLC0415
    from openfisca_core.simulation_builder import SimulationBuilder  # noqa: PLC0415
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem  # noqa: PLC0415
    from openfisca_core.variables import Variable  # noqa: PLC0415

    person = build_entity("person", "persons", "", is_person=True)
    household = build_entity("household", "households", "", roles=[{"key": "member", "plural": "members"}])
    system = TaxBenefitSystem([person, household])

    def variable(name: str, entity: Any, kind: type, formula: Any = None) -> None:
        body = {"value_type": kind, "entity": entity, "definition_period": DateUnit.MONTH, "label": name}
        if formula is not None:
            body["formula"] = formula
        system.add_variable(type(name, (Variable,), body))

    for name in PERSON:
        variable(name, person, int)
    for name in HOUSEHOLD:
        if name != "household":
            variable(name, household, int)

    def component(p: Any, t: Any) -> Any:
        born, school = p("born", t), p("school", t)
        young = (born > 20191122) & (born <= DAY)
        pupil = (p("in_school", t) == 1) & (school >= 2) & (school <= 5)
        flags = [p(name, t) == 1 for name in ("pregnant", "postpartum", "severe_disability", "rights_violation_victim")]
        return young | pupil | np.logical_or.reduce(flags) | ((born > 0) & (born <= 19661122))

    def finding(p: Any, t: Any) -> Any:
        flags = [p(name, t) == 1 for name in FINDINGS]
        return np.logical_or.reduce(flags) | (p("employment", t) == 5) | (p("nik", t) == 1)

    variable("component", person, bool, component)
    variable("finding", person, bool, finding)
    variable("found", household, bool, lambda h, t: h.any(h.members("finding", t)))
    variable("size", household, int, lambda h, t: h.nb_persons())
    variable("poor", household, bool, lambda h, t: (h("desil", t) >= 1) & (h("desil", t) <= 4))
    formulas: dict[str, tuple[Any, Any]] = {
        "PKH": (household, lambda h, t: h("poor", t) & h.any(h.members("component", t)) & ~h("found", t)),
        "SEMBAKO": (household, lambda h, t: h("poor", t) & ~h("found", t)),
        "LISTRIK-SUBSIDI": (
            household,
            lambda h, t: (
                ((h("meter_va", t) == 450) | ((h("meter_va", t) == 900) & (h("listed", t) == 1) & h("poor", t)))
                & (h("meter_count", t) < 2)
            ),
        ),
        "RUTILAHU": (
            household,
            lambda h, t: h("poor", t) & (h("owns_house", t) == 1) & (h("house_unfit", t) == 1) & ~h("found", t),
        ),
        "PBPU-PEMDA": (
            person,
            lambda p, t: (
                (p("local_resident", t) == 1)
                & ((p("insurance", t) == 1) | ((p("insurance", t) == 4) & (p("insurance_unpaid", t) == 1)))
            ),
        ),
        "SEKOLAH-RAKYAT": (
            person,
            lambda p, t: (p.household("desil", t) >= 1) & (p.household("desil", t) <= 2) & (p("born", t) > 20081122),
        ),
        "PERMAKANAN": (
            person,
            lambda p, t: (
                (p.household("size", t) < 2)
                & (((p("born", t) > 0) & (p("born", t) <= 19511122)) | (p("disability", t) == 1))
                & ~p.household("found", t)
            ),
        ),
        "PENA": (
            person,
            lambda p, t: (
                (p.household("assisted", t) == 1)
                & (p("born", t) > 19851122)
                & (p("born", t) <= 20061122)
                & (p("business_owner", t) == 1)
                & ~p.household("found", t)
            ),
        ),
        "KUR": (person, lambda p, t: (p("business_months", t) >= 6) & (p("civil_servant", t) != 1)),
        "PUPUK": (
            person,
            lambda p, t: (p("farmer_registered", t) == 1) & (p("farmland", t) >= 0) & (p("farmland", t) <= 20000),
        ),
    }
    for code, (entity, formula) in formulas.items():
        variable(code.replace("-", "_"), entity, bool, formula)

    connection = await asyncpg.connect(url)
    began = perf_counter()
    families = await columns(connection, HOUSEHOLDS, HOUSEHOLD)
    people = await columns(connection, PERSONS.format(limit=limit), PERSON)
    loaded = perf_counter() - began
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("person", np.arange(len(people["household"])))
    group = builder.declare_entity("household", families["household"])
    builder.join_with_persons(group, people["household"], roles=np.full(len(people["household"]), "member"))
    simulation = builder.build(system)
    for name, values in people.items():
        simulation.set_input(name, "2026-11", values)
    for name, values in families.items():
        if name != "household":
            simulation.set_input(name, "2026-11", values)
    eligible = {code: int(simulation.calculate(code.replace("-", "_"), "2026-11").sum()) for code in formulas}
    seconds = perf_counter() - began
    await connection.close()
    return {
        "seconds": seconds,
        "evaluations": len(families["desil"]) * len(formulas),
        "eligible": eligible,
        "told": f"openfisca-core 46.0.1, vectorized, one process; {loaded:.1f} of {seconds:.1f} s is loading",
    }


_FLAG_WORDS = " or ".join(f"#.{name} == 1" for name in FINDINGS)
_FOUND = f"some(members, {_FLAG_WORDS} or #.employment == 5 or #.nik == 1)"
_COMPONENT = (
    "some(members, #.pregnant == 1 or #.postpartum == 1 or #.severe_disability == 1 or #.rights_violation_victim == 1"
    " or (#.born > 20191122 and #.born <= 20261122) or (#.born > 0 and #.born <= 19661122)"
    " or (#.in_school == 1 and #.school >= 2 and #.school <= 5))"
)
_POOR = "desil >= 1 and desil <= 4"
EXPRESSIONS = {
    "found": _FOUND,
    "PKH": f"{_POOR} and {_COMPONENT} and not($.found)",
    "SEMBAKO": f"{_POOR} and not($.found)",
    "LISTRIK-SUBSIDI": f"(meter_va == 450 or (meter_va == 900 and listed == 1 and {_POOR})) and meter_count < 2",
    "RUTILAHU": f"{_POOR} and owns_house == 1 and house_unfit == 1 and not($.found)",
    "PBPU-PEMDA": "count(members, #.local_resident == 1"
    " and (#.insurance == 1 or (#.insurance == 4 and #.insurance_unpaid == 1)))",
    "SEKOLAH-RAKYAT": "desil >= 1 and desil <= 2 ? count(members, #.born > 20081122) : 0",
    "PERMAKANAN": "len(members) < 2 and not($.found)"
    " ? count(members, (#.born > 0 and #.born <= 19511122) or #.disability == 1) : 0",
    "PENA": "assisted == 1 and not($.found)"
    " ? count(members, #.born > 19851122 and #.born <= 20061122 and #.business_owner == 1) : 0",
    "KUR": "count(members, #.business_months >= 6 and #.civil_servant != 1)",
    "PUPUK": "count(members, #.farmer_registered == 1 and #.farmland >= 0 and #.farmland <= 20000)",
}


async def zen(url: str, limit: int) -> dict[str, Any]:
    import zen as engine  # noqa: PLC0415

    named = [{"id": key, "key": key.replace("-", "_"), "value": value} for key, value in EXPRESSIONS.items()]
    graph = {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in"},
            {
                "id": "rules",
                "type": "expressionNode",
                "name": "rules",
                "content": {"expressions": named},
            },
            {"id": "out", "type": "outputNode", "name": "out"},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "rules", "type": "edge"},
            {"id": "b", "sourceId": "rules", "targetId": "out", "type": "edge"},
        ],
    }
    decision = engine.ZenEngine().create_decision(json.dumps(graph))
    connection = await asyncpg.connect(url)
    began = perf_counter()
    families = await connection.fetch(f"{HOUSEHOLDS} LIMIT {limit}")
    people = await connection.fetch(PERSONS.format(limit=limit))
    members: dict[int, list[dict[str, Any]]] = {}
    for row in people:
        members.setdefault(row[0], []).append(dict(zip(PERSON, row, strict=True)))
    loaded = perf_counter() - began
    eligible = dict.fromkeys((*FAMILIES, *PEOPLE), 0)
    for row in families:
        context = {**dict(zip(HOUSEHOLD, row, strict=True)), "members": members.get(row[0], [])}
        result = decision.evaluate(context)["result"]
        for code in eligible:
            eligible[code] += int(result[code.replace("-", "_")])
    seconds = perf_counter() - began
    await connection.close()
    return {
        "seconds": seconds,
        "evaluations": len(families) * len(eligible),
        "eligible": eligible,
        "told": f"zen-engine 2.1.3, {len(families)} households one after the other, one process;"
        f" {loaded:.1f} of {seconds:.1f} s is loading",
    }


if __name__ == "__main__":
    judge = {"openfisca": openfisca, "zen": zen}[sys.argv[1]]
    print(json.dumps(asyncio.run(judge(sys.argv[2], int(sys.argv[3])))))
