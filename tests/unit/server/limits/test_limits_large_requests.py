"""Large requests: what counts, when it stops to count, and what happens to one too many."""

import raw_wire as raw
from hypothesis import given
from hypothesis import strategies as st
from limits_support import answers, limited, set_data
from pipeline_harness import Client, Server

LARGE = 1000
FRAME_BYTES = len(set_data(1, LARGE)) - 4
"""What a `set_data` of `LARGE` bytes counts for."""


def strict(frames: int = 2) -> Server:
    return limited(large_request_threshold_bytes=LARGE, large_request_max_bytes=frames * FRAME_BYTES)


def held(server: Server) -> int:
    return int(server.service.large_requests.held_bytes)


def large_read(xid: int) -> bytes:
    """A setWatches2 with a watch that is long to say."""
    lists: list[list[bytes]] = [[b"/" + b"x" * LARGE], [], [], [], []]
    return raw.request(xid, raw.SET_WATCHES2, raw.set_watches(0, *lists))


def test_a_write_counts_until_it_is_answered() -> None:
    server = strict()
    client = server.connect()
    client.send(set_data(1, LARGE) + set_data(2, LARGE))
    assert held(server) == 2 * FRAME_BYTES
    server.commit(2)
    assert answers(client) == [(1, 0), (2, 0)]
    assert held(server) == 0


def test_one_too_many_closes_its_connection_and_no_other() -> None:
    server = strict()
    client, greedy = server.connect(), server.connect()
    client.send(set_data(1, LARGE))
    greedy.send(set_data(1, LARGE) + set_data(2, LARGE) + set_data(3))
    assert (greedy.is_closed, client.is_closed) == (True, False)
    assert server.service.stats.large_requests_rejected == 1
    assert "large request" in server.told[-1]
    assert held(server) == FRAME_BYTES
    server.commit()
    assert answers(client) == [(1, 0)]
    assert client.get(b"/")[1].version == 2, "what the greedy client sent before is done"
    assert held(server) == 0


def test_it_is_refused_before_its_body_has_come() -> None:
    server = strict(frames=0)
    client = server.connect()
    client.send(set_data(1, LARGE)[:4])
    assert client.is_closed


def test_what_is_not_large_does_not_count() -> None:
    server = strict(frames=0)
    client = server.connect()
    small = set_data(1, 2 * LARGE - FRAME_BYTES)
    assert len(small) - 4 == LARGE
    client.send(small)
    assert held(server) == 0
    server.commit()
    assert answers(client) == [(1, 0)]


def test_a_read_that_is_answered_at_once_counts_no_longer() -> None:
    server = strict(frames=3)
    client = server.connect()
    client.send(large_read(1))
    assert [xid for xid, _ in answers(client) if xid > 0] == [1]
    assert held(server) == 0


def test_a_read_that_waits_for_a_write_counts_until_then() -> None:
    server = strict(frames=3)
    client = server.connect()
    client.send(set_data(1) + large_read(2))
    assert held(server) == len(large_read(2)) - 4
    server.commit(1)
    assert held(server) == 0


def test_a_connection_that_goes_gives_everything_back() -> None:
    server = strict()
    client = server.connect()
    client.send(set_data(1, LARGE) + set_data(2, LARGE)[:50])
    assert held(server) == 2 * FRAME_BYTES
    client.link.lost()
    assert held(server) == 0
    server.commit()
    assert held(server) == 0


def test_without_a_threshold_nothing_counts() -> None:
    server = limited(large_request_max_bytes=1)
    client = server.connect()
    client.send(set_data(1, 500_000))
    assert held(server) == 0
    server.commit()
    assert answers(client) == [(1, 0)]


@given(
    st.lists(st.sampled_from([set_data(1, LARGE), set_data(2), large_read(3)]), max_size=8),
    st.lists(st.tuples(st.integers(1, 2500), st.booleans()), max_size=12),
)
def test_nothing_stays_counted_however_frames_are_cut(frames: list[bytes], cuts: list[tuple[int, bool]]) -> None:
    server = strict(frames=100)
    client = server.connect()
    data = b"".join(frames)
    for size, commits in cuts:
        client.send(data[:size])
        data = data[size:]
        if commits:
            server.commit()
    client.send(data)
    server.commit()
    assert len([xid for xid, _ in answers(client) if xid > 0]) == len(frames)
    assert held(server) == 0


def test_a_frame_that_was_held_back_half_arrived_counts_once() -> None:
    server = limited(large_request_threshold_bytes=LARGE, large_request_max_bytes=4 * FRAME_BYTES, outstanding_limit=1)
    client: Client = server.connect()
    frame = set_data(2, LARGE)
    client.send(set_data(1) + frame[:100])
    assert client.outlet.is_paused
    server.commit(1)
    assert held(server) == FRAME_BYTES
    client.send(frame[100:])
    assert held(server) == FRAME_BYTES
    server.commit()
    assert held(server) == 0
