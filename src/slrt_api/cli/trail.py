"""`slrt-api audit verify`: is the audit trail what the acts have written?"""

import asyncio
from pathlib import Path

from slrt_api.audit import verify
from slrt_api.cli import databases
from slrt_api.cli.refusal import Refusal


def verify_command(regency: int | None, data_dir: Path) -> None:
    """Tell one line a tenant, and one a flaw. Raises Refusal where there is any flaw, or no such tenant."""
    reports = asyncio.run(_reports(databases.owner_url(data_dir), regency))
    if regency is not None and not reports:
        raise Refusal(f"no event of tenant {regency}")
    for report in reports:
        verdict = "intact" if report.intact else f"{len(report.findings)} flaws"
        print(f"{report.regency:04d}: {report.events} events of {report.resources} resources: {verdict}")
        for found in report.findings:
            print(f"  {found.aggregate_id} {found.sequence} {found.flaw} {found.detail}".rstrip())
    if not all(report.intact for report in reports):
        raise Refusal("the audit trail is not what the acts have written")


async def _reports(url: str, regency: int | None) -> list[verify.Report]:
    owner = await databases.connected(url)
    try:
        wanted = [number for number in await verify.tenants(owner) if regency in {None, number}]
        return [await verify.verify(owner, number) for number in wanted]
    finally:
        await owner.close()
