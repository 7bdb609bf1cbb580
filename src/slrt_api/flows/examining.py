"""The worker's rounds over attachments: drop uploads that nobody completed, examine what arrived, clean the store.

Any number of workers may do it at once. What is due is taken up in one statement that skips what others hold, and is out of
their sight until its lease ends; files are fetched, examined and kept with no transaction open; then one act writes what came
of it, if nothing else has. A worker that dies in between loses its time and no file.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import orjson
import structlog

from slrt_api.attachments.adapters.inspector import inspect
from slrt_api.attachments.adapters.store import Store
from slrt_api.attachments.codes import Refusal
from slrt_api.attachments.frames import Cipher
from slrt_api.attachments.names import file_of, parts_of
from slrt_api.attachments.service import examining
from slrt_api.attachments.service.examining import Examined, Material
from slrt_api.flows.upkeep import WORKER
from slrt_api.kernel import errors
from slrt_api.runtime.crypto import DecryptionFailed
from slrt_api.runtime.traces import current_trace_id
from slrt_api.runtime.usecase import Act, Platform

#: how long an attachment belongs to the worker that took it up; an examination is cut off long before
LEASE: Final = timedelta(minutes=5)
#: after which a round begins nothing new: a worker that is to stop waits for the end of its round
ROUND_SECONDS: Final = 10.0
_TAKE: Final = """
UPDATE attachment_tasks SET due_at = $2 WHERE (regency, id) = (
    SELECT regency, id FROM attachment_tasks WHERE due_at <= $1
    ORDER BY due_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
) RETURNING id, task
"""

_log = structlog.get_logger(__name__)


def of(store: Store) -> Callable[[Platform], Awaitable[int]]:
    """The job over the attachments whose objects lie in `store`. Returns how many it took up."""

    async def examine(platform: Platform) -> int:
        taken_up, until = 0, time.monotonic() + ROUND_SECONDS
        while time.monotonic() < until:
            now = platform.clock()
            async with platform.database.transaction(WORKER.rows, write=True) as connection:
                taken = await connection.fetchrow(_TAKE, now, now + LEASE)
            if taken is None:
                break
            taken_up += 1
            try:
                await _STEPS[taken["task"]](Act(platform, WORKER, current_trace_id()), store, taken["id"])
            except errors.SlrtError as error:
                # It is due again when the lease ends.
                _log.warning("attachment_left", code=error.code, attachment_id=str(taken["id"]), task=taken["task"])
        return taken_up

    return examine


async def _expire(act: Act, store: Store, id_: UUID) -> None:
    await act(examining.expire, on=id_)


async def _examine(act: Act, store: Store, id_: UUID) -> None:
    found: Material | None = await act.ask(examining.material, on=id_)
    if found is None:
        return
    verdict = await _judged(act, store, id_, found)
    answer = await act(examining.record, verdict, on=id_)
    if verdict.refusal is None and not orjson.loads(answer.body)["kept"]:
        # It was withdrawn meanwhile, and cleaned perhaps before this file was there.
        await store.delete(file_of(found.object))


async def _judged(act: Act, store: Store, id_: UUID, found: Material) -> Examined:
    """Fetch, examine and keep. Raises Unavailable where the store does not answer."""
    try:
        cipher = Cipher(act.platform.keyring, found.key)
    except DecryptionFailed:
        # A key that this worker does not hold is no fault of the file: to refuse it would destroy it.
        act.platform.reads.alarm(found.key.key_id)
        raise errors.Unavailable("attachments_unavailable") from None
    try:
        content = b"".join([cipher.open_part(await store.get(part.object), part.starts) for part in found.parts])
    except (DecryptionFailed, FileNotFoundError) as error:
        # Altered in the store, or lost there: what was sent is not what lies there. That the whole store is lost, or another one
        # than before, is an outage: then this raises.
        await store.names(parts_of(found.object))
        _log.warning("attachment_damaged", error=type(error).__name__, attachment_id=str(id_))
        return Examined(refusal=Refusal.DIGEST_MISMATCH)
    if len(content) != found.size or examining.digest_of(content) != found.digest:
        return Examined(refusal=Refusal.DIGEST_MISMATCH)
    verdict = await inspect(content, found.media_type, keep_location=found.keep_location)
    if verdict.refusal is not None:
        return Examined(refusal=verdict.refusal)
    await store.put(file_of(found.object), cipher.seal(verdict.content))
    return Examined(size=len(verdict.content), digest=examining.digest_of(verdict.content), location=verdict.location)


async def _clean(act: Act, store: Store, id_: UUID) -> None:
    name, whole = await act.ask(examining.litter, on=id_)
    await store.delete(*await store.names(parts_of(name)))
    if whole:
        await store.delete(file_of(name))
    await act(examining.cleaned, on=id_)


_STEPS: Final[dict[str, Callable[[Act, Store, UUID], Awaitable[None]]]] = {
    "UPLOAD": _expire,
    "EXAMINE": _examine,
    "CLEAN": _clean,
}
