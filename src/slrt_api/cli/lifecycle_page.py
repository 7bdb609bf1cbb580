"""`docs/lifecycles.md`: every state machine as a picture and a table. Made from the tables, committed, compared by lint.

The tables are those that drive the steps and `allowed_actions`, so the page cannot tell anything else than what happens.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from slrt_api.cli.refusal import Refusal
from slrt_api.kernel import criteria
from slrt_api.kernel.lifecycle import Lifecycle
from slrt_api.rest.reference import LIFECYCLES

PATH: Final = Path("docs") / "lifecycles.md"
_HEAD: Final = """# State machines

Made by `slrt-api lifecycles page` from the tables that drive the service; `GET /v1/meta/lifecycles/{name}` serves the same.
Every picture shows states and actions; the table beneath tells who may, and what must hold besides. The role `worker` is the
platform itself: no token carries it.
"""


def text() -> str:
    """The page."""
    return "\n".join([_HEAD, *(line for name in sorted(LIFECYCLES) for line in _section(LIFECYCLES[name]))])


def write(root: Path) -> None:
    (root / PATH).write_text(text(), encoding="utf-8")


def check(root: Path) -> None:
    """Raises Refusal where the page is missing or old."""
    try:
        found = (root / PATH).read_text(encoding="utf-8")
    except FileNotFoundError:
        found = ""
    if found != text():
        raise Refusal(f"{PATH} is old: run `slrt-api lifecycles page`, or `make contracts`")


def _section(table: Lifecycle) -> Iterator[str]:
    yield f"## {table.name}"
    yield ""
    yield from _picture(table)
    yield ""
    yield "| from | action | to | roles | must hold |"
    yield "|---|---|---|---|---|"
    for (action, target, roles, guard), sources in _lines(table).items():
        yield f"| {', '.join(sources)} | `{action}` | {target} | {roles} | {guard} |"
    yield ""


def _picture(table: Lifecycle) -> Iterator[str]:
    """Mermaid. An action that leads from nearly everywhere to one end is told once, from a composite of all open states."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {table.states[0].code}"
    open_ = [state.code for state in table.states if not state.terminal]
    ways: dict[tuple[str, str], list[str]] = {}
    for line in table.transitions:
        sources = ways.setdefault((line.action, line.target), [])
        if line.source not in sources:
            sources.append(line.source)
    shared = {way for way, sources in ways.items() if len(open_) > 3 and set(open_) <= set(sources)}
    edges: dict[tuple[str, str], list[str]] = {}
    for (action, target), sources in ways.items():
        for source in [] if (action, target) in shared else sources:
            edges.setdefault((source, target), []).append(action)
    for (source, target), actions in edges.items():
        yield f"    {source} --> {target} : {', '.join(actions)}"
    if shared:
        yield "    state any_open_state <<choice>>"
    for action, target in sorted(shared):
        yield f"    any_open_state --> {target} : {action}"
    for state in table.states:
        if state.terminal:
            yield f"    {state.code} --> [*]"
    yield "```"


def _lines(table: Lifecycle) -> dict[tuple[str, str, str, str], list[str]]:
    """Lines that differ by their source alone, as one."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for line in table.transitions:
        guard = f"`{criteria.describe(line.whole)}`" if line.whole is not None else ""
        if line.reason_required:
            guard = f"{guard}; a reason" if guard else "a reason"
        key = line.action, line.target, ", ".join(sorted(line.roles)), guard
        found.setdefault(key, []).append(line.source)
    return found
