"""The object store: a folder of this machine, or a bucket that speaks S3. Holds ciphertext under random names only."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from slrt_api.kernel import errors
from slrt_api.settings import Settings

if TYPE_CHECKING:
    from obstore.store import S3Config

#: a request waits for the store no longer than this
TIMEOUT: Final = timedelta(seconds=10)
CONNECT_TIMEOUT: Final = timedelta(seconds=3)
_RETRY_SECONDS: Final = 5
_log = structlog.get_logger(__name__)


class Store:
    """Objects by name. Raises Unavailable `attachments_unavailable` where the store does not answer."""

    def __init__(self, objects: LocalStore | S3Store) -> None:
        self._objects = objects

    async def put(self, name: str, content: bytes) -> None:
        with _answering(absent=False):
            await obstore.put_async(self._objects, name, content)

    async def get(self, name: str, begin: int | None = None, end: int | None = None) -> bytes:
        """The object, or its bytes from `begin` to before `end`. Raises FileNotFoundError where there is none."""
        with _answering():
            if begin is not None and end is not None:
                return bytes(await obstore.get_range_async(self._objects, name, start=begin, end=end))
            found = await obstore.get_async(self._objects, name)
            return bytes(await found.bytes_async())

    async def delete(self, *names: str) -> None:
        """Delete objects; one that is not there is as good as deleted."""
        for name in names:
            try:
                with _answering():
                    await obstore.delete_async(self._objects, name)
            except FileNotFoundError:
                continue

    async def names(self, prefix: str) -> list[str]:
        """Names of the objects below `prefix`, in order."""
        with _answering(absent=False):
            return sorted([found["path"] async for page in obstore.list(self._objects, prefix) for found in page])


@contextmanager
def _answering(*, absent: bool = True) -> Iterator[None]:
    """Tell a store that fails from an object that is not there.

    absent  whether an object may be absent; where none is asked for, it is the bucket that is not there
    """
    try:
        yield
    except (BaseError, OSError) as error:
        if absent and isinstance(error, FileNotFoundError):
            raise
        # Its text may quote addresses and the answer of the store: the kind of the error has to do.
        _log.warning("object_store_failed", error=type(error).__name__)
        raise errors.Unavailable("attachments_unavailable", retry_after_seconds=_RETRY_SECONDS) from None


def configured(settings: Settings) -> Store | None:
    """The store of the settings; None where there is neither a bucket nor a folder for data."""
    url = settings.attachments_url
    if url is None:
        if settings.data_dir is None:
            return None
        return Store(_folder(Path(settings.data_dir) / "attachments"))
    scheme, _, place = url.partition("://")
    if scheme == "file":
        return Store(_folder(Path(place)))
    bucket, _, prefix = place.partition("/")
    config: S3Config = {"bucket": bucket, "region": settings.attachments_region}
    if settings.attachments_endpoint is not None:
        config["endpoint"] = settings.attachments_endpoint
    if settings.attachments_access_key is not None and settings.attachments_secret_key is not None:
        config["access_key_id"] = settings.attachments_access_key
        config["secret_access_key"] = settings.attachments_secret_key.get_secret_value()
    plain = (settings.attachments_endpoint or "").startswith("http:")
    return Store(
        S3Store(
            prefix=prefix or None,
            config=config,
            client_options={"timeout": TIMEOUT, "connect_timeout": CONNECT_TIMEOUT, "allow_http": plain},
            retry_config={"max_retries": 2, "retry_timeout": TIMEOUT},
        )
    )


def _folder(path: Path) -> LocalStore:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(path)
