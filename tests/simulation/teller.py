"""Listens to what servers log during a run: counts it, and keeps it when the story is wanted."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from zkeeper.testing.simulation import Simulation
from zkeeper.testing.simulation.life import LIFE


class Teller(logging.Handler):
    """`counted` has what the lines with a phrase are counted as in `counts`."""

    def __init__(
        self, sim: Simulation, counts: Counter[str], counted: Mapping[str, str], story: list[str] | None
    ) -> None:
        super().__init__()
        self._sim = sim
        self._counts = counts
        self._counted = counted
        self._story = story

    def emit(self, record: logging.LogRecord) -> None:
        text = record.msg % record.args if record.args else str(record.msg)
        for phrase, name in self._counted.items():
            if phrase in text:
                self._counts[name] += 1
        life = LIFE.get(None)
        who = life.host.name if life is not None else "nobody"
        self.say(f"{who}: {record.levelname.lower()}: {text}")

    def fall_silent(self) -> None:
        """The run is over. What servers log when the simulation ends them belongs to no run."""
        self._story = None

    def say(self, text: str) -> None:
        if self._story is not None:
            self._story.append(f"{self._sim.time():10.6f} {text}")


@contextmanager
def listening(teller: Teller) -> Iterator[None]:
    logger = logging.getLogger("zkeeper")
    level, propagates = logger.level, logger.propagate
    logger.addHandler(teller)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(teller)
        logger.setLevel(level)
        logger.propagate = propagates
