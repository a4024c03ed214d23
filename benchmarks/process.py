"""What the kernel says of a process: memory and CPU time, read from /proc, children included."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from figures import BenchError

QUIET_STEP_S = 0.5
QUIET_CPU_SHARE = 0.1
QUIET_STEPS = 3
QUIET_LIMIT_S = 120.0


@dataclass(frozen=True)
class Memory:
    """Resident memory in MB (of 10**6 bytes): all of it, and with shared pages divided among their users."""

    rss_mb: float
    pss_mb: float


def _family(pid: int) -> list[int]:
    pids = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            pids += _family(int(child))
    return pids


def _rollup_kb(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise BenchError(f"the kernel does not tell {key} of process {pid}")


def memory(*servers: int) -> Memory:
    """Memory of these processes and their descendants, now."""
    pids = [pid for server in servers for pid in _family(server)]
    rss_kb, pss_kb = (sum(_rollup_kb(one, key) for one in pids) for key in ("Rss", "Pss"))
    return Memory(rss_kb * 1024 / 1e6, pss_kb * 1024 / 1e6)


def cpu_s(pid: int) -> float:
    """User and system time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _machine_cpu_s() -> float:
    """Time that all cores together were not idle, in seconds; time stolen by a hypervisor counts as well."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class ForeignLoad:
    """How much of the machine was used by others from construction until `share()` is asked.

    Ours are the servers and the load generators, which are children of this process and have ended by then.
    """

    def __init__(self, server_pids: list[int]) -> None:
        self._pids = server_pids
        self._started_at = time.perf_counter()
        self._before = self._foreign_cpu_s()

    def _foreign_cpu_s(self) -> float:
        own = resource.getrusage(resource.RUSAGE_SELF)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours_s = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime + sum(map(cpu_s, self._pids))
        return _machine_cpu_s() - ours_s

    def share(self) -> float:
        """Foreign use as a share of all cores, 0 to 1."""
        available_s = (time.perf_counter() - self._started_at) * (os.cpu_count() or 1)
        return max(0.0, (self._foreign_cpu_s() - self._before) / available_s)


def await_quiet(pid: int) -> None:
    """Returns once a process has done next to nothing for a while: no snapshot, no collection under way."""
    deadline, before, quiet_steps = time.monotonic() + QUIET_LIMIT_S, cpu_s(pid), 0
    while quiet_steps < QUIET_STEPS:
        if time.monotonic() > deadline:
            raise BenchError(f"the server was still busy after {QUIET_LIMIT_S:.0f} s without load")
        time.sleep(QUIET_STEP_S)
        now = cpu_s(pid)
        quiet_steps = quiet_steps + 1 if now - before < QUIET_CPU_SHARE * QUIET_STEP_S else 0
        before = now
