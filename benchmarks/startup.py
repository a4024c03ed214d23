"""Time from the start of the process until the first session, on an empty data directory."""

from __future__ import annotations

from contenders import Contender
from figures import Figure, Samples, ratio_at_most
from run import Run, Scenario


def _first_session_ms(run: Run, contender: Contender) -> float:
    with run.server(contender) as server:
        return server.first_session_s * 1000


def _measure(run: Run) -> dict[str, Samples]:
    for contender in run.contenders:
        _first_session_ms(run, contender)  # Both find their programs in the page cache afterwards.
    return {"first_session": run.in_turn(lambda contender: _first_session_ms(run, contender))}


SCENARIOS = [
    Scenario(
        "first_session",
        [Figure("first_session", "first session after start", "ms", ratio_at_most(0.5))],
        _measure,
    )
]
