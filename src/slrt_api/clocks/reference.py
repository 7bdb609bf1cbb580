"""Bring the shipped service levels into the database, so that they are read with those of the regencies.

Clocks are started from the shipped files themselves. A row is known by its id, which follows from what it is; numbers of a
version never change, so only what describes them is renewed.
"""

import asyncpg

from slrt_api.clocks.policies import load_policies

#: who decided what is shipped
DECIDER = "system#reference"
_UPSERT = """
INSERT INTO sla_policies (id, area, version, created_at, updated_at, edition, shipped, policy, policy_version, name, applies_to,
    natures, severity_flag, unit, amount, counts_from, start_events, meets_events, pauses_in, pause_limit, pause_unit,
    warn_percent, warn_minutes, statute, citation, remark, confidence, effective_from, effective_to, ended, decided_by)
VALUES ($1, 0, 0, now(), now(), 0, true, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
    $20, $21, $22, $23, false, $24)
ON CONFLICT (id) DO UPDATE SET statute = excluded.statute, citation = excluded.citation, remark = excluded.remark,
    confidence = excluded.confidence, effective_to = excluded.effective_to, updated_at = now()
WHERE (sla_policies.statute, sla_policies.citation, sla_policies.remark, sla_policies.confidence, sla_policies.effective_to)
    IS DISTINCT FROM
    (excluded.statute, excluded.citation, excluded.remark, excluded.confidence, excluded.effective_to)
"""


async def load(owner: asyncpg.Connection) -> None:
    """Write every shipped policy that is missing, and renew what describes the others."""
    async with owner.transaction():
        for each in load_policies():
            await owner.execute(
                _UPSERT,
                each.id,
                each.policy,
                each.version,
                each.name,
                each.applies_to,
                sorted(each.natures),
                each.severity_flag,
                each.unit.value,
                each.amount,
                each.counts_from.value,
                sorted(each.start_events),
                sorted(each.meets_events),
                sorted(each.pauses_in),
                each.pause_limit,
                each.pause_unit.value if each.pause_unit else None,
                each.warn_percent,
                each.warn_minutes,
                each.statute,
                each.citation,
                each.remark,
                each.confidence.upper(),
                each.effective_from,
                each.effective_to,
                DECIDER,
            )
