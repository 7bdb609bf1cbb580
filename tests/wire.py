"""A door before PostgreSQL that counts what goes through it: the statements of a request, as the server gets them."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

#: messages of the client that make the server do something: simple query, parse, bind, execute
_COUNTED = {b"Q": "query", b"P": "parse", b"B": "bind", b"E": "execute"}


@dataclass
class Wire:
    """The URL of the door, and the messages counted since `counted` was last cleared."""

    url: str
    counted: Counter[str] = field(default_factory=Counter)

    async def quiet(self) -> None:
        """Wait until nothing has come through for a while."""
        before = None
        while before != self.counted:
            before = Counter(self.counted)
            await asyncio.sleep(0.1)


@asynccontextmanager
async def wiretap(url: str) -> AsyncIterator[Wire]:
    """Listen on a socket of its own and pass everything on to the server of `url` (on a UNIX socket)."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    port = int(query.get("port") or parts.port or 5432)
    behind = Path(query["host"]) / f".s.PGSQL.{port}"
    with tempfile.TemporaryDirectory(prefix="slrt-wire-") as folder:
        given = "&".join(
            f"{name}={quote(value, safe='')}" for name, value in ({**query, "host": folder, "port": str(port)}).items()
        )
        wire = Wire(parts._replace(query=given).geturl())
        writers: list[asyncio.StreamWriter] = []

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server_reader, server_writer = await asyncio.open_unix_connection(behind)
            writers.extend((writer, server_writer))
            await asyncio.gather(
                _copy(server_reader, writer), _count(reader, server_writer, wire.counted), return_exceptions=True
            )

        server = await asyncio.start_unix_server(connected, Path(folder) / f".s.PGSQL.{port}")
        try:
            yield wire
        finally:
            server.close()
            for writer in writers:
                writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: Counter[str]) -> None:
    """Pass the client's messages on, one by one. The first has no type byte."""
    try:
        kind = b""
        while True:
            length = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(length, "big") - 4)
            if kind in _COUNTED:
                counted[_COUNTED[kind]] += 1
            writer.write(kind + length + body)
            await writer.drain()
            kind = await reader.readexactly(1)
    except asyncio.IncompleteReadError:
        writer.close()
