"""A project of somebody else's with one test module, run by pytest in this process with our plugin and no other.

The imports at the top let such projects find loaded, and leave loaded, what they use.
"""

from collections.abc import Callable

import kazoo.client  # noqa: F401
import pytest

import zkeeper.client.client
import zkeeper.testing.server
import zkeeper.testing.simulation.disk  # noqa: F401

PLUGIN = "zkeeper.testing.pytest_plugin"

Run = Callable[[str], pytest.RunResult]


def runner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(source: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider")

    return run
