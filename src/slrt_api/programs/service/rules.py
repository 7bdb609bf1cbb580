"""The rules in force on a day, as the regency reads them."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from slrt_api.kernel import errors
from slrt_api.programs.criteria import Dated, Rule, chosen, sharing
from slrt_api.programs.models import RuleVersion
from slrt_api.programs.recording import Judgement, digest
from slrt_api.runtime.transaction import Transaction

#: parsed rules: what was published never changes, so that it is read once by each process
_CACHE: Final[OrderedDict[UUID, tuple[str, Rule]]] = OrderedDict()
_CACHE_SIZE: Final = 500
#: and as they stand with variants of a regency
_CHOSEN: Final[dict[tuple[UUID, tuple[str, ...]], Rule]] = {}
#: their criteria, equal ones once
_POOL: Final[dict[Dated, Dated]] = {}
_POOL_SIZE: Final = 20_000
#: $1 day, $2 codes of programs or NULL, $3 area, $4 regency, whose newest choice of variants stands beside
_IN_FORCE: Final = """
SELECT p.code, v.id, (SELECT c.variants FROM variant_choices c
                     WHERE c.regency = $4 AND c.program_code = p.code AND c.valid_from <= $1
                     ORDER BY c.valid_from DESC LIMIT 1) AS variants
FROM programs p
LEFT JOIN rule_versions v ON v.program_id = p.id AND v.status IN ('PUBLISHED', 'SUPERSEDED')
    AND v.valid_from <= $1 AND (v.valid_to IS NULL OR v.valid_to >= $1)
WHERE ($2::text[] IS NULL AND v.id IS NOT NULL AND (p.area = 0 OR $3::bigint BETWEEN p.area AND p.area +
       CASE WHEN p.area % 100000000 = 0 THEN 99999999 WHEN p.area % 1000000 = 0 THEN 999999
            WHEN p.area % 10000 = 0 THEN 9999 ELSE 0 END))
   OR p.code IN (SELECT unnest($2::text[]))
ORDER BY p.code
"""


async def in_force(
    tx: Transaction, regency: int, area: int, on: date, programs: Sequence[str] | None
) -> tuple[Judgement, ...]:
    """The rules to judge by on a day, each with the variants of the regency; of `programs`, in that order, or of all.

    None  all programs with a version in force that are of the nation or of an area that holds `area`, by their codes
    A program without a version in force has a judgement without a rule. Raises Invalid for a code that no program has.
    """
    async with tx.effect(regency):
        found = {row["code"]: row for row in await tx.fetch(_IN_FORCE, on, programs, area, regency)}
        rules = await _rules(tx, {row["id"] for row in found.values() if row["id"] is not None})
    wanted = list(found) if programs is None else list(programs)
    faults = tuple(
        errors.Fault(f"/program_codes/{place}", "reference_not_found", "Give the code of a program.")
        for place, code in enumerate(wanted)
        if code not in found
    )
    if faults:
        raise errors.Invalid(faults=faults)
    judgements = []
    for code in wanted:
        id_ = found[code]["id"]
        if id_ is None:
            judgements.append(Judgement(code, None, None, (), None))
            continue
        digest_, rule = rules[id_]
        # A variant of an earlier version that this one has no more changes nothing.
        mine = tuple(sorted({each.code for each in rule.variants}.intersection(found[code]["variants"] or ())))
        judgements.append(Judgement(code, id_, digest_, mine, _with(id_, rule, mine)))
    return tuple(judgements)


async def kept(tx: Transaction, recorded: Sequence[Mapping[str, Any]]) -> tuple[Judgement, ...]:
    """The rules that a check was judged by, as it recorded them: withdrawn or not.

    Raises Conflict `rule_altered` where a version is not what it was: then nothing can be repeated by it.
    """
    rules = await _rules(tx, {UUID(each["version_id"]) for each in recorded if each["version_id"] is not None})
    judgements = []
    for each in recorded:
        if each["version_id"] is None:
            judgements.append(Judgement(each["program_code"], None, None, (), None))
            continue
        id_, variants = UUID(each["version_id"]), tuple(each["variants"])
        digest_, rule = rules.get(id_, (None, None))
        if rule is None or digest_ != each["digest"]:
            raise errors.Conflict("rule_altered")
        judgements.append(Judgement(each["program_code"], id_, digest_, variants, _with(id_, rule, variants)))
    return tuple(judgements)


def recorded(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """What a check keeps of the rules that it was judged by."""
    return [
        {
            "program_code": each.program,
            "version": None if each.rule is None else each.rule.version,
            "version_id": None if each.version_id is None else str(each.version_id),
            "digest": each.digest,
            "variants": list(each.variants),
        }
        for each in judgements
    ]


def _with(id_: UUID, rule: Rule, variants: tuple[str, ...]) -> Rule:
    """The rule of a version as it stands with these variants: the same object each time, by which the evaluation knows it."""
    if not variants:
        return rule
    found = _CHOSEN.get((id_, variants))
    if found is None:
        if len(_CHOSEN) >= _CACHE_SIZE:
            _CHOSEN.clear()
        found = _CHOSEN[id_, variants] = chosen(rule, frozenset(variants))
    return found


async def _rules(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, tuple[str, Rule]]:
    """The rules of published versions, each with its digest; those that this process has not read yet are read.

    Raises Conflict `rule_altered` for one that is not what its digest says.
    """
    found = {id_: _CACHE[id_] for id_ in ids if id_ in _CACHE}
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        for version in await tx.rows(RuleVersion, "id = ANY ($1::uuid[])", missing):
            if digest(version.rule) != version.digest:
                raise errors.Conflict("rule_altered")
            if len(_POOL) > _POOL_SIZE:
                # What was shared stays so; only later rules no longer find it.
                _POOL.clear()
            rule = sharing(Rule.model_validate(version.rule), _POOL)
            found[version.id] = _CACHE[version.id] = (version.digest, rule)
        while len(_CACHE) > _CACHE_SIZE:
            _CACHE.popitem(last=False)
    return found
