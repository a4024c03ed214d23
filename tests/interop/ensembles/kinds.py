"""Which ensembles the tests are run with, named by a letter for each member: J for Java, Z for zkeeper.

Members behind a `+` are observers: `JJZ+J`.

The one switch: as long as `SERVES_ENSEMBLES` is false, whatever needs a zkeeper server in an ensemble is skipped.
"""

import os

import pytest

SERVES_ENSEMBLES = os.environ.get("ZKEEPER_ENSEMBLES") == "1"
REASON = "`zkeeper serve` does not take part in ensembles yet (ZKEEPER_ENSEMBLES=1 runs these tests all the same)"
KIND_OF = {"J": "java", "Z": "zkeeper"}


def kinds(letters: str) -> tuple[list[str], list[str]]:
    """The kinds of the participants 1, 2, ..., and of the observers that follow them."""
    participants, _, observers = letters.partition("+")
    return [KIND_OF[letter] for letter in participants], [KIND_OF[letter] for letter in observers]


def with_kinds(*names: str) -> pytest.MarkDecorator:
    """Runs a test once for each name, with the argument `letters`."""
    return pytest.mark.parametrize("letters", [_run(name) for name in names])


def _run(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.skipif("Z" in name and not SERVES_ENSEMBLES, reason=REASON))
