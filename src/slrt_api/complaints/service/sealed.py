"""A sealed report as rows: what stands in clear, what its handlers read, and the vault (`complaints.vault`)."""

from typing import Any
from uuid import UUID

from slrt_api.complaints import vault
from slrt_api.complaints.codes import Channel, ComplaintStatus
from slrt_api.complaints.models import Complaint
from slrt_api.complaints.sealed.models import SealedIdentity
from slrt_api.kernel import numbers
from slrt_api.kernel.ids import Kind, new_id, tenant_of
from slrt_api.runtime.actor import RowScope
from slrt_api.runtime.roles import ScopeKind
from slrt_api.runtime.transaction import Transaction

_NOBODY = UUID(int=0)


def report(
    veiled: Transaction, said: dict[str, Any], *, regency: int, area: int, number: numbers.Number, channel: Channel
) -> tuple[Complaint, SealedIdentity]:
    """The rows of a sealed report, made member by member: what a complaint may say besides stays away from its row.

    said  the members of the intake
    """
    id_ = new_id(Kind.COMPLAINT, regency, veiled.now, coarse=True)
    ring = veiled.keyring.sealed
    captured_at = said.get("captured_at") or veiled.now
    complaint = Complaint(
        regency=regency,
        id=id_,
        area=area,
        created_at=veiled.now,
        updated_at=veiled.now,
        number=number.text,
        receipt=number.value,
        status=ComplaintStatus.RECEIVED.value,
        nature=said["nature"],
        category=said["category"],
        subtype=said["subtype"],
        severity_flags=sorted(set(said["severity_flags"])),
        program_code=said["program_code"],
        program_level=said.get("program_level"),
        program_sector=said.get("program_sector"),
        channel=channel.value,
        confidentiality=said["confidentiality"],
        sealed=True,
        summary="",
        **vault.hidden(ring, id_, {name: said.get(name) for name in vault.SAID}),
        accused_person_id=said.get("accused_person_id"),
        accused_organization_id=said.get("accused_organization_id"),
        captured_at=captured_at.replace(hour=0, minute=0, second=0, microsecond=0),
        received_at=veiled.now,
        received_by=veiled.actor.subject,
    )
    identity = SealedIdentity(regency=regency, id=id_, area=area, identity=vault.closed(ring, id_, said))
    return complaint, identity


def shown_to_filer(complaint: Complaint) -> RowScope:
    """The rows under which who filed it with a token is shown the receipt, this once."""
    return RowScope(
        ScopeKind.SEALED,
        tenants=(tenant_of(complaint.id),),
        lo=complaint.area,
        hi=complaint.area,
        organization_id=_NOBODY,
        person_id=_NOBODY,
    )
