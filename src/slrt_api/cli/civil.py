"""`slrt-api civil-registry-simulator`: a civil registry that knows the people of the demo regency."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn

from slrt_api.cli.refusal import Refusal, readable_settings
from slrt_api.cli.server import bound
from slrt_api.demo.people import generate_families
from slrt_api.households.adapters.civil_simulator import CREDENTIAL, Citizen, simulator
from slrt_api.households.codes import Sex, Standing
from slrt_api.settings import Settings

HOST = "127.0.0.1"
#: every so many people of the demo the registry knows otherwise; looked for in this order
_OTHERWISE = ((31, Standing.DECEASED), (29, Standing.MOVED), (23, Standing.INACTIVE), (19, Standing.DUPLICATE))
#: every so many it knows under another name
_OTHER_NAME = 11


def people() -> dict[str, Citizen]:
    """The people of the demo regency who have a NIK, by NIK; some stand otherwise than they declare, by their number."""
    named = (person for family in generate_families() for person in family.members if person.nik is not None)
    found = {}
    for number, person in enumerate(named, 1):
        standing = next((each for every, each in _OTHERWISE if number % every == 0), Standing.IN_FORCE)
        name = f"{person.name} Anwar" if number % _OTHER_NAME == 0 else person.name
        found[str(person.nik)] = Citizen(name, Sex(person.sex), person.birth_date, standing)
    return found


def run(port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    with readable_settings():
        if Settings().production:
            raise Refusal("SLRT_ENV=production is set: the simulator is for development only")
    with closing(bound(HOST, port)) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        # Whoever reads the address may call at once: from here on calls wait until they are answered.
        listener.listen()
        print(f"civil registry simulator: {address}  credential: {CREDENTIAL}", flush=True)
        uvicorn.Server(uvicorn.Config(simulator(people()), log_config=None, access_log=False)).run(sockets=[listener])


async def serve(listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve beside something else, until `stop` is set."""
    server = _Companion(uvicorn.Config(simulator(people()), log_config=None, access_log=False))
    running = asyncio.ensure_future(server.serve(sockets=[listener]))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait([running, stopped], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopped.cancel()
    await running


class _Companion(uvicorn.Server):
    """A server in whose process another one hears the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
