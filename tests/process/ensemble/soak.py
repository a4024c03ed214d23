"""Kill, pause and part the members of an ensemble under load: `python -m process.ensemble.soak --minutes 30`.

(PYTHONPATH: src and tests.) A soak goes on in chapters (`chapter.py`) until the time is over. What is drawn follows
from the seed; when things happen is the machine's. With `--kinds JJJ` it runs on Apache ZooKeeper, which tests it.
"""

import argparse
import asyncio
import logging
import pickle
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interop.ensembles.ensemble import Ensemble, ended
from interop.ensembles.kinds import kinds
from interop.ensembles.layout import Layout, new_addresses

from .chapter import Chapter
from .faults import Faults
from .relays import Relays, run_relays

SETTINGS = {
    "snapCount": "1000", "autopurge.purgeInterval": "0", "tickTime": "200", "syncLimit": "5", "initLimit": "50",
}  # fmt: skip
"""Short ticks: a member that hears nothing for a second acts on it. And many snapshots, but every log is kept, as the
judge reads them."""
HISTORY_LINES = 400


@contextmanager
def relayed_ensemble(letters: str, home: Path) -> Iterator[tuple[Ensemble, Relays]]:
    """An ensemble whose members find each other through relays."""
    participants, observers = kinds(letters)
    sids = [*range(1, len(participants) + len(observers) + 1)]
    addresses = new_addresses(sids)
    with run_relays(addresses) as relays:
        layout = Layout(addresses, frozenset(sids[len(participants) :]), settings=SETTINGS, routes=relays.routes)
        with ended(Ensemble([*participants, *observers], home, layout)) as ensemble:
            yield ensemble, relays


class Soak:
    """`run` raises what a chapter found."""

    def __init__(self, seed: int, ensemble: Ensemble, relays: Relays, is_sync_strong: bool) -> None:
        self._is_sync_strong = is_sync_strong
        self._random = random.Random(seed)
        self._ensemble = ensemble
        self._faults = Faults(self._random, ensemble, relays)
        self.counts: Counter[str] = Counter()
        self.longest_recovery_s = 0.0
        self.chapter: Chapter | None = None

    async def run(self, seconds: float) -> None:
        await asyncio.to_thread(self._ensemble.start)
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            number = self.counts["chapters"]
            self.chapter = Chapter(number, self._random, self._ensemble, self._faults, self._is_sync_strong, _tell)
            await self.chapter.run()
            self.counts += self.chapter.counts
            self.counts["chapters"] += 1
            self.longest_recovery_s = max(self.longest_recovery_s, self.chapter.longest_recovery_s)

    def last_words(self) -> str:
        """The end of the history, and of each member's log."""
        operations = self.chapter.history.operations[-HISTORY_LINES:] if self.chapter else []
        logs = [f"{title}\n{text}" for title, text in self._ensemble.log_tails()]
        return "\n".join([*map(str, operations), *logs, self._ensemble.describe()])


def _tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m process.ensemble.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None, help="by default another one each time")
    parser.add_argument("--kinds", default="ZZZ", help="a letter for each member: Z for zkeeper, J for Java")
    options = parser.parse_args(arguments)
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    return asyncio.run(run(seed, options.minutes, options.kinds, Path(tempfile.mkdtemp(prefix="zkeeper-soak-"))))


async def run(seed: int, minutes: float, letters: str, home: Path) -> int:
    """Runs and tells; what failed stays on the disk."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # That connections to the dead break is no news.
    with relayed_ensemble(letters, home) as (ensemble, relays):
        soak = Soak(seed, ensemble, relays, is_sync_strong="J" not in letters)
        try:
            await soak.run(minutes * 60)
        except Exception as error:
            (home / "last-words").write_text(soak.last_words())
            (home / "history.pickle").write_bytes(pickle.dumps(soak.chapter and soak.chapter.history))
            print(f"seed {seed}, chapter {soak.counts['chapters']}: {type(error).__name__}: {error}")
            print(f"logs, data, the end of the history (last-words) and all of it (history.pickle) are in {home}")
            return 1
    print(
        f"seed {seed}, {letters}: {minutes:g} minutes, nothing lost; longest recovery {soak.longest_recovery_s:.1f} s"
    )
    for name, count in sorted(soak.counts.items()):
        print(f"  {name:44} {count}")
    shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
