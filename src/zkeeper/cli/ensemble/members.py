"""The members of a local ensemble, each a process of its own that runs `zkeeper serve`.

1. What a member prints goes to a file beside its configuration, behind what is there from former runs.
2. The members belong to no terminal: Ctrl-C reaches this tool alone, which asks them to stop.
3. A member that has ended is not started again.
4. When `stop_all` has returned, no process of them is left.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

STOP_S: Final = 10.0
"""How long a member may take to stop before it is killed."""
TAIL_LINES: Final = 10
TAIL_BYTES: Final = 4096

Address = tuple[str, int]
"""Host and port."""


class Member:
    """`host` and `port` are where it serves clients, `listens` all it may listen on. What it prints goes to `log_path`,
    beside its configuration."""

    def __init__(self, sid: int, config_path: str, client: Address, peers: Sequence[Address], data_folder: str) -> None:
        self.sid = sid
        self.config_path = config_path
        self.host, self.port = client
        self.listens = (client, *peers)
        self.data_folder = data_folder
        self.has_answered = False
        self.log_path = os.path.join(os.path.dirname(config_path), "server.log")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the member is not started"
        return self._process.pid

    @property
    def end(self) -> str | None:
        """How its process has ended: `signal 9`, `exit code 1`; None while it runs."""
        code = self._code
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    @property
    def was_killed(self) -> bool:
        """Whether a signal has ended it, of which its log says nothing."""
        return self._code is not None and self._code < 0

    @property
    def _code(self) -> int | None:
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        with open(self.log_path, "ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "zkeeper", "serve", self.config_path),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def wait(self) -> None:
        """Returns when its process is over."""
        assert self._process is not None, "the member is not started"
        await self._process.wait()

    def log_tail(self) -> str:
        """The last lines that it has printed."""
        with open(self.log_path, "rb") as log:
            log.seek(max(0, os.path.getsize(self.log_path) - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    async def stop(self) -> None:
        """Does nothing to one that was not started or has ended."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def stop_all(members: Sequence[Member]) -> None:
    await asyncio.gather(*(member.stop() for member in members))
