"""Who may do what: ids that are valid in ACLs, networks, credentials and what an ACL is made into."""

import base64
import hashlib
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.database.acls import AclList, Identity
from zkeeper.database.auth import AuthRules
from zkeeper.errors import InvalidAclError, MarshallingError
from zkeeper.wire.acl import Acl, RawAcl
from zkeeper.wire.addresses import Network, canonical_address, parse_address, parse_network

ME: list[Identity] = [(b"ip", b"127.0.0.1")]
BOB = (b"digest", b"bob:fyVmFCwVbTJYrznoSu1koqYEYF0=")


RawTuple = tuple[int, bytes | None, bytes | None]


def fix(rules: AuthRules, *entries: RawTuple, who: list[Identity] = ME) -> tuple[Acl, ...]:
    return rules.fix_acl([RawAcl(*entry) for entry in entries], who)


def is_valid(scheme: bytes, identity: bytes, rules: AuthRules | None = None) -> bool:
    try:
        return fix(rules or AuthRules(), (31, scheme, identity)) == ((31, scheme, identity),)
    except InvalidAclError:
        return False


IDS = [
    *[(b"digest", text, True) for text in (b"a:b", b":b", b"a:b:", b"a:b:::", b"a: ")],
    *[(b"digest", text, False) for text in (b"a:", b"a", b"a:b:c", b":", b"", b"::", b"::b", b"a::b")],
    *[(b"ip", text, True) for text in (b"1.2.3.4", b"0.0.0.0/0", b"10.0.0.0/32", b"::", b"::1", b"1::", b"::/0",
      b"1:2:3:4:5:6:7:8", b"ABCD::ef/128", b"1:2:3:4:5:6:7::", b"::2:3:4:5:6:7:8", b"255.255.255.255/1")],
    *[(b"ip", text, False) for text in (b"10.0.0.0/33", b"10.0.0.0/-1", b"1.2.3", b"1.2.3.4/", b"::ffff:1.2.3.4", b"",
      b"1.2.3.256", b"1.2.3.4.5", b"a.b.c.d", b"::/129", b"1:2:3:4:5:6:7:8:9", b"1:2:3:4:5:6:7", b"::1::", b"12345::",
      b":1", b"1:", b"fe80::1%eth0", b"1.2.3.4/8/8", b"1.2.3.4/a", b"/8", b":::", b" 1.2.3.4", b"1..3.4",
      b"1:2:3:4::5:6:7:8")],
    (b"world", b"anyone", True), (b"world", b"foo", False), (b"world", b"", False),
    *[(scheme, b"x:y", False) for scheme in (b"super", b"sasl", b"x509", b"key", b"", b"Digest", b"nope")],
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "identity", "valid"), IDS)
def test_ids_in_acls(scheme: bytes, identity: bytes, valid: bool) -> None:
    assert is_valid(scheme, identity) == valid


SASL_IDS = [(b"bob", True), (b"a/b@R", True), (b"a@R", True), (b"a@b@c", False), (b"@R", False)]


@pytest.mark.parametrize(("identity", "valid"), SASL_IDS)
def test_sasl_ids_once_the_provider_is_registered(identity: bytes, valid: bool) -> None:
    assert is_valid(b"sasl", identity, AuthRules(sasl_in_acls=True)) == valid


NETWORKS = [
    (b"127.0.0.2/30", b"127.0.0.1", True), (b"127.0.0.4/30", b"127.0.0.1", False), (b"127.0.0.1", b"127.0.0.1", True),
    (b"0.0.0.0/0", b"9.9.9.9", True), (b"::/0", b"127.0.0.1", False), (b"0.0.0.0/0", b"0:0:0:0:0:0:0:1", False),
    (b"::1", b"0:0:0:0:0:0:0:1", True), (b"fe80::/10", b"febf:0:0:0:0:0:0:1", True),
    (b"fe80::/10", b"fec0:0:0:0:0:0:0:1", False),
    (b"127.0.0.1", b"", False), (b"nonsense", b"127.0.0.1", False),
]  # fmt: skip


def network_holds(network: bytes, address: bytes) -> bool:
    parsed = parse_address(address)
    return parsed is not None and Network(network).holds(parsed)


@pytest.mark.parametrize(("network", "address", "holds"), NETWORKS)
def test_networks(network: bytes, address: bytes, holds: bool) -> None:
    assert network_holds(network, address) == holds


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_address_is_in_its_own_network(address: IPv4Address, bits: int) -> None:
    text = str(address).encode()
    assert network_holds(b"%s/%d" % (text, bits), text)


@given(st.ip_addresses(v=6))
def test_ipv6_addresses_are_known_by_eight_groups(address: IPv6Address) -> None:
    known = canonical_address(str(address))
    expected = [int(group, 16) for group in address.exploded.split(":")]
    if b"." not in known:
        assert known == b":".join(b"%x" % group for group in expected)
    assert network_holds(known, known)


def test_addresses_as_sockets_show_them() -> None:
    assert canonical_address("10.1.2.3") == canonical_address("::ffff:10.1.2.3") == b"10.1.2.3"
    assert canonical_address("fe80::1%lo") == b"fe80:0:0:0:0:0:0:1"


@given(st.binary(max_size=12))
def test_any_bytes_are_a_network_or_not(text: bytes) -> None:
    found = parse_network(text)
    assert found is None or 0 <= found[1] <= 8 * len(found[0])


VECTORS = [
    (b"bob:secret", BOB[1]),
    (b"super:admin", b"super:xQJmxLMiHGwaqBvst5y6rkB6HQs="),
]


@pytest.mark.parametrize(("auth", "identity"), VECTORS)
def test_digest_credentials_are_those_of_java(auth: bytes, identity: bytes) -> None:
    assert AuthRules().authenticate(b"digest", auth, b"1.1.1.1") == [(b"digest", identity)]


@pytest.mark.parametrize("auth", [b"", b"name", b":", b"a:b:c", b"\xff:x", "é:\U0001f600".encode()])
def test_every_digest_succeeds(auth: bytes) -> None:
    ((scheme, identity),) = AuthRules().authenticate(b"digest", auth, b"1.1.1.1") or []
    hashed = hashlib.sha1(auth.decode(errors="replace").encode(), usedforsecurity=False).digest()
    user = auth.split(b":")[0].decode(errors="replace").encode()
    assert (scheme, identity) == (b"digest", user + b":" + base64.b64encode(hashed))


def test_the_digest_algorithm_can_be_chosen_and_the_provider_switched_off() -> None:
    ((_, identity),) = AuthRules(digest_algorithm="sha256").authenticate(b"digest", b"a:b", b"") or []
    assert len(base64.b64decode(identity.split(b":")[1])) == 32
    off = AuthRules(digest_enabled=False)
    assert off.authenticate(b"digest", b"a:b", b"") is None
    assert not is_valid(b"digest", b"a:b", off)
    assert not off.allows(AclList(((31, *BOB),)), 1, [BOB])
    with pytest.raises(InvalidAclError):
        fix(off, (31, b"auth", b""), who=[*ME, BOB])


def test_the_super_user_is_known_by_the_whole_digest() -> None:
    rules = AuthRules(super_digest=VECTORS[1][1])
    assert rules.authenticate(b"digest", b"super:admin", b"") == [(b"super", b""), (b"digest", VECTORS[1][1])]
    assert rules.authenticate(b"digest", b"super:wrong", b"") != rules.authenticate(b"digest", b"super:admin", b"")
    assert len(rules.authenticate(b"digest", b"super:wrong", b"") or []) == 1


@pytest.mark.parametrize(("scheme", "auth"), [(None, b""), (b"world", b"anyone"), (b"super", b""), (b"digest", None)])
def test_what_authenticates_nobody(scheme: bytes | None, auth: bytes | None) -> None:
    assert AuthRules().authenticate(scheme, auth, b"1.1.1.1") is None


def allows(entries: tuple[Acl, ...], needed: int, *who: Identity, skip_acl: bool = False) -> bool:
    return AuthRules(skip_acl=skip_acl).allows(AclList(entries), needed, list(who))


def test_what_an_acl_grants() -> None:
    entries: tuple[Acl, ...] = ((1, b"world", b"anyone"), (6, *BOB), (16, b"ip", b"10.0.0.0/8"))
    assert [allows(entries, bit) for bit in (1, 2, 4, 8, 16)] == [True, False, False, False, False]
    assert [allows(entries, bit, BOB) for bit in (1, 2, 4, 8, 16)] == [True, True, True, False, False]
    assert allows(entries, 16 | 8, (b"ip", b"10.3.3.3"))
    assert not allows(entries, 16, (b"ip", b"11.3.3.3"))
    assert not allows(entries, 2, (b"sasl", BOB[1]))
    assert allows(entries, 8, (b"super", b""))
    assert allows(entries, 8, skip_acl=True)
    assert allows((), 31)
    assert not allows(((0, b"world", b"anyone"),), 31)
    assert allows(((255, b"world", b"anyone"),), 16)


def test_sasl_credentials() -> None:
    rules = AuthRules(sasl_in_acls=True, any_sasl_user=b"glenda")
    cases = [(b"a", b"a", True), (b"a", b"b", False), (b"a", b"super", True), (b"glenda", b"b", True)]
    for wanted, held, granted in cases:
        assert rules.allows(AclList(((31, b"sasl", wanted),)), 1, [(b"sasl", held)]) == granted
        assert not AuthRules().allows(AclList(((31, b"sasl", wanted),)), 1, [(b"sasl", held)])


def test_auth_becomes_those_who_authenticated() -> None:
    ann = (b"digest", b"ann:x")
    fixed = fix(AuthRules(), (3, b"auth", b"x"), (31, b"world", b"anyone"), who=[*ME, BOB, (b"super", b""), ann])
    assert fixed == ((3, *BOB), (3, *ann), (31, b"world", b"anyone"))
    assert fix(AuthRules(), (3, b"auth", None), (3, b"auth", b""), who=[BOB]) == ((3, *BOB), (3, *BOB))
    with pytest.raises(InvalidAclError):
        fix(AuthRules(), (3, b"auth", b""))


def test_duplicates_go_and_the_first_order_stays() -> None:
    entries = [(1, b"ip", b"::1"), (31, b"world", b"anyone"), (2, b"ip", b"::1")]
    assert fix(AuthRules(), *entries, *entries) == tuple(entries)


def test_nothing_null_passes() -> None:
    with pytest.raises(InvalidAclError):
        AuthRules().fix_acl(None, ME)
    with pytest.raises(InvalidAclError):
        AuthRules().fix_acl([], ME)
    with pytest.raises(InvalidAclError):
        fix(AuthRules(), (31, None, b"x"))
    with pytest.raises(MarshallingError):
        fix(AuthRules(), (31, b"ip", None))


def test_ids_are_stored_as_java_writes_them() -> None:
    ((_, _, stored),) = fix(AuthRules(), (31, b"digest", "\U0001f600:x".encode()))
    assert stored == b"\xed\xa0\xbd\xed\xb8\x80:x"


@pytest.mark.parametrize(
    ("scheme", "identity", "name"),
    [(*BOB, b"bob"), (b"ip", b"1.2.3.4", b"1.2.3.4"), (b"super", b"", b""), (b"sasl", b"x", b""), (b"x509", b"a", b"")],
)
def test_user_names(scheme: bytes, identity: bytes, name: bytes) -> None:
    assert AuthRules().user_name(scheme, identity) == name
