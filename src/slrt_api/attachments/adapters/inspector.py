"""Examines a file in a process of its own, which may break without harm: it knows nothing, and is cut off in time."""

import asyncio
import json
import sys
from typing import Final

import structlog

from slrt_api.attachments.codes import Refusal
from slrt_api.attachments.verdict import Location, Verdict

#: by the clock; by the processor's time it is less (`examination.PROCESSOR_SECONDS`)
SECONDS: Final = 60.0
_COMMAND: Final = (sys.executable, "-I", "-m", "slrt_api.attachments.examination")
_log = structlog.get_logger(__name__)


async def inspect(content: bytes, media_type: str, *, keep_location: bool) -> Verdict:
    """The verdict on a file. Whatever breaks the process is refused as `TOO_COSTLY`."""
    head = json.dumps({"media_type": media_type, "keep_location": keep_location}).encode()
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # What a reader of hostile files says may quote them.
        stderr=asyncio.subprocess.DEVNULL,
        # No setting and no secret of this process.
        env={},
    )
    try:
        async with asyncio.timeout(SECONDS):
            told, _ = await process.communicate(head + b"\n" + content)
    except TimeoutError:
        process.kill()
        await process.wait()
        return Verdict(refusal=Refusal.TOO_COSTLY)
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode != 0:
        _log.warning("attachment_broke_its_reader", returncode=process.returncode)
        return Verdict(refusal=Refusal.TOO_COSTLY)
    line, _, kept = told.partition(b"\n")
    answer = json.loads(line)
    if answer["refusal"] is not None:
        return Verdict(refusal=Refusal(answer["refusal"]))
    if answer["size"] != len(kept):
        return Verdict(refusal=Refusal.TOO_COSTLY)
    location = Location(**answer["location"]) if answer["location"] else None
    return Verdict(kept, location=location)
