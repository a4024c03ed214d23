"""Runs `python -m zkeeper ...` as a process while the test's own loop serves it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).parents[3] / "src"
DEADLINE_S = 30.0


class Done(NamedTuple):
    exit_code: int
    out: str
    err: str


async def program(*arguments: str, stdin: bytes = b"") -> Done:
    """Runs it to its end with `stdin` in a pipe."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "zkeeper", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), DEADLINE_S)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())
