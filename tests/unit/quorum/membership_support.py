"""Memberships for tests, in hypothesis and by hand. The captured text is appendix A of the quorum specification."""

import string

from hypothesis import strategies as st

from zkeeper.quorum.membership import ClientAddress, Member, MemberAddress, Membership

CAPTURED = bytes.fromhex(
    "7365727665722e313d3132372e302e302e313a32323133313a32323132313a7061727469636970616e740a"
    "7365727665722e323d3132372e302e302e313a32323133323a32323132323a7061727469636970616e740a"
    "7365727665722e333d3132372e302e302e313a32323133333a32323132333a7061727469636970616e740a"
    "76657273696f6e3d30"
).decode()

HOSTS = st.one_of(
    st.text(string.ascii_letters + string.digits + "-._", min_size=1, max_size=12),
    st.ip_addresses(v=4).map(str),
    st.sampled_from(["0:0:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:1", "fe80::1%eth0"]),
)
PORTS = st.integers(0, 0xFFFF)
SIDS = st.integers(-(1 << 63), (1 << 63) - 1)
CLIENTS = st.none() | st.builds(ClientAddress, HOSTS, PORTS)
ADDRESSES = st.builds(MemberAddress, HOSTS, PORTS, PORTS).filter(lambda one: one.quorum_port != one.election_port)


def member(sid: int, port: int = 2888, *, is_observer: bool = False, host: str = "h") -> Member:
    return Member(sid, (MemberAddress(f"{host}{sid}", port, port + 1000),), is_observer, ClientAddress("0.0.0.0", 2181))


def voters(*sids: int, version: int = 0) -> Membership:
    return Membership({sid: member(sid) for sid in sids}, version=version)


@st.composite
def memberships(draw: st.DrawFn) -> Membership:
    sids = draw(st.lists(SIDS, min_size=1, max_size=6, unique=True))
    addresses = st.lists(ADDRESSES, min_size=1, max_size=3).map(tuple)
    roles = [False, *draw(st.lists(st.booleans(), min_size=len(sids) - 1, max_size=len(sids) - 1))]
    members = {
        sid: Member(sid, draw(addresses), is_observer, draw(CLIENTS), draw(CLIENTS))
        for sid, is_observer in zip(sids, roles, strict=True)
    }
    version = draw(st.integers(0, (1 << 63) - 1))
    if not draw(st.booleans()):
        return Membership(members, version=version)
    groups: dict[int, set[int]] = {}
    for sid in (sid for sid, one in members.items() if not one.is_observer):
        groups.setdefault(draw(st.integers(1, 3)), set()).add(sid)
    return Membership(members, groups, draw(st.dictionaries(st.sampled_from(sids), st.integers(0, 9))), version)
