"""Which ensembles the tests are run with, named by a letter for each member: J for Java, Z for zkeeper.

1. Members behind a `+` are observers: `JJZ+J`.
2. Each test names the ensembles that show its subject with our server in every role that it is about. These always run.
3. Its other ensembles run with `ZKEEPER_ALL_KINDS=1`: they take long and seldom tell more.
4. Ensembles of Java servers alone show that a test is right. They say nothing of zkeeper and run with
   `ZKEEPER_JAVA_ALONE=1`.
"""

import os

import pytest

RUNS_ALL_KINDS = os.environ.get("ZKEEPER_ALL_KINDS") == "1"
RUNS_JAVA_ALONE = os.environ.get("ZKEEPER_JAVA_ALONE") == "1"
KIND_OF = {"J": "java", "Z": "zkeeper"}


def kinds(letters: str) -> tuple[list[str], list[str]]:
    """The kinds of the participants 1, 2, ..., and of the observers that follow them."""
    participants, _, observers = letters.partition("+")
    return [KIND_OF[letter] for letter in participants], [KIND_OF[letter] for letter in observers]


def chosen(always: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    """Those of a test's ensembles that are to run now, as the environment has it."""
    more = [name for name in others if (RUNS_ALL_KINDS if "Z" in name else RUNS_JAVA_ALONE)]
    return [*always, *more]


def with_kinds(*always: str, others: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Runs a test once for each of its ensembles that are `chosen`, with the argument `letters`."""
    return pytest.mark.parametrize("letters", chosen(always, others), scope="module")
