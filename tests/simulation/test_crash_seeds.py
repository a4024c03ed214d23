"""Crash runs in the test suite: always the same seeds, those that once failed, and on request fresh ones.

`ZKEEPER_SEEDS=<any text>` adds seeds that follow from the text; the name of each test says its seed.
"""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from .crash_run import crash_run
from .history import History, Violation
from .judge import Judge
from .log_files import Entry
from .node import Photo
from .raw_client import Reply, Sent
from .requests import CREATE_SESSION, SET_DATA, Create, SetData
from .seeds import argument_parser, run_one

FIXED_SEEDS = range(100)
FRESH_SEEDS = 5
ROOT = Path(__file__).parents[2]

NO_BODY = "closeSessionTxn.enabled=false: a closeSession without a body, with its digest behind it, was not read back"
FROM_CACHE = "made on purpose: what recovery read was not made durable, so a later loss of power took it"

FAILED_SYNC = "after a failed sync a start took what the system showed for written, and the next crash lost it"
COLLECTED = "a future of a killed machine complained when it was collected, to the life of that moment"
NO_LIST = "closeSessionTxn.enabled=false: replayed on a fuzzy snapshot, a closeSession left a parent's pzxid behind"

FAILED_ONCE = {
    4: NO_BODY, 12: NO_BODY, 19: NO_BODY, 51: FROM_CACHE, 148: FROM_CACHE, 246: FROM_CACHE, 5502: FAILED_SYNC,
    6364: COLLECTED, 9210: NO_LIST,
}  # fmt: skip
"""Seeds that found a mistake of the server, or one that was made on purpose to try the judge. Kept for good."""


def fresh_seeds() -> list[int]:
    text = os.environ.get("ZKEEPER_SEEDS", "")
    random = Random(text)
    return [random.randrange(1 << 32) for _ in range(FRESH_SEEDS)] if text else []


@pytest.mark.parametrize("seed", [*FIXED_SEEDS, *(seed for seed in FAILED_ONCE if seed not in FIXED_SEEDS)])
def test_a_crash_run_loses_nothing_and_invents_nothing(seed: int) -> None:
    assert crash_run(seed).counts["runs"] == 1


@pytest.mark.parametrize("seed", fresh_seeds())
def test_a_fresh_crash_run_loses_nothing_and_invents_nothing(seed: int) -> None:
    assert crash_run(seed).counts["runs"] == 1


def test_the_runs_meet_what_they_are_for() -> None:
    counts = sum((crash_run(seed).counts for seed in range(60)), start=crash_run(60).counts)
    for name in ("torn tails", "snapshots loaded", "kills in recovery", "stopped by the disk", "stops in order",
                 "sessions expired", "resumed", "writes unknown that lasted", "events", "stillborn logs"):  # fmt: skip
        assert counts[name] > 0, name


def test_a_closing_without_its_list_on_a_fuzzy_snapshot_is_told() -> None:
    assert crash_run(9210).counts["digest mismatches"] == 1


def test_a_seed_gives_the_same_run_in_every_process() -> None:
    hashes = {_hash_elsewhere(7, "1"), _hash_elsewhere(7, "2"), crash_run(7).trace_hash}
    assert len(hashes) == 1


def _hash_elsewhere(seed: int, hash_seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.simulation.crash", "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split(f"seed {seed}: ")[1].split()[0]


def test_a_run_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_one(crash_run, 3, is_told=True) == 0
    assert "server: info: recovered to zxid" in capsys.readouterr().out


# The judge itself: it must see what is wrong.

SESSION = 5


def small_history(*writes: tuple[int, Sent]) -> History:
    """A session, and one transaction for each of the writes."""
    history = History(recovered_zxids=[0], instances=[1])
    history.entries = {1: Entry(SESSION, 0, 1, 0, CREATE_SESSION, bytes(4))}
    for kind, sent in writes:
        zxid = len(history.entries) + 1
        history.entries[zxid] = Entry(SESSION, sent.xid, zxid, 0, kind, b"")
        history.sent[SESSION, sent.xid] = sent
    return history


def judge(history: History) -> None:
    Judge(history, has_extended_types=False).verdict()


def test_the_judge_accepts_what_was_asked_for() -> None:
    judge(small_history((15, Sent(Create("/a"), 1, SESSION, 0)), (SET_DATA, Sent(SetData("/a"), 2, SESSION, 0))))


def test_the_judge_wants_the_answer_of_the_model() -> None:
    with pytest.raises(Violation, match="the model says"):
        judge(small_history((SET_DATA, Sent(SetData("/missing"), 1, SESSION, 0))))


def test_the_judge_misses_a_zxid() -> None:
    history = small_history((15, Sent(Create("/a"), 1, SESSION, 0)), (15, Sent(Create("/b"), 2, SESSION, 0)))
    history.entries[9] = history.entries.pop(2)
    with pytest.raises(Violation, match="zxid 2 is missing"):
        judge(history)


def test_the_judge_sees_a_write_twice() -> None:
    sent = Sent(SetData("/"), 1, SESSION, 0)
    with pytest.raises(Violation, match="twice"):
        judge(small_history((SET_DATA, sent), (SET_DATA, sent)))


def test_the_judge_sees_a_write_that_nobody_asked_for() -> None:
    history = small_history((SET_DATA, Sent(SetData("/"), 1, SESSION, 0)))
    history.sent.clear()
    with pytest.raises(Violation, match="asked for by nobody"):
        judge(history)


def test_the_judge_sees_a_tree_that_differs() -> None:
    history = small_history((15, Sent(Create("/a"), 1, SESSION, 0)))
    history.photos = [Photo(2, {}, {SESSION: 0}, 0, 0, 0.0)]
    with pytest.raises(Violation, match="znodes at zxid 2 are wrong"):
        judge(history)


def test_a_reply_reads_its_body_to_the_end() -> None:
    with pytest.raises(AssertionError, match="left over"):
        _ = Reply(Sent(SetData("/"), 1, SESSION, 0), 1, 0, 0.0, bytes(69)).value


@pytest.mark.parametrize("option", ["--seeds", "--jobs"])
def test_none_at_all_is_a_mistake_in_the_arguments(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        argument_parser("any").parse_args([option, "0"])
    assert f"argument {option}: 0 is less than 1" in capsys.readouterr().err
