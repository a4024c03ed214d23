"""Errors travel: between processes, and as copies."""

import copy
import inspect
import pickle
from collections.abc import Iterator

import pytest

import zkeeper.blocking
import zkeeper.recipes
from zkeeper.errors import BadVersionError, Outcome, RuntimeInconsistencyError, TransactionFailed
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
