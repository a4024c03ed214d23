"""Errors travel: between processes, and as copies."""

import copy
import inspect
import pickle
from collections.abc import Iterator

import pytest

import zkeeper.blocking
import zkeeper.recipes
from zkeeper.errors import (
    BY_CODE,
    BadVersionError,
    Outcome,
    RuntimeInconsistencyError,
    TransactionFailed,
    error_of,
)
from zkeeper.recipes import ForeignDataError, SettingError

MADE_OF_MORE = (TransactionFailed, ForeignDataError, SettingError)


def kinds() -> Iterator[type[Exception]]:
    """All that a caller may meet, but for those that are made of more than a text."""
    for module in (zkeeper.errors, zkeeper.blocking, zkeeper.recipes):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and kind not in MADE_OF_MORE:
                yield kind


def transaction_failed() -> TransactionFailed:
    error = TransactionFailed(1, [None, BadVersionError(), RuntimeInconsistencyError()])
    error.locate([("check", "/a"), ("set", "/b"), ("delete", "/c")])
    return error


ERRORS = [
    *[kind("what happened") for kind in dict.fromkeys(kinds())],
    ForeignDataError("/a", b"x", "a number"),
    SettingError("/settings/port", "it is no number"),
    transaction_failed(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickle_and_copy(error: Exception) -> None:
    if isinstance(error, zkeeper.ZooKeeperError):
        error.outcome, error.is_repeatable = Outcome.UNKNOWN, True
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(same) is type(error)
        assert str(same) == str(error)
        assert repr(vars(same)) == repr(vars(error))


def test_a_server_s_error_says_what_happened_and_where() -> None:
    for code, kind in BY_CODE.items():
        error = error_of(code, "/a")
        assert (type(error), error.path, str(error)) == (kind, "/a", f"/a: {kind.meaning}")
        assert str(error_of(code)) == kind.meaning
    assert len({kind.meaning for kind in BY_CODE.values()} | {zkeeper.ZooKeeperError.meaning}) == len(BY_CODE) + 1
    assert str(error_of(-101, "/a")) == "/a: it does not exist, or the parent of what was to be created does not"
    assert str(error_of(-999, "/a")) == "/a: the server answered the error -999, which this version does not know"


@pytest.mark.parametrize(
    ("path", "is_create", "is_chroot"),
    [("/", False, True), ("/", True, True), ("/a", True, True), ("/a", False, False), ("/a/b", True, False)],
)
def test_a_chroot_that_is_missing_is_named(path: str, is_create: bool, is_chroot: bool) -> None:
    """Everything but it has a parent, or may simply not be there."""
    assert ("the chroot of the client does not exist" in str(error_of(-101, path, is_create))) is is_chroot
    assert "chroot" not in str(error_of(-110, path, is_create))


def test_the_errors_of_a_transaction_say_what_happened() -> None:
    first, second, third = transaction_failed().errors
    assert first is None
    assert str(second) == "/b: it has another version than the one that was given"
    assert str(third) == "/c: it was not tried, for an earlier operation of the transaction failed"
