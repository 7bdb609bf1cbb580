"""Commands of the command line: as a process, and within the process of the tests."""

import asyncio
import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from slrt_api import cli

COMMAND = str(Path(sys.executable).parent / "slrt-api")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


async def started(*arguments: str, folder: Path, **variables: str) -> asyncio.subprocess.Process:
    """A process that knows these variables only."""
    return await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(*arguments: str, folder: Path, **variables: str) -> Result:
    process = await started(*arguments, folder=folder, **variables)
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return Result(process.returncode, out.decode(), err.decode())


def within(*arguments: str, folder: Path, **variables: str) -> Result:
    """The same command in this process, by the same entry point."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in os.environ:
            if name.startswith("SLRT_"):
                patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", [COMMAND, *arguments])
        patch.chdir(folder)
        with ThreadPoolExecutor(1) as apart:
            code = apart.submit(_code_of_main).result(120)
    return Result(code, out.getvalue(), err.getvalue())


def _code_of_main() -> int:
    """In a thread of its own, because commands run an event loop of theirs."""
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def copied(data: Path, to: Path) -> None:
    """A copy of a data folder, each file with its owner."""
    subprocess.run(["cp", "-a", data, to], check=True)
