import asyncio
import json
from pathlib import Path

import pytest
from cli_program import program
from cli_server import running_server
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.cli.bench.command import MAX_SIZE_BYTES
from zkeeper.cli.bench.histogram import Histogram
from zkeeper.cli.connecting import Connecting


@given(st.lists(st.integers(0, 1 << 40), min_size=1), st.sampled_from([50.0, 90.0, 99.0, 99.9]))
def test_percentiles_are_exact_to_one_percent(values: list[int], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(0, -int(-len(values) * percent // 100) - 1)]
    assert exact <= histogram.percentile(percent) <= exact * 1.01
    assert (histogram.count, histogram.max) == (len(values), max(values))
    assert histogram.mean == pytest.approx(sum(values) / len(values))


def test_nothing_measured() -> None:
    assert (Histogram().percentile(99), Histogram().mean) == (0, 0.0)


def test_a_short_load_leaves_nothing_behind(tmp_path: Path) -> None:
    # On a busy machine the first requests may be all there is time for: enough of them that both kinds are among them.
    options = ("--duration", "0.3", "--connections", "2", "--in-flight", "64", "--znodes", "10", "--reads", "50")

    async def scenario() -> None:
        async with running_server(tmp_path) as server, Connecting().session(server) as zk:
            done = await program("bench", "-s", server, "--json", *options)
            assert (done.exit_code, done.err) == (0, "")
            values = json.loads(done.out)
            assert values["reads"]["count"] > 0
            assert values["writes"]["p50_us"] > 0
            assert values["errors"] == {}
            done = await program("bench", "-s", server, *options)
            assert "requests/s" in done.out
            assert await zk.children("/") == ["zookeeper"]

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [MAX_SIZE_BYTES + 1, 3_000_000, -1])
def test_a_size_that_no_request_has_is_refused_at_once(size: int) -> None:
    done = asyncio.run(program("bench", "-s", "127.0.0.1:1", "--size", str(size)))
    assert (done.exit_code, done.out) == (2, "")
    assert f"'--size': {size} is not between 0 and {MAX_SIZE_BYTES}: 1048575 bytes is the longest" in squeezed(done.err)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_the_greatest_size_fits(tmp_path: Path) -> None:
    options = ("--size", str(MAX_SIZE_BYTES), "--duration", "0.1", "--znodes", "1", "--connections", "1")

    async def scenario() -> None:
        async with running_server(tmp_path) as server:
            done = await program("bench", "-s", server, "--json", "--in-flight", "1", "--reads", "0", *options)
            assert (done.exit_code, json.loads(done.out)["errors"]) == (0, {})

    asyncio.run(scenario())
