"""Runs mutated inputs from a seed and watches time and memory.

Input number n of a seed is always the same, and so is the state that it meets: what the inputs before left behind is
forgotten at every multiple of `BATCH`. A finding names the first input of its batch, from which it can be repeated.
"""

import faulthandler
import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from fuzz_targets import (
    ClientTarget,
    ImageTarget,
    LogTarget,
    RecoveryTarget,
    SnapshotTarget,
    Target,
    TxnTarget,
)

BATCH = 200
INPUT_LIMIT_S = 2.0
STUCK_LIMIT_S = 60.0
GROWTH_LIMIT_BYTES = 64 << 20
WARM_BATCHES = 20
MAKERS: dict[str, type[Target]] = {
    "client": ClientTarget, "txn": TxnTarget, "log": LogTarget, "image": ImageTarget, "snapshot": SnapshotTarget,
    "recovery": RecoveryTarget,
}  # fmt: skip
# Of a hundred batches so many go to each.
SHARES = {"client": 62, "txn": 22, "log": 5, "image": 4, "snapshot": 5, "recovery": 2}


@dataclass
class Finding:
    target: str
    seed: int
    number: int
    what: str

    def __str__(self) -> str:
        first = self.number - self.number % BATCH
        count = self.number - first + 1
        return (
            f"{self.target}, input {self.number}: repeat with --seed {self.seed} --start {first} --inputs {count}\n"
            f"{self.what}"
        )


@dataclass
class Result:
    inputs: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    slowest_s: float = 0.0
    growth_bytes: int = 0
    by_target: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def target_of(seed: int, batch: int, only: Sequence[str]) -> str:
    if only:
        return only[batch % len(only)]
    return Random(seed << 40 | batch).choices(list(SHARES), list(SHARES.values()))[0]


class Runner:
    def __init__(self, seed: int, only: Sequence[str] = (), most_findings: int = 10) -> None:
        self.seed = seed
        self.only = only
        self.most_findings = most_findings
        self.result = Result()
        self._targets = {name: make() for name, make in MAKERS.items() if not only or name in only}
        self._warm_bytes = 0

    def run(self, seconds: float | None = None, inputs: int | None = None, start: int = 0) -> Result:
        """Stops after `seconds` or `inputs`, whichever comes first, or once there are too many findings."""
        began, cpu_began = time.perf_counter(), time.process_time()
        batch, left = start // BATCH, inputs if inputs is not None else 1 << 62
        while left > 0 and len(self.result.findings) < self.most_findings:
            self._run_batch(batch, min(BATCH, left))
            left -= BATCH
            batch += 1
            self._watch_memory(batch - start // BATCH)
            self.result.seconds = time.perf_counter() - began
            self.result.cpu_s = time.process_time() - cpu_began
            if seconds is not None and self.result.seconds >= seconds:
                break
        return self.result

    def _run_batch(self, batch: int, count: int) -> None:
        name = target_of(self.seed, batch, self.only)
        target = self._targets[name]
        target.renew()
        faulthandler.dump_traceback_later(STUCK_LIMIT_S, exit=True)
        for number in range(batch * BATCH, batch * BATCH + count):
            self._run_one(name, target, number)
        faulthandler.cancel_dump_traceback_later()
        self.result.inputs += count
        self.result.by_target[name] = self.result.by_target.get(name, 0) + count

    def _run_one(self, name: str, target: Target, number: int) -> None:
        began = time.process_time()
        try:
            target.run(Random(self.seed << 64 | number))
        except Exception:
            self._found(name, number, traceback.format_exc())
            target.renew()
        took_s = time.process_time() - began
        self.result.slowest_s = max(self.result.slowest_s, took_s)
        if took_s > INPUT_LIMIT_S:
            self._found(name, number, f"took {took_s:.1f} s")

    def _watch_memory(self, batches: int) -> None:
        if batches <= WARM_BATCHES:
            self._warm_bytes = resident_bytes()
            return
        self.result.growth_bytes = resident_bytes() - self._warm_bytes
        if self.result.growth_bytes > GROWTH_LIMIT_BYTES:
            self._found("memory", self.result.inputs, f"grew by {self.result.growth_bytes >> 20} MB")
            self._warm_bytes = resident_bytes()

    def _found(self, name: str, number: int, what: str) -> None:
        self.result.findings.append(Finding(name, self.seed, number, what))


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
