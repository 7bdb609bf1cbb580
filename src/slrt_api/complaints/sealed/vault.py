"""What a sealed report says in clear, what its handlers read, and what stands in the vault. No I/O.

It is told which members of an intake are codes. Whatever else an intake may say, now or later, is part of the identity and
goes to the vault: a member that somebody adds is not in clear because it was forgotten here.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson

from slrt_api.kernel import errors
from slrt_api.runtime.actor import Actor
from slrt_api.runtime.crypto import Keyring, Ring, aad

#: what the AADs of the ciphertexts bind besides the id of the report
SUMMARY: Final = "sealed.summary"
RESOLUTION: Final = "sealed.resolution"
IDENTITY: Final = "sealed.identity"
#: codes, the place and whom it accuses: in clear, because handling and counting of deadlines read them
CODED: Final = frozenset(
    {
        "nature",
        "category",
        "subtype",
        "severity_flags",
        "program_code",
        "area_code",
        "confidentiality",
        "channel",
        "accused_person_id",
        "accused_organization_id",
        "captured_at",
    }
)
#: of who handles it
SAID: Final = frozenset({"summary"})
#: what leads from the register to the reporter: a sealed report names nobody there but whom it accuses
REFUSED: Final = ("household_id", "subject_person_id")
#: ciphertexts of the vault have lengths of whole blocks
BLOCK: Final = 512
UNIT: Final = "intake_unit"


def faults(command: Mapping[str, Any]) -> list[errors.Fault]:
    """What a sealed report may not say."""
    return [
        errors.Fault(f"/{name}", "sealed_names_nobody", "Leave it out, and say it in the summary.")
        for name in REFUSED
        if command.get(name) is not None
    ]


def sealed_text(ring: Ring, purpose: str, id_: UUID, text: str) -> bytes:
    """A text for those who handle the report."""
    return ring.encrypt(text, aad(purpose, id_))


def closed(ring: Ring, id_: UUID, command: Mapping[str, Any]) -> bytes:
    """All that an intake says beside its codes and its summary, as one ciphertext of whole blocks."""
    said = {
        name: value for name, value in command.items() if name not in CODED | SAID and value not in (None, "", [], ())
    }
    plain = orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)
    return ring.encrypt(plain.ljust(-(-len(plain) // BLOCK) * BLOCK), aad(IDENTITY, id_))


def opened(ring: Ring, id_: UUID, blob: bytes) -> dict[str, Any]:
    """What `closed` was given. Raises DecryptionFailed."""
    identity: dict[str, Any] = orjson.loads(ring.decrypt(blob, aad(IDENTITY, id_)))
    return identity


def intake_unit(keyring: Keyring, actor: Actor, regency: int) -> Actor:
    """Who is named as the author of a sealed intake: the unit that took it, by a pseudonym of this installation.

    The officer's office where the grant names one, else the staff of the regency, or the public.
    """
    office = str(actor.organization_id or actor.rows.kind.value)
    digest = keyring.digest("intake unit", f"{regency}\x1f{office}".encode())
    return Actor(f"unit#{hashlib.sha256(digest).hexdigest()[:24]}", UNIT, frozenset(), actor.rows)
