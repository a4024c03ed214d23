"""The ephemerals that a session will own, against a search through all that is pending."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_harness import Server

from zkeeper.database.acls import Identity
from zkeeper.pipeline.pending import PendingTree
from zkeeper.pipeline.requests import CreateRequest, DeleteRequest, MultiRequest, SetDataRequest, WriteRequest
from zkeeper.wire.acl import RawAcl
from zkeeper.wire.protocol import CREATE, DELETE

SESSIONS = (1, 2, 3)
NOBODY: list[Identity] = []


def create(path: bytes, flags: int) -> WriteRequest:
    return CreateRequest(CREATE, path, b"", [RawAcl(31, b"world", b"anyone")], flags, -1)


PATHS = st.sampled_from([b"/a", b"/b", b"/c"])
CHANGES = st.one_of(
    st.builds(create, PATHS, st.sampled_from([0, 1])),
    st.builds(lambda path: DeleteRequest(DELETE, path, -1), PATHS),
    st.builds(lambda path: SetDataRequest(path, b"x", -1), PATHS),
)
REQUESTS = st.one_of(CHANGES, st.builds(MultiRequest, st.lists(CHANGES, max_size=5)))
STEPS = st.lists(st.one_of(st.tuples(st.sampled_from(SESSIONS), REQUESTS), st.integers(1, 4)), max_size=40)


def searched(server: Server, session_id: int) -> list[bytes]:
    pending: PendingTree = server.service.preparer.pending
    found = []
    for path in (b"/a", b"/b", b"/c"):
        node = pending.get(path)
        if node is not None and node.owner == session_id:
            found.append(path)
    return found


@settings(max_examples=300)
@given(STEPS)
def test_the_index_agrees_with_a_search(steps: list[tuple[int, WriteRequest] | int]) -> None:
    server = Server()
    for step in steps:
        if isinstance(step, int):
            server.commit(step)
        else:
            server.service.propose(None, step[0], 0, step[1], 0)
        for session_id in SESSIONS:
            assert server.service.preparer.pending.ephemerals(session_id) == searched(server, session_id)
    server.commit()
    owned = {session_id: set(searched(server, session_id)) for session_id in SESSIONS}
    assert {session_id: paths for session_id, paths in owned.items() if paths} == server.database.tree.owners.ephemerals
