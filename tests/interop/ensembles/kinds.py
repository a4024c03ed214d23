"""Which ensembles the tests are run with, named by a letter for each member: J for Java, Z for zkeeper.

Members behind a `+` are observers: `JJZ+J`. Ensembles of Java servers alone show that a test is right; since they say
nothing of zkeeper, they run on demand only.
"""

import os

import pytest

RUNS_JAVA_ALONE = os.environ.get("ZKEEPER_JAVA_ALONE") == "1"
REASON = "Java servers alone say nothing of zkeeper (ZKEEPER_JAVA_ALONE=1 runs these tests all the same)"
KIND_OF = {"J": "java", "Z": "zkeeper"}


def kinds(letters: str) -> tuple[list[str], list[str]]:
    """The kinds of the participants 1, 2, ..., and of the observers that follow them."""
    participants, _, observers = letters.partition("+")
    return [KIND_OF[letter] for letter in participants], [KIND_OF[letter] for letter in observers]


def with_kinds(*names: str) -> pytest.MarkDecorator:
    """Runs a test once for each name, with the argument `letters`."""
    return pytest.mark.parametrize("letters", [_run(name) for name in names])


def _run(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.skipif("Z" not in name and not RUNS_JAVA_ALONE, reason=REASON))
