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

#: what the AAD of the identity binds besides the id of the report
IDENTITY: Final = "sealed.identity"
#: codes, the place and whom it accuses: in clear, because handling and counting of deadlines read them
CODED: Final = frozenset(
    {
        "nature",
        "category",
        "subtype",
        "severity_flags",
        "program_code",
        "program_level",
        "program_sector",
        "area_code",
        "confidentiality",
        "channel",
        "accused_person_id",
        "accused_organization_id",
        "captured_at",
    }
)
#: of who handles it
SAID: Final = ("summary", "detail")
#: texts of a complaint's row, which a sealed one holds under the keys of sealed reports, in columns of their own
TEXTS: Final = (*SAID, "resolution", "referred_to", "reference_number")
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


def column(name: str) -> str:
    """Where a sealed report holds the text that others hold in the column `name`."""
    return f"sealed_{name}"


def purpose(name: str) -> str:
    """What the AAD of that text binds besides the id of the report."""
    return f"sealed.{name}"


def hidden(ring: Ring, id_: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a report with its texts where a sealed one holds them, and nothing where others do."""
    found = {name: value for name, value in values.items() if name not in TEXTS}
    for name in TEXTS:
        if name in values:
            text = values[name]
            found[column(name)] = None if text is None else ring.encrypt(text, aad(purpose(name), id_))
    return found


def closed(ring: Ring, id_: UUID, command: Mapping[str, Any]) -> bytes:
    """All that an intake says beside its codes and its summary, as one ciphertext of whole blocks."""
    said = {
        name: value
        for name, value in command.items()
        if name not in CODED and name not in SAID and value not in (None, "", [], ())
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
