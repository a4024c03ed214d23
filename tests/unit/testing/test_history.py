"""Checks of histories: each promise has a history that keeps it and one that does not; random ones are told apart."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from fake_service import FakeService

from zkeeper.errors import BadVersionError, NodeExistsError, NoNodeError
from zkeeper.testing.history import (
    History,
    HistoryViolation,
    Kind,
    Operation,
    Seen,
    Step,
    Undecided,
    check,
    check_acknowledged,
    check_linearizable,
    check_sessions,
    check_watches,
    check_zxids,
    create,
    delete,
    linearizability,
    read,
    set_data,
)
from zkeeper.testing.history.moves import Impossible, Move, State, moves_by_path


def done(history: History, session: str, step: Step, *shown: Seen | None, zxid: int | None = None) -> Operation:
    """An operation that nothing else overlaps; a read is synced."""
    operation = history.invoke(session, step, is_synced=step == read(step.path))
    history.ok(operation, *shown, zxid=zxid)
    return operation


def refused(history: History, session: str, step: Step, code: int) -> None:
    history.failed(history.invoke(session, step, is_synced=step == read(step.path)), code)


def is_linearizable(history: History) -> bool:
    try:
        check_linearizable(history)
    except HistoryViolation:
        return False
    return True


# Linearizability.


def test_a_read_shows_the_write_before_it() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    done(history, "b", read("/x"), Seen(0, b"1"))
    assert check_linearizable(history) == 2


def test_a_stale_read_is_found() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    done(history, "a", set_data("/x", b"2"), Seen(1))
    done(history, "b", read("/x"), Seen(0, b"1"))
    with pytest.raises(HistoryViolation, match="/x is not linearizable"):
        check_linearizable(history)


def test_a_plain_read_may_be_stale_unless_it_is_asked_not_to() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    done(history, "a", set_data("/x", b"2"), Seen(1))
    history.ok(history.invoke("b", read("/x")), Seen(0, b"1"))
    assert check_linearizable(history) == 2
    with pytest.raises(HistoryViolation):
        check_linearizable(history, plain_reads=True)


def test_a_lost_write_is_found() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    refused(history, "b", read("/x"), NoNodeError.code)
    assert not is_linearizable(history)


def test_a_write_that_is_applied_twice_is_found() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    done(history, "a", set_data("/x", b"2"), Seen(1))
    done(history, "b", read("/x"), Seen(2, b"2"))
    assert not is_linearizable(history)


def test_a_write_of_unknown_outcome_may_happen_at_any_later_time() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    history.invoke("a", set_data("/x", b"2"))
    done(history, "b", read("/x"), Seen(0, b"1"))
    done(history, "c", set_data("/x", b"3"), Seen(1))
    done(history, "b", read("/x"), Seen(2, b"2"))
    assert is_linearizable(history)


def test_a_write_of_unknown_outcome_may_never_happen() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    history.invoke("a", delete("/x"))
    done(history, "b", read("/x"), Seen(0, b"1"))
    assert is_linearizable(history)


def test_a_write_of_unknown_outcome_that_happened_does_not_un_happen() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    history.invoke("a", set_data("/x", b"2"))
    done(history, "b", read("/x"), Seen(1, b"2"))
    done(history, "b", read("/x"), Seen(0, b"1"))
    assert not is_linearizable(history)


def test_a_write_of_unknown_outcome_happens_once() -> None:
    history = History()
    history.invoke("a", create("/x", b"1"))
    done(history, "b", read("/x"), Seen(0, b"1"))
    done(history, "b", delete("/x"))
    done(history, "b", read("/x"), None)
    done(history, "b", read("/x"), Seen(0, b"1"))
    assert not is_linearizable(history)


def test_of_two_writes_alike_the_one_that_is_forgotten_first_is_used_first() -> None:
    """That of `b`, though it was asked later: `b` was told of what it asked next, before the second change."""
    history = History()
    done(history, "c", create("/x", b"1"))
    history.invoke("a", set_data("/x", b"2"))
    history.invoke("b", set_data("/x", b"2"))
    done(history, "b", read("/x"), Seen(1, b"2"))
    done(history, "c", read("/x"), Seen(1, b"2"))
    done(history, "c", read("/x"), Seen(2, b"2"))
    assert is_linearizable(history)
    done(history, "c", read("/x"), Seen(3, b"2"))
    assert not is_linearizable(history)


def test_nothing_happens_before_it_was_asked() -> None:
    history = History()
    done(history, "b", read("/x"), Seen(0, b"1"))
    history.invoke("a", create("/x", b"1"))
    assert not is_linearizable(history)


def test_a_failure_tells_what_was_there() -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    refused(history, "a", create("/x", b"2"), NodeExistsError.code)
    refused(history, "b", set_data("/x", b"2", 5), BadVersionError.code)
    refused(history, "b", create("/y/z"), NoNodeError.code)
    refused(history, "b", create("/x/z"), 0)
    assert is_linearizable(history)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (create("/y"), NodeExistsError.code),
        (set_data("/x", b"2", 0), BadVersionError.code),
        (delete("/x"), NoNodeError.code),
        (create("/x/z"), NoNodeError.code),
    ],
)
def test_a_failure_without_a_reason_is_found(step: Step, code: int) -> None:
    history = History()
    done(history, "a", create("/x", b"1"))
    refused(history, "b", step, code)
    assert not is_linearizable(history)


def test_overlapping_writes_have_one_order_for_all() -> None:
    def order(first: Seen, second: Seen) -> bool:
        history = History()
        done(history, "a", create("/x"))
        writes = [history.invoke("a", set_data("/x", b"1")), history.invoke("b", set_data("/x", b"2"))]
        for write in writes:
            history.ok(write)
        for session, seen in (("c", first), ("d", second)):
            done(history, session, read("/x"), seen)
        return is_linearizable(history)

    assert order(Seen(2, b"1"), Seen(2, b"1"))
    assert order(Seen(2, b"2"), Seen(2, b"2"))
    assert not order(Seen(2, b"1"), Seen(2, b"2"))
    assert not order(Seen(1, b"1"), Seen(1, b"1"))


def test_ephemerals_may_go_once_their_session_is_silent() -> None:
    history = History()
    done(history, "a", create("/x", b"1", is_ephemeral=True))
    done(history, "b", read("/x"), None)
    assert is_linearizable(history)
    done(history, "b", read("/x"), Seen(0, b"1"))
    assert not is_linearizable(history)


def test_ephemerals_are_gone_with_their_session() -> None:
    history = History()
    done(history, "a", create("/x", b"1", is_ephemeral=True))
    history.ok(history.close("a"))
    done(history, "b", read("/x"), Seen(0, b"1"))
    assert not is_linearizable(history)


def test_a_sequential_znode_of_unknown_outcome_explains_what_is_seen() -> None:
    history = History()
    history.invoke("a", create("/q-", b"1", is_sequential=True))
    done(history, "b", read("/q-0000000007"), Seen(0, b"1"))
    done(history, "b", read("/q-0000000008"), None)
    assert is_linearizable(history)
    done(history, "b", read("/p-0000000007"), Seen(0, b"1"))
    assert not is_linearizable(history)


@pytest.mark.parametrize(("shown", "expected"), [
    (None, True), (Seen(0, b"1"), True), (Seen(0, b"2"), True), (Seen(1, b"2"), False), (Seen(0, b"3"), False),
])  # fmt: skip
def test_a_multi_of_unknown_outcome_may_give_another_name_than_it_takes(shown: Seen | None, expected: bool) -> None:
    history = History()
    done(history, "a", create("/q-0000000007", b"1"))
    history.invoke("a", delete("/q-0000000007"), create("/q-", b"2", is_sequential=True))
    done(history, "b", read("/q-0000000007"), shown)
    assert is_linearizable(history) == expected


def test_a_multi_happens_as_a_whole_for_each_znode() -> None:
    history = History()
    multi = history.invoke("a", create("/x", b"1"), set_data("/x", b"2"), create("/y", b"3"))
    history.ok(multi, None, Seen(1))
    done(history, "b", read("/x"), Seen(1, b"2"))
    assert is_linearizable(history)
    failed = history.invoke("a", delete("/x"), create("/x", b"4"), create("/y", b"5"))
    history.failed(failed, NodeExistsError.code, step=2)
    done(history, "b", read("/x"), Seen(1, b"2"))
    assert is_linearizable(history)
    wrong = history.invoke("a", delete("/x"), set_data("/x", b"4"), create("/z"))
    history.failed(wrong, NodeExistsError.code, step=2)
    assert not is_linearizable(history)


def test_too_many_possibilities_are_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linearizability, "MAX_CONFIGURATIONS", 50)
    history = History()
    done(history, "a", create("/x"))
    late = [history.invoke("a", set_data("/x", b"%d" % number)) for number in range(10)]
    done(history, "b", read("/x"), Seen())
    for write in late:
        history.ok(history.invoke("b", read("/x"), is_synced=True), Seen(None, write.steps[0].data))
    with pytest.raises(Undecided):
        check_linearizable(history)


# Sessions, zxids, watches, what was acknowledged.


def test_zxids_of_a_session_do_not_fall() -> None:
    history = History()
    done(history, "a", create("/x"), zxid=5)
    done(history, "b", read("/x"), Seen(), zxid=4)
    done(history, "a", read("/x"), Seen(), zxid=5)
    assert check_sessions(history) == 3
    done(history, "a", read("/x"), Seen(), zxid=4)
    with pytest.raises(HistoryViolation, match="fall"):
        check_sessions(history)


def test_one_zxid_is_not_given_to_two_writes() -> None:
    history = History()
    writes = [history.invoke("a", create("/x")), history.invoke("b", create("/y"))]
    history.ok(writes[0], zxid=5)
    history.ok(writes[1], zxid=5)
    with pytest.raises(HistoryViolation, match="one zxid"):
        check_zxids(history)


def test_zxids_agree_with_real_time() -> None:
    history = History()
    first, overlapping = history.invoke("a", create("/x")), history.invoke("b", create("/y"))
    history.ok(first, zxid=5)
    history.ok(overlapping, zxid=4)
    check_zxids(history)
    done(history, "c", create("/z"), zxid=3)
    with pytest.raises(HistoryViolation, match="told before it was asked"):
        check_zxids(history)


def test_a_synced_read_is_not_behind_what_was_told_before() -> None:
    history = History()
    done(history, "a", create("/x"), zxid=5)
    history.ok(history.invoke("b", read("/y")), None, zxid=4)
    check_zxids(history)
    done(history, "b", read("/y"), None, zxid=4)
    with pytest.raises(HistoryViolation, match="stays behind"):
        check_zxids(history)


def test_the_beginning_of_an_epoch_is_no_transaction_to_be_behind() -> None:
    history = History()
    done(history, "a", create("/x"), zxid=5)
    done(history, "leader's", read("/y"), None, zxid=1 << 32)
    synced = history.invoke("b", read("/y"), is_synced=True)
    history.ok(synced, None, zxid=5)
    check_zxids(history)
    late = history.invoke("c", create("/z"))
    history.ok(late, zxid=6)
    with pytest.raises(HistoryViolation, match="told before it was asked"):
        check_zxids(history)


@pytest.mark.parametrize(
    ("shown", "zxid", "wrong"),
    [
        (Seen(1, b"2", mzxid=6), 7, ""),
        (Seen(0, b"1", mzxid=5), 5, ""),
        (Seen(0, b"1", mzxid=5), 7, "as it was before"),
        (Seen(1, b"2", mzxid=6), 5, "comes after its zxid"),
        (Seen(1, b"3", mzxid=6), 7, "does not show what was written"),
        (Seen(1, b"3", mzxid=7), 7, "what nobody wrote"),
        (Seen(1, b"9", mzxid=7), 7, ""),
        (None, 7, "does not show"),
        (None, 4, ""),
    ],
)
def test_a_read_shows_the_znode_at_its_zxid(shown: Seen | None, zxid: int, wrong: str) -> None:
    history = History()
    done(history, "a", create("/x", b"1"), zxid=5)
    done(history, "a", set_data("/x", b"2"), Seen(1), zxid=6)
    history.invoke("a", set_data("/x", b"9"))
    history.ok(history.invoke("b", read("/x")), shown, zxid=zxid)
    if not wrong:
        check_zxids(history)
        return
    with pytest.raises(HistoryViolation, match=wrong):
        check_zxids(history)


def test_what_was_removed_is_not_shown() -> None:
    history = History()
    done(history, "a", create("/x", b"1"), zxid=5)
    done(history, "a", delete("/x"), zxid=6)
    history.failed(history.invoke("b", read("/x")), NoNodeError.code, zxid=6)
    check_zxids(history)
    history.ok(history.invoke("b", read("/x")), Seen(0, b"1", mzxid=6), zxid=6)
    with pytest.raises(HistoryViolation, match="was removed"):
        check_zxids(history)


def watched(event_at: int, disconnected_at: int = -1) -> History:
    """A session watches /x, and is told of other things, of the event after so many of them."""
    history = History()
    done(history, "a", create("/x"), zxid=5)
    history.ok(history.invoke("b", read("/x"), is_watching=True), Seen(), zxid=5)
    done(history, "a", set_data("/x", b"1"), Seen(1), zxid=6)
    for number, zxid in enumerate((5, 6, 7)):
        if number == event_at:
            history.event("b", "/x")
        if number == disconnected_at:
            history.disconnected("b")
        history.ok(history.invoke("b", read("/y")), None, zxid=zxid)
    return history


def test_an_event_comes_before_the_replies_that_show_its_change() -> None:
    assert check_watches(watched(event_at=0)) == 1
    assert check_watches(watched(event_at=1)) == 1
    for late in (2, 9):
        with pytest.raises(HistoryViolation, match="before the event for /x"):
            check_watches(watched(event_at=late))


def test_watches_end_with_their_connection() -> None:
    assert check_watches(watched(event_at=9, disconnected_at=1)) == 0


def test_acknowledged_writes_are_among_the_committed_ones() -> None:
    history = History()
    done(history, "a", create("/x"), zxid=5)
    assert check_acknowledged(history, {5, 6}) == 1
    with pytest.raises(HistoryViolation, match="is lost"):
        check_acknowledged(history, {6})


def test_an_operation_is_completed_once() -> None:
    history = History()
    operation = done(history, "a", create("/x"))
    with pytest.raises(AssertionError, match="completed before"):
        history.ok(operation)


# Many.


@pytest.mark.parametrize("seed", range(40))
def test_what_a_true_service_does_is_accepted(seed: int) -> None:
    service = FakeService(seed, sessions=2 + seed % 7, paths=1 + seed % 4)
    counts = check(service.run(400), committed=service.zxids, plain_reads=True)
    assert min(counts["moves of znodes"], counts["reads at their zxid"], counts["acknowledged writes"]) > 20


@pytest.mark.parametrize(
    ("bug", "judge"),
    [
        ("stale read", check_linearizable),
        ("stale read", check_zxids),
        ("lost write", check_linearizable),
        ("lost write", check_zxids),
        ("double apply", check_linearizable),
        ("reordered session", check_sessions),
    ],
)
def test_a_service_that_breaks_a_promise_is_found(bug: str, judge: Callable[[History], object]) -> None:
    found = broken = 0
    for seed in range(30):
        service = FakeService(seed, paths=2, bug=bug, losses=0.02)
        history = service.run(400)
        broken += service.broken > 0
        try:
            judge(history)
        except HistoryViolation:
            found += 1
            assert service.broken > 0
    assert broken >= 28
    assert found >= broken - 2


def test_thousands_of_operations_take_seconds() -> None:
    service = FakeService(7, sessions=12, paths=8, losses=0.02)
    history = service.run(10_000)
    began_s = time.perf_counter()
    check(history, plain_reads=True)
    assert time.perf_counter() - began_s < 20


# The search, beside one that tries everything.


def random_history(random: Random) -> History:
    """A few operations of three sessions on one znode, with answers out of thin air."""
    history = History()
    flights: list[Operation] = []
    tokens = (b"1", b"2")
    for _ in range(random.randint(3, 7)):
        step = random.choice(
            (
                create("/x", random.choice(tokens)),
                set_data("/x", random.choice(tokens)),
                delete("/x"),
                *(read("/x"),) * 2,
            )
        )
        flights.append(history.invoke(f"s{random.randrange(3)}", step, is_synced=True))
        while flights and random.random() < 0.5:
            answer(history, flights.pop(random.randrange(len(flights))), random)
    for operation in flights:
        answer(history, operation, random)
    return history


def answer(history: History, operation: Operation, random: Random) -> None:
    step = operation.steps[0]
    if random.random() < 0.3:
        return
    if step == read("/x"):
        seen = Seen(random.randrange(2), random.choice((b"1", b"2", None)))
        history.ok(operation, random.choice((None, seen, seen)))
    elif random.random() < 0.2:
        history.failed(operation, NodeExistsError.code if step.kind is Kind.CREATE else NoNodeError.code)
    else:
        history.ok(operation)


def has_order(moves: list[Move], state: State, now: float = 0.0) -> bool:
    """Tries every order: next may come any move that was asked before the first of the certain ones was completed, and
    is not forgotten `now`, when the last of those before it was asked."""
    certain = [move for move in moves if move.is_certain]
    if not certain:
        return True
    first_end = min(move.operation.completed_at for move in certain)
    for move in moves:
        then = max(now, move.invoked_at)
        if move.invoked_at <= first_end and then <= move.settled_at:
            try:
                after = move.apply(state)
            except Impossible:
                continue
            if has_order([other for other in moves if other is not move], after, then):
                return True
    return False


def test_the_search_finds_what_trying_everything_finds() -> None:
    random = Random(1)
    verdicts = Counter[bool]()
    for _ in range(3000):
        history = random_history(random)
        moves = moves_by_path(history.operations, True).get("/x", [])
        verdict = has_order(moves, None)
        assert is_linearizable(history) == verdict, "\n".join(map(str, history.operations))
        verdicts[verdict] += 1
    assert min(verdicts.values()) > 500


def test_the_example_of_the_page_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "histories.md").read_text()
    exec(page.split("```python\n")[1].split("```")[0], {})
    assert "/a is not linearizable" in capsys.readouterr().out
