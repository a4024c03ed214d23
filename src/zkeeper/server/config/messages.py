"""What the configuration has to say to the operator: errors that stop the server, notes that it logs at start.

Invariant: a secret (a password, the super digest) appears in neither.
"""

from typing import NamedTuple

_SECRET_ENDINGS = ("password", "superdigest")


class Note(NamedTuple):
    """One line for the log at start; `level` is one of the `logging` module's."""

    level: int
    text: str


class ConfigError(Exception):
    """The configuration cannot be served; the server ends with exit code 2.

    `source` names the place ("zoo.cfg line 3", "-D"), `advice` what to do. `reason` is ZooKeeper's own text where
    it has one, so that whoever searches for the message finds it. `notes` are what else was found until then.
    """

    notes: tuple[Note, ...] = ()

    def __init__(self, reason: str, advice: str, *, source: str = "", key: str = "", value: str = "") -> None:
        self.reason = reason
        self.advice = advice
        self.source = source
        self.key = key
        self.value = shown(key, value)
        written = f"{key}={self.value}" if key else ""
        super().__init__(": ".join(part for part in (source, written, f"{reason} ({advice})") if part))


def is_secret(key: str) -> bool:
    return key.lower().endswith(_SECRET_ENDINGS)


def shown(key: str, value: str) -> str:
    """The value as it may be printed: stars in place of a secret."""
    return "***" if value and is_secret(key) else value
